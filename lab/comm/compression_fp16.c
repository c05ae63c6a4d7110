#include "lab/comm/half.h"

static void fp16_open(Compression *compression) {
    half_open(compression, &format_fp16);
}

COMPRESSION_TYPE(fp16) = {
    .kind = {.name = "fp16",
             .summary = "gradients and their sums travel in IEEE half precision: half the bytes",
             .detail =
                 "Worker i sends q(g_i + e_i); the owner of a slice sends q(mean + e) to all. "
                 "11 significant\n"
                 "bits; what is above 65504 becomes that, and steps are 6e-8 below 6e-5: "
                 "the error keeps the rest.",
             .reference = "error feedback: Seide et al. 2014; Karimireddy et al. 2019, arXiv "
                          "1901.09847",
             .settings_bytes = sizeof(HalfSettings),
             .params = half_rows},
    .open = fp16_open,
    .mean = half_mean,
};
