#include "lab/analyze/branched.h"

#include "lab/analyze/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool branched_is(const RunRecord *run) {
    return run->config && json_find(run->config, "branch");
}

/* ---- what belongs together */

/* One branch of one seed. */
typedef struct Branch {
    const RunRecord *run;
    const char *trunk; /* canonical settings of the trunk, without its target */
    int place;         /* of the trunk's cell among all cells; their number when it is not there */
    int64_t at_examples, examples, factor;
    double lr_power;
} Branch;

/* A config without `branch` and without the target, which ends trunks but not branches. */
static const char *trunk_of(const Json *config, Arena *arena) {
    Json *trunk = json_object(arena);
    JSON_EACH (child, config) {
        if (strcmp(child->key, "branch") == 0)
            continue;
        bool stop = strcmp(child->key, "stop") == 0 && child->kind == JSON_OBJECT;
        Json *copy = stop ? json_object(arena) : json_copy(child, arena);
        if (stop)
            JSON_EACH (setting, child)
                if (strcmp(setting->key, "metric") != 0 && strcmp(setting->key, "target") != 0)
                    json_add(copy, setting->key, json_copy(setting, arena), arena);
        json_add(trunk, child->key, copy, arena);
    }
    return json_canonical(trunk, arena);
}

static double number_at(const Json *object, const char *key) {
    const Json *value = json_find(object, key);
    return value && value->kind == JSON_NUMBER ? value->number : 0;
}

static Branch branch_of(const RunRecord *run, const char *const *trunks, int n_cells,
                        Arena *arena) {
    const Json *branch = json_find(run->config, "branch");
    Branch out = {.run = run,
                  .trunk = trunk_of(run->config, arena),
                  .at_examples = (int64_t)number_at(branch, "at_examples"),
                  .examples = (int64_t)number_at(branch, "examples"),
                  .factor = (int64_t)number_at(branch, "factor"),
                  .lr_power = number_at(branch, "lr_power")};
    while (out.place < n_cells && strcmp(trunks[out.place], out.trunk) != 0)
        out.place++;
    return out;
}

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

/* By trunk and point. */
static int compare_points(const Branch *a, const Branch *b) {
    int order = ORDER(a->place, b->place);
    if (order == 0)
        order = strcmp(a->trunk, b->trunk);
    if (order == 0)
        order = ORDER(a->at_examples, b->at_examples);
    if (order == 0)
        order = ORDER(a->examples, b->examples);
    return order ? order : ORDER(a->lr_power, b->lr_power);
}

static int by_branch(const void *a, const void *b) {
    const Branch *x = a, *y = b;
    int order = compare_points(x, y);
    if (order == 0)
        order = ORDER(x->factor, y->factor);
    return order ? order : ORDER(x->run->header.seed, y->run->header.seed);
}

/* ---- the loss of a branch */

/* Examples seen when the branch began: of its first update. */
static int64_t begin_of(const RunRecord *run, int64_t at_examples) {
    for (int64_t s = 0; s < run->n_steps; s++)
        if (run->steps[s].examples - run->steps[s].global_batch >= at_examples)
            return run->steps[s].examples - run->steps[s].global_batch;
    return INT64_MAX;
}

static void see(double *mean, double loss, double alpha) {
    *mean = isnan(*mean) ? loss : *mean + alpha * (loss - *mean);
}

static bool contains(const int64_t *list, int n, int64_t value) {
    for (int i = 0; i < n; i++)
        if (list[i] == value)
            return true;
    return false;
}

double branched_loss(const RunRecord *run, const BranchRule *rule, const int64_t *shared,
                     int n_shared) {
    double mean = NAN;
    if (run->summary.outcome == OUTCOME_DIVERGED)
        return INFINITY;
    if (rule->loss == BRANCH_TRAIN_LOSS) {
        const Json *branch = json_find(run->config, "branch");
        int64_t begin = begin_of(run, (int64_t)number_at(branch, "at_examples"));
        for (int64_t s = 0; s < run->n_steps; s++)
            if (run->steps[s].examples > begin)
                see(&mean, run->steps[s].train_loss, rule->alpha);
        return mean;
    }
    for (int e = 0; e < run->n_evals; e++)
        if (contains(shared, n_shared, run->evals[e].examples))
            see(&mean, run->evals[e].valid_loss, rule->alpha);
    return mean;
}

/* ---- the branches of one point */

/* A grid of runs, NULL where one is missing or did not end by itself. */
typedef struct Grid {
    int n_factors, n_seeds;
    int64_t *factor;       /* (n_factors), growing */
    uint64_t *seed;        /* (n_seeds) */
    const RunRecord **run; /* (n_seeds, n_factors) */
} Grid;

