/* The step model: its parts against closed forms, its fit against invented layouts. */
#include "lab/analyze/work.h"
#include "tests/unit/fixture_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void near(double x, double expected, double within) {
    if (!(fabs(x - expected) <= within))
        fail_msg("%.9g instead of %.9g", x, expected);
}

static void test_work__join_goes_from_the_sum_to_the_larger(void **state) {
    (void)state;
    near(work_join(3, 4, 1), 7, 1e-12);
    near(work_join(3, 4, 2), 5, 1e-12);
    near(work_join(4, 3, INFINITY), 4, 0);
    near(work_join(0, 3, 1), 3, 0);
    near(work_join(0, 0, 1), 0, 0);
    near(work_join(1e-300, 1e-300, 10), 1e-300 * pow(2, 0.1), 1e-312);
}

/* E max of n normals: 0, 1/sqrt(pi), 3/(2 sqrt(pi)), and the tables of order statistics. */
static void test_work__slowest_of_n_normals(void **state) {
    (void)state;
    near(work_slowest_of(1), 0, 1e-9);
    near(work_slowest_of(2), 1 / sqrt(M_PI), 1e-9);
    near(work_slowest_of(3), 1.5 / sqrt(M_PI), 1e-9);
    near(work_slowest_of(10), 1.53875, 1e-5);
    near(work_slowest_of(100), 2.50759, 1e-5);
    near(work_slowest_of(1000), 3.24144, 1e-5);
}

static const Work known = {.shard_s = 1e-4,
                           .example_s = 2e-5,
                           .add_s = 3e-5,
                           .weights_s = 3e-4,
                           .fixed_s = 2e-4,
                           .jitter = 0.05,
                           .threads = 1};

static void test_work__step_is_the_sum_of_its_parts(void **state) {
    (void)state;
    StepCase of = {.global_batch = 512, .mini_batch = 64, .replicas = 1, .speed = 1, .overlap = 1};
    double pass = 1e-4 + 64 * 2e-5;
    near(work_passes_s(&known, &of), 8 * pass, 1e-15);
    near(work_step_s(&known, &of), 8 * pass + 7 * 3e-5 + 5e-4, 1e-15);
    of.replicas = 3; /* the busiest has three shards of eight */
    of.comm_s = 1e-3;
    double late = 1 + 0.05 * 1.5 / sqrt(M_PI);
    near(work_step_s(&known, &of), 3 * pass * late + 1e-3 + 2 * 3e-5 + 5e-4, 1e-12);
    of.team = 3; /* they share the update */
    near(work_step_s(&known, &of), 3 * pass * late + 1e-3 + 2 * 3e-5 + 1e-4 + 2e-4, 1e-12);
    of.team = 0;
    of.speed = 2; /* halves everything but the network */
    near(work_step_s(&known, &of), (3 * pass * late + 2 * 3e-5 + 5e-4) / 2 + 1e-3, 1e-12);
    of.overlap = INFINITY; /* the sum hides behind the passes */
    near(work_step_s(&known, &of), (3 * pass * late + 2 * 3e-5 + 5e-4) / 2, 1e-12);
    Work threads = known;
    threads.threads = 4;
    of = (StepCase){.global_batch = 512, .mini_batch = 64, .replicas = 1, .speed = 1, .overlap = 1};
    near(work_passes_s(&threads, &of), 2 * pass, 1e-15);
}

/* Ranks whose passes vary: the mean of the slowest, drawn, against the formula. */
static void test_work__stragglers_are_what_drawing_them_gives(void **state) {
    (void)state;
    enum { TRIALS = 400 };
    for (int ranks = 64; ranks <= 4096; ranks *= 8) {
        StepCase of = {.global_batch = 64 * ranks,
                       .mini_batch = 64,
                       .replicas = ranks,
                       .speed = 1,
                       .overlap = 1,
                       .comm_s = 2e-4};
        double pass = work_passes_s(&known, &of), sum = 0;
        Rng rng = rng_new(5, RNG_TEST, (uint64_t)ranks);
        for (int t = 0; t < TRIALS; t++) {
            double slowest = 0;
            for (int r = 0; r < ranks; r++)
                slowest = fmax(slowest, pass * (1 + known.jitter * rng_normal(&rng)));
            sum += slowest + of.comm_s + known.weights_s + known.fixed_s;
        }
        near(work_step_s(&known, &of) / (sum / TRIALS), 1, 0.005);
    }
}

/* A timing whose stages are those of `known`, with the mini-batch b. */
static Timing timing(const RunHeader *header, int64_t batch, int64_t b, int replicas) {
    StepCase of = {
        .global_batch = batch, .mini_batch = b, .replicas = replicas, .speed = 1, .overlap = 1};
    Timing out = {.work = "w",
                  .header = header,
                  .global_batch = batch,
                  .n_shards = batch / b,
                  .replicas = replicas,
                  .threads = 1,
                  .hosts = 1};
    out.stage_s[STAGE_COMPUTE] = work_passes_s(&known, &of);
    out.stage_s[STAGE_REDUCE] = (double)(batch / b - 1) * known.add_s;
    out.stage_s[STAGE_UPDATE] = known.weights_s;
    out.stage_s[STAGE_OTHER] = known.fixed_s;
    for (int s = 0; s < STAGE_N; s++)
        out.step_s += out.stage_s[s];
    out.step_low_s = out.step_s * (1 - 1.349 / 2 * 0.05);
    out.step_high_s = out.step_s * (1 + 1.349 / 2 * 0.05);
    return out;
}

