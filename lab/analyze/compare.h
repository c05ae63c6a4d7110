/* Compare: two results folders, cell by cell. */
#ifndef LAB_ANALYZE_COMPARE_H
#define LAB_ANALYZE_COMPARE_H

#include "lab/analyze/gate.h"
#include "lab/analyze/results.h"
#include "lab/analyze/table.h"

typedef struct ComparePair {
    const Cell *a, *b;
    const char *label;
    bool same_bits; /* every trial that both hold ends in the same digest, and all seeds are shared
                     */
    Gate gate;      /* b against a as its reference */
} ComparePair;

typedef struct Compare {
    int n;
    ComparePair *pair;  /* (n) in the order of a's cells */
    int only_a, only_b; /* cells without a partner */
} Compare;

/* Cells pair up by their whole configuration; those left over by label and global batch when both
 * name exactly one. */
Compare compare_make(const Results *a, const Results *b, double margin, Arena *arena);

/* A row a pair: both medians and counts, slowdown with interval, verdict. */
Table *compare_table(const Compare *compare, Arena *arena);

/* A line a pair and one of counts. */
const char *compare_text(const Compare *compare, Arena *arena);

/* Reads both folders. Errors as in results_load. */
Error *compare_folders(Compare *out, const char *folder_a, const char *folder_b, double margin,
                       Arena *arena);

#endif
