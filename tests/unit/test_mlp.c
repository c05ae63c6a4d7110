/* The dense models at the size that the studies train, and what a person can ask of them. */
#include "lab/base/rng.h"
#include "lab/base/vec.h"
#include "lab/nn/gemm.h"
#include "lab/nn/model.h"
#include "tests/law/dense_witness.h"

#include <omp.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

enum { N_FEATURES = 784, N_CLASSES = 10, MAX_EXAMPLES = 320 };

typedef struct Net {
    Arena *arena;
    Model *model;
    const ModelType *type;
    Shard shard;
    float *weights, *grad;
    void *workspace;
} Net;

static Error *make(Net *net, int id, const char *text, ModelInput input, int mini_batch) {
    net->type = (const ModelType *)model_table[id];
    void *settings = arena_alloc(net->arena, net->type->kind.settings_bytes + 1);
    Json *object;
    PASS(json_parse(&object, text, strlen(text), "test", net->arena));
    PASS(param_read(settings, net->type->kind.params, object, NULL, net->arena));
    return model_new(&net->model, net->type, settings, &input, mini_batch, net->arena);
}

static Net net_new(int id, const char *text, int mini_batch) {
    Net net = {.arena = arena_new()};
    assert_null(make(&net, id, text, (ModelInput){N_FEATURES, N_CLASSES, {1, 28, 28}, 1}, mini_batch));
    Rng rng = rng_new(1, RNG_TEST, 0);
    float *x = ARENA_ARRAY(net.arena, float, mini_batch *N_FEATURES);
    int32_t *y = ARENA_ARRAY(net.arena, int32_t, mini_batch);
    for (int i = 0; i < mini_batch * N_FEATURES; i++) /* mostly background, like a drawing */
        x[i] = rng_below(&rng, 5) == 0 ? (float)rng_uniform(&rng) : 0.0F;
    for (int i = 0; i < mini_batch; i++)
        y[i] = (int32_t)rng_below(&rng, N_CLASSES);
    net.shard = (Shard){.n = mini_batch, .x = x, .y = y};
    net.weights = ARENA_ARRAY(net.arena, float, net.model->n_weights);
    net.grad = ARENA_ARRAY(net.arena, float, net.model->n_weights);
    net.type->init(net.model, 5, net.weights);
    net.workspace = model_workspace(net.model, mini_batch, net.arena);
    return net;
}

static ModelPass run(Net *net, float *grad, bool accumulate, double *sumsq) {
    ModelPass pass = {.weights = net->weights,
                      .grad_sum = grad,
                      .accumulate = accumulate,
                      .example_sumsq = sumsq,
                      .workspace = net->workspace};
    net->type->pass(net->model, &net->shard, &pass);
    return pass;
}

static void test_mlp__full_size_agrees_with_the_double_witness(void **state) {
    (void)state;
    const char *const activation[] = {"relu", "gelu", "tanh"};
    for (int a = 0; a < 3; a++) {
        char text[64];
        snprintf(text, sizeof text, "{\"hidden\": [512, 512], \"activation\": \"%s\"}",
                 activation[a]);
        Net net = net_new(MODEL_ID_mlp, text, 32);
        int64_t n = net.model->n_weights;
        assert_int_equal(n, 784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10);
        double *w = ARENA_ARRAY(net.arena, double, n), *grad = ARENA_ARRAY(net.arena, double, n);
        for (int64_t i = 0; i < n; i++)
            w[i] = (double)net.weights[i];
        Witness witness = {activation[a], 3, {N_FEATURES, 512, 512, N_CLASSES}};
        double loss = witness_pass(&witness, w, n, &net.shard, grad), error = 0, size = 0;
        ModelPass pass = run(&net, net.grad, false, NULL);
        for (int64_t i = 0; i < n; i++) {
            error += ((double)net.grad[i] - grad[i]) * ((double)net.grad[i] - grad[i]);
            size += grad[i] * grad[i];
        }
        assert_true(fabs(pass.loss_sum - loss) < 1e-6 * loss);
        assert_true(sqrt(error) < 1e-5 * sqrt(size));
        arena_end(net.arena);
    }
}

static void test_mlp__full_size_accumulates_like_a_separate_add(void **state) {
    (void)state;
    const int mini_batch[] = {32, 64, 100, 128, MAX_EXAMPLES};
    for (size_t b = 0; b < sizeof mini_batch / sizeof *mini_batch; b++) {
        Net net = net_new(MODEL_ID_mlp, "{\"hidden\": [512, 512]}", mini_batch[b]);
        size_t bytes = (size_t)net.model->n_weights * sizeof(float);
        float *apart = ARENA_ARRAY(net.arena, float, net.model->n_weights);
        float *before = ARENA_ARRAY(net.arena, float, net.model->n_weights);
        run(&net, net.grad, false, NULL);
        for (int64_t i = 0; i < net.model->n_weights; i++) {
            before[i] = net.weights[i] + 0.1F;
            apart[i] = before[i] + net.grad[i];
        }
        memcpy(net.grad, before, bytes);
        run(&net, net.grad, true, NULL);
        assert_memory_equal(net.grad, apart, bytes);
        arena_end(net.arena);
    }
}

