/* The layout of a run in HDF5 (DESIGN 4). Columns come from schema.def, attributes from
 * attributes.def. */
#include "lab/store/h5.h"

#include "lab/store/h5_series.h"
#include "lab/store/schema.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- attributes */

#define PUT_TEXT(object, name, value) h5_file_text(file, object, name, value)
#define PUT_WHOLE h5_file_whole
#define PUT_SEED h5_file_seed
#define PUT_REAL h5_file_real
#define OF_RUN_RUN(statement) statement
#define OF_RUN_SUMMARY(statement)
#define OF_SUMMARY_RUN(statement)
#define OF_SUMMARY_SUMMARY(statement) statement

static void add_run_attributes(Hdf5File *file, Hdf5Object *group, const RunRecord *run) {
#define ATTRIBUTE(where, type, name, unit, meaning, value)                                         \
    OF_RUN_##where(PUT_##type(group, #name, value);)
#include "lab/store/attributes.def"
#undef ATTRIBUTE
}

static void add_summary(Hdf5File *file, Hdf5Object *parent, const RunRecord *run) {
    Hdf5Object *group = h5_file_group(file);
#define ATTRIBUTE(where, type, name, unit, meaning, value)                                         \
    OF_SUMMARY_##where(PUT_##type(group, #name, value);)
#include "lab/store/attributes.def"
#undef ATTRIBUTE
    h5_file_link(parent, "summary", h5_file_close(file, group));
}

static void add_provenance_value(Hdf5File *file, Hdf5Object *group, const Json *value,
                                 Arena *arena) {
    bool whole = value->kind == JSON_NUMBER && floor(value->number) == value->number &&
                 fabs(value->number) <= 0x1p53;
    if (whole)
        h5_file_whole(group, value->key, (int64_t)value->number);
    else if (value->kind == JSON_NUMBER)
        h5_file_real(group, value->key, value->number);
    else if (value->kind == JSON_BOOL)
        h5_file_whole(group, value->key, value->flag);
    else if (value->kind == JSON_TEXT)
        h5_file_text(file, group, value->key, value->text);
    else
        h5_file_text(file, group, value->key, json_canonical(value, arena));
}

static void add_provenance(Hdf5File *file, Hdf5Object *parent, const RunRecord *run, Arena *arena) {
    const Json *provenance = run->header.provenance;
    Hdf5Object *group = h5_file_group(file);
    for (const Json *value = provenance ? provenance->first : NULL; value; value = value->next)
        add_provenance_value(file, group, value, arena);
    h5_file_text(file, group, "end_utc", run->end_utc[0] ? run->end_utc : "none");
    h5_file_link(parent, "provenance", h5_file_close(file, group));
}

/* ---- series */

/* Rows of one schema group, as the journal gives them. */
typedef struct Rows {
    const void *rows;
    SchemaGroup group;
    int n_dims;
    uint64_t dims[2];
    void *scratch; /* room for one column */
} Rows;

/* One column out of an array of rows. */
static const void *gather(const Rows *rows, const Column *column) {
    size_t n = (size_t)rows->dims[0] * (rows->n_dims == 2 ? (size_t)rows->dims[1] : 1);
    size_t stride = schema_row_bytes(rows->group);
    const char *from = (const char *)rows->rows + column->offset;
    for (size_t i = 0; i < n; i++)
        memcpy((char *)rows->scratch + 8 * i, from + i * stride, 8);
    return rows->scratch;
}

static void add_column(Hdf5Datasets *datasets, const Rows *rows, const Column *column) {
    Series series = {.name = column->name,
                     .unit = column->unit,
                     .meaning = column->meaning,
                     .type = column->type == COLUMN_INT64 ? SERIES_WHOLE : SERIES_REAL,
                     .n_dims = rows->n_dims,
                     .dims = {rows->dims[0], rows->dims[1]},
                     .data = gather(rows, column)};
    h5_series_add(datasets, &series);
}

static void add_columns(Hdf5Datasets *datasets, const Rows *rows) {
    for (int i = 0; i < schema_n_columns; i++)
        if (schema_columns[i].group == rows->group)
            add_column(datasets, rows, &schema_columns[i]);
}

/* The datasets become a group of their own. */
static void link_group(Hdf5Object *parent, const char *name, Hdf5Datasets *datasets) {
    Hdf5Object *group = h5_file_group(datasets->file);
    h5_series_end(datasets, group);
    h5_file_link(parent, name, h5_file_close(datasets->file, group));
}

/* /steps and /eval: 1-D columns, of which the first, `step`, is the scale of the others. */
static void add_series_group(Hdf5File *file, Hdf5Object *parent, const Rows *rows) {
    Hdf5Datasets datasets = {.file = file, .n_scales = 1};
    add_columns(&datasets, rows);
    link_group(parent, schema_group_name(rows->group), &datasets);
}

/* /layers: (eval, layer). It has a `step` of its own, so that the group opens in xarray without the
 * others. */
