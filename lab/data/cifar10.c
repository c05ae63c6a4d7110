/* CIFAR-10's binary version, or any files of that form: records of a label byte and 3 x 32 x 32
 * pixel bytes, colour planes one after the other. Source of the format:
 * www.cs.toronto.edu/~kriz/cifar.html. */
#include "lab/base/io.h"
#include "lab/data/split.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { N_BATCHES = 5, N_FILES = 6, SIDE = 32, PIXELS = 3 * SIDE * SIDE, RECORD = 1 + PIXELS };
enum { N_CLASSES = 10 };

/* Constants rather than a sum over the pixels, so that the content does not hang on a summation
 * order; they are CIFAR-10's mean and standard deviation over all planes. */
#define PIXEL_MEAN 0.4734
#define PIXEL_SD 0.2516

typedef struct {
    const char *path;
    int64_t train, valid, test; /* 0: see the help */
} Cifar10Settings;

static const Param rows[] = {
    PARAM(TEXT, Cifar10Settings, path, NULL, 0, 0, "path",
          "folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin"),
    PARAM(COUNT, Cifar10Settings, train, "0", 0, 2147483647, "examples",
          "training examples; 0: all but valid"),
    PARAM(COUNT, Cifar10Settings, valid, "0", 0, 2147483647, "examples",
          "validation examples, split off the five batches; 0: a twelfth of them"),
    PARAM(COUNT, Cifar10Settings, test, "0", 0, 2147483647, "examples", "test examples; 0: all"),
    PARAM_END,
};

/* The six files: the training batches count as one. */
typedef struct {
    const char *folder;
    ItemFile file[N_FILES]; /* the last is the test batch */
    ItemFile train;
} Files;

static Error *count_records(ItemFile *file, const char *folder, const char *name, Arena *arena) {
    struct stat info;
    file->path = arena_print(arena, "%s/%s", folder, name);
    if (!io_exists(file->path))
        return error_hint(error_new(CODE_MISSING, "there is no '%s'", file->path),
                          "the folder must hold data_batch_1.bin to data_batch_5.bin and "
                          "test_batch.bin, as in cifar-10-binary.tar.gz");
    if (stat(file->path, &info) != 0)
        return error_new(CODE_IO, "cannot look at '%s': %s", file->path, strerror(errno));
    if (info.st_size == 0)
        return error_hint(error_new(CODE_IO, "'%s' is empty", file->path),
                          "is it only partly copied? fetch it again");
    if (info.st_size % RECORD != 0)
        return error_hint(
            error_new(CODE_IO,
                      "'%s' is truncated, or no batch of CIFAR-10: its %lld bytes are no multiple "
                      "of %d, the size of a record",
                      file->path, (long long)info.st_size, RECORD),
            "the binary version is wanted (a label byte and 3072 pixel bytes each), not Python's "
            "or Matlab's; fetch it again");
    file->n = info.st_size / RECORD;
    return NULL;
}

static Error *find_files(Files *files, const char *path, DataPaths paths, Arena *arena) {
    PASS(dataset_find_path(&files->folder, path, paths, "trial.dataset.path", arena));
    if (!io_is_folder(files->folder))
        return error_hint(error_new(CODE_MISSING,
                                    "'%s' (setting 'trial.dataset.path') is not a folder",
                                    files->folder),
                          "give the folder that holds the six .bin files");
    files->train = (ItemFile){.path = arena_print(arena, "%s/data_batch_*.bin", files->folder)};
    for (int i = 0; i < N_BATCHES; i++) {
        char name[32];
        snprintf(name, sizeof name, "data_batch_%d.bin", i + 1);
        PASS(count_records(&files->file[i], files->folder, name, arena));
        files->train.n += files->file[i].n;
    }
    return count_records(&files->file[N_BATCHES], files->folder, "test_batch.bin", arena);
}

