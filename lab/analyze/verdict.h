/* Verdicts: every cell of an experiment against its reference. */
#ifndef LAB_ANALYZE_VERDICT_H
#define LAB_ANALYZE_VERDICT_H

#include "lab/analyze/gate.h"
#include "lab/analyze/reference.h"

/* What a cell is compared with. */
typedef enum {
    AGAINST_NOTHING,
    AGAINST_CELL,    /* its own settings */
    AGAINST_BATCH,   /* the same series and batch size, other settings */
    AGAINST_BETWEEN, /* the batch sizes around, along the lower convex hull */
} Against;

typedef struct Verdict {
    const char *series;
    int64_t global_batch;
    GateKind kind;
    Gate gate;       /* meaningless when same_bits or there was nothing to compare with */
    bool same_bits;  /* all seeds are the reference's, and all gave its trajectory digest */
    bool other_bits; /* a seed that both have gave another digest on the same platform */
    Against against;
    double compute_s;     /* seconds that the cell's runs trained, all together */
    const char *sentence; /* "same: ..." */
} Verdict;

/* Cells that have a target, in the order of the series. Together they raise a false alarm with
 * GATE_ALARM. Failed and interrupted runs say nothing about training and are left out. */
Verdict *verdicts_make(int *n, const Cells *cells, const Reference *reference, double margin,
                       Arena *arena);

/* The ones that fail a gate: slower, faster, missed. */
int verdicts_failed(const Verdict *verdicts, int n);

/* One line: how many of which verdict, the margin, the false alarms, and what the reference is. */
const char *verdicts_summary(const Verdict *verdicts, int n, const Reference *reference,
                             double margin, Arena *arena);

Json *verdicts_json(const char *experiment, const Verdict *verdicts, int n, Arena *arena);

/* JUnit in the shape that Jenkins reads (shared/specs/platform.md B): a testcase a cell. */
const char *verdicts_junit(const char *experiment, const Verdict *verdicts, int n, Arena *arena);

#endif
