#include "lab/analyze/reference.h"

#include "lab/base/io.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

enum { REFERENCE_VERSION = 1 };

double reference_examples(const RunRecord *run) {
    return run->summary.outcome == OUTCOME_REACHED ? run->summary.examples_to_target : NAN;
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

static Error *read_cell(ReferenceCell *cell, const Json *item, Arena *arena) {
    const Json *config = json_find(item, "config"), *label = json_find(item, "series");
    const Json *batch = json_find(item, "global_batch"), *runs = json_find(item, "runs");
    if (!config || config->kind != JSON_OBJECT || !label || label->kind != JSON_TEXT || !batch ||
        batch->kind != JSON_NUMBER || !runs || runs->kind != JSON_ARRAY)
        return malformed(item, "lacks config, series, global_batch or runs");
    *cell = (ReferenceCell){
        .config = config, .label = label->text, .global_batch = (int64_t)batch->number};
    cell->examples = ARENA_ARRAY(arena, double, runs->n);
    cell->seed = ARENA_ARRAY(arena, const char *, runs->n);
    cell->digest = ARENA_ARRAY(arena, const char *, runs->n);
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
        PASS(read_cell(&out->cells[out->n_cells++], cell, arena));
    return NULL;
}

/* ---- writing */

static Json *write_cell(const Cell *cell, const char *label, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "series", label, arena);
    json_add_number(object, "global_batch", (double)cell->global_batch, arena);
    json_add(object, "config", json_copy(cell->first->config, arena), arena);
    Json *runs = json_add(object, "runs", json_array(arena), arena);
    for (int i = 0; i < cell->n_trials; i++) {
        const RunRecord *run = cell->runs[i];
        Json *one = json_add(runs, NULL, json_object(arena), arena);
        json_add_text(one, "seed", arena_print(arena, "%llu", (unsigned long long)run->header.seed),
                      arena);
        json_add_number(one, "examples_to_target", reference_examples(run), arena);
        json_add_text(one, "trajectory_sha256", run->trajectory_sha256, arena);
    }
    return object;
}

Error *reference_write(const char *path, const char *experiment, const Cells *cells,
                       const Json *provenance, Arena *arena) {
    Json *root = json_object(arena);
    json_add_number(root, "reference_version", REFERENCE_VERSION, arena);
    json_add_text(root, "experiment", experiment, arena);
    json_add(root, "provenance", json_copy(provenance, arena), arena);
    Json *list = json_add(root, "cells", json_array(arena), arena);
    for (int i = 0; i < cells->n_series; i++)
        for (int j = 0; j < cells->series[i].n_cells; j++)
            if (cells->series[i].cells[j].has_target)
                json_add(list, NULL,
                         write_cell(&cells->series[i].cells[j], cells->series[i].label, arena),
                         arena);
    const char *text = json_pretty(root, arena);
    return io_write(path, text, strlen(text));
}

/* ---- finding */

/* Every setting of `known` stands in `now` with the same value. */
static bool covers(const Json *known, const Json *now) {
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
            if (!covers(child, other))
                return false;
            other = other->next;
        }
        return true;
    }
    case JSON_OBJECT:
        JSON_EACH (child, known)
            if (strcmp(child->key, "path") != 0 && !covers(child, json_find(now, child->key)))
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
    } else if (!covers(known, now)) {
        text_add(out, "%s%s (%s for %s)", out->n ? ", " : "", path,
                 now ? json_canonical(now, arena) : "nothing", json_canonical(known, arena));
    }
}

const char *reference_differences(const ReferenceCell *known, const Cell *cell, Arena *arena) {
    Text out = text_new(arena);
    add_differences(&out, known->config, cell->first->config, "", arena);
    return out.data;
}

const ReferenceCell *reference_find(const Reference *reference, const Cell *cell) {
    for (int i = 0; i < reference->n_cells; i++)
        if (covers(reference->cells[i].config, cell->first->config))
            return &reference->cells[i];
    return NULL;
}
