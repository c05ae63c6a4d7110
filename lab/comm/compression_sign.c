#include "lab/comm/bits.h"
#include "lab/comm/feedback.h"

#include <string.h>

typedef struct SignSettings {
    int feedback;
} SignSettings;

/* A worker's message, tensor after tensor: scale, whether some elements are zero, signs, and where
 * some are zero which ones are not. */
typedef struct Sign {
    real *error;    /* (own, n), NULL: none is kept */
    real *room;     /* (n) a decoded message */
    int64_t most;   /* bytes of a message */
    uint8_t *out;   /* (own, most) */
    int64_t *bytes; /* (W) of each message */
    int64_t *at;    /* (W + 1) where they begin in `all` */
    uint8_t *all;   /* (W, most) */
} Sign;

enum { HEAD = sizeof(real) + 1 };

static void sign_open(Compression *compression) {
    const SignSettings *settings = compression->settings;
    const Workers *workers = compression->workers;
    Arena *arena = compression->arena;
    Sign *sign = ARENA_NEW(arena, Sign);
    for (int s = 0; s < compression->n_segments; s++)
        sign->most += HEAD + 2 * bits_bytes(compression->segments[s].n);
    sign->room = ARENA_ARRAY(arena, real, compression->n);
    sign->out = arena_alloc(arena, (size_t)(workers_own(workers) * sign->most));
    sign->all = arena_alloc(arena, (size_t)(workers->n * sign->most));
    sign->bytes = ARENA_ARRAY(arena, int64_t, workers->n);
    sign->at = ARENA_ARRAY(arena, int64_t, workers->n + 1);
    if (settings->feedback != FEEDBACK_NONE)
        sign->error = compression_rows(compression, "compression.error", compression->n);
    compression->own = sign;
}

/* Returns the byte behind what it writes. */
static uint8_t *encode(uint8_t *to, const real *x, int64_t n) {
    real scale = n > 0 ? (real)(bits_norm1(x, n) / (double)n) : 0;
    uint8_t zeros = 0;
    for (int64_t i = 0; i < n && !zeros; i++)
        zeros = x[i] == 0;
    memcpy(to, &scale, sizeof scale);
    to[sizeof scale] = zeros;
    to += HEAD;
    bits_of_signs(to, x, n);
    to += bits_bytes(n);
    if (!zeros)
        return to;
    bits_of_nonzeros(to, x, n);
    return to + bits_bytes(n);
}

static const uint8_t *decode(real *x, const uint8_t *from, int64_t n) {
    real scale;
    memcpy(&scale, from, sizeof scale);
    bool zeros = from[sizeof scale];
    const uint8_t *signs = from + HEAD, *nonzero = signs + bits_bytes(n);
    bits_scale(x, signs, scale, n);
    for (int64_t i = 0; i < n && zeros; i++)
        x[i] = bit_at(nonzero, i) ? x[i] : 0;
    return zeros ? nonzero + bits_bytes(n) : nonzero;
}

static void decode_all(const Compression *compression, real *x, const uint8_t *from) {
    for (int s = 0; s < compression->n_segments; s++)
        from = decode(x + compression->segments[s].offset, from, compression->segments[s].n);
}

/* Worker `own` of this rank: returns the bytes of its message. */
static int64_t write_message(Compression *compression, const CompressionStep *step, int own,
                             real *c) {
    const SignSettings *settings = compression->settings;
    Sign *sign = compression->own;
    uint8_t *message = sign->out + own * sign->most, *end = message;
    real *error = sign->error ? sign->error + own * compression->n : NULL;
    feedback_add((Feedback)settings->feedback, step, c, error, compression->n);
    for (int s = 0; s < compression->n_segments; s++)
        end = encode(end, c + compression->segments[s].offset, compression->segments[s].n);
    if (error) {
        decode_all(compression, sign->room, message);
        for (int64_t i = 0; i < compression->n; i++)
            error[i] = c[i] - sign->room[i];
    }
    return end - message;
}

static void sign_mean(Compression *compression, const CompressionStep *step, real *grads,
                      real *out) {
    Sign *sign = compression->own;
    Workers *workers = compression->workers;
    int64_t n = compression->n;
    for (int i = 0; i < workers_own(workers); i++)
        sign->bytes[workers->first + i] = write_message(compression, step, i, grads + i * n);
    workers_share_counts(workers, sign->bytes);
    for (int j = 0; j < workers->n; j++)
        sign->at[j + 1] = sign->at[j] + sign->bytes[j];
    for (int i = 0; i < workers_own(workers); i++)
        memcpy(sign->all + sign->at[workers->first + i], sign->out + i * sign->most,
               (size_t)sign->bytes[workers->first + i]);
    workers_gather(workers, (char *)sign->all, sign->at);
    memset(out, 0, sizeof(real) * (size_t)n);
    for (int j = 0; j < workers->n; j++) {
        decode_all(compression, sign->room, sign->all + sign->at[j]);
        for (int64_t i = 0; i < n; i++)
            out[i] += sign->room[i];
    }
    real share = (real)1 / (real)workers->n;
    for (int64_t i = 0; i < n; i++)
        out[i] *= share;
}

static const Param rows[] = {
    FEEDBACK_ROW(SignSettings, "\"update\""),
    PARAM_END,
};

COMPRESSION_TYPE(sign) = {
    .kind = {.name = "sign",
             .summary = "signs with the mean size of each tensor, one bit an element",
             .detail = "p_i = g_i + e_i; worker i sends mean|p_i| sign(p_i) for each tensor, "
                       "e_i = p_i less that; the mean\n"
                       "over workers goes to the optimizer. sign(0) = 0 and costs a second bit "
                       "in tensors that have zeros.\n"
                       "With `feedback` \"update\" the error holds the learning rate, as "
                       "published.",
             .reference = "EF-signSGD: Karimireddy et al. 2019, arXiv 1901.09847",
             .settings_bytes = sizeof(SignSettings),
             .params = rows},
    .open = sign_open,
    .mean = sign_mean,
};