/* Replicas keep gradients in windows whose alignment differs. */
static void test_mlp__alignment_does_not_change_bits(void **state) {
    (void)state;
    Net net = net_new(MODEL_ID_mlp, "{\"hidden\": [512, 77]}", 64);
    int64_t n = net.model->n_weights;
    ModelPass first = run(&net, net.grad, false, NULL);
    for (int shift = 1; shift < 16; shift += 2) {
        Net moved = net;
        moved.weights = ARENA_ARRAY(net.arena, float, n + 16) + shift;
        float *grad = ARENA_ARRAY(net.arena, float, n + 16) + (16 - shift);
        float *x = ARENA_ARRAY(net.arena, float, 64 * N_FEATURES + 16) + shift;
        memcpy(moved.weights, net.weights, (size_t)n * sizeof(float));
        memcpy(x, net.shard.x, 64 * N_FEATURES * sizeof(float));
        moved.shard.x = x;
        assert_true(run(&moved, grad, false, NULL).loss_sum == first.loss_sum);
        assert_memory_equal(grad, net.grad, (size_t)n * sizeof(float));
        memcpy(grad, net.weights, (size_t)n * sizeof(float));
        run(&moved, grad, true, NULL);
        for (int64_t i = 0; i < n; i++)
            assert_true(grad[i] == net.weights[i] + net.grad[i]);
    }
    arena_end(net.arena);
}

static void test_mlp__without_hidden_layers_is_softmax(void **state) {
    (void)state;
    Net mlp = net_new(MODEL_ID_mlp, "{\"hidden\": []}", 8),
        softmax = net_new(MODEL_ID_softmax, "{}", 8);
    assert_int_equal(mlp.model->n_weights, softmax.model->n_weights);
    size_t bytes = (size_t)mlp.model->n_weights * sizeof(float);
    assert_memory_equal(mlp.weights, softmax.weights, bytes);
    assert_true(run(&mlp, mlp.grad, false, NULL).loss_sum ==
                run(&softmax, softmax.grad, false, NULL).loss_sum);
    assert_memory_equal(mlp.grad, softmax.grad, bytes);
    arena_end(mlp.arena);
    arena_end(softmax.arena);
}

static void check_variance(const Net *net, int s, double variance) {
    const Segment *segment = &net->model->segments[s];
    double n = (double)segment->n, mean = 0,
           sumsq = vec_sumsq(net->weights + segment->offset, segment->n);
    for (int64_t i = 0; i < segment->n; i++)
        mean += (double)net->weights[segment->offset + i] / n;
    assert_true(fabs(mean) < 5 * sqrt(variance / n));
    assert_true(fabs(sumsq / n / variance - 1) < 5 * sqrt(2 / n)); /* five standard errors */
}

static void test_mlp__starts_with_he_and_glorot_variances(void **state) {
    (void)state;
    Net relu = net_new(MODEL_ID_mlp, "{\"hidden\": [300, 200]}", 1);
    check_variance(&relu, 0, 2.0 / 784);
    check_variance(&relu, 2, 2.0 / 300);
    check_variance(&relu, 4, 2.0 / (200 + 10));
    for (int s = 1; s < 6; s += 2)
        assert_true(vec_sumsq(relu.weights + relu.model->segments[s].offset,
                              relu.model->segments[s].n) == 0);
    Net tanh_net = net_new(MODEL_ID_mlp, "{\"hidden\": [300, 200], \"activation\": \"tanh\"}", 1);
    check_variance(&tanh_net, 0, 2.0 / (784 + 300));
    check_variance(&tanh_net, 2, 2.0 / (300 + 200));
    arena_end(relu.arena);
    arena_end(tanh_net.arena);
}

static void test_mlp__seeds_and_segments_have_streams_of_their_own(void **state) {
    (void)state;
    Net net = net_new(MODEL_ID_mlp, "{\"hidden\": [784]}", 1);
    float *other = ARENA_ARRAY(net.arena, float, net.model->n_weights);
    net.type->init(net.model, 6, other);
    assert_true(other[0] != net.weights[0] && other[1000] != net.weights[1000]);
    Net deeper = net_new(MODEL_ID_mlp, "{\"hidden\": [784, 784]}", 1);
    const Segment *segments = deeper.model->segments;
    assert_true(deeper.weights[segments[0].offset] ==
                net.weights[0]); /* what is above does not matter */
    assert_true(deeper.weights[segments[2].offset] != deeper.weights[segments[0].offset]);
    arena_end(net.arena);
    arena_end(deeper.arena);
}

