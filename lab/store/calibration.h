/* Calibration: what one machine does, measured once by `bench` and kept for predictions, in
 * results/calibration/<host>.h5. Rows of four kinds; a newer measurement of the same thing replaces
 * the older one. The columns stand in calibration.def. */
#ifndef LAB_STORE_CALIBRATION_H
#define LAB_STORE_CALIBRATION_H

#include "lab/base/json.h"

typedef struct SumTime { /* of one sum over all replicas */
    const char *way;     /* a collective's name, "MPI copy" or "MPI in place" */
    int64_t replicas, hosts, bytes;
    double seconds; /* median; each round as long as its slowest rank */
    const char *utc;
} SumTime;

typedef struct MessageTime {
    const char *where; /* "inside a host", "between hosts"; "..., both ways" */
    int64_t replicas, hosts, bytes;
    int64_t messages; /* under way at once */
    double seconds;   /* until the last one is there, one way, median */
    const char *utc;
} MessageTime;

typedef struct MemoryRate { /* a triad */
    int64_t ranks;          /* of one host, at the same time */
    double bytes_per_s;     /* of all of them; 12 bytes an element */
    const char *utc;
} MemoryRate;

typedef struct PassTime { /* forward and backward pass of one shard on one core */
    const char *model, *settings;
    int64_t n_weights, mini_batch;
    double seconds; /* median */
    double flops_per_example;
    double peak_flop_per_s; /* sgemm's, in the same run */
    const char *utc;
} PassTime;

typedef enum {
    CALIBRATION_SUMS,
    CALIBRATION_MESSAGES,
    CALIBRATION_MEMORY,
    CALIBRATION_PASSES,
    CALIBRATION_N
} CalibrationPart;

typedef struct Calibration {
    const char *host;
    const char *provenance; /* canonical JSON of the newest measurement, "none" before the first */
    int n[CALIBRATION_N];
    void *rows[CALIBRATION_N]; /* of SumTime, MessageTime, MemoryRate, PassTime */
} Calibration;

/* This host's name, and RESULTS/calibration/<host>.h5. */
const char *calibration_host(Arena *arena);
const char *calibration_path(const char *results, const char *host, Arena *arena);

/* Reads a file. Errors: not there (code 66), not a calibration (code 74). */
Error *calibration_load(Calibration *out, const char *path, Arena *arena);
/* Written aside and renamed; folders are made. */
Error *calibration_write(const Calibration *calibration, const char *path);

/* Replaces what was measured before of the same things by `rows` (n) of one part. */
void calibration_put(Calibration *calibration, CalibrationPart part, const void *rows, int n,
                     Arena *arena);

static inline const SumTime *calibration_sums(const Calibration *c) {
    return c->rows[CALIBRATION_SUMS];
}
static inline const MessageTime *calibration_messages(const Calibration *c) {
    return c->rows[CALIBRATION_MESSAGES];
}
static inline const MemoryRate *calibration_memory(const Calibration *c) {
    return c->rows[CALIBRATION_MEMORY];
}
static inline const PassTime *calibration_passes(const Calibration *c) {
    return c->rows[CALIBRATION_PASSES];
}

#endif
