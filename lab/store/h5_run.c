/* The layout of a run in HDF5 (DESIGN 4). Columns come from schema.def, attributes from
 * attributes.def. */
#include "lab/store/h5_run.h"

#include "lab/store/h5_scale.h"
#include "lab/store/h5_series.h"
#include "lab/store/provenance.h"
#include "lab/store/schema.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- attributes */

#define PUT_TEXT h5_file_text
#define PUT_WHOLE h5_file_whole
#define PUT_SEED h5_file_seed
#define PUT_REAL h5_file_real
#define OF_RUN_RUN(statement) statement
#define OF_RUN_SUMMARY(statement)
#define OF_SUMMARY_RUN(statement)
#define OF_SUMMARY_SUMMARY(statement) statement

static void add_run_attributes(Hdf5File *file, hid_t group, const RunRecord *run) {
#define ATTRIBUTE(where, type, name, unit, meaning, value)                                         \
    OF_RUN_##where(PUT_##type(file, group, #name, value);)
#include "lab/store/attributes.def"
#undef ATTRIBUTE
}

static void add_summary_attributes(Hdf5File *file, hid_t group, const RunRecord *run) {
#define ATTRIBUTE(where, type, name, unit, meaning, value)                                         \
    OF_SUMMARY_##where(PUT_##type(file, group, #name, value);)
#include "lab/store/attributes.def"
#undef ATTRIBUTE
}

static void add_provenance_value(Hdf5File *file, hid_t group, const Json *value, Arena *arena) {
    bool whole = value->kind == JSON_NUMBER && floor(value->number) == value->number &&
                 fabs(value->number) <= 0x1p53;
    if (whole)
        h5_file_whole(file, group, value->key, (int64_t)value->number);
    else if (value->kind == JSON_NUMBER)
        h5_file_real(file, group, value->key, value->number);
    else if (value->kind == JSON_BOOL)
        h5_file_whole(file, group, value->key, value->flag);
    else if (value->kind == JSON_TEXT)
        h5_file_text(file, group, value->key, value->text);
    else
        h5_file_text(file, group, value->key, json_canonical(value, arena));
}

static void add_provenance(Hdf5File *file, hid_t group, const RunRecord *run, Arena *arena) {
    const Json *provenance = run->header.provenance;
    for (const Json *value = provenance ? provenance->first : NULL; value; value = value->next)
        add_provenance_value(file, group, value, arena);
    h5_file_text(file, group, "end_utc", run->end_utc[0] ? run->end_utc : "none");
}

static void add_attribute_groups(Hdf5File *file, hid_t group, const RunRecord *run, Arena *arena) {
    hid_t summary = h5_file_group(file, group, "summary");
    add_summary_attributes(file, summary, run);
    h5_file_group_end(summary);
    hid_t provenance = h5_file_group(file, group, "provenance");
    add_provenance(file, provenance, run, arena);
    h5_file_group_end(provenance);
}

/* ---- series */

