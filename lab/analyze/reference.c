#include "lab/analyze/reference.h"

#include "lab/base/io.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

enum { REFERENCE_VERSION = 1 };

/* ---- from runs */

static bool ended_by_itself(const RunRecord *run) {
    return run->summary.outcome != OUTCOME_FAILED && run->summary.outcome != OUTCOME_INTERRUPTED;
}

/* Examples after which a run of the cell gives up. */
static double budget_of(const Cell *cell) {
    double budget = (double)(cell->first->header.total_steps * cell->first->header.global_batch);
    for (int i = 0; i < cell->n_trials; i++) /* more, when the batch grows on its way */
        if (cell->runs[i]->summary.outcome == OUTCOME_BUDGET_SPENT && cell->runs[i]->n_steps > 0)
            budget =
                fmax(budget, (double)cell->runs[i]->steps[cell->runs[i]->n_steps - 1].examples);
    return budget;
}

static double said_interval(const Json *config) {
    const Json *every = json_get(config, "eval.every_examples");
    return every && every->kind == JSON_NUMBER ? every->number : 0;
}

/* The settings say it, unless they leave it at one epoch or are another program's: then the largest
 * distance between evaluations. */
static double quantum_of(const Cell *cell) {
    double said = said_interval(cell->first->config), quantum = 0;
    for (int i = 0; said <= 0 && i < cell->n_trials; i++) {
        double before = 0;
        for (int e = 0; e < cell->runs[i]->n_evals; e++) {
            double now = (double)cell->runs[i]->evals[e].examples;
            quantum = fmax(quantum, now - before);
            before = now;
        }
    }
    return said > 0 ? said : quantum;
}

static double seconds_of(const Cell *cell) {
    double sum = 0;
    for (int i = 0; i < cell->n_trials; i++)
        if (cell->runs[i]->n_evals > 0)
            sum += cell->runs[i]->evals[cell->runs[i]->n_evals - 1].wall_s;
    return sum;
}

static void make_room(ReferenceCell *cell, int n, Arena *arena) {
    cell->examples = ARENA_ARRAY(arena, double, n + 1);
    cell->seed = ARENA_ARRAY(arena, const char *, n + 1);
    cell->digest = ARENA_ARRAY(arena, const char *, n + 1);
}

static ReferenceCell cell_of(const Cell *cell, const char *label, Arena *arena) {
    ReferenceCell out = {.config = cell->first->config,
                         .label = label,
                         .global_batch = cell->global_batch,
                         .has_target = cell->has_target,
                         .provenance = cell->first->header.provenance,
                         .quantum = quantum_of(cell),
                         .budget = budget_of(cell),
                         .compute_s = seconds_of(cell),
                         .best_accuracy = cell->best_accuracy.median};
    make_room(&out, cell->n_trials, arena);
    for (int i = 0; i < cell->n_trials; i++) {
        const RunRecord *run = cell->runs[i];
        if (!ended_by_itself(run)) {
            out.n_unfinished++;
            continue;
        }
        bool reached = run->summary.outcome == OUTCOME_REACHED;
        out.examples[out.n] = reached ? run->summary.examples_to_target : NAN;
        out.digest[out.n] = run->trajectory_sha256;
        out.seed[out.n++] = arena_print(arena, "%llu", (unsigned long long)run->header.seed);
    }
    return out;
}

Reference reference_of(const char *experiment, const Cells *cells, const Json *provenance,
                       Arena *arena) {
    Reference out = {.experiment = experiment, .provenance = provenance};
    out.cells = ARENA_ARRAY(arena, ReferenceCell, cells->n_cells + 1);
    for (int i = 0; i < cells->n_series; i++)
        for (int j = 0; j < cells->series[i].n_cells; j++)
            out.cells[out.n_cells++] =
                cell_of(&cells->series[i].cells[j], cells->series[i].label, arena);
    if (!provenance && out.n_cells > 0)
        out.provenance = out.cells[0].provenance;
    return out;
}

/* ---- reading */

static Error *malformed(const Json *where, const char *what) {
    return error_hint(json_error(where, "%s", what),
                      "write it again: batchlab check EXPERIMENT --update");
}

static Error *read_seed(ReferenceCell *cell, const Json *item, Arena *arena) {
    const Json *seed = json_find(item, "seed"), *examples = json_find(item, "examples_to_target");
    const Json *digest = json_find(item, "trajectory_sha256");
    if (!seed || seed->kind != JSON_TEXT || !examples || !digest || digest->kind != JSON_TEXT)
        return malformed(item, "lacks seed, examples_to_target or trajectory_sha256");
    if (examples->kind != JSON_NULL && !(examples->kind == JSON_NUMBER && examples->number > 0))
        return malformed(examples, "is no number of examples");
    cell->seed[cell->n] = arena_copy(arena, seed->text);
    cell->digest[cell->n] = arena_copy(arena, digest->text);
    cell->examples[cell->n++] = examples->kind == JSON_NULL ? NAN : examples->number;
    return NULL;
}

