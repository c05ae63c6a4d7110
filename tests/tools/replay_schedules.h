/* Learning rates: scaling rules, warmups and schedules as experiments give them; numbers in the
 * cases' names are their settings. */
#ifndef TESTS_TOOLS_REPLAY_SCHEDULES_H
#define TESTS_TOOLS_REPLAY_SCHEDULES_H

#include "optim/growth.h"
#include "optim/schedule.h"
#include "tests/tools/replay.h"

enum { REPLAY_BATCH = 256 }; /* the base batch; rates do not depend on it */

/* Update t of `total`, at k times the base batch, has the t-th rate. */
static inline void replay_rates(Replay *replay, const Json *lr_object, double k, double total,
                                const Json *list) {
    LrSettings lr;
    if (!replay_is_open(replay))
        return;
    Error *error = lr_read(&lr, lr_object, replay->arena);
    if (error) {
        replay_unsupported(replay, "settings:", error_text(error));
        error_end(error);
        return;
    }
    if (list->kind != JSON_ARRAY) {
        replay_malformed(replay, "no list of rates:", replay->name);
        return;
    }
    double scale = 0, batch = k * REPLAY_BATCH;
    JSON_EACH (item, list)
        scale = fmax(scale, item->kind == JSON_NUMBER ? fabs(item->number) : 0);
    LrTime time = {.global_batch = batch,
                   .first_batch = batch,
                   .n_train = 100 * batch,
                   .total = total * batch,
                   .gain = 1};
    JSON_EACH (item, list) {
        if (item->kind == JSON_NUMBER)
            replay_compare(replay, lr_now(&lr, &time), item->number, scale);
        else
            replay_malformed(replay, "not a number in", replay->name);
        time.now += batch;
    }
}

static inline Json *replay_lr(Replay *replay, double base) {
    Json *lr = json_object(replay->arena);
    replay_set_number(replay, lr, "base", base);
    replay_set_number(replay, lr, "base_batch", REPLAY_BATCH);
    return lr;
}

static inline void replay_warm(Replay *replay, Json *lr, double steps, const char *kind) {
    if (!(steps > 0))
        return;
    replay_set_number(replay, lr, "warmup.steps", steps);
    replay_set_text(replay, lr, "warmup.kind", kind);
}

/* ---- scaling */

static inline void replay_scaling_rule(Replay *replay, const Json *group, const Json *expected) {
    const char *name = expected->key;
    const Json *base = json_find(group, "base_lr"), *base_batch = json_find(group, "base_B"),
               *batch = json_find(group, "B");
    if (!base || !base_batch || !batch || expected->kind != JSON_NUMBER) {
        replay_malformed(replay, "no base_lr, base_B, B or rate for", name);
        return;
    }
    Json *object = replay_lr(replay, base->number);
    replay_set_number(replay, object, "base_batch", base_batch->number);
    static const char *const rules[] = {"none", "linear",   "sqrt", "power",
                                        "legw", "adascale", "noise"};
    const char *rule = NULL;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        rule = replay_has_prefix(name, rules[i]) ? rules[i] : rule;
    if (!rule) {
        replay_unsupported(replay, "scaling rule", name);
        return;
    }
    replay_set_text(replay, object, "scaling.name", rule);
    if (strcmp(rule, "power") == 0)
        replay_set_number(replay, object, "scaling.power", replay_number_in(name, "power", 0.75));
    LrSettings lr;
    Error *error = lr_read(&lr, object, replay->arena);
    if (error) {
        replay_unsupported(replay, "settings:", error_text(error));
        error_end(error);
        return;
    }
    const ScalingType *scaling = (const ScalingType *)lr.scaling;
    LrTime time = {.global_batch = batch->number,
                   .first_batch = batch->number,
                   .n_train = 1e6,
                   .total = 1e6,
                   .gain = 1};
    if (scaling->gain) { /* B_noise = tr(Sigma) at |G|^2 = 1 */
        double sqnorm = replay_number_in(name, "mu2_", 1);
        double trace = replay_number_in(name, "sigma2_", NAN) * base_batch->number;
        if (strcmp(rule, "noise") == 0)
            trace = replay_number_in(name, "_B", NAN);
        time.gain = scaling->gain(lr.scaling_settings, batch->number / base_batch->number,
                                  base_batch->number, trace, sqnorm);
    }
    replay_compare(replay, lr_now(&lr, &time), expected->number, 0);
}

static inline void replay_scalings(Replay *replay, const Json *group) {
    JSON_EACH (item, group) {
        if (strcmp(item->key, "base_lr") == 0 || strcmp(item->key, "base_B") == 0 ||
            strcmp(item->key, "B") == 0)
            continue;
        replay_begin(replay, "schedules lr_scaling", item->key);
        replay_scaling_rule(replay, group, item);
        replay_end(replay);
    }
}

/* ---- warmup */