/* Rows of one schema group, as the journal gives them. */
typedef struct Rows {
    const void *rows;
    SchemaGroup group;
    int n_dims;
    hsize_t dims[2];
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

static bool is_left_out(const Rows *rows, const Column *column) {
    if (!schema_may_lack(column))
        return false;
    assert(column->type == COLUMN_DOUBLE && rows->n_dims == 1);
    const double *values = gather(rows, column);
    double value = column->left_out;
    hsize_t i = 0;
    while (i < rows->dims[0] && (values[i] == value || (isnan(values[i]) && isnan(value))))
        i++;
    return i == rows->dims[0];
}

static hid_t add_column(Hdf5File *file, hid_t group, const Rows *rows, const Column *column) {
    Series series = {.name = column->name,
                     .unit = column->unit,
                     .meaning = column->meaning,
                     .type = column->type == COLUMN_INT64 ? SERIES_WHOLE : SERIES_REAL,
                     .n_dims = rows->n_dims,
                     .dims = {rows->dims[0], rows->dims[1]},
                     .data = gather(rows, column)};
    return h5_series_add(file, group, &series);
}

/* The columns of a schema group that say something; returns how many. */
static int add_columns(hid_t *datasets, Hdf5File *file, hid_t group, const Rows *rows) {
    int n = 0;
    for (int i = 0; i < schema_n_columns; i++)
        if (schema_columns[i].group == rows->group && !is_left_out(rows, &schema_columns[i])) {
            assert(n < HDF5_FILE_DATASETS);
            datasets[n++] = add_column(file, group, rows, &schema_columns[i]);
        }
    return n;
}

static void end_all(hid_t *datasets, int n) {
    for (int i = 0; i < n; i++)
        h5_series_end(datasets[i]);
}

/* /steps and /eval: 1-D columns, of which the first, `step`, is the scale of the others. */
static void add_series_group(Hdf5File *file, hid_t parent, const Rows *rows) {
    hid_t group = h5_file_group(file, parent, schema_group_name(rows->group));
    hid_t datasets[HDF5_FILE_DATASETS];
    int n = add_columns(datasets, file, group, rows);
    h5_scale_attach(file, datasets, (const char *const[]){"step"}, 1, datasets + 1, n - 1);
    end_all(datasets, n);
    h5_file_group_end(group);
}

/* /layers: (eval, layer). It has a `step` of its own, so that the group opens in xarray without the
 * others. */
static void add_layers(Hdf5File *file, hid_t parent, const RunRecord *run, const Rows *evals,
                       const Rows *layers) {
    hid_t group = h5_file_group(file, parent, schema_group_name(GROUP_LAYERS));
    Series names = {"name",
                    "",
                    "tensor of the model",
                    SERIES_TEXT,
                    1,
                    {layers->dims[1], 0},
                    run->header.layer_names};
    const Column *step = &schema_columns[schema_count(GROUP_STEPS)];
    assert(step->group == GROUP_EVAL && strcmp(step->name, "step") == 0);
    hid_t scales[2] = {add_column(file, group, evals, step), h5_series_add(file, group, &names)};
    hid_t datasets[HDF5_FILE_DATASETS];
    int n = add_columns(datasets, file, group, layers);
    h5_scale_attach(file, scales, (const char *const[]){"step", "name"}, 2, datasets, n);
    end_all(datasets, n);
    end_all(scales, 2);
    h5_file_group_end(group);
}

static void add_digests(Hdf5File *file, hid_t parent, const RunRecord *run, Arena *arena) {
    hsize_t n = (hsize_t)run->n_digests;
    int64_t *steps = ARENA_ARRAY(arena, int64_t, n);
    const char **hashes = ARENA_ARRAY(arena, const char *, n);
    for (int i = 0; i < run->n_digests; i++) {
        steps[i] = run->digests[i].step;
        hashes[i] = run->digests[i].sha256;
    }
    hid_t group = h5_file_group(file, parent, "digests");
    Series step = {"step", "1", "updates done", SERIES_WHOLE, 1, {n, 0}, steps};
    Series sha256 = {"sha256", "", "trajectory digest", SERIES_TEXT, 1, {n, 0}, hashes};
    hid_t datasets[2] = {h5_series_add(file, group, &step), h5_series_add(file, group, &sha256)};
    h5_scale_attach(file, datasets, (const char *const[]){"step"}, 1, datasets + 1, 1);
    end_all(datasets, 2);
    h5_file_group_end(group);
}

void h5_run_add(Hdf5File *file, hid_t group, const RunRecord *run) {
    Arena *arena = arena_new();
    hsize_t n_steps = (hsize_t)run->n_steps, n_evals = (hsize_t)run->n_evals;
    hsize_t n_layers = (hsize_t)run->header.n_layers;
    hsize_t most = n_evals * (n_layers ? n_layers : 1);
    void *scratch = arena_alloc(arena, 8 * (size_t)(most > n_steps ? most : n_steps));
    Rows steps = {run->steps, GROUP_STEPS, 1, {n_steps, 0}, scratch};
    Rows evals = {run->evals, GROUP_EVAL, 1, {n_evals, 0}, scratch};
    Rows curvatures = {
        run->curvatures, GROUP_CURVATURE, 1, {(hsize_t)run->n_curvatures, 0}, scratch};
    Rows layers = {run->layers, GROUP_LAYERS, 2, {n_evals, n_layers}, scratch};
    add_run_attributes(file, group, run);
    add_attribute_groups(file, group, run, arena);
    add_series_group(file, group, &steps);
    add_series_group(file, group, &evals);
    add_layers(file, group, run, &evals, &layers);
    if (run->n_curvatures)
        add_series_group(file, group, &curvatures);
    add_digests(file, group, run, arena);
    arena_end(arena);
}
