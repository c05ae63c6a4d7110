/* Companions of a scaling rule: settings of Adam-like optimizers that change with the batch beside the learning rate
 * (shared/specs/optimizers.md section 8.1). k = global_batch / base_batch. */
#ifndef OPTIM_COMPANION_H
#define OPTIM_COMPANION_H

#include "lab/base/kind.h"

typedef enum {
    COMPANION_NONE,
    COMPANION_BETA2,   /* beta2^k: v forgets half in the same number of examples at every batch */
    COMPANION_MALLADI, /* 1 - beta1 and 1 - beta2 times k (at most 1), eps / sqrt(k); goes with scaling sqrt */
} CompanionRule;

extern const char *const companion_rules[]; /* "none", "beta2_half_life", "malladi", NULL */

double companion_beta2(CompanionRule rule, double beta2, double k);
double companion_beta1(CompanionRule rule, double beta1, double k);
double companion_eps(CompanionRule rule, double eps, double k);

/* A copy of an optimizer's settings as they act at k: fields named beta1, beta2 and eps are transformed, others are
 * copied. For the update rule only; the resolved experiment keeps the settings given. */
void *companion_settings(CompanionRule rule, double k, const Kind *optimizer, const void *settings, Arena *arena);

#endif
