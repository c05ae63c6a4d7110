/* Verdicts: every cell of an experiment against its reference. */
#ifndef LAB_ANALYZE_VERDICT_H
#define LAB_ANALYZE_VERDICT_H

#include "lab/analyze/gate.h"
#include "lab/analyze/reference.h"

typedef struct Verdict {
    const char *series;
    int64_t global_batch;
    GateKind kind;
    Gate gate;            /* meaningless when same_bits or there was nothing to compare with */
    bool same_bits;       /* every seed that both have gave the same trajectory digest */
    bool between;         /* the reference was interpolated between its batch sizes */
    const char *sentence; /* "same: ..." */
} Verdict;

/* Cells that have a target, in the order of the series. */
Verdict *verdicts_make(int *n, const Cells *cells, const Reference *reference, double margin,
                       Arena *arena);

/* The ones that fail a gate: slower, faster, missed. */
int verdicts_failed(const Verdict *verdicts, int n);

Json *verdicts_json(const char *experiment, const Verdict *verdicts, int n, Arena *arena);

/* JUnit in the shape that Jenkins reads (shared/specs/platform.md B): a testcase a cell. */
const char *verdicts_junit(const char *experiment, const Verdict *verdicts, int n, Arena *arena);

#endif
