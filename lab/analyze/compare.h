/* Compare: two studies cell by cell, each a results folder or a reference file. The first is the
 * reference of the gate, the second is what is checked. */
#ifndef LAB_ANALYZE_COMPARE_H
#define LAB_ANALYZE_COMPARE_H

#include "lab/analyze/verdict.h"

typedef struct CompareSide {
    const char *path;
    bool is_file; /* a reference file, not a results folder */
    Reference reference;
} CompareSide;

typedef struct ComparePair {
    const ReferenceCell *a, *b;
    Verdict verdict; /* b against a as its reference */
} ComparePair;

typedef struct Compare {
    double margin;
    const Reference *a, *b;
    int n;
    ComparePair *pair; /* (n) in the order of a's cells */
    int n_only_a, n_only_b;
    const ReferenceCell **only_a, **only_b; /* without a partner */
} Compare;

/* Cells pair up by all their settings; those left over by label, global batch, model and dataset,
 * when both sides have exactly one. `a` and `b` must outlive the result. */
Compare compare_make(const Reference *a, const Reference *b, double margin, Arena *arena);

/* A line a side, a line a pair, a line a cell without a partner, a line of counts. */
const char *compare_text(const Compare *compare, const CompareSide *a, const CompareSide *b,
                         Arena *arena);

/* {"reference": ..., "checked": ..., "margin", "cells": [...], "only_reference", "only_checked"}:
 * cells as `check --json` has them, with runs, medians and ratio. */
Json *compare_json(const Compare *compare, const CompareSide *a, const CompareSide *b,
                   Arena *arena);

/* Reads a results folder, or a reference file. Errors: neither (2), nothing there or no run in it
 * (66), unreadable. */
Error *compare_load(CompareSide *out, const char *path, Arena *arena);

#endif
