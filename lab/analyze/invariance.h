/* Invariance: does every execution of a trial carry the same bits (DESIGN 2)? Runs of one trial are
 * compared at every step at which both stored a digest: verify runs with each other and with the
 * full run at their last step. */
#ifndef LAB_ANALYZE_INVARIANCE_H
#define LAB_ANALYZE_INVARIANCE_H

#include "lab/store/run.h"

/* A run that disagrees with most of its trial, at the first step where it does. */
typedef struct Disagreement {
    const RunRecord *run, *other; /* `other` carries the digest of the majority */
    int64_t step;
} Disagreement;

typedef struct Invariance {
    int n_runs;    /* compared with at least one other run */
    int n_trials;  /* that had something to compare */
    int n_layouts; /* different replicas x threads x hosts among the compared runs */
    int n_alone;   /* runs without a partner at any step: nothing was proved about them */
    int n_outside; /* runs whose collective does not keep the contract: they carry no digest */
    int n_disagreements;
    Disagreement *disagreements; /* by trial, then run */
} Invariance;

Invariance invariance_make(const RunRecord *runs, int n, Arena *arena);

/* "60 runs, 36 trials, bits agree", or what disagrees, in one line. */
const char *invariance_sentence(const Invariance *invariance, Arena *arena);

#endif