static int place_of_seed(Grid *grid, uint64_t seed) {
    int at = 0;
    while (at < grid->n_seeds && grid->seed[at] != seed)
        at++;
    if (at == grid->n_seeds)
        grid->seed[grid->n_seeds++] = seed;
    return at;
}

static bool ended(const RunRecord *run) {
    return run->summary.outcome != OUTCOME_FAILED && run->summary.outcome != OUTCOME_INTERRUPTED;
}

static Grid grid_of(const Branch *branches, int n, Arena *arena) {
    Grid grid = {.factor = ARENA_ARRAY(arena, int64_t, n),
                 .seed = ARENA_ARRAY(arena, uint64_t, n),
                 .run = ARENA_ARRAY(arena, const RunRecord *, (int64_t)n *n)};
    for (int i = 0; i < n; i++)
        if (i == 0 || branches[i].factor != branches[i - 1].factor)
            grid.factor[grid.n_factors++] = branches[i].factor;
    for (int i = 0, f = 0; i < n; i++) {
        f += i > 0 && branches[i].factor != branches[i - 1].factor;
        int seed = place_of_seed(&grid, branches[i].run->header.seed);
        if (ended(branches[i].run))
            grid.run[seed * grid.n_factors + f] = branches[i].run;
    }
    return grid;
}

/* Keeps the seeds that have every branch; returns how many are gone. */
static int keep_whole_seeds(Grid *grid) {
    int kept = 0, before = grid->n_seeds;
    for (int s = 0; s < before; s++) {
        const RunRecord **row = grid->run + s * grid->n_factors;
        bool whole = true;
        for (int f = 0; f < grid->n_factors; f++)
            whole = whole && row[f];
        if (whole)
            memmove(grid->run + grid->n_factors * kept++, row,
                    sizeof(RunRecord *) * (size_t)grid->n_factors);
    }
    grid->n_seeds = kept;
    return before - kept;
}

static bool evaluated_at(const RunRecord *run, int64_t examples) {
    for (int e = 0; e < run->n_evals; e++)
        if (run->evals[e].examples == examples)
            return true;
    return run->summary.outcome == OUTCOME_DIVERGED; /* stopped early: has no say */
}

/* Points of the branches at which all of them were evaluated. */
static int shared_points(int64_t **out, const Grid *grid, int64_t at_examples, Arena *arena) {
    int n = 0, n_runs = grid->n_seeds * grid->n_factors, first = 0;
    while (first < n_runs && grid->run[first]->summary.outcome == OUTCOME_DIVERGED)
        first++;
    if (first == n_runs)
        return 0;
    const RunRecord *run = grid->run[first];
    int64_t begin = begin_of(run, at_examples);
    *out = ARENA_ARRAY(arena, int64_t, run->n_evals);
    for (int e = 0; e < run->n_evals; e++) {
        bool all = run->evals[e].examples > begin;
        for (int r = 0; r < n_runs && all; r++)
            all = evaluated_at(grid->run[r], run->evals[e].examples);
        if (all)
            (*out)[n++] = run->evals[e].examples;
    }
    return n;
}

static void judge(Branched *out, const Grid *grid, const BranchRule *rule, Arena *arena) {
    int64_t *shared = NULL;
    int n_shared = shared_points(&shared, grid, out->at_examples, arena), n = grid->n_factors;
    double *loss = ARENA_ARRAY(arena, double, n), *mean = ARENA_ARRAY(arena, double, n);
    int least = n, most = 0;
    for (int f = 0; f < n; f++)
        out->point[f] = (BranchedPoint){grid->factor[f], 0, INFINITY, -INFINITY};
    for (int s = 0; s < grid->n_seeds; s++) {
        for (int f = 0; f < n; f++) {
            BranchedPoint *point = &out->point[f];
            loss[f] = branched_loss(grid->run[s * n + f], rule, shared, n_shared);
            point->loss += loss[f] / grid->n_seeds;
            point->low = fmin(point->low, loss[f]);
            point->high = fmax(point->high, loss[f]);
        }
        int best = branch_best(loss, n, rule->tolerance);
        least = best < least ? best : least;
        most = best > most ? best : most;
    }
    for (int f = 0; f < n; f++)
        mean[f] = out->point[f].loss;
    if (grid->n_seeds == 0 || !isfinite(mean[0]))
        return;
    double batch = (double)out->global_batch;
    out->best = branch_best(mean, n, rule->tolerance);
    least = out->best < least ? out->best : least;
    most = out->best > most ? out->best : most;
    out->batch = (double)grid->factor[out->best] * batch;
    out->range.low = (double)grid->factor[least] * batch;
    out->range.high = most + 1 < n ? (double)grid->factor[most + 1] * batch : NAN;
}

