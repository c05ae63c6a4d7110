#include "lab/sweep/setting.h"

#include <string.h>

typedef struct Place {
    const char *prefix;
    const Param *rows;
} Place;

static const Param *find_row(const Param *rows, const char *key) {
    for (; rows && rows->key; rows++)
        if (strcmp(rows->key, key) == 0)
            return rows;
    return NULL;
}

const Param *setting_row(const TrialSettings *settings, const char *name) {
    TrialRows trial = trial_rows();
    const Place places[] = {
        {"dataset.", settings->dataset->kind.params},
        {"model.", settings->model->kind.params},
        {"optimizer.", settings->optimizer->kind.params},
        {"batch_schedule.", settings->batch_schedule->kind.params},
        {"compression.", settings->compression->kind.params},
        {"lr.warmup.", lr_warmup_rows()},
        {"lr.scaling.", settings->lr.scaling->params},
        {"lr.schedule.", settings->lr.schedule->params},
        {"lr.", lr_rows()},
        {"stop.", trial.stop},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        size_t n = strlen(places[i].prefix);
        if (strncmp(name, places[i].prefix, n) == 0)
            return find_row(places[i].rows, name + n);
    }
    for (int i = 0; i < trial.n_sections; i++) {
        size_t n = strlen(trial.sections[i].key);
        if (strncmp(name, trial.sections[i].key, n) == 0 && name[n] == '.')
            return find_row(trial.sections[i].rows, name + n + 1);
    }
    return find_row(trial.counts, name);
}