static void test_mlp__segments_are_named_and_marked(void **state) {
    (void)state;
    Net net = net_new(MODEL_ID_mlp, "{}", 1); /* the default: 128 */
    assert_int_equal(net.model->n_segments, 4);
    const Segment *weight = &net.model->segments[2], *bias = &net.model->segments[3];
    assert_string_equal(weight->name, "layer2.weight");
    assert_int_equal(weight->shape[0], N_CLASSES);
    assert_int_equal(weight->shape[1], 128);
    assert_true(weight->decay && weight->adapt && weight->n_dims == 2);
    assert_string_equal(bias->name, "layer2.bias");
    assert_true(!bias->decay && !bias->adapt && bias->n_dims == 1);
    assert_true(net.model->flops_per_example == 4.0 * 784 * 128 + 6.0 * 128 * 10);
    arena_end(net.arena);
}

static void test_mlp__divergence_is_seen_in_the_loss(void **state) {
    (void)state;
    const char *const settings[] = {"{\"activation\": \"relu\"}", "{\"activation\": \"gelu\"}",
                                    "{\"activation\": \"tanh\"}"};
    for (int a = 0; a < 3; a++) {
        Net net = net_new(MODEL_ID_mlp, settings[a], 16);
        float keep = net.weights[7 * N_FEATURES];
        for (int i = 0; i < N_FEATURES; i++)
            net.weights[7 * N_FEATURES + i] = NAN;
        assert_true(isnan(run(&net, net.grad, false, NULL).loss_sum));
        for (int i = 0; i < N_FEATURES; i++)
            net.weights[7 * N_FEATURES + i] = keep;
        const Segment *top = &net.model->segments[2];
        for (int64_t i = 0; i < top->n; i++)
            net.weights[top->offset + i] *= 1e6F; /* large, but a number */
        double loss = run(&net, net.grad, false, NULL).loss_sum;
        assert_true(isfinite(loss) && loss > 1e3);
        assert_true(isfinite(vec_sumsq(net.grad, net.model->n_weights)));
        arena_end(net.arena);
    }
}

static void check_refused(int id, const char *settings, int n_features, int n_classes,
                          const char *message) {
    Net net = {.arena = arena_new()};
    Error *error =
        make(&net, id, settings, (ModelInput){n_features, n_classes, {1, 1, n_features}, 1}, 4);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_USAGE);
    if (!strstr(error_text(error), message) || !strstr(error_text(error), "hint:"))
        fail_msg("'%s' lacks '%s' or a hint", error_text(error), message);
    error_end(error);
    arena_end(net.arena);
}

static void test_mlp__refuses_what_does_not_fit(void **state) {
    (void)state;
    check_refused(MODEL_ID_mlp, "{}", 0, 10, "carry no features");
    check_refused(MODEL_ID_softmax, "{}", 4, 0, "0 classes");
    check_refused(MODEL_ID_mlp, "{\"hidden\": [65536, 65536]}", 784, 10, "at most 2^31");
    check_refused(MODEL_ID_mlp, "{\"hidden\": [0]}", 784, 10, "hidden");
    check_refused(MODEL_ID_mlp, "{\"activation\": \"rleu\"}", 784, 10, "relu");
    check_refused(MODEL_ID_noisy_quadratic, "{}", 784, 10, "draws its own noise");
}

/* Both libraries read their pin when they are loaded: a process of its own. */
static int run_pinned(char **argv) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setenv("OPENBLAS_CORETYPE", "Haswell", 1);
        setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
        execv("/proc/self/exe", argv);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mlp__full_size_agrees_with_the_double_witness),
        cmocka_unit_test(test_mlp__full_size_accumulates_like_a_separate_add),
        cmocka_unit_test(test_mlp__alignment_does_not_change_bits),
        cmocka_unit_test(test_mlp__without_hidden_layers_is_softmax),
        cmocka_unit_test(test_mlp__starts_with_he_and_glorot_variances),
        cmocka_unit_test(test_mlp__seeds_and_segments_have_streams_of_their_own),
        cmocka_unit_test(test_mlp__segments_are_named_and_marked),
        cmocka_unit_test(test_mlp__divergence_is_seen_in_the_loss),
        cmocka_unit_test(test_mlp__refuses_what_does_not_fit),
    };
    omp_set_num_threads(1);
    bool pinned = getenv("ONEDNN_MAX_CPU_ISA") != NULL || !__builtin_cpu_supports("avx2");
    int failed = pinned ? 0 : run_pinned(argv); /* before this process starts threads */
    return cmocka_run_group_tests_name("mlp", tests, NULL, NULL) + failed;
}