static Error *read_cell(ReferenceCell *cell, const Json *item, const Json *provenance,
                        Arena *arena) {
    const Json *config = json_find(item, "config"), *label = json_find(item, "series");
    const Json *batch = json_find(item, "global_batch"), *runs = json_find(item, "runs");
    if (!config || config->kind != JSON_OBJECT || !label || label->kind != JSON_TEXT || !batch ||
        batch->kind != JSON_NUMBER || !runs || runs->kind != JSON_ARRAY)
        return malformed(item, "lacks config, series, global_batch or runs");
    const Json *interval = json_find(item, "examples_between_evaluations");
    double measured = interval && interval->kind == JSON_NUMBER ? interval->number : 0;
    *cell = (ReferenceCell){.config = config,
                            .quantum = fmax(said_interval(config), measured),
                            .label = label->text,
                            .global_batch = (int64_t)batch->number,
                            .has_target = true, /* others are not written */
                            .provenance = provenance,
                            .best_accuracy = NAN};
    make_room(cell, runs->n, arena);
    JSON_EACH (run, runs)
        PASS(read_seed(cell, run, arena));
    return NULL;
}

Error *reference_load(Reference *out, const char *path, Arena *arena) {
    *out = (Reference){0};
    if (!io_exists(path))
        return error_hint(error_new(CODE_MISSING, "there is no reference '%s'", path),
                          "when training is right as it is: batchlab check EXPERIMENT --update");
    Json *root;
    PASS(json_load(&root, path, arena));
    const Json *name = json_find(root, "experiment"), *cells = json_find(root, "cells");
    if (!name || name->kind != JSON_TEXT || !cells || cells->kind != JSON_ARRAY)
        return malformed(root, "is no reference: it lacks experiment or cells");
    out->experiment = name->text;
    out->provenance = json_find(root, "provenance");
    out->cells = ARENA_ARRAY(arena, ReferenceCell, cells->n);
    JSON_EACH (cell, cells)
        PASS(read_cell(&out->cells[out->n_cells++], cell, out->provenance, arena));
    return NULL;
}

/* ---- writing */

static Json *write_cell(const ReferenceCell *cell, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "series", cell->label, arena);
    json_add_number(object, "global_batch", (double)cell->global_batch, arena);
    json_add(object, "config", json_copy(cell->config, arena), arena);
    if (said_interval(cell->config) <= 0 && cell->quantum > 0)
        json_add_number(object, "examples_between_evaluations", cell->quantum, arena);
    Json *runs = json_add(object, "runs", json_array(arena), arena);
    for (int i = 0; i < cell->n; i++) {
        Json *one = json_add(runs, NULL, json_object(arena), arena);
        json_add_text(one, "seed", cell->seed[i], arena);
        json_add_number(one, "examples_to_target", cell->examples[i], arena);
        json_add_text(one, "trajectory_sha256", cell->digest[i], arena);
    }
    return object;
}

Error *reference_write(const char *path, const Reference *reference, Arena *arena) {
    Json *root = json_object(arena);
    json_add_number(root, "reference_version", REFERENCE_VERSION, arena);
    json_add_text(root, "experiment", reference->experiment, arena);
    json_add(root, "provenance", json_copy(reference->provenance, arena), arena);
    Json *list = json_add(root, "cells", json_array(arena), arena);
    for (int i = 0; i < reference->n_cells; i++)
        if (reference->cells[i].has_target)
            json_add(list, NULL, write_cell(&reference->cells[i], arena), arena);
    const char *text = json_pretty(root, arena);
    return io_write(path, text, strlen(text));
}

/* ---- finding */

bool reference_covers(const Json *known, const Json *now) {
    if (!now || known->kind != now->kind)
        return false;
    switch (known->kind) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return known->flag == now->flag;
    case JSON_NUMBER:
        return known->number == now->number;
    case JSON_TEXT:
        return strcmp(known->text, now->text) == 0;
    case JSON_ARRAY: {
        if (known->n != now->n)
            return false;
        const Json *other = now->first;
        JSON_EACH (child, known) {
            if (!reference_covers(child, other))
                return false;
            other = other->next;
        }
        return true;
    }
    case JSON_OBJECT:
        JSON_EACH (child, known)
            if (strcmp(child->key, "path") != 0 &&
                !reference_covers(child, json_find(now, child->key)))
                return false;
        return true;
    }
    return false;
}

static void add_differences(Text *out, const Json *known, const Json *now, const char *path,
                            Arena *arena) {
    if (now && known->kind == JSON_OBJECT && now->kind == JSON_OBJECT) {
        JSON_EACH (child, known)
            if (strcmp(child->key, "path") != 0)
                add_differences(out, child, json_find(now, child->key),
                                *path ? arena_print(arena, "%s.%s", path, child->key) : child->key,
                                arena);
    } else if (!reference_covers(known, now)) {
        text_add(out, "%s%s (%s for %s)", out->n ? ", " : "", path,
                 now ? json_canonical(now, arena) : "nothing", json_canonical(known, arena));
    }
}

const char *reference_differences(const ReferenceCell *known, const ReferenceCell *cell,
                                  Arena *arena) {
    Text out = text_new(arena);
    add_differences(&out, known->config, cell->config, "", arena);
    return out.data;
}

const ReferenceCell *reference_find(const Reference *reference, const ReferenceCell *cell) {
    for (int i = 0; i < reference->n_cells; i++)
        if (reference_covers(reference->cells[i].config, cell->config))
            return &reference->cells[i];
    return NULL;
}
