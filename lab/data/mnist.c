/* MNIST, or any four IDX files of that form: one channel, any height x width, labels 0..max. */
#include "lab/base/io.h"
#include "lab/base/rng.h"
#include "lab/data/dataset.h"
#include "lab/data/idx.h"
#include "lab/data/sampler.h"

#include <string.h>

/* Constants rather than a sum over the pixels, so that the content does not hang on a summation
 * order; they are MNIST's mean and standard deviation, and good enough for its relatives. */
#define PIXEL_MEAN 0.1307
#define PIXEL_SD 0.3081

typedef struct {
    const char *path;
    int64_t train, valid, test; /* 0: see the help */
} MnistSettings;

static const Param rows[] = {
    PARAM(TEXT, MnistSettings, path, NULL, 0, 0, "path",
          "folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and the same of t10k, raw "
          "or .gz"),
    PARAM(COUNT, MnistSettings, train, "0", 0, 2147483647, "examples",
          "training examples; 0: all but valid"),
    PARAM(COUNT, MnistSettings, valid, "0", 0, 2147483647, "examples",
          "validation examples, split off the training file; 0: a twelfth of it"),
    PARAM(COUNT, MnistSettings, test, "0", 0, 2147483647, "examples", "test examples; 0: all"),
    PARAM_END,
};

/* One pair of files, and which of its items go to which row of the dataset. */
typedef struct {
    Idx images, labels;
    uint8_t *label;  /* (n) of the file */
    int32_t *row_of; /* (n), -1: not used */
    int64_t n;
} Half;

typedef struct {
    Half train, test;
} Files;

static void files_end(Files *files) {
    Half *halves[] = {&files->train, &files->test};
    for (int i = 0; i < 2; i++) {
        error_end(idx_close(&halves[i]->images));
        error_end(idx_close(&halves[i]->labels));
    }
}

/* Opens both files of a half and reads the labels, which are small. */
static Error *open_half(Half *half, const char *folder, const char *prefix, Arena *arena) {
    PASS(idx_open(&half->images, folder, arena_print(arena, "%s-images-idx3-ubyte", prefix), 3,
                  arena));
    PASS(idx_open(&half->labels, folder, arena_print(arena, "%s-labels-idx1-ubyte", prefix), 1,
                  arena));
    half->n = half->images.n;
    if (half->labels.n != half->n)
        return error_hint(error_new(CODE_IO, "'%s' holds %lld images but '%s' %lld labels",
                                    half->images.path, (long long)half->n, half->labels.path,
                                    (long long)half->labels.n),
                          "the two files must come from the same set");
    half->label = ARENA_ARRAY(arena, uint8_t, half->n);
    PASS(idx_read(&half->labels, half->label, half->n));
    return idx_close(&half->labels);
}

/* Classes are 0..max of the training labels. A number that is skipped on the way is most likely a
 * damaged file; class 0 may be absent, some sets count from 1. */
static Error *count_classes(int *n_classes, const Half *train) {
    bool seen[256] = {false};
    int max = 0;
    for (int64_t i = 0; i < train->n; i++) {
        seen[train->label[i]] = true;
        if (train->label[i] > max)
            max = train->label[i];
    }
    for (int c = 1; c < max; c++)
        if (!seen[c])
            return error_hint(
                error_new(CODE_IO, "'%s': label %d out of range: no example has label %d",
                          train->labels.path, max, c),
                "labels must be 0..max without gaps; number the classes anew if this is no damage");
    if (max == 0)
        return error_hint(error_new(CODE_IO, "'%s': every label is 0", train->labels.path),
                          "there must be at least two classes");
    *n_classes = max + 1;
    return NULL;
}

static Error *check_test(const Files *files, int n_classes) {
    const Half *test = &files->test;
    const Idx *a = &files->train.images, *b = &test->images;
    if (a->height != b->height || a->width != b->width)
        return error_hint(error_new(CODE_IO, "'%s' holds images of %d x %d but '%s' of %d x %d",
                                    a->path, a->height, a->width, b->path, b->height, b->width),
                          "the training and test files must come from the same set");
    for (int64_t i = 0; i < test->n; i++)
        if (test->label[i] >= n_classes)
            return error_hint(error_new(CODE_IO, "'%s': label %d of item %lld is out of range",
                                        test->labels.path, test->label[i], (long long)i),
                              "the training labels end at %d", n_classes - 1);
    return NULL;
}

static Error *resolve_counts(Dataset *out, const MnistSettings *set, const Files *files) {
    const Half *train = &files->train, *test = &files->test;
    int64_t valid = set->valid ? set->valid : train->n / 12;
    int64_t left = train->n - valid;
    if (valid < 1 || left < 1 || set->train > left)
        return error_hint(
            error_new(
                CODE_USAGE,
                "trial.dataset.train = %lld and trial.dataset.valid = %lld need more than the %lld "
                "examples of '%s'",
                (long long)set->train, (long long)valid, (long long)train->n, train->images.path),
            left > 0 && valid > 0
                ? "with this valid, train can be at most %lld (0 takes them all)"
                : "both must be at least 1; make valid smaller than the file (%lld left for train)",
            (long long)left);
    if (set->test > test->n)
        return error_hint(
            error_new(CODE_USAGE,
                      "trial.dataset.test = %lld is more than the %lld examples of '%s'",
                      (long long)set->test, (long long)test->n, test->images.path),
            "0 takes them all");
    out->n[SPLIT_TRAIN] = set->train ? set->train : left;
    out->n[SPLIT_VALID] = valid;
    out->n[SPLIT_TEST] = set->test ? set->test : test->n;
    return NULL;
}

