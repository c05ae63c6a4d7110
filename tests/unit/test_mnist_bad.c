/* Every way an IDX set or the counts asked of it can be bad: one clear message with the file, a
 * hint and the code. */
#include "lab/data/dataset.h"
#include "tests/unit/idx_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

extern const DatasetType dataset_mnist;

/* Ways to spoil the four files. */
static void cut(const char *folder, int k, bool packed, size_t bytes) {
    char path[512];
    struct stat info;
    idx_path(path, folder, k, packed);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size - (off_t)bytes), 0);
}

static void change(const char *folder, int k, bool packed, size_t at, uint8_t value) {
    IdxBytes file = idx_bytes(k);
    file.at[at] = value;
    idx_write(folder, k, &file, packed);
}

/* Changes a byte of the compressed file itself, counted from its end. */
static void damage(const char *folder, int k, long from_end) {
    char path[512];
    idx_path(path, folder, k, true);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, -from_end, SEEK_END);
    int byte = fgetc(file);
    fseek(file, -from_end, SEEK_END);
    fputc(byte ^ 0x55, file);
    fclose(file);
}

/* Two items fewer in the headers of a pair than in its images, or one byte more behind the labels.
 */
static void lengthen_images(const char *folder, bool packed) {
    IdxBytes images = idx_bytes(0), labels = idx_bytes(1);
    images.n -= IDX_SIDE_Y * IDX_SIDE_X;
    labels.n -= 2;
    idx_put_word(images.at + 4, IDX_TRAIN - 2);
    idx_put_word(labels.at + 4, IDX_TRAIN - 2);
    idx_write(folder, 0, &images, packed);
    idx_write(folder, 1, &labels, packed);
}

static void lengthen_labels(const char *folder, bool packed) {
    IdxBytes labels = idx_bytes(1);
    labels.at[labels.n++] = 0;
    idx_write(folder, 1, &labels, packed);
}

static void raw_images_cut(const char *folder) {
    cut(folder, 0, false, 7);
}
static void raw_labels_cut(const char *folder) {
    cut(folder, 3, false, 1);
}
static void header_cut(const char *folder) {
    char path[512];
    idx_path(path, folder, 2, false);
    assert_int_equal(truncate(path, 9), 0);
}
static void file_empty(const char *folder) {
    char path[512];
    idx_path(path, folder, 0, false);
    assert_int_equal(truncate(path, 0), 0);
}
static void gz_images_cut(const char *folder) {
    cut(folder, 0, true, 300);
}
static void gz_trailer_cut(const char *folder) {
    cut(folder, 2, true, 4);
}
static void gz_checksum_wrong(const char *folder) {
    damage(folder, 0, 6);
}
static void gz_stream_damaged(const char *folder) {
    damage(folder, 0, 200);
}
static void raw_images_long(const char *folder) {
    lengthen_images(folder, false);
}
static void gz_images_long(const char *folder) {
    lengthen_images(folder, true);
}
static void gz_labels_long(const char *folder) {
    lengthen_labels(folder, true);
}
static void gz_header_lies(const char *folder) {
    change(folder, 0, true, 4, 0x70); /* 1.9 billion images */
}
static void magic_wrong(const char *folder) {
    change(folder, 0, false, 0, 'P');
}
static void type_wrong(const char *folder) {
    change(folder, 0, false, 2, 0x0d); /* floats */
}
static void files_exchanged(const char *folder) {
    IdxBytes images = idx_bytes(0), labels = idx_bytes(1);
    idx_write(folder, 0, &labels, false);
    idx_write(folder, 1, &images, false);
}
static void no_items(const char *folder) {
    change(folder, 0, false, 7, 0);
}
static void sides_huge(const char *folder) {
    change(folder, 0, false, 8, 0x7f);
}
static void label_missing(const char *folder) {
    IdxBytes file = idx_bytes(1);
    file.n--;
    file.at[7]--;
    idx_write(folder, 1, &file, false);
}
static void label_far_off(const char *folder) {
    change(folder, 1, false, 50, 200);
}
static void labels_all_zero(const char *folder) {
    IdxBytes file = idx_bytes(1);
    memset(file.at + 8, 0, file.n - 8);
    idx_write(folder, 1, &file, false);
}
static void test_label_too_high(const char *folder) {
    change(folder, 3, false, 12, IDX_CLASSES);
}
static void test_side_differs(const char *folder) {
    IdxBytes file = idx_bytes(2);
    file.at[11] = IDX_SIDE_X;
    file.at[15] = IDX_SIDE_Y;
    idx_write(folder, 2, &file, false);
}
static void file_absent(const char *folder) {
    char path[512];
    idx_path(path, folder, 3, false);
    assert_int_equal(unlink(path), 0);
}
static void nothing(const char *folder) {
    (void)folder;
}

typedef struct {
    const char *what;
    bool packed;
    void (*spoil)(const char *folder);
    const char *more; /* settings */
    int code;
    bool probe_sees_it;
    const char *says[3]; /* parts of the message; NULL-terminated when shorter */
} BadInput;

