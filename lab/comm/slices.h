/* Sums over workers in slices: worker j owns slice j of every vector, adds what all workers have
 * for it in tree order, and all get its result: reduce-scatter and all-gather, in any number
 * format. */
#ifndef LAB_COMM_SLICES_H
#define LAB_COMM_SLICES_H

#include "lab/comm/number_format.h"
#include "lab/comm/workers.h"

typedef struct Slices {
    Workers *workers;
    const NumberFormat *format;
    int64_t n;     /* of a vector */
    int64_t most;  /* of a slice */
    int64_t *at;   /* (W + 1) bytes of the slices */
    char *out;     /* (own, at[W]) */
    char *in;      /* (W, own slices) */
    char *all;     /* (at[W]) */
    real *decoded; /* (W, most) */
} Slices;

/* For vectors of n. */
Slices *slices_new(Workers *workers, const NumberFormat *format, int64_t n, Arena *arena);

/* Elements of worker j's slice of n. */
void slice_of(const Workers *workers, int64_t n, int j, int64_t *first, int64_t *last);

/* What a format takes away, kept for the next time (error feedback): c = x + error, then error = c
 * - what travels. Both NULL: forgotten. */
typedef struct SliceErrors {
    real *of_worker; /* (own, n) of what the workers send */
    real *of_slice;  /* (own, most) of the sums that the owners send on */
} SliceErrors;

/* *Collective*: out (n) = factor * the sum over all workers' rows (own, n); rows are overwritten.
 */
void slices_sum(Slices *slices, real *rows, double factor, const SliceErrors *errors, real *out);

#endif
