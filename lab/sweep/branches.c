#include "lab/sweep/branches.h"

#include <math.h>

enum { LR_AUTO, LR_LINEAR, LR_SQRT, LR_NONE };
static const char *const lr_names[] = {"auto", "linear", "sqrt", "none", NULL};

const Param branches_rows[] = {
    PARAM(COUNTS, Branches, at_examples, "[]", 0, 1e15, "examples",
          "where branches leave the trunk; or give at_frac"),
    PARAM(NUMBERS, Branches, at_frac, "[]", 0, 1, "1",
          "the same as fractions of the trunk's budget"),
    PARAM(COUNTS, Branches, factors, "[1, 2, 4, 8, 16, 32]", 1, 1 << 20, "1",
          "multiples k of the trunk's batch, growing"),
    PARAM(COUNT, Branches, examples, NULL, 1, 1e15, "examples",
          "length of every branch, a multiple of the largest batch"),
    PARAM_FROM(Branches, lr, "\"auto\"", lr_names,
               "the rate times k, sqrt(k) or 1; auto: as the optimizer's rate goes with the batch"),
    PARAM_END,
};

/* Both tables of rows are one object; each reader is told the other's keys. */
static const char *const own_keys[] = {"at_examples", "at_frac", "factors", "examples", "lr", NULL};
static const char *const rule_keys[] = {"loss", "alpha", "tolerance", NULL};

static Error *check_growing(const Json *list) {
    const Json *before = NULL;
    JSON_EACH (child, list) {
        if (before && child->number <= before->number)
            return error_hint(json_error(child, "is %g after %g", child->number, before->number),
                              "give growing values, for example [1, 2, 4, 8]");
        before = child;
    }
    return NULL;
}

static Error *check(const Branches *branches, const Json *object) {
    const Json *factors = json_find(object, "factors");
    int n_lists = (branches->at_examples.n > 0) + (branches->at_frac.n > 0);
    if (n_lists != 1)
        return error_hint(json_error(object, n_lists ? "has both at_examples and at_frac"
                                                     : "does not say where branches begin"),
                          "give one of them, for example \"at_examples\": [2000, 8000, 32000]");
    if (branches->factors.n < 2)
        return error_hint(json_error(factors, "has %d values", branches->factors.n),
                          "give at least two, for example [1, 2, 4, 8]");
    if (factors)
        PASS(check_growing(factors));
    static const char *const lists[] = {"at_examples", "at_frac"};
    for (int i = 0; i < 2; i++)
        if (json_find(object, lists[i]))
            PASS(check_growing(json_find(object, lists[i])));
    return NULL;
}

Error *branches_read(Branches *out, const Json *object, Arena *arena) {
    *out = (Branches){.where = object};
    if (!object)
        return NULL;
    PASS(param_read(out, branches_rows, object, rule_keys, arena));
    PASS(param_read(&out->rule, branch_rule_rows, object, own_keys, arena));
    return check(out, object);
}

Json *branches_write(const Branches *branches, Arena *arena) {
    Json *object = json_object(arena);
    param_write(object, branches_rows, branches, arena);
    param_write(object, branch_rule_rows, &branches->rule, arena);
    return object;
}

static int n_points(const Branches *branches) {
    return branches->at_examples.n + branches->at_frac.n;
}

int branches_count(const Branches *branches) {
    return branches->where ? n_points(branches) * branches->factors.n : 0;
}

static double lr_power(const Branches *branches, const OptimType *optimizer) {
    const double power[] = {
        [LR_AUTO] = optimizer->lr_power, [LR_LINEAR] = 1, [LR_SQRT] = 0.5, [LR_NONE] = 0};
    return power[branches->lr];
}

/* A trunk of one batch: every branch must be a whole number of updates. (When a schedule changes
 * the trunk's batch, the branches end where their last update does.) */
static Error *check_length(const Branches *branches, const TrialSettings *trunk) {
    int64_t largest = branches->factors.value[branches->factors.n - 1] * trunk->global_batch;
    bool constant =
        &trunk->batch_schedule->kind == batch_schedule_table[BATCH_SCHEDULE_ID_constant];
    if (!constant || branches->examples % largest == 0)
        return NULL;
    return error_hint(json_error(json_find(branches->where, "examples"),
                                 "is %lld, but the largest branch has %lld examples an update",
                                 (long long)branches->examples, (long long)largest),
                      "give a multiple of it, for example %lld",
                      (long long)((branches->examples / largest + 1) * largest));
}

static void add(Json *object, const char *key, double value, const Json *where, Arena *arena) {
    Json *number = json_add(object, key, json_number(value, arena), arena);
    number->file = where->file;
    number->line = where->line;
    number->path = arena_print(arena, "%s.%s", where->path, key);
}

Error *branches_point(Json **out, const Branches *branches, int index, const Json *trial,
                      const TrialSettings *settings, double budget, Arena *arena) {
    int at = index / branches->factors.n;
    if (json_find(trial, "branch"))
        return error_hint(json_error(json_find(trial, "branch"), "is a branch of its own"),
                          "leave it out: '%s' makes the branches", branches->where->path);
    PASS(check_length(branches, settings));
    Json *branch = json_object(arena);
    branch->file = branches->where->file;
    branch->line = branches->where->line;
    branch->path = branches->where->path;
    double begin = branches->at_frac.n ? ceil(branches->at_frac.value[at] * budget)
                                       : (double)branches->at_examples.value[at];
    add(branch, "at_examples", begin, branches->where, arena);
    add(branch, "factor", (double)branches->factors.value[index % branches->factors.n],
        branches->where, arena);
    add(branch, "lr_power", lr_power(branches, settings->optimizer), branches->where, arena);
    add(branch, "examples", (double)branches->examples, branches->where, arena);
    *out = json_copy(trial, arena);
    return json_set(*out, "branch", branch, arena);
}

Error *branches_blame(Error *error, const Branches *branches, int index) {
    if (!error)
        return NULL;
    int at = index / branches->factors.n;
    long long factor = branches->factors.value[index % branches->factors.n];
    if (branches->at_frac.n)
        return error_wrap(error, "in the branch with factor %lld off %g of the budget", factor,
                          branches->at_frac.value[at]);
    return error_wrap(error, "in the branch with factor %lld off %lld examples", factor,
                      (long long)branches->at_examples.value[at]);
}
