#include "lab/comm/bits.h"
#include "lab/comm/compression.h"
#include "lab/comm/slices.h"

#include <math.h>
#include <string.h>

/* A slice of a message: scale, then a bit an element. */
typedef struct Onebit {
    real *error;       /* (own, n) of what the workers send */
    real *slice_error; /* (own, most) of the means that the owners send on */
    int64_t most;      /* elements of a slice */
    int64_t *at;       /* (W + 1) bytes of the slices */
    char *out, *in, *all;
    real *decoded; /* (W, most) */
} Onebit;

static void onebit_open(Compression *compression) {
    const Workers *workers = compression->workers;
    Arena *arena = compression->arena;
    Onebit *onebit = ARENA_NEW(arena, Onebit);
    int64_t first, last;
    onebit->at = ARENA_ARRAY(arena, int64_t, workers->n + 1);
    for (int j = 0; j < workers->n; j++) {
        slice_of(workers, compression->n, j, &first, &last);
        onebit->at[j + 1] = onebit->at[j] + (int64_t)sizeof(real) + bits_bytes(last - first);
        onebit->most = last - first > onebit->most ? last - first : onebit->most;
    }
    int64_t whole = onebit->at[workers->n];
    int64_t mine = onebit->at[workers->last] - onebit->at[workers->first];
    onebit->out = arena_alloc(arena, (size_t)(workers_own(workers) * whole));
    onebit->in = arena_alloc(arena, (size_t)(workers->n * mine));
    onebit->all = arena_alloc(arena, (size_t)whole);
    onebit->decoded = ARENA_ARRAY(arena, real, workers->n * onebit->most);
    onebit->error = compression_rows(compression, "compression.error", compression->n);
    onebit->slice_error = compression_rows(compression, "compression.slice_error", onebit->most);
    compression->own = onebit;
}

static real scale_of(const real *x, int64_t n) {
    return n > 0 ? (real)sqrt(bits_sumsq(x, n) / (double)n) : 0;
}

static void encode(char *to, const real *x, real scale, int64_t n) {
    memcpy(to, &scale, sizeof scale);
    bits_of_signs((uint8_t *)to + sizeof scale, x, n);
}

static void decode(real *x, const char *from, int64_t n) {
    real scale;
    memcpy(&scale, from, sizeof scale);
    bits_scale(x, (const uint8_t *)from + sizeof scale, scale, n);
}

/* Worker `own` of this rank: one scale for all of its gradient. */
static void write_message(const Compression *compression, int own, real *c) {
    const Onebit *onebit = compression->own;
    const Workers *workers = compression->workers;
    int64_t n = compression->n, first, last;
    real *error = onebit->error + own * n;
    for (int64_t i = 0; i < n; i++)
        c[i] += error[i];
    real scale = scale_of(c, n);
    for (int j = 0; j < workers->n; j++) {
        slice_of(workers, n, j, &first, &last);
        encode(onebit->out + own * onebit->at[workers->n] + onebit->at[j], c + first, scale,
               last - first);
    }
    for (int64_t i = 0; i < n; i++)
        error[i] = c[i] - (c[i] >= 0 ? scale : -scale);
}

/* The owner of slice j: a second compression, with the slice's own scale. */
static void add_slice(const Compression *compression, int j) {
    const Onebit *onebit = compression->own;
    const Workers *workers = compression->workers;
    int64_t first, last, begin = onebit->at[workers->first];
    int64_t mine = onebit->at[workers->last] - begin;
    slice_of(workers, compression->n, j, &first, &last);
    for (int i = 0; i < workers->n; i++)
        decode(onebit->decoded + i * onebit->most, onebit->in + i * mine + onebit->at[j] - begin,
               last - first);
    workers_tree_sum(onebit->decoded, workers->n, onebit->most, last - first);
    real *sum = onebit->decoded, *error = onebit->slice_error + (j - workers->first) * onebit->most;
    for (int64_t i = 0; i < last - first; i++)
        sum[i] = sum[i] / (real)workers->n + error[i];
    real scale = scale_of(sum, last - first);
    encode(onebit->all + onebit->at[j], sum, scale, last - first);
    for (int64_t i = 0; i < last - first; i++)
        error[i] = sum[i] - (sum[i] >= 0 ? scale : -scale);
}

static void onebit_mean(Compression *compression, const CompressionStep *step, real *grads,
                        real *out) {
    const Onebit *onebit = compression->own;
    Workers *workers = compression->workers;
    int64_t first, last;
    (void)step;
    for (int i = 0; i < workers_own(workers); i++)
        write_message(compression, i, grads + i * compression->n);
    workers_scatter(workers, onebit->out, onebit->at, onebit->in);
    for (int j = workers->first; j < workers->last; j++)
        add_slice(compression, j);
    workers_gather(workers, onebit->all, onebit->at);
    for (int j = 0; j < workers->n; j++) {
        slice_of(workers, compression->n, j, &first, &last);
        decode(out + first, onebit->all + onebit->at[j], last - first);
    }
}

COMPRESSION_TYPE(onebit) = {
    .kind = {.name = "onebit",
             .summary = "signs with one scale, both to the owners of slices and back",
             .detail = "c_i = g_i + e_i; worker i sends |c_i|/sqrt(n) sign(c_i), e_i = c_i less "
                       "that; the owner of a slice\n"
                       "sends its mean plus its own error the same way. sign(0) = 1. A worker "
                       "sends two bits an element,\n"
                       "however many workers there are.",
             .reference = "1-bit SGD: Seide et al. 2014; as in DeepSpeed's 1-bit Adam, Tang et "
                          "al. 2021, arXiv 2102.02888"},
    .open = onebit_open,
    .mean = onebit_mean,
};
