/* What holds for every registered model. */
#include "tests/law/model_bench.h"

#include "lab/base/vec.h"
#include "tests/unit/sanitized.h"

#include <omp.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define SIZES(...) (const int[]){__VA_ARGS__}, (int)(sizeof(int[]){__VA_ARGS__} / sizeof(int))

static double norm(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* |a - b| / |b|, or |a - b| when b is zero. */
static double distance(const float *a, const double *b, int64_t n) {
    double sum = 0, size = norm(b, n);
    for (int64_t i = 0; i < n; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return size > 0 ? sqrt(sum) / size : sqrt(sum);
}

static bool same_bits(const float *a, const float *b, int64_t n) {
    return memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

#define CHECK(bench, condition)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("model '%s', mini-batch %d: %s", (bench)->type->kind.name, (bench)->shard.n,  \
                     #condition);                                                                  \
    } while (0)

static double *doubles(const ModelBench *bench, const float *from) {
    double *x = ARENA_ARRAY(bench->arena, double, bench->model->n_weights);
    for (int64_t i = 0; from && i < bench->model->n_weights; i++)
        x[i] = (double)from[i];
    return x;
}

/* Loss with weight i moved to about w_i + shift; *moved is where it went. */
static double loss_at(ModelBench *bench, double *w, int64_t i, double shift, double *moved) {
    if (bench_has_witness(bench)) {
        double keep = w[i];
        *moved = w[i] = keep + shift;
        double loss = bench_witness(bench, w, NULL);
        w[i] = keep;
        return loss;
    }
    float keep = bench->weights[i];
    bench->weights[i] = (float)(w[i] + shift);
    *moved = (double)bench->weights[i];
    double loss = bench_pass(bench, &bench->shard, NULL, false, NULL).loss_sum;
    bench->weights[i] = keep;
    return loss;
}

/* Central differences of the loss in every weight. In float32 the loss of a dense stack is too
 * coarse for 1e-5, so there it is the double witness' loss. */
static void differences(ModelBench *bench, double *slope) {
    double *w = doubles(bench, bench->weights), step = bench_has_witness(bench) ? 1e-5 : 0x1p-8;
    for (int64_t i = 0; i < bench->model->n_weights; i++) {
        double right, left, up = loss_at(bench, w, i, step, &right),
                            down = loss_at(bench, w, i, -step, &left);
        slope[i] = (up - down) / (right - left);
    }
}

static void gradient_is_slope(ModelBench *bench) {
    int64_t n = bench->model->n_weights;
    if (n > (SANITIZED ? 200 : 2000) && bench_has_witness(bench))
        return; /* slow; the witness has a gradient of its own, which smaller cases prove */
    double *slope = doubles(bench, NULL), along_grad = 0, along_slope = 0;
    differences(bench, slope);
    bench_pass(bench, &bench->shard, bench->grad, false, NULL);
    CHECK(bench, distance(bench->grad, slope, n) < 1e-4);
    for (int trial = 0; trial < 3;
         trial++) { /* along the slope itself, then along random directions */
        float *direction = bench_normal(n, 1, (uint64_t)(100 + trial), bench->arena);
        along_grad = along_slope = 0;
        for (int64_t i = 0; i < n; i++) {
            double d = trial == 0 ? slope[i] : (double)direction[i];
            along_grad += d * (double)bench->grad[i];
            along_slope += d * slope[i];
        }
        CHECK(bench, fabs(along_grad - along_slope) <= 1e-5 * fabs(along_slope));
    }
}

static void law_model__gradient_equals_central_differences(void **state) {
    (void)state;
    bench_each(gradient_is_slope, SIZES(1, 6));
}

/* Batch norm takes the mean out of what stands below it, so some of these gradients are small
 * differences of large sums: they are held against a hundredth of the whole. */
static double segment_distance(const ModelBench *bench, const double *grad,
                               const Segment *segment) {
    const double *own = grad + segment->offset;
    double size = norm(own, segment->n), whole = norm(grad, bench->model->n_weights);
    double apart = distance(bench->grad + segment->offset, own, segment->n);
    return bench->model->coupled ? apart * size / fmax(size, whole / 100) : apart;
}

static void agrees_with_witness(ModelBench *bench) {
    if (!bench_has_witness(bench))
        return;
    if (bench->image.kind == IMAGE_RESNET && bench->shard.n > 40)
        return; /* of so many values some lies within rounding of a kink, on its other side */
    double *grad = doubles(bench, NULL);
    ModelPass pass = bench_pass(bench, &bench->shard, bench->grad, false, NULL);
    if (SANITIZED && bench->shard.n > 32)
        return; /* the witness' loops take a hundred times as long as the pass */
    double loss = bench_witness(bench, doubles(bench, bench->weights), grad);
    CHECK(bench, fabs(pass.loss_sum - loss) <= 1e-6 * loss);
    for (int s = 0; s < bench->model->n_segments; s++) {
        CHECK(bench, segment_distance(bench, grad, &bench->model->segments[s]) < 1e-5);
    }
}

static void law_model__agrees_with_the_double_witness(void **state) {
    (void)state;
    bench_each(agrees_with_witness, SIZES(1, 5, 32, 128, 300));
}

/* The statistics of a training pass, and evaluation with running ones. */
static void statistics_agree(ModelBench *bench) {
    const Model *model = bench->model;
    if (model->n_stats == 0)
        return;
    assert_int_equal(bench->image.kind != IMAGE_NONE, true);
    double *expected = ARENA_ARRAY(bench->arena, double, model->n_stats),
           *stats = ARENA_ARRAY(bench->arena, double, model->n_stats),
           *w = doubles(bench, bench->weights);
    image_witness(&bench->image, w, &bench->shard, NULL, NULL, expected);
    ModelPass pass = {.weights = bench->weights,
                      .grad_sum = bench->grad,
                      .stats = stats,
                      .workspace = bench->workspace};
    bench->type->pass(model, &bench->shard, &pass);
    float *running = ARENA_ARRAY(bench->arena, float, model->n_stats);
    bench->type->init_running(model, running);
    for (int64_t i = 0; i < model->n_stats; i++) {
        CHECK(bench, fabs(stats[i] - expected[i]) <= 1e-5 * (1 + fabs(expected[i])));
        running[i] += 0.3F * (float)fabs(expected[i]);
    }
    double loss = image_witness(&bench->image, w, &bench->shard, running, NULL, NULL);
    pass =
        (ModelPass){.weights = bench->weights, .running = running, .workspace = bench->workspace};
    bench->type->pass(model, &bench->shard, &pass);
    CHECK(bench, fabs(pass.loss_sum - loss) <= 1e-6 * loss);
}

static void law_model__statistics_agree_with_the_double_witness(void **state) {
    (void)state;
    bench_each(statistics_agree, SIZES(1, 5, 40));
}

static void shards_sum_up(ModelBench *bench) {
    if (bench->model->coupled)
        return;
    int64_t n = bench->model->n_weights;
    double *whole = doubles(bench, NULL), loss = 0;
    int64_t n_correct = 0;
    int cut = bench->shard.n / 3;
    const int first[] = {0, cut, bench->shard.n};
    for (int part = 0; part < 2; part++) {
        Shard shard = bench_part(bench, first[part], first[part + 1] - first[part]);
        ModelPass pass = bench_pass(bench, &shard, bench->grad, false, NULL);
        loss += pass.loss_sum;
        n_correct += pass.n_correct;
        for (int64_t i = 0; i < n; i++)
            whole[i] += (double)bench->grad[i];
    }
    ModelPass pass = bench_pass(bench, &bench->shard, bench->grad, false, NULL);
    CHECK(bench, distance(bench->grad, whole, n) < 1e-5);
    CHECK(bench, fabs(pass.loss_sum - loss) <= 1e-6 * fabs(loss));
    CHECK(bench, pass.n_correct == n_correct);
}

static void law_model__sum_over_shards_equals_the_whole(void **state) {
    (void)state;
    bench_each(shards_sum_up, SIZES(7, 64));
}

static void repeats(ModelBench *bench) {
    int64_t n = bench->model->n_weights;
    float *again = ARENA_ARRAY(bench->arena, float, n);
    ModelPass first = bench_pass(bench, &bench->shard, bench->grad, false, NULL);
    memset(again, 0xff, (size_t)n * sizeof *again); /* overwritten, not added to */
    ModelPass second = bench_pass(bench, &bench->shard, again, false, NULL);
    CHECK(bench, same_bits(bench->grad, again, n));
    CHECK(bench, first.loss_sum == second.loss_sum && first.n_correct == second.n_correct);
    if (bench->model->coupled)
        return;
    ModelPass evaluation = bench_pass(bench, &bench->shard, NULL, false, NULL);
    CHECK(bench, evaluation.n_correct == first.n_correct);
    double differ = fabs(evaluation.loss_sum - first.loss_sum);
    if (bench->type->prepare) /* made for fixed sizes: evaluation may group examples otherwise */
        CHECK(bench, differ <= 1e-6 * first.loss_sum);
    else
        CHECK(bench, differ == 0);
}

static void law_model__deterministic_and_evaluation_alike(void **state) {
    (void)state;
    bench_each(repeats, SIZES(1, 13, 128, 257));
}

static void accumulates(ModelBench *bench) {
    if (bench->model->noise_unit != NOISE_UNIT_EXAMPLE)
        return; /* the norm of each shard is wanted: the trainer never asks */
    int64_t n = bench->model->n_weights;
    float *start = bench_normal(n, 2, 77, bench->arena),
          *apart = ARENA_ARRAY(bench->arena, float, n);
    memcpy(apart, start, (size_t)n * sizeof *apart);
    bench_pass(bench, &bench->shard, bench->grad, false, NULL);
    vec_add(apart, bench->grad, n);
    bench_pass(bench, &bench->shard, start, true, NULL);
    CHECK(bench, same_bits(start, apart, n));
}

static void law_model__accumulating_equals_a_separate_add(void **state) {
    (void)state;
    bench_each(accumulates, SIZES(1, 2, 7, 32, 64, 128, 256, 300));
}

static void norms_are_exact(ModelBench *bench) {
    if (bench->model->noise_unit != NOISE_UNIT_EXAMPLE)
        return;
    const Model *model = bench->model;
    float *with_norms = ARENA_ARRAY(bench->arena, float, model->n_weights);
    double *sumsq = ARENA_ARRAY(bench->arena, double, model->n_segments);
    double *expected = ARENA_ARRAY(bench->arena, double, model->n_segments);
    for (int i = 0; i < bench->shard.n; i++) {
        Shard one = bench_part(bench, i, 1);
        bench_pass(bench, &one, bench->grad, false, NULL);
        for (int s = 0; s < model->n_segments; s++)
            expected[s] += vec_sumsq(bench->grad + model->segments[s].offset, model->segments[s].n);
    }
    for (int s = 0; s < model->n_segments; s++)
        sumsq[s] = NAN;
    ModelPass pass = bench_pass(bench, &bench->shard, with_norms, false, sumsq);
    for (int s = 0; s < model->n_segments; s++)
        CHECK(bench, fabs(sumsq[s] - expected[s]) <= 1e-5 * expected[s]);
    ModelPass plain = bench_pass(bench, &bench->shard, bench->grad, false, NULL);
    CHECK(bench, same_bits(bench->grad, with_norms, model->n_weights));
    CHECK(bench, pass.loss_sum == plain.loss_sum);
}

static void law_model__example_norms_equal_single_example_gradients(void **state) {
    (void)state;
    bench_each(norms_are_exact, SIZES(1, 9, 40));
}

/* What a pass said of its segments: the gradients as they were then. */
typedef struct Announced {
    const ModelBench *bench;
    float *grad; /* (n_weights) */
    int first;   /* segments from here on */
} Announced;

static void hear(void *self, int first) {
    Announced *heard = self;
    const Segment *segments = heard->bench->model->segments;
    CHECK(heard->bench, first >= 0 && first <= heard->first);
    int64_t from = segments[first].offset, to = heard->first < heard->bench->model->n_segments
                                                    ? segments[heard->first].offset
                                                    : heard->bench->model->n_weights;
    memcpy(heard->grad + from, heard->bench->grad + from, sizeof(float) * (size_t)(to - from));
    heard->first = first;
}

static void announces(ModelBench *bench) {
    const Model *model = bench->model;
    Announced heard = {bench, ARENA_ARRAY(bench->arena, float, model->n_weights),
                       model->n_segments};
    memset(bench->grad, 0xff, (size_t)model->n_weights * sizeof *bench->grad);
    ModelPass pass = {.weights = bench->weights,
                      .grad_sum = bench->grad,
                      .done = hear,
                      .done_self = &heard,
                      .workspace = bench->workspace};
    bench->type->pass(model, &bench->shard, &pass);
    int64_t from =
        heard.first < model->n_segments ? model->segments[heard.first].offset : model->n_weights;
    CHECK(bench, same_bits(heard.grad + from, bench->grad + from, model->n_weights - from));
    /* the second bucket of anything worth cutting can start before the pass ends */
    CHECK(bench, model->n_segments == 1 || heard.first <= 2);
}

static void law_model__announced_gradients_are_final(void **state) {
    (void)state;
    bench_each(announces, SIZES(1, 13, 128, 257));
}

static void same_in_threads(ModelBench *bench) {
    int64_t n = bench->model->n_weights;
    ModelPass alone = bench_pass(bench, &bench->shard, bench->grad, false, NULL);
    int differ = 0;
    omp_set_num_threads(2);
#pragma omp parallel num_threads(2) reduction(+ : differ)
    {
        omp_set_num_threads(1);
        Arena *arena = arena_new();
        ModelBench mine = *bench;
        mine.workspace = model_workspace(bench->model, bench->shard.n, arena);
        float *grad = ARENA_ARRAY(arena, float, n);
        for (int repeat = 0; repeat < 3; repeat++) {
            ModelPass pass = bench_pass(&mine, &mine.shard, grad, false, NULL);
            differ += !same_bits(grad, bench->grad, n) || pass.loss_sum != alone.loss_sum;
        }
        arena_end(arena);
    }
    omp_set_num_threads(1);
    CHECK(bench, differ == 0);
}

static void law_model__same_bits_inside_a_parallel_region(void **state) {
    (void)state;
    bench_each(same_in_threads, SIZES(1, 32, 128));
}

static void starts_from_its_seed(ModelBench *bench) {
    int64_t n = bench->model->n_weights;
    float *again = ARENA_ARRAY(bench->arena, float, n);
    memset(bench->weights, 0xff, (size_t)n * sizeof(float));
    memset(again, 0xff, (size_t)n * sizeof(float));
    bench->type->init(bench->model, 9, bench->weights);
    bench->type->init(bench->model, 9, again);
    CHECK(bench, same_bits(bench->weights, again, n));
    CHECK(bench, isfinite(vec_sumsq(again, n))); /* every weight was written */
}

static void law_model__starts_from_its_seed(void **state) {
    (void)state;
    bench_each(starts_from_its_seed, SIZES(4));
}

static void describes_itself(ModelBench *bench) {
    const Model *model = bench->model;
    CHECK(bench, bench->type->kind.summary && *bench->type->kind.summary);
    CHECK(bench, model->flops_per_example >= 0);
    for (int n = 1; n < bench->shard.n; n++) /* a shorter shard fits where a longer one does */
        CHECK(bench,
              bench->type->workspace_bytes(model, n) <= bench->type->workspace_bytes(model, n + 1));
    for (int s = 0; s < model->n_segments; s++)
        for (int t = 0; t < s; t++)
            CHECK(bench, strcmp(model->segments[s].name, model->segments[t].name) != 0);
}

static void law_model__describes_itself(void **state) {
    (void)state;
    bench_each(describes_itself, SIZES(300));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_model__gradient_equals_central_differences),
        cmocka_unit_test(law_model__agrees_with_the_double_witness),
        cmocka_unit_test(law_model__statistics_agree_with_the_double_witness),
        cmocka_unit_test(law_model__sum_over_shards_equals_the_whole),
        cmocka_unit_test(law_model__deterministic_and_evaluation_alike),
        cmocka_unit_test(law_model__accumulating_equals_a_separate_add),
        cmocka_unit_test(law_model__example_norms_equal_single_example_gradients),
        cmocka_unit_test(law_model__announced_gradients_are_final),
        cmocka_unit_test(law_model__same_bits_inside_a_parallel_region),
        cmocka_unit_test(law_model__starts_from_its_seed),
        cmocka_unit_test(law_model__describes_itself),
    };
    omp_set_num_threads(1);
    return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
