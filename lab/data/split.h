/* Split: which items of a file become training, validation and test examples, and what classes
 * their labels make; shared by the kinds that read files. */
#ifndef LAB_DATA_SPLIT_H
#define LAB_DATA_SPLIT_H

#include "lab/data/dataset.h"

/* One file, or several that count as one. */
typedef struct ItemFile {
    const char *path; /* for messages */
    int64_t n;        /* items */
} ItemFile;

/* The counts of the splits; `wish` has what the settings say, 0 standing for: valid a twelfth of
 * the training file, train all that is left of it, test all of the test file (of one file for all,
 * where `test` is NULL: a twelfth of it too). Error 2: more than there is, or nothing left for a
 * split. */
Error *split_counts(int64_t n[SPLIT_N], const int64_t wish[SPLIT_N], ItemFile train,
                    const ItemFile *test);

/* (n_items) the dataset's row of each item, -1 for those left out. A fixed permutation, of which
 * `which` is the number, decides: its first n_first items become the rows from `base` on, its last
 * n_last those behind them. So files sorted by class do no harm, and the last ones stay the same
 * when n_first changes. */
int32_t *split_rows(int64_t n_items, int64_t n_first, int64_t n_last, int64_t base, int which,
                    Arena *arena);

/* Classes are 0..max of the (n) labels. A number that is skipped on the way is most likely a
 * damaged file; class 0 may be absent, some sets count from 1. Error 74: gaps, below 0, above
 * 65535, only one class. */
#define SPLIT_MAX_CLASSES 65536
Error *split_classes(int *n_classes, const int32_t *labels, int64_t n, const char *path);

#endif
