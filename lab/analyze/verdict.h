/* Verdicts: cells against a reference, or against other cells. */
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

/* A cell, and the runs that it is compared with. */
typedef struct VerdictCase {
    const ReferenceCell *checked;
    const ReferenceCell *known; /* NULL: nothing, or between */
    const double *reference;    /* (n_reference) examples to the target */
    int n_reference;
    Against against;
} VerdictCase;

/* One verdict a case (n). Together they raise a false alarm with GATE_ALARM. */
Verdict *verdicts_judge(const VerdictCase *cases, int n, double margin, Arena *arena);

/* The cells of `checked` that have a target, each against what the reference has for it. */
Verdict *verdicts_make(int *n, const Reference *checked, const Reference *reference, double margin,
                       Arena *arena);

/* The ones that fail a gate: slower, faster, missed. */
int verdicts_failed(const Verdict *verdicts, int n);

/* One line: how many of which verdict, the margin, the false alarms, and what the reference is. */
const char *verdicts_summary(const Verdict *verdicts, int n, const Reference *reference,
                             double margin, Arena *arena);

Json *verdict_json(const Verdict *verdict, Arena *arena);
Json *verdicts_json(const char *experiment, const Verdict *verdicts, int n, Arena *arena);

/* JUnit in the shape that Jenkins reads (shared/specs/platform.md B): a testcase a cell. */
const char *verdicts_junit(const char *experiment, const Verdict *verdicts, int n, Arena *arena);

#endif
