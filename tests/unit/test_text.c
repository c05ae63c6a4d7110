/* The text dataset: where its windows lie, and what it says about files that will not do. */
#include "lab/data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct Files {
    char folder[64];
    Arena *arena;
} Files;

/* A file of n bytes, byte i being i mod 251. */
static const char *write_file(Files *files, const char *name, int n) {
    const char *path = arena_print(files->arena, "%s/%s", files->folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int i = 0; i < n; i++)
        fputc(i % 251, file);
    assert_int_equal(fclose(file), 0);
    return path;
}

static Error *load(Dataset *out, Files *files, const char *name, const char *more, bool probe) {
    const char *text =
        arena_print(files->arena, "{\"name\": \"text\", \"path\": \"%s\"%s}", name, more);
    const char *const paths[] = {files->folder, NULL};
    const Kind *kind;
    void *settings;
    Json *json;
    PASS(json_parse(&json, text, strlen(text), "test", files->arena));
    PASS(
        kind_read(&kind, &settings, json, dataset_table, DATASET_N, "dataset", NULL, files->arena));
    return (probe ? dataset_probe : dataset_load)(out, (const DatasetType *)kind, settings, paths,
                                                  files->arena);
}

static void check_window(const Dataset *data, Split split, int64_t i, int first) {
    float x[10];
    int32_t y[10];
    dataset_gather(data, split, &i, 1, x, y);
    for (int j = 0; j < 10; j++) {
        assert_true(x[j] == (float)((first + j) % 251));
        assert_int_equal(y[j], (first + j + 1) % 251);
    }
}

/* 1205 bytes: 120 blocks of ten targets, a twelfth each for valid and test. */
static void test_text__splits_follow_each_other_in_the_file(void **state) {
    Files *files = *state;
    Dataset data;
    write_file(files, "a", 1205);
    assert_null(load(&data, files, "a", ", \"context\": 10", false));
    assert_int_equal(data.n[SPLIT_TRAIN], 100);
    assert_int_equal(data.n[SPLIT_VALID], 10);
    assert_int_equal(data.n[SPLIT_TEST], 10);
    assert_int_equal(data.n_classes, 256);
    assert_int_equal(data.n_labels, 10);
    check_window(&data, SPLIT_TRAIN, 0, 0);
    check_window(&data, SPLIT_TRAIN, 99, 990);
    check_window(&data, SPLIT_VALID, 0, 1000);
    check_window(&data, SPLIT_TEST, 9, 1190);
}

static void test_text__training_windows_may_overlap(void **state) {
    Files *files = *state;
    Dataset data, fewer;
    write_file(files, "a", 1205);
    assert_null(load(&data, files, "a", ", \"context\": 10, \"stride\": 3", false));
    assert_int_equal(data.n[SPLIT_TRAIN], 331); /* the last one begins at 990 */
    check_window(&data, SPLIT_TRAIN, 330, 990);
    check_window(&data, SPLIT_VALID, 1, 1010);
    assert_null(load(&fewer, files, "a", ", \"context\": 10, \"stride\": 3, \"train\": 7", false));
    assert_int_equal(fewer.n[SPLIT_TRAIN], 7);
    check_window(&fewer, SPLIT_VALID, 1, 1010); /* whatever train is */
    assert_string_not_equal(data.sha256, fewer.sha256);
    assert_true(dataset_bytes(&data) == 1205); /* windows share their bytes */
}

static void check_refused(Files *files, const char *name, const char *more, int code,
                          const char *says) {
    for (int probe = 0; probe < 2; probe++) {
        Dataset data;
        Error *error = load(&data, files, name, more, probe);
        assert_non_null(error);
        assert_int_equal(error_code(error), code);
        if (!strstr(error_text(error), says))
            fail_msg("'%s' is not in: %s", says, error_text(error));
        error_end(error);
    }
}

static void test_text__bad_files_are_told_before_anything_starts(void **state) {
    Files *files = *state;
    write_file(files, "empty", 0);
    write_file(files, "tiny", 2);
    write_file(files, "short", 30);
    check_refused(files, "absent", "", CODE_MISSING, "trial.dataset.path");
    check_refused(files, ".", "", CODE_MISSING, "is not a file");
    check_refused(files, "empty", "", CODE_IO, "is empty");
    check_refused(files, "tiny", "", CODE_USAGE, "no context is short enough");
    check_refused(files, "short", "", CODE_USAGE, "context can be at most 9");
    check_refused(files, "short", ", \"context\": 10", CODE_USAGE, "30 bytes, too few");
}

static void test_text__counts_that_the_file_cannot_give_are_refused(void **state) {
    Files *files = *state;
    write_file(files, "a", 1205);
    check_refused(files, "a", ", \"context\": 10, \"train\": 101", CODE_USAGE, "at most 100");
    check_refused(files, "a", ", \"context\": 10, \"valid\": 115", CODE_USAGE,
                  "make valid and test");
}

static int set_up(void **state) {
    Arena *arena = arena_new();
    Files *files = ARENA_NEW(arena, Files);
    files->arena = arena;
    strcpy(files->folder, "/tmp/batchlab-text-XXXXXX");
    *state = files;
    return mkdtemp(files->folder) ? 0 : -1;
}

static int tear_down(void **state) {
    Files *files = *state;
    const char *const names[] = {"a", "empty", "tiny", "short"};
    for (int i = 0; i < 4; i++)
        unlink(arena_print(files->arena, "%s/%s", files->folder, names[i]));
    rmdir(files->folder);
    arena_end(files->arena);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_text__splits_follow_each_other_in_the_file),
        TEST(test_text__training_windows_may_overlap),
        TEST(test_text__bad_files_are_told_before_anything_starts),
        TEST(test_text__counts_that_the_file_cannot_give_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