/* "detectron_factor_third", "detectron_factor0.25" */
static inline double replay_start(const char *name) {
    static const struct {
        const char *word;
        double value;
    } shares[] = {{"half", 0.5}, {"third", 1.0 / 3}, {"quarter", 0.25}, {"tenth", 0.1}};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (strstr(name, shares[i].word))
            return shares[i].value;
    return replay_number_in(name, "_factor", 1.0 / 3);
}

static inline void replay_warmups(Replay *replay, const Json *group) {
    static const char *const kinds[][2] = {
        {"goyal", "goyal"},
        {"horovod", "horovod"},
        {"from_zero_tplus1", "linear"},
        {"from_zero_t", "mlperf"},
        {"constant", "constant"},
        {"detectron", "factor"},
        {"nvcaffe_quadratic", "quadratic"},
    };
    double length = replay_number_in(group->key, "_Tw", NAN),
           k = replay_number_in(group->key, "_k", NAN);
    double base = replay_number_in(group->key, "_base", NAN);
    JSON_EACH (item, group) {
        replay_begin(replay, group->key, item->key);
        const char *kind = NULL;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !kind; i++)
            kind = replay_has_prefix(item->key, kinds[i][0]) ? kinds[i][1] : NULL;
        if (!kind || !(length > 0) || !(k > 0) || !(base >= 0))
            replay_unsupported(replay, "warmup", item->key);
        Json *lr = replay_lr(replay, base >= 0 ? base : 0);
        replay_set_text(replay, lr, "scaling", "linear");
        replay_warm(replay, lr, length, kind ? kind : "linear");
        if (kind && strcmp(kind, "factor") == 0)
            replay_set_number(replay, lr, "warmup.start", replay_start(item->key));
        replay_rates(replay, lr, k, 10 * length, item);
        replay_end(replay);
    }
}

/* ---- schedules */

/* "multistep_3_6_8": the numbers behind the name. */
static inline void replay_milestones(Replay *replay, Json *lr, const char *name) {
    Json *list = json_array(replay->arena);
    const char *at = name + strlen("multistep");
    double value;
    int length;
    while (sscanf(at, "_%lf%n", &value, &length) == 1) {
        json_add(list, NULL, json_number(value, replay->arena), replay->arena);
        at += length;
    }
    replay_set(replay, lr, "schedule.milestones", list);
}

/* One number of the name, when it is there, as a setting of the schedule. */
static inline void replay_named(Replay *replay, Json *lr, const char *name, const char *word,
                                const char *setting) {
    double value = replay_number_in(name, word, NAN);
    if (!isnan(value))
        replay_set_number(replay, lr, arena_print(replay->arena, "schedule.%s", setting), value);
}

static inline void replay_wsd(Replay *replay, Json *lr, const char *name) {
    static const char *const shapes[] = {"linear", "sqrt", "cosine", "exp"};
    const char *shape = NULL;
    for (int i = 0; i < 4; i++)
        shape = replay_has_prefix(name + strlen("wsd_"), shapes[i]) ? shapes[i] : shape;
    if (!shape) {
        replay_unsupported(replay, "shape of", name);
        return;
    }
    replay_set_text(replay, lr, "schedule.shape", shape);
    replay_named(replay, lr, name, "_decay", "decay");
    replay_named(replay, lr, name, "_final", "final_ratio");
    replay_named(replay, lr, name, "_end", "end");
    replay_warm(replay, lr, replay_number_in(name, "_Tw", 0), "mlperf");
}

static inline Json *replay_decay(Replay *replay, const char *name, double peak) {
    static const char *const names[][2] = {
        {"constant", "constant"},       {"step", "step"},          {"multistep_", "multistep"},
        {"exponential", "exponential"}, {"cosine", "cosine"},      {"sgdr", "cosine_restarts"},
        {"poly", "polynomial"},         {"onecycle", "one_cycle"}, {"wsd_", "wsd"},
    };
    Json *lr = replay_lr(replay, peak);
    const char *schedule = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        schedule = replay_has_prefix(name, names[i][0]) ? names[i][1] : schedule;
    if (!schedule) {
        replay_unsupported(replay, "schedule", name);
        return lr;
    }
    replay_set_text(replay, lr, "schedule.name", schedule);
    if (strcmp(schedule, "step") == 0 || strcmp(schedule, "exponential") == 0 ||
        strcmp(schedule, "multistep") == 0) {
        replay_set_text(replay, lr, "schedule.unit", "steps");
        replay_named(replay, lr, name, "_gamma", "gamma");
        replay_named(replay, lr, name, "_every", "every");
    }
    if (strcmp(schedule, "multistep") == 0)
        replay_milestones(replay, lr, name);
    if (strcmp(schedule, "wsd") == 0)
        replay_wsd(replay, lr, name);
    if (strcmp(schedule, "cosine") == 0 || strcmp(schedule, "exponential") == 0)
        replay_named(replay, lr, name, "_floor", "floor");
    if (strcmp(schedule, "cosine_restarts") == 0) {
        replay_set_text(replay, lr, "schedule.unit", "steps");
        replay_named(replay, lr, name, "_T0_", "first");
        replay_set_number(replay, lr, "schedule.mult", replay_number_in(name, "_mult", 1));
        replay_named(replay, lr, name, "_floor", "floor");
    }
    if (strcmp(schedule, "polynomial") == 0) {
        replay_named(replay, lr, name, "_p", "power");
        replay_named(replay, lr, name, "_end", "end");
    }
    if (strcmp(schedule, "one_cycle") == 0) {
        replay_set_flag(replay, lr, "schedule.three_phase", strstr(name, "three_phase") != NULL);
        replay_named(replay, lr, name, "_pct", "pct_start");
        replay_named(replay, lr, name, "_div", "div_factor");
        replay_named(replay, lr, name, "_final", "final_div_factor");
        if (strstr(name, "linear"))
            replay_set_text(replay, lr, "schedule.anneal", "linear");
    }
    return lr;
}

