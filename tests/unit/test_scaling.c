/* Timings and the scaling model. (The rules that scale the learning rate are tested in
 * test_schedule.c.) */
#include "lab/analyze/layouts.h"
#include "lab/analyze/scaling.h"
#include "lab/analyze/work.h"
#include "lab/base/stats.h"
#include "tests/unit/fixture_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Verify runs of one optimizer at `batches` (n) on 1, 2, 4, ... up to `max_replicas`. */
static RunRecord *layouts(int *n_runs, const int64_t *batches, int n, int max_replicas,
                          Arena *arena) {
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 8 * n);
    *n_runs = 0;
    for (int b = 0; b < n; b++)
        for (int r = 1; r <= max_replicas; r *= 2) {
            FixtureRun run = {.optimizer = fixture_optimizers[1],
                              .global_batch = batches[b],
                              .replicas = r,
                              .mode = RUN_VERIFY};
            runs[(*n_runs)++] = fixture_run(&run, arena);
        }
    return runs;
}

static const int64_t two_batches[] = {512, 1024};

static void test_timing__median_leaves_the_first_steps_out(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = layouts(&n, two_batches, 1, 1, arena);
    double values[FIXTURE_VERIFY_STEPS];
    for (int i = 5; i < 50; i++)
        values[i - 5] = runs[0].steps[i].step_s;
    Timings timings = timings_make(runs, n, arena);
    assert_int_equal(timings.n, 1);
    assert_int_equal(timings.timing[0].n_steps, 45);
    assert_true(timings.timing[0].step_s == stats_median(values, 45));
    assert_true(timings.timing[0].step_low_s < timings.timing[0].step_s);
    assert_true(timing_step_s(&runs[0], arena) == timings.timing[0].step_s);
    arena_end(arena);
}

static void test_timing__bytes_are_the_median_of_a_step(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = layouts(&n, two_batches, 1, 2, arena);
    for (int r = 0; r < n; r++)
        for (int64_t i = 0; i < runs[r].n_steps; i++)
            runs[r].steps[i].sent_bytes = i < 5 ? 1e9 : r == 0 ? 0 : 2720;
    Timings timings = timings_make(runs, n, arena);
    assert_int_equal(timings.n, 2);
    assert_true(timings.timing[0].sent_bytes == 0 && timings.timing[1].sent_bytes == 2720);
    arena_end(arena);
}

static void test_timing__only_runs_that_were_alone_count(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = layouts(&n, two_batches, 1, 4, arena);
    runs[0].header.alone = false;
    runs[1].summary.outcome = OUTCOME_FAILED;
    Timings timings = timings_make(runs, n, arena);
    assert_int_equal(timings.n, 1);
    assert_int_equal(timings.timing[0].replicas, 4);
    arena_end(arena);
}

static void test_timing__verify_runs_are_preferred_to_full_ones(void **state) {
    (void)state;
    Arena *arena = arena_new();
    FixtureRun run = {
        .optimizer = fixture_optimizers[1], .global_batch = 512, .replicas = 1, .mode = RUN_FULL};
    RunRecord runs[2];
    runs[0] = fixture_run(&run, arena);
    runs[0].header.alone = true;
    run.mode = RUN_VERIFY;
    run.lr = 0.2; /* does not change the cost of a step */
    runs[1] = fixture_run(&run, arena);
    Timings both = timings_make(runs, 2, arena), verify = timings_make(&runs[1], 1, arena);
    assert_int_equal(both.n, 1);
    assert_int_equal(both.timing[0].n_runs, 1);
    assert_true(both.timing[0].step_s == verify.timing[0].step_s);
    Timings full =
        timings_make(runs, 1, arena); /* a layout without a verify run uses its full run */
    assert_int_equal(full.n, 1);
    arena_end(arena);
}

static void test_timing__a_busy_machine_is_noticed(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n, n_all;
    RunRecord *runs = layouts(&n, two_batches, 2, 2, arena);
    Timings timings = timings_make(runs, n, arena);
    assert_int_equal(timings_restless(&n_all, &timings), 0);
    assert_int_equal(n_all, 4);
    for (int s = 0; s < runs[2].n_steps; s += 2)
        runs[2].steps[s].step_s *= 2;
    timings = timings_make(runs, n, arena);
    assert_int_equal(timings_restless(&n_all, &timings), 1);
    arena_end(arena);
}

