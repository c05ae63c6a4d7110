/* Text: any file as bytes, cut into windows that a model continues byte by byte. */
#include "lab/base/io.h"
#include "lab/data/dataset.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    const char *path;
    int64_t context, stride;
    int64_t train, valid, test; /* 0: see the help */
} TextSettings;

static const Param rows[] = {
    PARAM(TEXT, TextSettings, path, NULL, 0, 0, "path",
          "the file; its bytes are taken as they are"),
    PARAM(COUNT, TextSettings, context, "128", 2, 65536, "bytes",
          "length of an example; the byte after each of its bytes is a target"),
    PARAM(COUNT, TextSettings, stride, "0", 0, 65536, "bytes",
          "from one training example to the next; 0: context, so that an epoch sees every target "
          "once"),
    PARAM(COUNT, TextSettings, train, "0", 0, 2147483647, "examples",
          "training examples, from the beginning of the file; 0: all that valid and test leave"),
    PARAM(COUNT, TextSettings, valid, "0", 0, 2147483647, "examples",
          "validation examples, which follow; 0: a twelfth of the file"),
    PARAM(COUNT, TextSettings, test, "0", 0, 2147483647, "examples",
          "test examples, the end of the file; 0: a twelfth of it"),
    PARAM_END,
};

static Error *find_file(const char **path, int64_t *n_bytes, const TextSettings *set,
                        DataPaths paths, Arena *arena) {
    struct stat info;
    PASS(dataset_find_path(path, set->path, paths, "trial.dataset.path", arena));
    if (stat(*path, &info) != 0)
        return error_new(CODE_IO, "cannot look at '%s': %s", *path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return error_hint(
            error_new(CODE_MISSING, "'%s' (setting 'trial.dataset.path') is not a file", *path),
            "give one text file, for example text/tinyshakespeare.txt");
    if (info.st_size == 0)
        return error_hint(error_new(CODE_IO, "'%s' is empty", *path),
                          "is it only partly copied? fetch it again");
    *n_bytes = info.st_size;
    return NULL;
}

/* The file is cut into blocks of `context` targets: first train, then valid, then test. Blocks meet
 * in one byte, the last target of one and the first input of the next, so no target is shared. */
static Error *place_windows(Dataset *out, const TextSettings *set, const char *path,
                            int64_t n_bytes) {
    int64_t context = set->context, stride = set->stride ? set->stride : context;
    int64_t blocks = (n_bytes - 1) / context;
    if (blocks < 3)
        return error_hint(error_new(CODE_USAGE,
                                    "'%s' has %lld bytes, too few for trial.dataset.context = %lld",
                                    path, (long long)n_bytes, (long long)context),
                          n_bytes > 6 ? "train, valid and test need one example each: context can "
                                        "be at most %lld"
                                      : "no context is short enough for a file this small",
                          (long long)((n_bytes - 1) / 3));
    int64_t twelfth = blocks / 12 > 0 ? blocks / 12 : 1;
    int64_t valid = set->valid ? set->valid : twelfth, test = set->test ? set->test : twelfth;
    int64_t left = blocks - valid - test;
    int64_t train = left < 1 ? 0 : (left - 1) * context / stride + 1;
    if (set->train > train || train < 1)
        return error_hint(
            error_new(CODE_USAGE,
                      "trial.dataset.train = %lld, valid = %lld and test = %lld need more than the "
                      "%lld bytes of '%s'",
                      (long long)set->train, (long long)valid, (long long)test, (long long)n_bytes,
                      path),
            left > 0 ? "with these, train can be at most %lld (0 takes them all)"
                     : "the file has %lld blocks of context bytes; make valid and test smaller",
            left > 0 ? (long long)train : (long long)blocks);
    *out = (Dataset){.n = {set->train ? set->train : train, valid, test},
                     .n_features = (int)context,
                     .n_labels = (int)context,
                     .n_classes = 256,
                     .shape = {1, 1, (int)context},
                     .text_bytes = n_bytes,
                     .begin = {0, left * context, (left + valid) * context},
                     .stride = {stride, context, context}};
    return NULL;
}

static Error *probe(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    const char *path;
    int64_t n_bytes = 0;
    PASS(find_file(&path, &n_bytes, settings, paths, arena));
    return place_windows(out, settings, path, n_bytes);
}

static Error *load(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    const char *path;
    char *bytes;
    size_t n;
    int64_t n_bytes = 0;
    PASS(find_file(&path, &n_bytes, settings, paths, arena));
    PASS(io_read(&bytes, &n, path, arena));
    PASS(place_windows(out, settings, path, (int64_t)n));
    out->text = (const uint8_t *)bytes;
    return NULL;
}

DATASET_TYPE(text) = {
    .kind = {.name = "text",
             .summary = "any file as bytes: the next byte is the label of every position",
             .detail =
                 "An example is a window of `context` bytes; its labels are the bytes one place\n"
                 "further. The file is cut in order into train, valid and test. Training windows\n"
                 "begin every `stride` bytes, those of valid and test lie side by side. An epoch\n"
                 "is one pass over all training windows in random order; examples, and so\n"
                 "global_batch, count windows.",
             .settings_bytes = sizeof(TextSettings),
             .params = rows},
    .is_text = true,
    .probe = probe,
    .load = load,
};