static inline void replay_decays(Replay *replay, const Json *group) {
    double total = replay_number_in(group->key, "T", NAN),
           peak = replay_number_in(group->key, "_peak", 1);
    JSON_EACH (item, group) {
        replay_begin(replay, group->key, item->key);
        replay_rates(replay, replay_decay(replay, item->key, peak), 1, total, item);
        replay_end(replay);
    }
}

/* "mlperf_lars_poly2_total20_warm5_plr10_end1e-4",
 * "poly2_over_total_no_shift_warm5_total20_peak10": one list. */
static inline void replay_poly(Replay *replay, const Json *list, const char *shift,
                               const char *peak_word) {
    const char *name = list->key;
    replay_begin(replay, "schedules", name);
    double total = NAN; /* the word also stands alone: "over_total_no_shift_..._total20" */
    for (const char *at = strstr(name, "total"); at && isnan(total); at = strstr(at + 1, "total"))
        if (sscanf(at, "total%lf", &total) != 1)
            total = NAN;
    Json *lr = replay_lr(replay, replay_number_in(name, peak_word, NAN));
    replay_set_text(replay, lr, "schedule.name", "polynomial");
    replay_set_text(replay, lr, "schedule.shift", shift);
    replay_named(replay, lr, name, "poly", "power");
    replay_named(replay, lr, name, "_end", "end_lr");
    replay_warm(replay, lr, replay_number_in(name, "warm", 0), "mlperf");
    if (!(total > 0))
        replay_unsupported(replay, "no total in", name);
    replay_rates(replay, lr, 1, total, list);
    replay_end(replay);
}

/* "batch_schedule_smith_x5_at_60_120_160_B0_128_cap_5120_(epoch,B,lr)": rows of epoch, batch, rate.
 */
static inline void replay_growth(Replay *replay, const Json *list) {
    const char *name = list->key;
    replay_begin(replay, "schedules", name);
    double factor = replay_number_in(name, "_x", NAN), first = replay_number_in(name, "_B0_", NAN),
           cap = replay_number_in(name, "_cap_", NAN);
    int n_points = 0;
    if (!(factor > 1) || !(first > 0) || !(cap > 0) || list->kind != JSON_ARRAY)
        replay_unsupported(replay, "batch schedule", name);
    const Json *start = list->first;
    for (const Json *row = start; row && replay_is_open(replay); row = row->next, n_points++) {
        if (row->kind != JSON_ARRAY || row->n != 3) {
            replay_malformed(replay, "a row that is not epoch, batch, rate in", name);
            break;
        }
        Growth growth = growth_at((int64_t)first, (int64_t)cap, (int64_t)factor, n_points);
        replay_number(replay, (double)growth.global_batch, row->first->next);
        replay_number(replay, start->last->number * growth.lr_factor, row->last);
    }
    replay_end(replay);
}

static inline void replay_schedules(Replay *replay, const Json *schedules) {
    JSON_EACH (group, schedules) {
        if (strcmp(group->key, "lr_scaling") == 0)
            replay_scalings(replay, group);
        else if (replay_has_prefix(group->key, "warmup_"))
            replay_warmups(replay, group);
        else if (replay_number_in(group->key, "T", NAN) > 0 && strstr(group->key, "_peak") &&
                 group->kind == JSON_OBJECT)
            replay_decays(replay, group);
        else if (replay_has_prefix(group->key, "mlperf_lars_poly"))
            replay_poly(replay, group, "mlperf", "_plr");
        else if (replay_has_prefix(group->key, "poly") && strstr(group->key, "no_shift"))
            replay_poly(replay, group, "whole", "_peak");
        else if (replay_has_prefix(group->key, "batch_schedule_smith"))
            replay_growth(replay, group);
        else {
            replay_begin(replay, "schedules", group->key);
            replay_unsupported(replay, "a group of this name:", group->key);
            replay_end(replay);
        }
    }
}

#endif