static void test_scaling__fit_recovers_a_line_and_stays_non_negative(void **state) {
    (void)state;
    double start, round;
    scaling_fit(&start, &round, (double[]){1, 2, 3}, (double[]){5, 7, 9}, 3);
    assert_true(fabs(start - 3) < 1e-12 && fabs(round - 2) < 1e-12);
    scaling_fit(&start, &round, (double[]){1, 2}, (double[]){1, 4}, 2); /* would start at -2 */
    assert_true(start == 0 && fabs(round - 9.0 / 5) < 1e-12);
    scaling_fit(&start, &round, (double[]){1, 2}, (double[]){4, 2}, 2); /* would fall */
    assert_true(start == 3 && round == 0);
    scaling_fit(&start, &round, (double[]){2, 2}, (double[]){3, 5},
                2); /* one R: all of it grows with log2 R */
    assert_true(start == 0 && fabs(round - 2) < 1e-12);
}

static void test_scaling__holds_out_the_largest_and_predicts_it(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    static const int64_t batches[] = {1024, 2048};
    RunRecord *runs =
        layouts(&n, batches, 2, 8, arena); /* S = 8 and 16: eight replicas have a shard each */
    Timings timings = timings_make(runs, n, arena);
    Scaling scaling = scaling_make(&timings, arena);
    assert_int_equal(scaling.n_fits, 1);
    assert_int_equal(scaling.fit[0].held_out_replicas, 8);
    assert_int_equal(scaling.fit[0].n_replicas, 2);
    assert_true(fabs(scaling.fit[0].round_s - 300e-6) <
                90e-6); /* what the fixture spends a round */
    double median, largest;
    assert_int_equal(scaling_errors(&median, &largest, &scaling, true, arena), 2);
    assert_true(median < 0.06 && largest < 0.1);
    assert_int_equal(scaling_errors(&median, &largest, &scaling, false, arena),
                     4 + 1); /* strong, weak */
    assert_true(median < 0.03 && largest < 0.06);
    arena_end(arena);
}

static void test_scaling__efficiency_is_speedup_over_replicas(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = layouts(&n, two_batches, 1, 2, arena);
    Timings timings = timings_make(runs, n, arena);
    Scaling scaling = scaling_make(&timings, arena);
    assert_int_equal(scaling.n_lines, 1);
    const ScalingPoint *point = &scaling.line[0].point[1];
    double ratio = timing_step_s(&runs[0], arena) / timing_step_s(&runs[1], arena);
    assert_true(fabs(point->speedup - ratio) < 1e-12);
    assert_true(fabs(point->efficiency - ratio / 2) < 1e-12);
    assert_true(point->efficiency_low < point->efficiency &&
                point->efficiency < point->efficiency_high);
    assert_true(scaling.line[0].point[0].efficiency == 1);
    assert_int_equal(scaling.fit[0].held_out_replicas, 0); /* one R > 1: nothing to hold out */
    arena_end(arena);
}

/* The same layouts `slower` times as slow, under a label or on two hosts (R > 1). */
static RunRecord *with_others(int *n, const char *label, bool two_hosts, double slower,
                              Arena *arena) {
    int n_each, n_others;
    RunRecord *first = layouts(&n_each, two_batches, 2, 4, arena);
    RunRecord *others = layouts(&n_others, two_batches, 2, 4, arena);
    RunRecord *all = ARENA_ARRAY(arena, RunRecord, 2 * n_each);
    memcpy(all, first, sizeof *all * (size_t)n_each);
    *n = n_each;
    for (int i = 0; i < n_others; i++) {
        RunRecord *run = &others[i];
        if (two_hosts && run->header.replicas == 1)
            continue;
        run->header.label = label;
        run->header.hosts = two_hosts ? 2 : 1;
        for (int64_t s = 0; s < run->n_steps; s++) {
            double more = (slower - 1) * run->steps[s].step_s;
            run->steps[s].step_s += more;
            run->steps[s].reduce_s += more;
        }
        all[(*n)++] = *run;
    }
    return all;
}

