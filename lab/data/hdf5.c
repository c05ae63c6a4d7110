/* Hdf5: a user's own examples, two datasets of any HDF5 file. */
#include "lab/base/io.h"
#include "lab/data/hdf5_array.h"

static const Param rows[] = {
    PARAM(TEXT, PairSettings, path, NULL, 0, 0, "path", "the file"),
    PARAM(TEXT, PairSettings, x, "\"x\"", 0, 0, "name", "the examples' dataset in the file"),
    PARAM(TEXT, PairSettings, y, "\"y\"", 0, 0, "name", "the labels' dataset in the file"),
    PAIR_ROWS,
    PARAM_END,
};

static Error *open_both(PairArray *x, PairArray *y, const PairSettings *set, DataPaths paths,
                        Arena *arena) {
    const char *path;
    PASS(dataset_find_path(&path, set->path, paths, "trial.dataset.path", arena));
    if (io_is_folder(path))
        return error_hint(
            error_new(CODE_MISSING, "'%s' (setting 'trial.dataset.path') is not a file", path),
            "give one HDF5 file that holds x and y");
    PASS(hdf5_open(x, path, set->x, arena));
    return hdf5_open(y, path, set->y, arena);
}

static Error *probe(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    return pairs_probe(out, open_both, settings, paths, arena);
}

static Error *load(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    return pairs_load(out, open_both, settings, paths, arena);
}

DATASET_TYPE(hdf5) = {
    .kind = {.name = "hdf5",
             .summary = "your own examples: any HDF5 file with datasets x and y",
             .detail =
                 "x is (examples, features), (examples, height, width) or (examples, channels, "
                 "height, width)\n"
                 "of numbers; y is (examples) of whole numbers from 0 on. x becomes (x - mean) / "
                 "sd, unsigned\n"
                 "bytes after division by 255. Chunks, compression and byte order are the "
                 "library's business.\n"
                 "A fixed random choice decides which examples become train, valid and test; the "
                 "test set\n"
                 "stays the same when train and valid change.",
             .settings_bytes = sizeof(PairSettings),
             .params = rows},
    .probe = probe,
    .load = load,
};
