/* Runs read back from HDF5 files. */
#ifndef TESTS_UNIT_FIXTURE_H5_H
#define TESTS_UNIT_FIXTURE_H5_H

#include "lab/store/h5.h"
#include "lab/store/schema.h"
#include "tests/unit/fixture_store.h"

#include <hdf5.h>

/* A finished run, read back from its journal. */
static RunRecord run_new(const char *folder, const char *run_id, Arena *arena) {
    RunRecord run;
    bool found;
    assert_ok(run_load(&run, &found, fixture_run(folder, run_id, true, arena), arena));
    assert_true(found);
    return run;
}

/* `n` steps instead of the fixture's few: long enough to be compressed. */
static inline void lengthen(RunRecord *run, int n, Arena *arena) {
    run->steps = ARENA_ARRAY(arena, StepRow, n);
    run->n_steps = n;
    for (int i = 0; i < n; i++)
        run->steps[i] = fixture_step(i);
}

static hid_t open_file(const char *path) {
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static int read_dims(hid_t dataset, hsize_t dims[2]) {
    hid_t space = H5Dget_space(dataset);
    int n = H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    return n;
}

static const void *expected_row(const RunRecord *run, SchemaGroup group, int64_t i) {
    return group == GROUP_STEPS    ? (const void *)&run->steps[i]
           : group == GROUP_EVAL   ? (const void *)&run->evals[i]
           : group == GROUP_LAYERS ? (const void *)&run->layers[i]
                                   : (const void *)&run->curvatures[i];
}

/* One column of the file holds the bits of the record, whatever its shape. */
static void assert_column(hid_t file, const char *root, const RunRecord *run,
                          const Column *column) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s/%s", root, schema_group_name(column->group), column->name);
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    assert_true(dataset >= 0);
    hsize_t dims[2] = {0, 1};
    int n_dims = read_dims(dataset, dims);
    assert_int_equal(n_dims, column->group == GROUP_LAYERS ? 2 : 1);
    assert_int_equal(dims[0], column->group == GROUP_STEPS       ? run->n_steps
                              : column->group == GROUP_CURVATURE ? run->n_curvatures
                                                                 : run->n_evals);
    assert_int_equal(dims[1], n_dims == 2 ? run->header.n_layers : 1);
    int64_t n = (int64_t)(dims[0] * dims[1]);
    uint64_t *values = calloc((size_t)n + 1, sizeof *values);
    hid_t type = column->type == COLUMN_INT64 ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    for (int64_t i = 0; i < n; i++)
        assert_memory_equal(&values[i],
                            (const char *)expected_row(run, column->group, i) + column->offset, 8);
    free(values);
    H5Dclose(dataset);
}

static int64_t n_rows(const RunRecord *run, SchemaGroup group) {
    return group == GROUP_STEPS       ? run->n_steps
           : group == GROUP_CURVATURE ? run->n_curvatures
           : group == GROUP_EVAL      ? run->n_evals
                                      : (int64_t)run->n_evals * run->header.n_layers;
}

/* Nothing was measured, or every row has the value that a column's absence means. */
static bool may_be_absent(const RunRecord *run, const Column *column) {
    bool same = schema_may_lack(column);
    for (int64_t i = 0; i < n_rows(run, column->group) && same; i++) {
        double value;
        memcpy(&value, (const char *)expected_row(run, column->group, i) + column->offset, 8);
        same = value == column->left_out || (isnan(value) && isnan(column->left_out));
    }
    return same || (column->group == GROUP_CURVATURE && run->n_curvatures == 0);
}

static bool is_there(hid_t file, const char *root, const Column *column) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, schema_group_name(column->group));
    if (H5Lexists(file, path, H5P_DEFAULT) <= 0)
        return false;
    snprintf(path, sizeof path, "%s/%s/%s", root, schema_group_name(column->group), column->name);
    return H5Lexists(file, path, H5P_DEFAULT) > 0;
}

static void assert_run(const char *path, const char *root, const RunRecord *run) {
    hid_t file = open_file(path);
    for (int i = 0; i < schema_n_columns; i++) {
        const Column *column = &schema_columns[i];
        assert_int_equal(is_there(file, root, column), !may_be_absent(run, column));
        if (is_there(file, root, column))
            assert_column(file, root, run, column);
    }
    H5Fclose(file);
}

/* A folder with the runs "run0", "run1", ... of an experiment, and where they are gathered. */
enum { STUDY_RUNS = 6 };

typedef struct Study {
    Arena *arena;
    const char *folder, *path;
    RunRecord runs[STUDY_RUNS];
} Study;

static inline Study study_new(void) {
    Study out = {.arena = arena_new()};
    out.folder = scratch_new(out.arena);
    out.path = arena_print(out.arena, "%s/study.h5", out.folder);
    for (int i = 0; i < STUDY_RUNS; i++)
        out.runs[i] = run_new(out.folder, arena_print(out.arena, "run%d", i), out.arena);
    return out;
}

static inline void study_end(Study *study) {
    scratch_end(study->folder, study->arena);
}

#endif
