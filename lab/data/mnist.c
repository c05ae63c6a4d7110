/* MNIST, or any four IDX files of that form: one channel, any height x width, labels 0..max. */
#include "lab/base/io.h"
#include "lab/data/idx.h"
#include "lab/data/split.h"

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
    int32_t *label;  /* (n) of the file */
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
    uint8_t *bytes = ARENA_ARRAY(arena, uint8_t, half->n);
    PASS(idx_read(&half->labels, bytes, half->n));
    half->label = ARENA_ARRAY(arena, int32_t, half->n);
    for (int64_t i = 0; i < half->n; i++)
        half->label[i] = bytes[i];
    return idx_close(&half->labels);
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
    PASS(split_classes(&n_classes, files->train.label, files->train.n, files->train.labels.path));
    PASS(check_test(files, n_classes));

    int height = files->train.images.height, width = files->train.images.width;
    *out = (Dataset){.n_features = height * width,
                     .n_classes = n_classes,
                     .shape = {1, height, width},
                     .pixel_scale = (float)(1 / (255 * PIXEL_SD)),
                     .pixel_shift = (float)(-PIXEL_MEAN / PIXEL_SD)};
    ItemFile test = {files->test.images.path, files->test.n};
    return split_counts(out->n, (int64_t[SPLIT_N]){set->train, set->valid, set->test},
                        (ItemFile){files->train.images.path, files->train.n}, &test);
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
    int64_t n_train = out->n[SPLIT_TRAIN], n_valid = out->n[SPLIT_VALID];
    files->train.row_of = split_rows(files->train.n, n_train, n_valid, 0, 0, arena);
    files->test.row_of =
        split_rows(files->test.n, out->n[SPLIT_TEST], 0, n_train + n_valid, 1, arena);
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