static void add_layers(Hdf5File *file, Hdf5Object *parent, const RunRecord *run, const Rows *evals,
                       const Rows *layers) {
    Hdf5Datasets datasets = {.file = file, .n_scales = 2};
    Series names = {"name",
                    "",
                    "tensor of the model",
                    SERIES_TEXT,
                    1,
                    {layers->dims[1], 0},
                    run->header.layer_names};
    const Column *step = &schema_columns[schema_count(GROUP_STEPS)];
    assert(step->group == GROUP_EVAL && strcmp(step->name, "step") == 0);
    add_column(&datasets, evals, step);
    h5_series_add(&datasets, &names);
    add_columns(&datasets, layers);
    link_group(parent, schema_group_name(GROUP_LAYERS), &datasets);
}

static void add_digests(Hdf5File *file, Hdf5Object *parent, const RunRecord *run, Arena *arena) {
    uint64_t n = (uint64_t)run->n_digests;
    int64_t *steps = ARENA_ARRAY(arena, int64_t, n);
    const char **hashes = ARENA_ARRAY(arena, const char *, n);
    for (int i = 0; i < run->n_digests; i++) {
        steps[i] = run->digests[i].step;
        hashes[i] = run->digests[i].sha256;
    }
    Hdf5Datasets datasets = {.file = file, .n_scales = 1};
    Series step = {"step", "1", "updates done", SERIES_WHOLE, 1, {n, 0}, steps};
    Series sha256 = {"sha256", "", "trajectory digest", SERIES_TEXT, 1, {n, 0}, hashes};
    h5_series_add(&datasets, &step);
    h5_series_add(&datasets, &sha256);
    link_group(parent, "digests", &datasets);
}

/* Everything of a run but its place; returns the group's address. */
static uint64_t add_run(Hdf5File *file, const RunRecord *run) {
    Arena *arena = arena_new();
    uint64_t n_steps = (uint64_t)run->n_steps, n_evals = (uint64_t)run->n_evals;
    uint64_t n_layers = (uint64_t)run->header.n_layers;
    uint64_t most = n_evals * (n_layers ? n_layers : 1);
    void *scratch = arena_alloc(arena, 8 * (size_t)(most > n_steps ? most : n_steps));
    Rows steps = {run->steps, GROUP_STEPS, 1, {n_steps, 0}, scratch};
    Rows evals = {run->evals, GROUP_EVAL, 1, {n_evals, 0}, scratch};
    Rows layers = {run->layers, GROUP_LAYERS, 2, {n_evals, n_layers}, scratch};
    Hdf5Object *group = h5_file_group(file);
    add_run_attributes(file, group, run);
    add_summary(file, group, run);
    add_provenance(file, group, run, arena);
    add_series_group(file, group, &steps);
    add_series_group(file, group, &evals);
    add_layers(file, group, run, &evals, &layers);
    add_digests(file, group, run, arena);
    arena_end(arena);
    return h5_file_close(file, group);
}

/* ---- files */

enum { RUN_ROOM = 1 << 17, RUNS_ROOM = 1 << 22 }; /* bytes to begin with */

Error *h5_write_run(const RunRecord *run, const char *path) {
    Hdf5File file;
    h5_file_begin(&file, RUN_ROOM);
    h5_file_complete(&file, add_run(&file, run));
    Error *error = h5_file_write(&file, path);
    h5_file_end(&file);
    return error;
}

static int by_id(const void *a, const void *b) {
    const RunRecord *x = *(const RunRecord *const *)a, *y = *(const RunRecord *const *)b;
    return strcmp(x->header.run_id, y->header.run_id);
}

/* The runs in the order of their names; an error when two have the same. */
static Error *sort_runs(const RunRecord **sorted, const RunRecord *runs, int n) {
    for (int i = 0; i < n; i++)
        sorted[i] = &runs[i];
    qsort(sorted, (size_t)n, sizeof *sorted, by_id);
    for (int i = 1; i < n; i++)
        if (by_id(&sorted[i - 1], &sorted[i]) == 0)
            return error_new(CODE_INTERNAL, "there are two runs '%s'", sorted[i]->header.run_id);
    return NULL;
}

static void add_runs(Hdf5File *file, const RunRecord *const *runs, int n, const char *experiment,
                     Arena *arena) {
    const char **names = ARENA_ARRAY(arena, const char *, n);
    uint64_t *addresses = ARENA_ARRAY(arena, uint64_t, n);
    for (int i = 0; i < n; i++) {
        names[i] = runs[i]->header.run_id;
        addresses[i] = add_run(file, runs[i]);
    }
    Hdf5Object *root = h5_file_group(file);
    h5_file_text(file, root, "experiment", experiment);
    h5_file_whole(root, "schema_version", SCHEMA_VERSION);
    h5_file_whole(root, "n_runs", n);
    h5_file_link(root, "runs", h5_file_table(file, names, addresses, n));
    h5_file_complete(file, h5_file_close(file, root));
}

Error *h5_write_all(const RunRecord *runs, int n, const char *experiment, const char *path) {
    Arena *arena = arena_new();
    const RunRecord **sorted = ARENA_ARRAY(arena, const RunRecord *, n);
    Error *error = sort_runs(sorted, runs, n);
    if (!error) {
        Hdf5File file;
        h5_file_begin(&file, RUNS_ROOM);
        add_runs(&file, sorted, n, experiment, arena);
        error = h5_file_write(&file, path);
        h5_file_end(&file);
    }
    arena_end(arena);
    return error ? error_wrap(error, "cannot write '%s'", path) : NULL;
}
