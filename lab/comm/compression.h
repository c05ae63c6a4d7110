/* Compressions: how the gradients of W workers become their mean over fewer bytes
 * (shared/specs/optimizers.md 10). What a worker keeps for itself, above all the error of what it
 * has sent so far, belongs to the worker and not to a rank: the mean depends on W and never on R.
 */
#ifndef LAB_COMM_COMPRESSION_H
#define LAB_COMM_COMPRESSION_H

#include "lab/base/kind.h"
#include "lab/base/segment.h"
#include "lab/comm/workers.h"

#define COMPRESSION_MAX_STATES 4

/* What one step leaves for the next: part of a checkpoint. */
typedef struct CompressionState {
    const char *name; /* "compression.error" */
    int64_t n;        /* elements of a row */
    bool by_worker;   /* a row for each worker; else one, the same on all ranks */
    real *data;       /* (own, n), on rank 0 (W, n) with its own rows first; or (n) */
} CompressionState;

typedef struct Compression {
    const struct CompressionType *type;
    const void *settings;
    const Segment *segments; /* (n_segments) */
    int n_segments;
    int64_t n; /* elements of a gradient */
    Workers *workers;
    uint64_t seed; /* of the trial */
    Arena *arena;
    CompressionState states[COMPRESSION_MAX_STATES];
    int n_states;
    void *own; /* the kind's, made by open */
} Compression;

/* Where a trial stands when it asks for the mean of its next update. */
typedef struct CompressionStep {
    int64_t step;        /* updates done */
    double epoch;        /* examples seen / training examples */
    double lr, lr_last;  /* of this update, and of the one before */
    const real *weights; /* (n) */
} CompressionStep;

typedef struct CompressionType {
    Kind kind;
    bool own_momentum; /* goes with an optimizer that keeps nothing from step to step */
    void (*open)(Compression *compression);
    /* *Collective*: out (n) = what the optimizer takes for the mean gradient. grads (own, n): each
     * worker's mean gradient, may be overwritten. NULL: nothing is compressed. */
    void (*mean)(Compression *compression, const CompressionStep *step, real *grads, real *out);
} CompressionType;

#define COMPRESSION(name) COMPRESSION_ID_##name,
enum {
#include "lab/comm/compressions.def"
    COMPRESSION_N
};
#undef COMPRESSION
#define COMPRESSION_TYPE(name)                                                                     \
    extern const CompressionType compression_##name;                                               \
    _Static_assert(COMPRESSION_ID_##name >= 0, "line in compressions.def");                        \
    const CompressionType compression_##name

extern const Kind *const compression_table[COMPRESSION_N];

Compression *compression_new(const CompressionType *type, const void *settings,
                             const Segment *segments, int n_segments, Workers *workers,
                             uint64_t seed, Arena *arena);

/* For `open`: zeroed state; names are constant. Returns its data. */
real *compression_rows(Compression *compression, const char *name, int64_t n);
real *compression_common(Compression *compression, const char *name, int64_t n);

#endif
