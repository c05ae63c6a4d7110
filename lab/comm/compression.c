#include "lab/comm/compression.h"

#include <assert.h>

#define COMPRESSION(name) extern const CompressionType compression_##name;
#include "lab/comm/compressions.def"
#undef COMPRESSION
#define COMPRESSION(name) &compression_##name.kind,
const Kind *const compression_table[COMPRESSION_N] = {
#include "lab/comm/compressions.def"
};
#undef COMPRESSION

Compression *compression_new(const CompressionType *type, const void *settings,
                             const Segment *segments, int n_segments, Workers *workers,
                             uint64_t seed, Arena *arena) {
    Compression *compression = ARENA_NEW(arena, Compression);
    *compression = (Compression){.type = type,
                                 .settings = settings,
                                 .segments = segments,
                                 .n_segments = n_segments,
                                 .workers = workers,
                                 .seed = seed,
                                 .arena = arena};
    for (int s = 0; s < n_segments; s++)
        compression->n += segments[s].n;
    type->open(compression);
    return compression;
}

static real *add_state(Compression *compression, const char *name, int64_t n, bool by_worker) {
    assert(compression->n_states < COMPRESSION_MAX_STATES);
    const Workers *workers = compression->workers;
    int rows = !by_worker ? 1 : comm_rank(workers->comm) == 0 ? workers->n : workers_own(workers);
    CompressionState *state = &compression->states[compression->n_states++];
    *state = (CompressionState){.name = name,
                                .n = n,
                                .by_worker = by_worker,
                                .data = ARENA_ARRAY(compression->arena, real, rows * n)};
    return state->data;
}

real *compression_rows(Compression *compression, const char *name, int64_t n) {
    return add_state(compression, name, n, true);
}

real *compression_common(Compression *compression, const char *name, int64_t n) {
    return add_state(compression, name, n, false);
}
