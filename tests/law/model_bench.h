/* A model with small settings, random weights and a random shard, for the laws. */
#ifndef TESTS_LAW_MODEL_BENCH_H
#define TESTS_LAW_MODEL_BENCH_H

#include "lab/base/rng.h"
#include "lab/nn/model.h"
#include "tests/law/dense_witness.h"
#include "tests/law/image_witness.h"
#include "tests/law/transformer_witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Small settings of one registered model. A model without a line here is tested at its defaults. */
typedef struct ModelCase {
    const char *model, *settings; /* JSON */
    int n_features, n_classes;
    /* Independent of the model; without any differences are taken of the model's own loss. */
    Witness witness;    /* n_layers 0: none */
    ImageWitness image; /* kind IMAGE_NONE: none */
    TextWitness text;   /* of a transformer; depth 0: none */
} ModelCase;

#define DENSE(...) .witness = {__VA_ARGS__}
#define IMAGE(...) .image = {__VA_ARGS__}
#define TEXT(...) .text = {__VA_ARGS__}
#define CASE(kind, with, features, classes, ...)                                                   \
    { .model = kind, .settings = with, .n_features = features, .n_classes = classes, __VA_ARGS__ }

static const ModelCase model_cases[] = {
    CASE("softmax", "{}", 17, 10, DENSE("relu", 1, {17, 10})),
    CASE("mlp", "{\"hidden\": []}", 12, 3, DENSE("relu", 1, {12, 3})),
    CASE("mlp", "{\"hidden\": [20]}", 15, 10, DENSE("relu", 2, {15, 20, 10})),
    CASE("mlp", "{\"hidden\": [33, 18]}", 21, 7, DENSE("relu", 3, {21, 33, 18, 7})),
    CASE("mlp", "{\"hidden\": [33, 18], \"activation\": \"tanh\"}", 21, 7,
         DENSE("tanh", 3, {21, 33, 18, 7})),
    CASE("mlp", "{\"hidden\": [33, 18], \"activation\": \"gelu\"}", 21, 7,
         DENSE("gelu", 3, {21, 33, 18, 7})),
    CASE("mlp", "{\"hidden\": [1, 5, 130], \"activation\": \"gelu\"}", 140, 2,
         DENSE("gelu", 4, {140, 1, 5, 130, 2})),
    CASE("noisy_quadratic", "{\"dim\": 50, \"noise\": 0}", 0, 0, DENSE(NULL)),
    CASE("noop", "{\"weights\": 100}", 5, 2, DENSE(NULL)),
    CASE("transformer", "{\"width\": 8, \"depth\": 2, \"heads\": 2}", 6, 11,
         TEXT(8, 2, 2, 6, 11, 0)),
    /* two blocks of rows in attention, the second one cut */
    CASE("transformer", "{\"width\": 21, \"depth\": 1, \"heads\": 3}", 75, 5,
         TEXT(21, 1, 3, 75, 5, 0)),
    CASE("simple_cnn", "{\"channels\": [3, 5], \"kernel\": 3, \"dense\": 7}", 2 * 8 * 9, 4,
         IMAGE(IMAGE_SIMPLE_CNN, {2, 8, 9}, 4, {3, 5}, 3, 7, 0, 0)),
    CASE("simple_cnn", "{\"channels\": [16, 32], \"kernel\": 5, \"dense\": 20}", 64, 3,
         IMAGE(IMAGE_SIMPLE_CNN, {1, 8, 8}, 3, {16, 32}, 5, 20, 0, 0)),
    CASE("resnet", "{\"n\": 1, \"width\": 2}", 2 * 8 * 9, 4,
         IMAGE(IMAGE_RESNET, {2, 8, 9}, 4, {0}, 0, 0, 1, 2)),
    CASE("resnet", "{\"n\": 2, \"width\": 16}", 64, 3,
         IMAGE(IMAGE_RESNET, {1, 8, 8}, 3, {0}, 0, 0, 2, 16)),
};

typedef struct ModelBench {
    Arena *arena;
    Model *model;
    const ModelType *type;
    Witness witness;
    ImageWitness image;
    TextWitness text;
    Shard shard;    /* (mini_batch) random examples */
    float *weights; /* random, biases too */
    float *grad;    /* (n_weights) */
    void *workspace;
    size_t workspace_bytes;
} ModelBench;

static void bench_fail(Error *error) {
    error_print(error, stderr);
    exit(1);
}

static float *bench_normal(int64_t n, double sd, uint64_t index, Arena *arena) {
    Rng rng = rng_new(11, RNG_TEST, index);
    float *x = ARENA_ARRAY(arena, float, n);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(sd * rng_normal(&rng));
    return x;
}

static float *bench_tokens(int n, int n_classes, Arena *arena) {
    Rng rng = rng_new(11, RNG_TEST, 2);
    float *x = ARENA_ARRAY(arena, float, n);
    for (int i = 0; i < n; i++)
        x[i] = (float)rng_below(&rng, (uint32_t)n_classes);
    return x;
}

