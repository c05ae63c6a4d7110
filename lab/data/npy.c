/* Npy pairs: a user's own examples in x.npy and y.npy. */
#include "lab/base/io.h"
#include "lab/data/npy_file.h"

static const Param rows[] = {
    PARAM(TEXT, PairSettings, path, NULL, 0, 0, "path", "folder with x.npy and y.npy"),
    PAIR_ROWS,
    PARAM_END,
};

static Error *open_both(PairArray *x, PairArray *y, const PairSettings *set, DataPaths paths,
                        Arena *arena) {
    const char *folder;
    PASS(dataset_find_path(&folder, set->path, paths, "trial.dataset.path", arena));
    if (!io_is_folder(folder))
        return error_hint(
            error_new(CODE_MISSING, "'%s' (setting 'trial.dataset.path') is not a folder", folder),
            "give the folder that holds x.npy and y.npy");
    PASS(npy_open(x, arena_print(arena, "%s/x.npy", folder), arena));
    PASS(npy_open(y, arena_print(arena, "%s/y.npy", folder), arena));
    if (x->type == PAIR_WHOLE)
        return error_hint(error_new(CODE_IO, "'%s' holds whole numbers that are no u1", x->path),
                          "x may be u1, f4 or f8: x.astype('<f4')");
    return NULL;
}

static Error *probe(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    return pairs_probe(out, open_both, settings, paths, arena);
}

static Error *load(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    return pairs_load(out, open_both, settings, paths, arena);
}

DATASET_TYPE(npy) = {
    .kind = {.name = "npy",
             .summary = "your own examples: x.npy and y.npy, as numpy.save writes them",
             .detail =
                 "x is (examples, features), (examples, height, width) or (examples, channels, "
                 "height, width)\n"
                 "of u1, f4 or f8; y is (examples) of whole numbers from 0 on. Both "
                 "little-endian and in C\n"
                 "order. x becomes (x - mean) / sd, bytes after division by 255. A fixed random "
                 "choice\n"
                 "decides which examples become train, valid and test; the test set stays the "
                 "same when\n"
                 "train and valid change.",
             .reference = "numpy.lib.format, versions 1 to 3",
             .settings_bytes = sizeof(PairSettings),
             .params = rows},
    .probe = probe,
    .load = load,
};