static Error *resolve(Dataset *out, Files *files, const Cifar10Settings *set, DataPaths paths,
                      Arena *arena) {
    PASS(find_files(files, set->path, paths, arena));
    *out = (Dataset){.n_features = PIXELS,
                     .n_classes = N_CLASSES,
                     .shape = {3, SIDE, SIDE},
                     .pixel_scale = (float)(1 / (255 * PIXEL_SD)),
                     .pixel_shift = (float)(-PIXEL_MEAN / PIXEL_SD)};
    return split_counts(out->n, (int64_t[SPLIT_N]){set->train, set->valid, set->test}, files->train,
                        &files->file[N_BATCHES]);
}

static Error *probe(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    Files files = {0};
    return resolve(out, &files, settings, paths, arena);
}

static Error *read_records(FILE *in, const ItemFile *file, const int32_t *row_of, uint8_t *pixels,
                           int32_t *labels) {
    uint8_t record[RECORD];
    for (int64_t i = 0; i < file->n; i++) {
        if (fread(record, RECORD, 1, in) != 1)
            return error_hint(error_new(CODE_IO, "'%s' is truncated: record %lld of %lld: %s",
                                        file->path, (long long)i, (long long)file->n,
                                        ferror(in) ? strerror(errno) : "end of file"),
                              "did another program change it just now? fetch it again");
        if (record[0] >= N_CLASSES)
            return error_hint(error_new(CODE_IO, "'%s': label %d of record %lld is out of range",
                                        file->path, record[0], (long long)i),
                              "labels are 0 to %d; is it CIFAR-100, or damaged?", N_CLASSES - 1);
        if (row_of[i] < 0)
            continue;
        memcpy(pixels + (int64_t)row_of[i] * PIXELS, record + 1, PIXELS);
        labels[row_of[i]] = record[0];
    }
    return NULL;
}

static Error *read_file(const ItemFile *file, const int32_t *row_of, uint8_t *pixels,
                        int32_t *labels) {
    FILE *in = fopen(file->path, "rb");
    if (!in)
        return error_new(CODE_IO, "cannot open '%s': %s", file->path, strerror(errno));
    Error *error = read_records(in, file, row_of, pixels, labels);
    fclose(in);
    return error;
}

static Error *load(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    Files files = {0};
    PASS(resolve(out, &files, settings, paths, arena));
    int64_t n_train = out->n[SPLIT_TRAIN], n_valid = out->n[SPLIT_VALID];
    int64_t n_test = out->n[SPLIT_TEST], n_rows = n_train + n_valid + n_test;
    uint8_t *pixels = ARENA_ARRAY(arena, uint8_t, n_rows * PIXELS);
    int32_t *labels = ARENA_ARRAY(arena, int32_t, n_rows);
    const int32_t *row_of = split_rows(files.train.n, n_train, n_valid, 0, 0, arena);
    for (int i = 0; i < N_BATCHES; i++) {
        PASS(read_file(&files.file[i], row_of, pixels, labels));
        row_of += files.file[i].n;
    }
    const ItemFile *test = &files.file[N_BATCHES];
    PASS(read_file(test, split_rows(test->n, n_test, 0, n_train + n_valid, 1, arena), pixels,
                   labels));
    out->pixels = pixels;
    out->labels = labels;
    return NULL;
}

DATASET_TYPE(cifar10) = {
    .kind = {.name = "cifar10",
             .summary = "32 x 32 colour photographs from CIFAR-10's binary batches",
             .detail =
                 "Reads data_batch_1.bin to data_batch_5.bin and test_batch.bin of the folder "
                 "`path`\n"
                 "(cifar-10-binary.tar.gz unpacks them into cifar-10-batches-bin). Which training "
                 "examples\n"
                 "become `valid` is a fixed random choice. Pixels become (p / 255 - 0.4734) / "
                 "0.2516.",
             .reference = "Krizhevsky 2009, Learning multiple layers of features from tiny images",
             .settings_bytes = sizeof(Cifar10Settings),
             .params = rows},
    .probe = probe,
    .load = load,
};