static void test_timing__labels_are_not_averaged(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = with_others(&n, "slow_net", false, 3, arena);
    Timings plain = timings_make(runs, 6, arena), all = timings_make(runs, n, arena);
    assert_int_equal(plain.n, 6);
    assert_int_equal(all.n, 12);
    for (int i = 0; i < 6; i++) { /* those without a label come first */
        assert_true(all.timing[i].step_s == plain.timing[i].step_s);
        assert_true(fabs(all.timing[6 + i].step_s / plain.timing[i].step_s - 3) < 1e-9);
        assert_false(layouts_match(&all.timing[i], &all.timing[6 + i]));
    }
    assert_ptr_equal(layouts_shown(&all), &all.timing[0]);
    assert_null(strstr(layouts_title(&all.timing[0], arena), "label"));
    assert_non_null(strstr(layouts_title(&all.timing[6], arena), ", label slow_net"));
    assert_string_equal(layouts_other_labels(&plain, arena), "");
    assert_string_equal(layouts_other_labels(&all, arena),
                        " Measured under other labels, in the table: slow_net.");
    Scaling scaling = scaling_make(&all, arena), alone = scaling_make(&plain, arena);
    assert_int_equal(scaling.n_lines, 2 * alone.n_lines);
    assert_int_equal(scaling.n_fits, 2);
    assert_true(scaling.fit[0].round_s == alone.fit[0].round_s);
    assert_true(scaling.fit[1].round_s > 2 * alone.fit[0].round_s);
    /* what was measured under a label has its base there */
    for (int l = 0; l < scaling.n_lines; l++)
        for (int i = 0; i < scaling.line[l].n; i++)
            assert_string_equal(run_label(scaling.line[l].point[i].timing->header),
                                run_label(scaling.line[l].point[0].timing->header));
    Work of_plain, of_label;
    work_fit(&of_plain, &all, &all.timing[0], arena);
    work_fit(&of_label, &all, &all.timing[6], arena);
    assert_int_equal(of_plain.n, 2);
    assert_int_equal(of_label.n, 2);
    assert_string_equal(of_label.label, "slow_net");
    arena_end(arena);
}

static void test_scaling__several_hosts_have_lines_and_costs_of_their_own(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = with_others(&n, NULL, true, 3, arena);
    assert_int_equal(n, 10);
    Timings one = timings_make(runs, 6, arena), all = timings_make(runs, n, arena);
    Scaling alone = scaling_make(&one, arena), scaling = scaling_make(&all, arena);
    assert_int_equal(scaling.n_lines, 2 * alone.n_lines);
    assert_int_equal(scaling.n_fits, 2);
    assert_true(scaling.fit[0].round_s == alone.fit[0].round_s &&
                scaling.fit[0].start_s == alone.fit[0].start_s);
    assert_true(scaling.fit[1].header->hosts == 2);
    assert_true(scaling.fit[1].round_s > 2 * alone.fit[0].round_s);
    for (int l = 0; l < scaling.n_lines; l++) {
        const ScalingLine *line = &scaling.line[l];
        const ScalingPoint *point = line->point;
        bool based = point[0].timing->replicas == 1;
        assert_true(based || line->kind == SCALING_WEAK);
        assert_true(!based || (point[0].speedup == 1 && isfinite(point[0].predicted_s)));
        for (int i = 1; i < line->n; i++) {
            assert_true(point[i].timing->replicas > point[i - 1].timing->replicas);
            assert_int_equal(point[i].timing->hosts, point[based].timing->hosts);
        }
    }
    arena_end(arena);
}

static void test_scaling__oversubscribed_points_stay_out_of_the_fit(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = layouts(&n, two_batches, 2, 4, arena);
    Timings timings = timings_make(runs, n, arena);
    for (int i = 0; i < n; i++)
        if (runs[i].header.replicas == 4) {
            runs[i].header.oversubscribed = true;
            for (int s = 0; s < runs[i].n_steps; s++)
                runs[i].steps[s].reduce_s *= 100;
        }
    RunRecord *without = ARENA_ARRAY(arena, RunRecord, n);
    int n_without = 0;
    for (int i = 0; i < n; i++)
        if (runs[i].header.replicas < 4)
            without[n_without++] = runs[i];
    timings = timings_make(runs, n, arena);
    Timings few = timings_make(without, n_without, arena);
    Scaling all = scaling_make(&timings, arena), fitted = scaling_make(&few, arena);
    assert_true(all.fit[0].round_s == fitted.fit[0].round_s);
    double median[2], largest[2];
    int n_all = scaling_errors(&median[0], &largest[0], &all, false, arena);
    assert_int_equal(n_all, scaling_errors(&median[1], &largest[1], &fitted, false, arena));
    assert_true(largest[0] == largest[1]);
    arena_end(arena);
}

