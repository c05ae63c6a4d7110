#include "lab/comm/half.h"

const Param half_rows[] = {
    PARAM(FLAG, HalfSettings, error_feedback, "true", 0, 0, "1",
          "what rounding takes away is added to the next gradient, and to the next sum"),
    PARAM_END,
};

void half_open(Compression *compression, const NumberFormat *format) {
    const HalfSettings *settings = compression->settings;
    Half *half = ARENA_NEW(compression->arena, Half);
    half->slices = slices_new(compression->workers, format, compression->n, compression->arena);
    if (settings->error_feedback) {
        half->errors.of_worker = compression_rows(compression, "compression.error", compression->n);
        half->errors.of_slice =
            compression_rows(compression, "compression.slice_error", half->slices->most);
    }
    compression->own = half;
}

void half_mean(Compression *compression, const CompressionStep *step, real *grads, real *out) {
    Half *half = compression->own;
    (void)step;
    slices_sum(half->slices, grads, 1.0 / compression->workers->n, &half->errors, out);
}
