#include "lab/comm/dense_part.h"

#include <string.h>

DensePart *dense_part_new(const Compression *compression, const bool *is_dense) {
    Arena *arena = compression->arena;
    DensePart *part = ARENA_NEW(arena, DensePart);
    *part = (DensePart){.segments = compression->segments,
                        .n_segments = compression->n_segments,
                        .is_dense = is_dense,
                        .n_weights = compression->n};
    for (int s = 0; s < part->n_segments; s++)
        part->n += is_dense[s] ? part->segments[s].n : 0;
    part->rows = ARENA_ARRAY(arena, real, workers_own(compression->workers) * part->n);
    part->mean = ARENA_ARRAY(arena, real, part->n);
    part->slices = slices_new(compression->workers, &format_real, part->n, arena);
    return part;
}

/* One gradient's elements of the part into `packed`, or back. */
static void copy(const DensePart *part, real *packed, real *whole, bool back) {
    for (int s = 0; s < part->n_segments; s++) {
        size_t bytes = sizeof(real) * (size_t)part->segments[s].n;
        real *here = whole + part->segments[s].offset;
        if (!part->is_dense[s])
            continue;
        memcpy(back ? here : packed, back ? packed : here, bytes);
        packed += part->segments[s].n;
    }
}

void dense_part_mean(DensePart *part, const real *grads, real *out) {
    const Workers *workers = part->slices->workers;
    if (part->n == 0)
        return;
    for (int i = 0; i < workers_own(workers); i++)
        copy(part, part->rows + i * part->n, (real *)grads + i * part->n_weights, false);
    slices_sum(part->slices, part->rows, 1.0 / workers->n, NULL, part->mean);
    copy(part, part->mean, out, true);
}
