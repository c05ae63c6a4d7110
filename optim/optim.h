/* Optimizers: update rules over flat weights. The framework (optim.c) owns slots, chunks, threads
 * and the order of every sum; a rule (one file) only says what it measures and how one span of a
 * tensor moves.
 *
 *   for each tensor: sums = tree sum over chunks of measure(span)     [rules that need norms]
 *                    scale = ratio(sums)                              [e.g. the trust ratio]
 *   for each chunk:  update(span, scale)
 *
 * Semantics: shared/specs/optimizers.md. */
#ifndef OPTIM_OPTIM_H
#define OPTIM_OPTIM_H

#include "lab/base/kind.h"
#include "lab/base/segment.h"
#include "lab/base/real.h"

#define OPTIM_MAX_SLOTS 4
#define OPTIM_MAX_SUMS 6
#define OPTIM_MAX_CONSTANTS 8

/* Per-tensor results of a step, for the /layers columns. */
typedef struct OptimLayer {
    double grad_sumsq; /* in: |g|^2 of the mean gradient (optim_step's caller knows it from the
                          reduction) */
    double trust;      /* out: 1 where the rule does not adapt */
} OptimLayer;

/* One contiguous piece of one tensor (at most VEC_CHUNK elements, chunk boundaries counted from the
 * tensor's start). Pointers are to the piece. */
typedef struct OptimSpan {
    const Segment *segment;
    int64_t n;
    real *weights;
    const real *grad; /* mean gradient */
    real *slot[OPTIM_MAX_SLOTS];
    double grad_sumsq; /* |g|^2 of the whole tensor */
    double ratio2;     /* in update, of rules that have a second one */
} OptimSpan;

typedef struct OptimStep {
    int64_t t;      /* 1-based update counter */
    double lr;      /* used by this update */
    double lr_last; /* used by the previous update (lr at t = 1) */
    const void *settings;
    double grad_sumsq;  /* |g|^2 of all tensors */
    double grad_factor; /* 1; what begin() wants every gradient multiplied by, for the rule itself
                           to apply */
    double constant[OPTIM_MAX_CONSTANTS]; /* what the rule's begin() computed for this step */
} OptimStep;

typedef struct OptimType {
    Kind kind;
    int n_slots;
    int n_sums;  /* 0: no measure pass */
    int traffic; /* weight-long vectors read plus written by one step at the defaults; 0: w and
                    slots twice, g once */
    double lr;   /* where tuning may start; the laws descend a quadratic of curvature 0.05..0.5 with
                    it */
    /* The rate goes with the power lr_power of the batch, as far as that holds: 1 where a step
     * grows with the gradient (SGD), 1/2 where it is measured in gradient noise (Adam: Malladi et
     * al. 2022). Branched training goes by it. */
    double lr_power;
    /* Fills step->constant once a step (bias corrections and the like), in double; NULL: nothing to
     * prepare. */
    void (*begin)(OptimStep *step);
    /* Adds nothing itself: writes the span's `n_sums` partial sums. May change slots (LAMB moves m
     * and v here). */
    void (*measure)(const OptimStep *step, const OptimSpan *span, double *sums);
    /* Trust ratio of a tensor from its sums. Called for every tensor; NULL (no measure either
     * then): 1. */
    double (*ratio)(const OptimStep *step, const Segment *segment, const double *sums,
                    double grad_sumsq);
    /* Of rules whose step has two directions with a ratio each (LANS), else NULL. */
    double (*ratio2)(const OptimStep *step, const Segment *segment, const double *sums,
                     double grad_sumsq);
    void (*update)(const OptimStep *step, const OptimSpan *span, double ratio);
    /* Of rules that divide every weight's gradient by something of their own: writes that diagonal
     * P (span->n) as the slots have it after step->t >= 1 updates, without factors that all weights
     * of a tensor share. NULL: there is none. Only segment, n, weights and slots of the span are
     * set. */
    void (*preconditioner)(const OptimStep *step, const OptimSpan *span, real *p);
} OptimType;

/* Defining a type whose line is missing in optimizers.def is a compile error. */
#define OPTIMIZER(name) OPTIM_ID_##name,
enum {
#include "optim/optimizers.def"
    OPTIM_N
};
#undef OPTIMIZER
#define OPTIM_TYPE(name)                                                                           \
    extern const OptimType optim_##name;                                                           \
    _Static_assert(OPTIM_ID_##name >= 0, "line in optimizers.def");                                \
    const OptimType optim_##name

extern const Kind *const optim_table[OPTIM_N];
const OptimType *optim_find(const char *name); /* NULL when unknown */

/* Processes that hold the same weights and slots in memory they share, and take a step together,
 * each its part of the chunks. */
typedef struct OptimTeam {
    int rank, size;           /* size <= 1: nobody else */
    void (*wait)(void *self); /* *collective*: all have come, and what they wrote is seen */
    void *self;
} OptimTeam;

/* One optimizer with its slots. */
typedef struct Optim {
    const OptimType *type;
    const void *settings;
    const Segment *segments; /* (n_segments) */
    int n_segments;
    int64_t n_weights;
    real *slots[OPTIM_MAX_SLOTS]; /* each (n_weights), zero at the start */
    int64_t t;                    /* updates done */
    double lr_last;
    double grad_factor;        /* of the last step */
    struct OptimChunk *chunks; /* fixed cut of the weights */
    int64_t n_chunks;
    double *sums;             /* (n_sums, n_chunks), one column after the other */
    OptimTeam team;           /* of several: slots and sums are in shared memory */
    double *ratios, *ratios2; /* (n_segments) */
} Optim;

/* Makes an optimizer for a model's segments. */
Optim *optim_new(const OptimType *type, const void *settings, const Segment *segments,
                 int n_segments, Arena *arena);

/* One update of `weights` (n_weights) from the mean gradient `grad`, on `threads` OpenMP threads;
 * the same bits for any number of them. `layers` (n_segments) holds |g|^2 on entry and the trust
 * ratios on return. Allocates nothing. *Collective* over the team, which reads and writes only
 * this member's part of weights, gradient and slots; the others' are there after the next wait. */
void optim_step(Optim *optim, double lr, real *weights, const real *grad, OptimLayer *layers,
                int threads);

/* Part `part` of `n` of the weights, in whole chunks: as places in the flat vectors, and in *chunks
 * as chunks, counted over all tensors. */
typedef struct OptimRange {
    int64_t first, last;
} OptimRange;
OptimRange optim_part(const Optim *optim, int part, int n, OptimRange *chunks);

/* The rule's diagonal preconditioner (n_weights) after the last update, the same bits for any
 * number of threads. False, and nothing written: the rule has none, or has seen no gradient. */
bool optim_preconditioner(const Optim *optim, real *p, int threads);

/* Bytes of slots for n_weights weights. */
size_t optim_slot_bytes(const OptimType *type, int64_t n_weights);

/* Bytes that one step reads and writes at the default settings, norm passes included. */
double optim_traffic_bytes(const OptimType *type, int64_t n_weights);

#endif
