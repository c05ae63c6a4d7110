/* Claims: what the study says to the papers on large-batch optimizers. LARS and LAMB are said to
 * hold at batches where others fail (You et al. 2017, 2020); Nado et al. 2021 (arXiv 2102.06356)
 * found that tuned momentum and Adam match them, so that an untuned baseline makes the comparison
 * an artefact. */
#ifndef LAB_ANALYZE_CLAIMS_H
#define LAB_ANALYZE_CLAIMS_H

#include "lab/analyze/lines.h"

typedef enum {
    CLAIM_NOT_TOLD, /* at the largest batch that either reaches, chance could make the difference */
    CLAIM_HOLDS,    /* there the large-batch optimizer does better */
    CLAIM_FAILS,    /* there the baseline does better */
} ClaimVerdict;

typedef struct ClaimBatch {
    int64_t global_batch;
    double ratio; /* examples of the large-batch optimizer over the baseline's; NaN: one has none */
    int shown;    /* 1: the large-batch optimizer is better beyond chance, -1: worse, 0: not told */
    double seen;  /* slowdown, as a fraction, that so many seeds would have seen; NaN: none */
} ClaimBatch;

typedef struct Claim {
    const Line *line, *baseline;
    bool tuned; /* both at every batch */
    int n;
    ClaimBatch *batch; /* (n) at which both were measured and at least one reached the target */
    ClaimVerdict verdict;
} Claim;

typedef struct Claims {
    int n;
    Claim *claim; /* one a line of LARS, LAMB or LANS that has a baseline beside it */
} Claims;

Claims claims_make(const Lines *lines, Arena *arena);

/* In full, with every ratio, what the papers say, and what stands in the way of an answer. */
const char *claim_sentence(const Claim *claim, Arena *arena);
/* "lars cannot be told from tuned momentum at B = 2,048" for a headline; NULL without tuning. */
const char *claim_headline(const Claim *claim, Arena *arena);

#endif