static Branched branched_of(const Branch *branches, int n, const Cells *cells,
                            const BranchRule *rule, Arena *arena) {
    Grid grid = grid_of(branches, n, arena);
    const RunHeader *header = &branches->run->header;
    bool known = branches->place < cells->n_cells;
    const Cell *trunk = known ? &cells->cells[branches->place] : NULL;
    Branched out = {.label = known ? cells->series[trunk->series].label : header->optimizer,
                    .trunk = trunk,
                    .global_batch = header->global_batch,
                    .at_examples = branches->at_examples,
                    .examples = branches->examples,
                    .n_points = grid.n_factors,
                    .point = ARENA_ARRAY(arena, BranchedPoint, grid.n_factors),
                    .batch = NAN,
                    .range = {NAN, NAN}};
    out.n_seeds_left_out = keep_whole_seeds(&grid);
    out.n_seeds = grid.n_seeds;
    judge(&out, &grid, rule, arena);
    return out;
}

/* ---- all of them */

/* The rule is a part of the experiment's `branch` object; runs without one have the defaults. */
static BranchRule read_rule(const Json *object, Arena *arena) {
    BranchRule rule, standard;
    Json *own = json_object(arena);
    for (const Param *row = branch_rule_rows; row->key; row++) {
        const Json *value = object ? json_find(object, row->key) : NULL;
        if (value)
            json_add(own, row->key, json_copy(value, arena), arena);
    }
    error_end(param_read(&standard, branch_rule_rows, NULL, NULL, arena));
    Error *error = param_read(&rule, branch_rule_rows, own, NULL, arena);
    error_end(error);
    return error ? standard : rule;
}

Brancheds branched_make(const RunRecord *runs, int n, const Cells *cells, const Json *rule,
                        Arena *arena) {
    Brancheds out = {.rule = read_rule(rule, arena)};
    int n_runs;
    const RunRecord **branch_runs = cells_speaking(&n_runs, runs, n, true, arena);
    if (n_runs == 0)
        return out;
    const char **trunks = ARENA_ARRAY(arena, const char *, cells->n_cells + 1);
    for (int i = 0; i < cells->n_cells; i++)
        trunks[i] = trunk_of(cells->cells[i].first->config, arena);
    Branch *branches = ARENA_ARRAY(arena, Branch, n_runs);
    for (int i = 0; i < n_runs; i++)
        branches[i] = branch_of(branch_runs[i], trunks, cells->n_cells, arena);
    qsort(branches, (size_t)n_runs, sizeof *branches, by_branch);
    out.branched = ARENA_ARRAY(arena, Branched, n_runs);
    for (int i = 0, end; i < n_runs; i = end) {
        for (end = i + 1; end < n_runs; end++)
            if (compare_points(&branches[i], &branches[end]) != 0)
                break;
        out.branched[out.n++] = branched_of(&branches[i], end - i, cells, &out.rule, arena);
    }
    return out;
}

/* ---- the row beside the other estimators */

static const char *remark(const Branched *branched, const BranchRule *rule, Arena *arena) {
    const BranchedPoint *last = &branched->point[branched->n_points - 1];
    const char *text = arena_print(
        arena, "branches off B = %s at %s examples, %s long, k = %s to %s, tolerance %g nat",
        format_count((double)branched->global_batch, arena),
        format_count((double)branched->at_examples, arena),
        format_count((double)branched->examples, arena),
        format_count((double)branched->point[0].factor, arena),
        format_count((double)last->factor, arena), rule->tolerance);
    if (isnan(branched->batch))
        return arena_print(arena, "%s; no seed has them all", text);
    if (branched->best == branched->n_points - 1)
        text = arena_print(arena, "%s; the largest is still as good", text);
    if (branched->n_seeds_left_out)
        text = arena_print(arena, "%s; %s without all branches left out", text,
                           format_plural(branched->n_seeds_left_out, "seed", arena));
    return text;
}

void branched_add_row(Table *out, const Branched *branched, const BranchRule *rule, Arena *arena) {
    table_text(out, branched->label);
    table_text(out, "branched training");
    table_number(out, branched->batch);
    table_number(out, branched->range.low);
    table_number(out, branched->range.high);
    table_text(out, arena_print(arena, "between batches, %s",
                                format_plural(branched->n_seeds, "seed", arena)));
    for (int i = 0; i < 3; i++)
        table_number(out, NAN);
    table_text(out, remark(branched, rule, arena));
}
