#include "lab/comm/half.h"

static void bf16_open(Compression *compression) {
    half_open(compression, &format_bf16);
}

COMPRESSION_TYPE(bf16) = {
    .kind = {.name = "bf16",
             .summary = "gradients and their sums travel in bfloat16: half the bytes",
             .detail =
                 "Worker i sends q(g_i + e_i); the owner of a slice sends q(mean + e) to all. "
                 "8 significant bits,\n"
                 "the range of float32.",
             .reference = "error feedback: Seide et al. 2014; Karimireddy et al. 2019, arXiv "
                          "1901.09847",
             .settings_bytes = sizeof(HalfSettings),
             .params = half_rows},
    .open = bf16_open,
    .mean = half_mean,
};
