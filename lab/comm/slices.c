#include "lab/comm/slices.h"

#include "lab/comm/tree.h"

#include <string.h>

void slice_of(const Workers *workers, int64_t n, int j, int64_t *first, int64_t *last) {
    tree_block(n, workers->n, j, first, last);
}

Slices *slices_new(Workers *workers, const NumberFormat *format, int64_t n, Arena *arena) {
    Slices *slices = ARENA_NEW(arena, Slices);
    *slices = (Slices){.workers = workers, .format = format, .n = n};
    int64_t first, last, bytes = (int64_t)format->bytes;
    slices->at = ARENA_ARRAY(arena, int64_t, workers->n + 1);
    for (int j = 0; j < workers->n; j++) {
        slice_of(workers, n, j, &first, &last);
        slices->at[j + 1] = bytes * last;
        slices->most = last - first > slices->most ? last - first : slices->most;
    }
    int64_t mine = slices->at[workers->last] - slices->at[workers->first];
    slices->out = arena_alloc(arena, (size_t)(workers_own(workers) * bytes * n));
    slices->in = arena_alloc(arena, (size_t)(workers->n * mine));
    slices->all = arena_alloc(arena, (size_t)(bytes * n));
    slices->decoded = ARENA_ARRAY(arena, real, workers->n * slices->most);
    return slices;
}

/* x becomes x + error and travels as `to`; error becomes what that leaves out. `room` (n). */
static void encode(const NumberFormat *format, void *to, real *x, real *error, int64_t n,
                   real *room) {
    if (!error) {
        format->encode(to, x, n);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        x[i] += error[i];
    format->encode(to, x, n);
    format->decode(room, to, n);
    for (int64_t i = 0; i < n; i++)
        error[i] = x[i] - room[i];
}

/* Slice j of all workers becomes bytes of `all`. */
static void add_slice(Slices *slices, int j, double factor, const SliceErrors *errors) {
    const Workers *workers = slices->workers;
    const NumberFormat *format = slices->format;
    int64_t first, last, mine = slices->at[workers->last] - slices->at[workers->first];
    slice_of(workers, slices->n, j, &first, &last);
    const char *in = slices->in + slices->at[j] - slices->at[workers->first];
    real *sum = slices->decoded;
    for (int i = 0; i < workers->n; i++)
        format->decode(sum + i * slices->most, in + i * mine, last - first);
    workers_tree_sum(sum, workers->n, slices->most, last - first);
    for (int64_t i = 0; i < last - first; i++)
        sum[i] = (real)factor * sum[i];
    real *error =
        errors && errors->of_slice ? errors->of_slice + (j - workers->first) * slices->most : NULL;
    /* the first row is the sum; with one worker there is no second one, and nothing is lost */
    real *room = workers->n > 1 ? sum + slices->most : NULL;
    encode(format, slices->all + slices->at[j], sum, room ? error : NULL, last - first, room);
}

void slices_sum(Slices *slices, real *rows, double factor, const SliceErrors *errors, real *out) {
    Workers *workers = slices->workers;
    int64_t n = slices->n, stride = slices->at[workers->n];
    for (int i = 0; i < workers_own(workers); i++) {
        real *error = errors && errors->of_worker ? errors->of_worker + i * n : NULL;
        encode(slices->format, slices->out + i * stride, rows + i * n, error, n, out);
    }
    workers_scatter(workers, slices->out, slices->at, slices->in);
    for (int j = workers->first; j < workers->last; j++)
        add_slice(slices, j, factor, errors);
    workers_gather(workers, slices->all, slices->at);
    slices->format->decode(out, slices->all, n);
}
