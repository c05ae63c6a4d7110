#include "lab/data/split.h"

#include "lab/base/rng.h"
#include "lab/data/sampler.h"

#include <string.h>

static Error *too_few(const int64_t wish[SPLIT_N], const int64_t n[SPLIT_N], int64_t left,
                      ItemFile file) {
    return error_hint(
        error_new(CODE_USAGE,
                  "trial.dataset.train = %lld and trial.dataset.valid = %lld need more than the "
                  "%lld examples of '%s'",
                  (long long)wish[SPLIT_TRAIN], (long long)n[SPLIT_VALID], (long long)file.n,
                  file.path),
        left > 0 && n[SPLIT_VALID] > 0
            ? "with this valid, train can be at most %lld (0 takes them all)"
            : "both must be at least 1; make valid smaller than the file (%lld left for train)",
        (long long)left);
}

Error *split_counts(int64_t n[SPLIT_N], const int64_t wish[SPLIT_N], ItemFile train,
                    const ItemFile *test) {
    n[SPLIT_VALID] = wish[SPLIT_VALID] ? wish[SPLIT_VALID] : train.n / 12;
    n[SPLIT_TEST] = wish[SPLIT_TEST] ? wish[SPLIT_TEST] : test ? test->n : train.n / 12;
    if (test && n[SPLIT_TEST] > test->n)
        return error_hint(
            error_new(CODE_USAGE,
                      "trial.dataset.test = %lld is more than the %lld examples of '%s'",
                      (long long)n[SPLIT_TEST], (long long)test->n, test->path),
            "0 takes them all");
    int64_t left = train.n - n[SPLIT_VALID] - (test ? 0 : n[SPLIT_TEST]);
    if (!test && (n[SPLIT_TEST] < 1 || n[SPLIT_VALID] < 1 || left < 1 || wish[SPLIT_TRAIN] > left))
        return error_hint(
            error_new(CODE_USAGE,
                      "trial.dataset.train = %lld, valid = %lld and test = %lld need more than the "
                      "%lld examples of '%s'",
                      (long long)wish[SPLIT_TRAIN], (long long)n[SPLIT_VALID],
                      (long long)n[SPLIT_TEST], (long long)train.n, train.path),
            left > 0 && n[SPLIT_VALID] > 0
                ? "with these, train can be at most %lld (0 takes them all)"
                : "each must be at least 1, and together at most the file (%lld left for train)",
            (long long)left);
    if (n[SPLIT_VALID] < 1 || left < 1 || wish[SPLIT_TRAIN] > left)
        return too_few(wish, n, left, train);
    n[SPLIT_TRAIN] = wish[SPLIT_TRAIN] ? wish[SPLIT_TRAIN] : left;
    return NULL;
}

int32_t *split_rows(int64_t n_items, int64_t n_first, int64_t n_last, int64_t base, int which,
                    Arena *arena) {
    int32_t *order = ARENA_ARRAY(arena, int32_t, n_items);
    int32_t *row_of = ARENA_ARRAY(arena, int32_t, n_items);
    memset(row_of, 0xff, (size_t)n_items * sizeof *row_of);
    sampler_permute(order, n_items, rng_new(0, RNG_SPLIT, (uint64_t)which));
    for (int64_t i = 0; i < n_first; i++)
        row_of[order[i]] = (int32_t)(base + i);
    for (int64_t i = 0; i < n_last; i++)
        row_of[order[n_items - n_last + i]] = (int32_t)(base + n_first + i);
    return row_of;
}

static Error *check_range(const int32_t *labels, int64_t n, const char *path) {
    for (int64_t i = 0; i < n; i++)
        if (labels[i] < 0 || labels[i] >= SPLIT_MAX_CLASSES)
            return error_hint(error_new(CODE_IO, "'%s': label %d of item %lld is out of range",
                                        path, labels[i], (long long)i),
                              "labels must be 0 to %d", SPLIT_MAX_CLASSES - 1);
    return NULL;
}

Error *split_classes(int *n_classes, const int32_t *labels, int64_t n, const char *path) {
    bool seen[SPLIT_MAX_CLASSES] = {false};
    int max = 0;
    PASS(check_range(labels, n, path));
    for (int64_t i = 0; i < n; i++) {
        seen[labels[i]] = true;
        if (labels[i] > max)
            max = labels[i];
    }
    for (int c = 1; c < max; c++)
        if (!seen[c])
            return error_hint(
                error_new(CODE_IO, "'%s': label %d out of range: no example has label %d", path,
                          max, c),
                "labels must be 0..max without gaps; number the classes anew if this is no damage");
    if (max == 0)
        return error_hint(error_new(CODE_IO, "'%s': every label is 0", path),
                          "there must be at least two classes");
    *n_classes = max + 1;
    return NULL;
}
