#include "optim/companion.h"

#include <math.h>
#include <string.h>

const char *const companion_rules[] = {"none", "beta2_half_life", "malladi", NULL};

static double malladi_beta(double beta, double k) {
    return fmax(0, 1 - k * (1 - beta));
}

double companion_beta1(CompanionRule rule, double beta1, double k) {
    return rule == COMPANION_MALLADI ? malladi_beta(beta1, k) : beta1;
}

double companion_beta2(CompanionRule rule, double beta2, double k) {
    if (rule == COMPANION_BETA2)
        return pow(beta2, k);
    return rule == COMPANION_MALLADI ? malladi_beta(beta2, k) : beta2;
}

double companion_eps(CompanionRule rule, double eps, double k) {
    return rule == COMPANION_MALLADI ? eps / sqrt(k) : eps;
}

void *companion_settings(CompanionRule rule, double k, const Kind *optimizer, const void *settings,
                         Arena *arena) {
    char *copy = arena_alloc(arena, optimizer->settings_bytes);
    if (optimizer->settings_bytes > 0)
        memcpy(copy, settings, optimizer->settings_bytes);
    for (const Param *row = optimizer->params; row && row->key; row++) {
        double *field = (double *)(void *)(copy + row->offset);
        if (row->kind != PARAM_NUMBER)
            continue;
        if (strcmp(row->key, "beta1") == 0)
            *field = companion_beta1(rule, *field, k);
        else if (strcmp(row->key, "beta2") == 0)
            *field = companion_beta2(rule, *field, k);
        else if (strcmp(row->key, "eps") == 0)
            *field = companion_eps(rule, *field, k);
    }
    return copy;
}