/* clang-format off */
static const BadInput bad_inputs[] = {
    {"raw images cut", false, raw_images_cut, "", CODE_IO, true, {"truncated", "expected 2416", "found 2409"}},
    {"raw labels cut", false, raw_labels_cut, "", CODE_IO, true, {"t10k-labels", "expected 48", "found 47"}},
    {"header cut", false, header_cut, "", CODE_IO, true, {"t10k-images", "truncated", "found 9"}},
    {"file empty", false, file_empty, "", CODE_IO, true, {"train-images", "truncated", "found 0"}},
    {"gz images cut", true, gz_images_cut, "", CODE_IO, false, {"train-images", "truncated", "expected 2416"}},
    {"gz trailer cut", true, gz_trailer_cut, "", CODE_IO, false, {"t10k-images", "ends badly"}},
    {"gz checksum wrong", true, gz_checksum_wrong, "", CODE_IO, false, {"train-images", "fetch it again"}},
    {"gz stream damaged", true, gz_stream_damaged, "", CODE_IO, false, {"train-images", "fetch it again"}},
    {"raw images long", false, raw_images_long, "", CODE_IO, true, {"train-images", "longer", "found 2396"}},
    {"gz images long", true, gz_images_long, "", CODE_IO, false, {"train-images", "goes on after the 2376"}},
    {"gz labels long", true, gz_labels_long, "", CODE_IO, true, {"train-labels", "goes on after the 128"}},
    {"gz header lies", true, gz_header_lies, "", CODE_IO, true, {"train-images", "truncated", "at most"}},
    {"magic wrong", false, magic_wrong, "", CODE_IO, true, {"not an IDX file", "0x50000803"}},
    {"type wrong", false, type_wrong, "", CODE_IO, true, {"0x00000d03", "unsigned bytes"}},
    {"files exchanged", false, files_exchanged, "", CODE_IO, true, {"0x00000801", "exchanged"}},
    {"no items", false, no_items, "", CODE_IO, true, {"0 items"}},
    {"sides huge", false, sides_huge, "", CODE_IO, true, {"train-images", "4096 x 4096"}},
    {"label missing", false, label_missing, "", CODE_IO, true, {"120 images", "119 labels"}},
    {"label far off", false, label_far_off, "", CODE_IO, true, {"train-labels", "label 200 out of range"}},
    {"labels all zero", false, labels_all_zero, "", CODE_IO, true, {"every label is 0"}},
    {"test label too high", false, test_label_too_high, "", CODE_IO, true, {"t10k-labels", "label 3 of item 4"}},
    {"test side differs", false, test_side_differs, "", CODE_IO, true, {"5 x 4", "4 x 5"}},
    {"file absent", false, file_absent, "", CODE_MISSING, true, {"t10k-labels-idx1-ubyte.gz", "neither"}},
    {"train too large", false, nothing, ", \"train\": 111", CODE_USAGE, true, {"dataset.train = 111", "at most 110"}},
    {"valid too large", false, nothing, ", \"valid\": 120", CODE_USAGE, true, {"dataset.valid = 120", "120 examples"}},
    {"both too large", false, nothing, ", \"train\": 90, \"valid\": 31", CODE_USAGE, true, {"at most 89"}},
    {"test too large", false, nothing, ", \"test\": 41", CODE_USAGE, true, {"dataset.test = 41", "40 examples"}},
};
/* clang-format on */

static void check_error(const BadInput *bad, Error *error, const char *folder, const char *from) {
    if (!error)
        fail_msg("%s: %s saw nothing", bad->what, from);
    const char *text = error_text(error);
    if (error_code(error) != bad->code)
        fail_msg("%s: code %d instead of %d: %s", bad->what, error_code(error), bad->code, text);
    for (int i = 0; i < 3 && bad->says[i]; i++)
        if (!strstr(text, bad->says[i]))
            fail_msg("%s: no '%s' in: %s", bad->what, bad->says[i], text);
    if (!strstr(text, "hint:") || !strstr(text, folder))
        fail_msg("%s: no hint or no path in: %s", bad->what, text);
    error_end(error);
}

static void test_mnist_bad__input_is_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_inputs / sizeof *bad_inputs; i++) {
        const BadInput *bad = &bad_inputs[i];
        char folder[64];
        Dataset data;
        Arena *arena = arena_new();
        idx_folder_new(folder);
        idx_write_all(folder, bad->packed);
        bad->spoil(folder);
        const void *settings = idx_settings(folder, bad->more, arena);
        Error *error = dataset_probe(&data, &dataset_mnist, settings, NULL, arena);
        if (error || bad->probe_sees_it) /* headers alone need not tell, but must not mislead */
            check_error(bad, error, folder, "probe");
        check_error(bad, dataset_load(&data, &dataset_mnist, settings, NULL, arena), folder,
                    "load");
        idx_folder_end(folder);
        arena_end(arena);
    }
}

static void test_mnist_bad__folder_must_be_a_folder(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset data;
    char file[] = "/tmp/batchlab-file-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    close(fd);
    Error *error = dataset_probe(&data, &dataset_mnist, idx_settings(file, "", arena), NULL, arena);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_MISSING);
    assert_non_null(strstr(error_text(error), "is not a folder"));
    error_end(error);
    unlink(file);
    error = dataset_probe(&data, &dataset_mnist, idx_settings(file, "", arena), NULL, arena);
    assert_int_equal(error_code(error), CODE_MISSING);
    error_end(error);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mnist_bad__input_is_named),
        cmocka_unit_test(test_mnist_bad__folder_must_be_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