static Error *open_files(Files *files, Dataset *out, const MnistSettings *set, DataPaths paths,
                         Arena *arena) {
    const char *folder;
    PASS(dataset_find_path(&folder, set->path, paths, "trial.dataset.path", arena));
    if (!io_is_folder(folder))
        return error_hint(
            error_new(CODE_MISSING, "'%s' (setting 'trial.dataset.path') is not a folder", folder),
            "give the folder that holds the four IDX files");
    PASS(open_half(&files->train, folder, "train", arena));
    PASS(open_half(&files->test, folder, "t10k", arena));
    int n_classes = 0;
    PASS(count_classes(&n_classes, &files->train));
    PASS(check_test(files, n_classes));

    int height = files->train.images.height, width = files->train.images.width;
    *out = (Dataset){.n_features = height * width,
                     .n_classes = n_classes,
                     .shape = {1, height, width},
                     .pixel_scale = (float)(1 / (255 * PIXEL_SD)),
                     .pixel_shift = (float)(-PIXEL_MEAN / PIXEL_SD)};
    return resolve_counts(out, set, files);
}

/* A fixed permutation of each file decides: train are its first entries, valid the last of the
 * training file's. So files sorted by class do no harm, and valid stays the same when train
 * changes. */
static void place_rows(Files *files, const Dataset *data, Arena *arena) {
    Half *halves[] = {&files->train, &files->test};
    for (int h = 0; h < 2; h++) {
        Half *half = halves[h];
        int32_t *order = ARENA_ARRAY(arena, int32_t, half->n);
        half->row_of = ARENA_ARRAY(arena, int32_t, half->n);
        memset(half->row_of, 0xff, (size_t)half->n * sizeof *half->row_of);
        sampler_permute(order, half->n, rng_new(0, RNG_SPLIT, (uint64_t)h));
        int64_t n_first = data->n[h ? SPLIT_TEST : SPLIT_TRAIN],
                n_valid = h ? 0 : data->n[SPLIT_VALID];
        int64_t base = h ? data->n[SPLIT_TRAIN] + data->n[SPLIT_VALID] : 0;
        for (int64_t i = 0; i < n_first; i++)
            half->row_of[order[i]] = (int32_t)(base + i);
        for (int64_t i = 0; i < n_valid; i++)
            half->row_of[order[half->n - n_valid + i]] = (int32_t)(n_first + i);
    }
}

static Error *read_half(Half *half, uint8_t *pixels, int32_t *labels, int width, Arena *arena) {
    uint8_t *unused = ARENA_ARRAY(arena, uint8_t, width);
    for (int64_t i = 0; i < half->n; i++) {
        int64_t row = half->row_of[i];
        PASS(idx_read(&half->images, row < 0 ? unused : pixels + row * width, 1));
        if (row >= 0)
            labels[row] = half->label[i];
    }
    return idx_close(&half->images);
}

static Error *read_files(Files *files, Dataset *out, Arena *arena) {
    int64_t n_rows = out->n[SPLIT_TRAIN] + out->n[SPLIT_VALID] + out->n[SPLIT_TEST];
    uint8_t *pixels = ARENA_ARRAY(arena, uint8_t, n_rows * out->n_features);
    int32_t *labels = ARENA_ARRAY(arena, int32_t, n_rows);
    place_rows(files, out, arena);
    PASS(read_half(&files->train, pixels, labels, out->n_features, arena));
    PASS(read_half(&files->test, pixels, labels, out->n_features, arena));
    out->pixels = pixels;
    out->labels = labels;
    return NULL;
}

static Error *probe(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    Files files = {0};
    Error *error = open_files(&files, out, settings, paths, arena);
    files_end(&files);
    return error;
}

static Error *load(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    Files files = {0};
    Error *error = open_files(&files, out, settings, paths, arena);
    if (!error)
        error = read_files(&files, out, arena);
    files_end(&files);
    return error;
}

DATASET_TYPE(mnist) = {
    .kind =
        {.name = "mnist",
         .summary = "handwritten digits (or any images) from IDX files, raw or gzip",
         .detail =
             "Reads train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
             "t10k-labels-idx1-ubyte of the folder `path`. Which training examples become `valid` "
             "is a "
             "fixed random choice. Pixels become (p / 255 - 0.1307) / 0.3081.",
         .reference =
             "LeCun, Bottou, Bengio, Haffner 1998, Gradient-based learning applied to document "
             "recognition",
         .settings_bytes = sizeof(MnistSettings),
         .params = rows},
    .probe = probe,
    .load = load,
};