static ModelBench bench_new(const ModelType *type, const ModelCase *with, int mini_batch) {
    ModelBench bench = {.arena = arena_new(),
                        .type = type,
                        .witness = with->witness,
                        .image = with->image,
                        .text = with->text};
    Arena *arena = bench.arena;
    void *settings = arena_alloc(arena, type->kind.settings_bytes + 1);
    Json *object;
    Error *error = json_parse(&object, with->settings, strlen(with->settings), "case", arena);
    if (!error)
        error = param_read(settings, type->kind.params, object, NULL, arena);
    int n_labels = with->text.depth > 0 ? with->text.context : 1;
    ModelInput input = {with->n_features, with->n_classes, {1, 1, with->n_features}, n_labels};
    if (with->image.kind != IMAGE_NONE)
        memcpy(input.shape, with->image.shape, sizeof input.shape);
    if (!error)
        error = model_new(&bench.model, type, settings, &input, mini_batch, arena);
    if (error)
        bench_fail(error);
    int32_t *labels = ARENA_ARRAY(arena, int32_t, mini_batch * n_labels);
    Rng rng = rng_new(11, RNG_TEST, 1);
    for (int i = 0; i < mini_batch * n_labels && with->n_classes > 0; i++)
        labels[i] = (int32_t)rng_below(&rng, (uint32_t)with->n_classes);
    bench.shard = (Shard){.n = mini_batch, .seed = 3, .step = 4, .index = 5};
    if (with->n_features > 0)
        bench.shard.x = n_labels > 1
                            ? bench_tokens(mini_batch * n_labels, with->n_classes, arena)
                            : bench_normal((int64_t)mini_batch * with->n_features, 1, 2, arena);
    if (with->n_classes > 0)
        bench.shard.y = labels;
    bench.weights = bench_normal(bench.model->n_weights, 0.3, 3, arena);
    bench.grad = ARENA_ARRAY(arena, float, bench.model->n_weights);
    bench.workspace_bytes = type->workspace_bytes(bench.model, mini_batch);
    bench.workspace = model_workspace(bench.model, mini_batch, arena);
    return bench;
}

static void bench_end(ModelBench *bench) {
    arena_end(bench->arena);
}

/* Examples [first, first + n) of the shard. */
static Shard bench_part(const ModelBench *bench, int first, int n) {
    Shard part = bench->shard;
    part.n = n;
    part.x = part.x ? part.x + (int64_t)first * bench->model->n_features : NULL;
    part.y = part.y ? part.y + first * bench->model->n_labels : NULL;
    return part;
}

/* A pass in a workspace full of NaN: what is read was written. */
static ModelPass bench_pass(const ModelBench *bench, const Shard *shard, float *grad,
                            bool accumulate, double *example_sumsq) {
    if (bench->workspace_bytes > MODEL_WORKSPACE_HEAD)
        memset((char *)bench->workspace + MODEL_WORKSPACE_HEAD, 0xff,
               bench->workspace_bytes - MODEL_WORKSPACE_HEAD);
    ModelPass pass = {.weights = bench->weights,
                      .grad_sum = grad,
                      .accumulate = accumulate,
                      .example_sumsq = example_sumsq,
                      .workspace = bench->workspace};
    bench->type->pass(bench->model, shard, &pass);
    return pass;
}

static inline bool bench_has_witness(const ModelBench *bench) {
    return bench->witness.n_layers > 0 || bench->image.kind != IMAGE_NONE || bench->text.depth > 0;
}

/* The witness' loss summed over the shard, and its gradient unless NULL. */
static double bench_witness(const ModelBench *bench, const double *w, double *grad) {
    int64_t n = bench->model->n_weights;
    if (bench->image.kind != IMAGE_NONE)
        return image_witness(&bench->image, w, &bench->shard, NULL, grad, NULL);
    if (bench->text.depth > 0)
        return text_witness_pass(&bench->text, w, n, &bench->shard, bench->shard.n, grad);
    return witness_pass(&bench->witness, w, n, &bench->shard, grad);
}

typedef void BenchLaw(ModelBench *bench);

/* Every registered model, every case of it, every size. */
static inline void bench_each(BenchLaw *law, const int *mini_batch, int n_sizes) {
    for (int id = 0; id < MODEL_N; id++) {
        const ModelType *type = (const ModelType *)model_table[id];
        int n_cases = (int)(sizeof model_cases / sizeof *model_cases);
        const ModelCase standard = CASE(type->kind.name, "{}", 16, 4, DENSE(NULL));
        bool found = false;
        for (int i = 0; i <= n_cases; i++) {
            const ModelCase *with = i < n_cases ? &model_cases[i] : &standard;
            if (strcmp(with->model, type->kind.name) != 0 || (i == n_cases && found))
                continue;
            found = true;
            for (int s = 0; s < n_sizes; s++) {
                ModelBench bench = bench_new(type, with, mini_batch[s]);
                law(&bench);
                bench_end(&bench);
            }
        }
    }
}

#endif
