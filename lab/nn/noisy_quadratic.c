#include "lab/base/rng.h"
#include "lab/base/vec.h"
#include "lab/nn/init.h"
#include "lab/nn/model.h"

#include <math.h>

typedef struct QuadraticSettings {
    int64_t dim;
    double power, noise, init;
} QuadraticSettings;

static const Param params[] = {
    PARAM(COUNT, QuadraticSettings, dim, "100", 1, 1e6, "1", "number of weights"),
    PARAM(NUMBER, QuadraticSettings, power, "1", 0, 8, "1",
          "curvatures h_i = i^-power, i = 1..dim"),
    PARAM(NUMBER, QuadraticSettings, noise, "1", 0, 1e12, "1",
          "gradient variance of an example c_i = noise * h_i"),
    PARAM(NUMBER, QuadraticSettings, init, "1", -1e6, 1e6, "1", "every weight's start"),
    PARAM_END,
};

/* Shards of a step are numbered below this; index of the random stream = step * STEP_STREAMS +
 * shard. */
static const int64_t STEP_STREAMS = (int64_t)1 << 20;

static Error *make(Model *model, Arena *arena) {
    const QuadraticSettings *settings = model->settings;
    if (model->n_features > 0)
        return error_hint(
            error_new(CODE_USAGE,
                      "it draws its own noise and cannot learn from a dataset's examples"),
            "set trial.dataset to {\"name\": \"noisy_quadratic\"}");
    Segment *segment = ARENA_NEW(arena, Segment);
    /* One dimension, yet decayed and adapted: the only tensor there is. */
    *segment = (Segment){"theta", 0, settings->dim, 1, {settings->dim}, true, true};
    double *curvature = ARENA_ARRAY(arena, double, settings->dim);
    for (int64_t i = 0; i < settings->dim; i++)
        curvature[i] = pow((double)(i + 1), -settings->power);
    model->n_segments = 1;
    model->segments = segment;
    model->n_weights = settings->dim;
    model->noise_unit = NOISE_UNIT_SHARD;
    model->flops_per_example = 0; /* a shard costs the same whatever its size */
    model->plan = curvature;
    return NULL;
}

static void init(const Model *model, uint64_t seed, float *weights) {
    const QuadraticSettings *settings = model->settings;
    (void)seed;
    init_constant(weights, model->segments, (float)settings->init);
}

static size_t workspace_bytes(const Model *model, int max_examples) {
    (void)max_examples;
    return (size_t)model->n_weights * sizeof(double);
}

/* L = 1/2 sum h_i theta_i^2. */
static double risk(const Model *model, const float *weights, double *terms) {
    const double *curvature = model->plan;
    for (int64_t i = 0; i < model->n_weights; i++)
        terms[i] = 0.5 * curvature[i] * (double)weights[i] * (double)weights[i];
    return vec_tree_sum(terms, model->n_weights);
}

/* Sum over the shard's n examples: n h_i theta_i + sqrt(n c_i) z_i, drawn at once for all of them.
 */
static void gradient(const Model *model, const Shard *shard, ModelPass *pass) {
    const QuadraticSettings *settings = model->settings;
    const double *curvature = model->plan;
    Rng rng =
        rng_new(shard->seed, RNG_NOISE, (uint64_t)(shard->step * STEP_STREAMS + shard->index));
    double n = shard->n;
    for (int64_t i = 0; i < model->n_weights; i++) {
        double noise = sqrt(n * settings->noise * curvature[i]) * rng_normal(&rng);
        float sum = (float)(n * curvature[i] * (double)pass->weights[i] + noise);
        pass->grad_sum[i] = pass->accumulate ? pass->grad_sum[i] + sum : sum;
    }
}

static void pass_quadratic(const Model *model, const Shard *shard, ModelPass *pass) {
    pass->loss_sum = shard->n * risk(model, pass->weights, pass->workspace);
    pass->n_correct = 0;
    if (pass->grad_sum)
        gradient(model, shard, pass);
}

MODEL_TYPE(noisy_quadratic) = {
    .kind =
        {
            .name = "noisy_quadratic",
            .summary = "a quadratic whose gradient noise is drawn per shard: the ruler, every "
                       "answer is known",
            .detail = "Loss 1/2 sum h_i theta_i^2, h_i = i^-power; a shard of n examples has the "
                      "gradient sum\n"
                      "n h_i theta_i + sqrt(n c_i) z_i, c_i = noise * h_i, z_i from N(0, 1). The "
                      "recorded loss is the\n"
                      "exact risk, without noise. B_simple = sum c_i / sum h_i^2 theta_i^2.",
            .reference = "Zhang et al. 2019, arXiv 1907.04164",
            .settings_bytes = sizeof(QuadraticSettings),
            .params = params,
        },
    .make = make,
    .init = init,
    .workspace_bytes = workspace_bytes,
    .pass = pass_quadratic,
};
