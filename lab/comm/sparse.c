#include "lab/comm/sparse.h"

#include <math.h>
#include <string.h>

enum { ENTRY = sizeof(uint32_t) + sizeof(real) };

static bool is_sent(const Sparse *sparse, int s) {
    return sparse->segments[s].n > 0 && !(sparse->skip && sparse->skip[s]);
}

Sparse *sparse_new(const Compression *compression, const bool *skip, double ratio) {
    Arena *arena = compression->arena;
    Sparse *sparse = ARENA_NEW(arena, Sparse);
    *sparse = (Sparse){.workers = compression->workers,
                       .segments = compression->segments,
                       .n_segments = compression->n_segments,
                       .skip = skip};
    int64_t largest = 0;
    for (int s = 0; s < sparse->n_segments; s++)
        largest = sparse->segments[s].n > largest ? sparse->segments[s].n : largest;
    sparse->key = ARENA_ARRAY(arena, uint64_t, largest);
    sparse->k = ARENA_ARRAY(arena, int64_t, sparse->n_segments);
    sparse->at = ARENA_ARRAY(arena, int64_t, sparse->workers->n + 1);
    sparse_set_ratio(sparse, ratio);
    sparse->all = arena_alloc(arena, (size_t)(sparse->workers->n * sparse->entries * ENTRY));
    return sparse;
}

void sparse_set_ratio(Sparse *sparse, double ratio) {
    sparse->entries = 0;
    for (int s = 0; s < sparse->n_segments; s++) {
        double n = (double)sparse->segments[s].n;
        double k = is_sent(sparse, s) ? fmin(fmax(floor(ratio * n + 0.5), 1), n) : 0;
        sparse->k[s] = (int64_t)k;
        sparse->entries += sparse->k[s];
    }
    for (int j = 0; j <= sparse->workers->n; j++)
        sparse->at[j] = j * sparse->entries * ENTRY;
}

static char *message_of(const Sparse *sparse, int worker) {
    return sparse->all + sparse->at[worker];
}

/* Sizes as integers in their order; NaN is the largest. */
static uint64_t key_of(real x) {
    double size = fabs((double)x);
    uint64_t key;
    memcpy(&key, &size, sizeof key);
    return key;
}

static uint64_t middle(uint64_t a, uint64_t b, uint64_t c) {
    uint64_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

/* The k-th largest of n keys, 1 <= k <= n; the keys are shuffled. Three-way partition, so equal
 * keys cost nothing. */
static uint64_t kth_largest(uint64_t *key, int64_t n, int64_t k) {
    for (;;) {
        uint64_t pivot = middle(key[0], key[n / 2], key[n - 1]);
        int64_t above = 0, at = 0, below = n; /* [0, above) larger, [below, n) smaller */
        while (at < below) {
            uint64_t value = key[at];
            if (value > pivot) {
                key[at++] = key[above];
                key[above++] = value;
            } else if (value < pivot) {
                key[at] = key[--below];
                key[below] = value;
            } else {
                at++;
            }
        }
        if (k <= above) {
            n = above;
        } else if (k <= below) {
            return pivot;
        } else {
            k -= below;
            key += below;
            n -= below;
        }
    }
}

/* Returns the entry behind the last one written. */
static int64_t select_tensor(Sparse *sparse, char *message, int64_t entry, int s, const real *x) {
    int64_t n = sparse->segments[s].n, k = sparse->k[s], end = entry + k;
    for (int64_t i = 0; i < n; i++)
        sparse->key[i] = key_of(x[i]);
    uint64_t least = kth_largest(sparse->key, n, k);
    int64_t equal = k; /* how many of size `least` are sent: what the larger ones leave */
    for (int64_t i = 0; i < n; i++)
        equal -= key_of(x[i]) > least;
    for (int64_t i = 0; i < n && entry < end; i++) {
        uint64_t key = key_of(x[i]);
        if (key < least || (key == least && equal-- <= 0))
            continue;
        uint32_t index = (uint32_t)i;
        memcpy(message + entry * ENTRY, &index, sizeof index);
        memcpy(message + entry * ENTRY + sizeof index, &x[i], sizeof x[i]);
        entry++;
    }
    return end;
}

void sparse_select(Sparse *sparse, int own, const real *x) {
    char *message = message_of(sparse, sparse->workers->first + own);
    int64_t entry = 0;
    for (int s = 0; s < sparse->n_segments; s++)
        if (sparse->k[s] > 0)
            entry = select_tensor(sparse, message, entry, s, x + sparse->segments[s].offset);
}

static int64_t index_of(const char *message, int64_t entry) {
    uint32_t index;
    memcpy(&index, message + entry * ENTRY, sizeof index);
    return index;
}

void sparse_clear(const Sparse *sparse, int own, real *x) {
    const char *message = message_of(sparse, sparse->workers->first + own);
    int64_t entry = 0;
    for (int s = 0; s < sparse->n_segments; s++)
        for (int64_t i = 0; i < sparse->k[s]; i++)
            x[sparse->segments[s].offset + index_of(message, entry++)] = 0;
}

/* Worker after worker: a fixed order, whoever hosts them. */
static void add_message(const Sparse *sparse, int worker, real *out) {
    const char *message = message_of(sparse, worker);
    int64_t entry = 0;
    for (int s = 0; s < sparse->n_segments; s++)
        for (int64_t i = 0; i < sparse->k[s]; i++, entry++) {
            real value;
            memcpy(&value, message + entry * ENTRY + sizeof(uint32_t), sizeof value);
            out[sparse->segments[s].offset + index_of(message, entry)] += value;
        }
}

void sparse_mean(Sparse *sparse, real *out) {
    const Workers *workers = sparse->workers;
    workers_gather(sparse->workers, sparse->all, sparse->at);
    for (int s = 0; s < sparse->n_segments; s++)
        if (is_sent(sparse, s))
            memset(out + sparse->segments[s].offset, 0,
                   sizeof(real) * (size_t)sparse->segments[s].n);
    for (int j = 0; j < workers->n; j++)
        add_message(sparse, j, out);
    for (int s = 0; s < sparse->n_segments; s++)
        for (int64_t i = 0; i < sparse->segments[s].n && is_sent(sparse, s); i++)
            out[sparse->segments[s].offset + i] /= (real)workers->n;
}
