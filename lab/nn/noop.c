#include "lab/nn/init.h"
#include "lab/nn/model.h"

#include <string.h>

typedef struct NoopSettings {
    int64_t weights;
} NoopSettings;

static const Param params[] = {
    PARAM(COUNT, NoopSettings, weights, "1000000", 1, 1e9, "1", "length of the weight vector"),
    PARAM_END,
};

static Error *make(Model *model, Arena *arena) {
    const NoopSettings *settings = model->settings;
    Segment *segment = ARENA_NEW(arena, Segment);
    *segment = (Segment){"weights", 0, settings->weights, 1, {settings->weights}, false, false};
    model->n_segments = 1;
    model->segments = segment;
    model->n_weights = settings->weights;
    model->noise_unit = NOISE_UNIT_EXAMPLE;
    return NULL;
}

static void init(const Model *model, uint64_t seed, float *weights) {
    (void)seed;
    init_constant(weights, model->segments, 0.0F);
}

static size_t workspace_bytes(const Model *model, int max_examples) {
    (void)model, (void)max_examples;
    return 0;
}

static void pass_zero(const Model *model, const Shard *shard, ModelPass *pass) {
    pass->loss_sum = shard->n;
    pass->n_correct = 0;
    if (pass->grad_sum && !pass->accumulate)
        memset(pass->grad_sum, 0, (size_t)model->n_weights * sizeof *pass->grad_sum);
    if (pass->example_sumsq)
        pass->example_sumsq[0] = 0;
}

MODEL_TYPE(noop) = {
    .kind =
        {
            .name = "noop",
            .summary = "computes nothing: measures the harness",
            .detail = "Gradient zero, loss 1 for every example, weights zero. What a step of it "
                      "costs is what sampling,\n"
                      "reduction, update and recording cost for a model with `weights` weights.",
            .settings_bytes = sizeof(NoopSettings),
            .params = params,
        },
    .make = make,
    .init = init,
    .workspace_bytes = workspace_bytes,
    .pass = pass_zero,
};