static void test_work__replicas_of_a_host_are_a_team(void **state) {
    (void)state;
    RunHeader header = {.collective = "tree"};
    assert_int_equal(work_team(&header, 1, 1), 1);
    assert_int_equal(work_team(&header, 4, 1), 4);
    assert_int_equal(work_team(&header, 8, 4), 2);
    assert_int_equal(work_team(&header, 3, 3), 1);
    header.collective = "ring"; /* every replica has a sum of its own */
    assert_int_equal(work_team(&header, 4, 1), 1);
    header.collective = NULL; /* imported */
    assert_int_equal(work_team(&header, 4, 1), 1);
}

static void test_work__fit_finds_what_made_the_layouts(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunHeader header = {.model = "mlp", .dataset = "glyphs", .optimizer = "lars", .n_weights = 9};
    RunHeader other = header;
    other.optimizer = "lamb"; /* another update: not asked for */
    Timing all[] = {timing(&header, 64, 16, 1),   timing(&header, 256, 64, 1),
                    timing(&header, 1024, 64, 1), timing(&header, 512, 128, 1),
                    timing(&other, 512, 128, 1),  timing(&header, 1024, 64, 2)};
    all[4].stage_s[STAGE_UPDATE] = 9;
    all[5].stage_s[STAGE_COMPUTE] = 9; /* two replicas say nothing of one */
    Timings timings = {6, all};
    Work work;
    work_fit(&work, &timings, &all[0], arena);
    assert_int_equal(work.n, 4);
    assert_int_equal(work.n_mini, 3);
    near(work.shard_s, known.shard_s, 1e-12);
    near(work.example_s, known.example_s, 1e-12);
    near(work.add_s, known.add_s, 1e-12);
    near(work.add_example_s, 0, 1e-12);
    near(work.weights_s, known.weights_s, 1e-12);
    near(work.fixed_s, known.fixed_s, 1e-12);
    near(work.jitter, 0.05, 1e-12);
    near(work.error, 0, 1e-9);
    assert_int_equal(work.least_batch, 64);
    assert_int_equal(work.most_batch, 1024);
    arena_end(arena);
}

static void test_work__one_mini_batch_leaves_no_shard_cost(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunHeader header = {.model = "mlp", .dataset = "glyphs", .optimizer = "lars", .n_weights = 9};
    Timing all[] = {timing(&header, 256, 64, 1), timing(&header, 1024, 64, 1)};
    Timings timings = {2, all};
    Work work;
    work_fit(&work, &timings, &all[0], arena);
    assert_int_equal(work.n_mini, 1);
    near(work.shard_s, 0, 0);
    StepCase of = {.global_batch = 2048, .mini_batch = 64, .replicas = 1, .speed = 1, .overlap = 1};
    near(work_step_s(&work, &of) / work_step_s(&known, &of), 1, 1e-9); /* batches still scale */
    work_fit(&work, &(Timings){1, &(Timing){.header = &header, .replicas = 2}}, &all[0], arena);
    assert_int_equal(work.n, 0);
    arena_end(arena);
}

/* A layout a hundred times as long does not outvote three short ones: misses count in proportion.
 */
static void test_work__fit_weighs_layouts_alike(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunHeader header = {.model = "mlp", .dataset = "glyphs", .optimizer = "lars", .n_weights = 9};
    Timing all[] = {timing(&header, 64, 64, 1), timing(&header, 64, 64, 1),
                    timing(&header, 64, 64, 1), timing(&header, 6400, 6400, 1)};
    for (int i = 0; i < 4; i++) /* in proportion, but the long one takes twice as long */
        all[i].stage_s[STAGE_COMPUTE] = (i == 3 ? 2 : 1) * 1e-5 * (double)all[i].global_batch;
    Timings timings = {4, all};
    Work work;
    work_fit(&work, &timings, &all[0], arena);
    double one = work.shard_s + 64 * work.example_s;
    assert_true(one > 0.9 * 64e-5 && one < 1.1 * 64e-5);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work__join_goes_from_the_sum_to_the_larger),
        cmocka_unit_test(test_work__slowest_of_n_normals),
        cmocka_unit_test(test_work__step_is_the_sum_of_its_parts),
        cmocka_unit_test(test_work__stragglers_are_what_drawing_them_gives),
        cmocka_unit_test(test_work__replicas_of_a_host_are_a_team),
        cmocka_unit_test(test_work__fit_finds_what_made_the_layouts),
        cmocka_unit_test(test_work__fit_weighs_layouts_alike),
        cmocka_unit_test(test_work__one_mini_batch_leaves_no_shard_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
