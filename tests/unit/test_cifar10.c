/* CIFAR-10's binary batches, on small files of that form: every record ends up whole in one place,
 * and every way the files can be bad has its message. */
#include "tests/unit/cifar_files.h"
#include "tests/unit/pair_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

extern const DatasetType dataset_cifar10;

enum { PIXELS = CIFAR_RECORD - 1 };

static int set_up(void **state) {
    char *folder = calloc(1, 64);
    assert_non_null(folder);
    strcpy(folder, "/tmp/batchlab-cifar-XXXXXX");
    assert_non_null(mkdtemp(folder));
    cifar_write_all(folder);
    *state = folder;
    return 0;
}

static int tear_down(void **state) {
    cifar_remove_all(*state);
    rmdir(*state);
    free(*state);
    return 0;
}

static Error *load(Dataset *out, const char *folder, const char *more, Arena *arena) {
    const void *settings = pair_settings("cifar10", folder, more, arena);
    return dataset_load(out, &dataset_cifar10, settings, NULL, arena);
}

static void test_cifar10__every_record_is_whole_and_in_one_place(void **state) {
    Arena *arena = arena_new();
    Dataset data;
    bool used[CIFAR_FILES][CIFAR_TRAIN] = {{false}};
    assert_null(load(&data, *state, "", arena));
    assert_int_equal(data.n[SPLIT_TRAIN], 550);
    assert_int_equal(data.n[SPLIT_VALID], 50);
    assert_int_equal(data.n[SPLIT_TEST], CIFAR_TEST);
    assert_memory_equal(data.shape, ((int[]){3, 32, 32}), sizeof data.shape);
    for (int split = 0; split < SPLIT_N; split++)
        for (int64_t i = 0; i < data.n[split]; i++) {
            const uint8_t *row = data.pixels + (data.first[split] + i) * PIXELS;
            int k = row[0], record = row[1];
            assert_true((k == 5) == (split == SPLIT_TEST));
            assert_false(used[k][record]);
            used[k][record] = true;
            assert_int_equal(data.labels[data.first[split] + i], cifar_byte(k, record, 0));
            for (int j = 0; j < PIXELS; j++)
                assert_int_equal(row[j], cifar_byte(k, record, j + 1));
        }
    arena_end(arena);
}

static void test_cifar10__valid_stays_when_train_changes(void **state) {
    Arena *arena = arena_new();
    Dataset a, b;
    assert_null(load(&a, *state, ", \"valid\": 40", arena));
    assert_null(load(&b, *state, ", \"valid\": 40, \"train\": 100, \"test\": 10", arena));
    assert_int_equal(a.n[SPLIT_TRAIN], 560);
    assert_int_equal(b.n[SPLIT_TRAIN], 100);
    assert_int_equal(b.n[SPLIT_TEST], 10);
    assert_memory_equal(a.pixels, b.pixels, 100 * PIXELS);
    assert_memory_equal(a.pixels + a.first[SPLIT_VALID] * PIXELS,
                        b.pixels + b.first[SPLIT_VALID] * PIXELS, 40 * PIXELS);
    arena_end(arena);
}

static void expect(const char *folder, const char *more, int code, const char *says,
                   const char *hint) {
    Arena *arena = arena_new();
    Dataset data;
    Error *error = load(&data, folder, more, arena);
    assert_non_null(error);
    const char *text = error_text(error), *hinted = strstr(text, "hint: ");
    if (error_code(error) != code || !strstr(text, says) || !hinted || !strstr(hinted, hint) ||
        !strstr(text, folder))
        fail_msg("code %d; wanted %d, '%s' and hint '%s' in\n%s", error_code(error), code, says,
                 hint, text);
    error_end(error);
    arena_end(arena);
}

static void put_byte(const char *folder, int k, long at, int value) {
    char path[512];
    cifar_path(path, folder, k);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    fputc(value, file);
    fclose(file);
}

static void test_cifar10__bad_files_are_named(void **state) {
    const char *folder = *state;
    char path[512];
    cifar_path(path, folder, 2);
    assert_int_equal(truncate(path, 5 * CIFAR_RECORD - 1), 0);
    expect(folder, "", 74, "data_batch_3.bin' is truncated", "binary version");
    assert_int_equal(truncate(path, 0), 0);
    expect(folder, "", 74, "data_batch_3.bin' is empty", "fetch it again");
    unlink(path);
    expect(folder, "", 66, "there is no", "test_batch.bin");
    cifar_write(folder, 2);
    put_byte(folder, 4, 7L * CIFAR_RECORD, 10);
    expect(folder, "", 74, "data_batch_5.bin': label 10 of record 7 is out of range", "0 to 9");
    cifar_write(folder, 4);
    put_byte(folder, 5, 0, 255);
    expect(folder, "", 74, "test_batch.bin': label 255 of record 0", "0 to 9");
    cifar_write(folder, 5);
    expect(folder, ", \"train\": 551", 2, "trial.dataset.train = 551", "at most 550");
    expect(folder, ", \"valid\": 600", 2, "trial.dataset.valid = 600", "at least 1");
    expect(folder, ", \"test\": 61", 2, "trial.dataset.test = 61", "0 takes them all");
    expect(path, "", 66, "is not a folder", "six .bin files");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CIFAR_TESTED(name) cmocka_unit_test_setup_teardown(test_cifar10__##name, set_up, tear_down)
        CIFAR_TESTED(every_record_is_whole_and_in_one_place),
        CIFAR_TESTED(valid_stays_when_train_changes),
        CIFAR_TESTED(bad_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