static void test_scaling__strong_and_weak_are_told_apart(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = layouts(&n, two_batches, 2, 2, arena);
    Timings timings = timings_make(runs, n, arena);
    Scaling scaling = scaling_make(&timings, arena);
    assert_int_equal(scaling.n_lines, 3);
    assert_int_equal(scaling.line[0].kind, SCALING_STRONG);
    assert_int_equal(scaling.line[1].kind, SCALING_STRONG);
    const ScalingLine *weak = &scaling.line[2];
    assert_int_equal(weak->kind, SCALING_WEAK);
    assert_int_equal(weak->examples, 512);
    assert_int_equal(weak->point[0].timing->global_batch, 512);
    assert_int_equal(weak->point[1].timing->global_batch, 1024);
    arena_end(arena);
}

static void test_scaling__without_one_replica_there_is_no_efficiency(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = layouts(&n, two_batches, 1, 4, arena);
    Timings timings = timings_make(&runs[1], 2, arena);
    Scaling scaling = scaling_make(&timings, arena);
    assert_int_equal(scaling.n_lines, 1);
    for (int i = 0; i < 2; i++) {
        assert_true(isnan(scaling.line[0].point[i].efficiency));
        assert_true(isnan(scaling.line[0].point[i].predicted_s));
        assert_true(scaling.line[0].point[i].examples_s > 0);
    }
    arena_end(arena);
}

/* Measured steps that miss the model by known factors: the band is as wide as they say. */
static void test_scaling__band_is_as_wide_as_the_misses(void **state) {
    (void)state;
    Arena *arena = arena_new();
    static const int64_t batches[] = {256, 512, 1024, 2048, 4096, 8192};
    int n;
    RunRecord *runs = layouts(&n, batches, 6, 2, arena);
    Timings timings = timings_make(runs, n, arena);
    Scaling quiet = scaling_make(&timings, arena);
    assert_true(quiet.error < 0.05);
    int side = 1; /* two replicas are 20 % slow and fast in turn, in a stage that is not fitted */
    for (int i = 0; i < timings.n; i++)
        if (timings.timing[i].replicas == 2)
            timings.timing[i].step_s *= exp(0.2 * (side = -side));
    Scaling restless = scaling_make(&timings, arena);
    assert_true(restless.error > 0.18 && restless.error < 0.28);
    for (int l = 0; l < restless.n_lines; l++)
        for (int i = 0; i < restless.line[l].n; i++) {
            const ScalingPoint *point = &restless.line[l].point[i];
            double up = point->predicted_high_s / point->predicted_s;
            double down = point->predicted_s / point->predicted_low_s;
            if (point->timing->replicas == 1)
                assert_true(up == 1 && down == 1);
            else if (isfinite(point->predicted_s))
                assert_true(fabs(up / down - 1) < 1e-9 && up > exp(1.6 * restless.error));
        }
    Scaling few = scaling_make(&(Timings){2, timings.timing}, arena);
    assert_true(isnan(few.error)); /* one layout tells no band */
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timing__median_leaves_the_first_steps_out),
        cmocka_unit_test(test_timing__bytes_are_the_median_of_a_step),
        cmocka_unit_test(test_timing__only_runs_that_were_alone_count),
        cmocka_unit_test(test_timing__verify_runs_are_preferred_to_full_ones),
        cmocka_unit_test(test_timing__a_busy_machine_is_noticed),
        cmocka_unit_test(test_scaling__fit_recovers_a_line_and_stays_non_negative),
        cmocka_unit_test(test_scaling__holds_out_the_largest_and_predicts_it),
        cmocka_unit_test(test_scaling__efficiency_is_speedup_over_replicas),
        cmocka_unit_test(test_timing__labels_are_not_averaged),
        cmocka_unit_test(test_scaling__several_hosts_have_lines_and_costs_of_their_own),
        cmocka_unit_test(test_scaling__oversubscribed_points_stay_out_of_the_fit),
        cmocka_unit_test(test_scaling__strong_and_weak_are_told_apart),
        cmocka_unit_test(test_scaling__without_one_replica_there_is_no_efficiency),
        cmocka_unit_test(test_scaling__band_is_as_wide_as_the_misses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
