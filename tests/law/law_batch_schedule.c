/* Batch schedules: what every one of them keeps, and what each promises. */
#include "tests/unit/trial_helper.h"

#include "lab/train/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

static const char *const schedules[] = {
    "\"constant\"",
    "{\"name\": \"points\", \"at_epochs\": [1, 3], \"global_batch\": [96, 330]}",
    "{\"name\": \"warmup\", \"start\": 8, \"epochs\": 2.5}",
    "{\"name\": \"with_lr\", \"max\": 512}",
};
enum { N_SCHEDULES = sizeof schedules / sizeof *schedules };
_Static_assert((int)N_SCHEDULES == (int)BATCH_SCHEDULE_N,
               "a schedule without a line here is not held to the laws");

static const char *trial_text(const char *schedule, const char *lr, const char *stop,
                              Arena *arena) {
    return arena_print(
        arena,
        "{\"dataset\": {\"name\": \"blobs\", \"train\": 1000}, \"model\": {\"name\": \"softmax\"},"
        "\"global_batch\": 64, \"mini_batch\": 8, \"optimizer\": {\"name\": \"sgd\"}, \"lr\": %s,"
        "\"batch_schedule\": %s, \"stop\": %s}",
        lr, schedule, stop);
}

/* Multiples of the mini-batch; the trial ends with the update that spends the budget; its steps,
 * smallest and largest batch are known beforehand; every example of an epoch is seen once before
 * the next begins, whatever the batch does. */
static void law_batch_schedule__timeline_is_what_the_loop_does(void **state) {
    (void)state;
    for (int i = 0; i < N_SCHEDULES; i++) {
        Arena *arena = arena_new();
        ReadTrial *trial =
            read_trial(trial_text(schedules[i], "{\"base\": 0.1, \"schedule\": \"cosine\"}",
                                  "{\"epochs\": 5}", arena),
                       arena);
        Timeline timeline;
        must(timeline_new(&timeline, &trial->settings, 1000));
        KeptRun run = run_trial(trial, 1, 2, arena);
        assert_int_equal(run.n_steps, timeline.total_steps);
        int64_t examples = 0, least = INT64_MAX, largest = 0;
        for (int s = 0; s < run.n_steps; s++) {
            int64_t batch = run.steps[s].global_batch;
            assert_true(examples < 5000);
            assert_true(batch >= 8 && batch % 8 == 0);
            examples += batch;
            assert_int_equal(run.steps[s].examples, examples);
            least = batch < least ? batch : least;
            largest = batch > largest ? batch : largest;
        }
        assert_true(examples >= 5000);
        assert_int_equal(least, timeline.least_batch);
        assert_int_equal(largest, timeline.largest_batch);
        arena_end(arena);
    }
}

static void law_batch_schedule__points_and_warmup_change_where_they_say(void **state) {
    (void)state;
    Arena *arena = arena_new();
    ReadTrial *trial = read_trial(
        trial_text(schedules[1], "{\"base\": 0.1, \"base_batch\": 64, \"scaling\": \"linear\"}",
                   "{\"epochs\": 5}", arena),
        arena);
    Timeline timeline;
    must(timeline_new(&timeline, &trial->settings, 1000));
    assert_int_equal(timeline_batch(&timeline, 999), 64);
    assert_int_equal(timeline_batch(&timeline, 1000), 96);
    assert_int_equal(timeline_batch(&timeline, 3000), 328); /* 330 rounded down to shards of 8 */
    assert_true(fabs(timeline_lr(&timeline, 1000, 96, 1) - 0.15) <
                1e-12); /* the rate follows the batch */
    trial =
        read_trial(trial_text(schedules[2], "{\"base\": 0.1}", "{\"epochs\": 5}", arena), arena);
    must(timeline_new(&timeline, &trial->settings, 1000));
    assert_int_equal(timeline_batch(&timeline, 0), 8);
    assert_int_equal(timeline_batch(&timeline, 2499), 32); /* 8, 16, 32 for a third each */
    assert_int_equal(timeline_batch(&timeline, 2500), 64);
    arena_end(arena);
}

/* shared/specs/optimizers.md 8.4: x5 at three points, 64 -> 320 -> 1600, then the cap is reached
 * and the rate drops by 5. */
static void law_batch_schedule__with_lr_trades_rate_for_batch(void **state) {
    (void)state;
    Arena *arena = arena_new();
    ReadTrial *trial =
        read_trial(trial_text("{\"name\": \"with_lr\", \"max\": 1600}",
                              "{\"base\": 0.5, \"schedule\": {\"name\": \"multistep\", "
                              "\"milestones\": [4, 6, 8], \"gamma\": 0.2}}",
                              "{\"epochs\": 10}", arena),
                   arena);
    static const int64_t at[] = {0, 4000, 6000, 8000}, batch[] = {64, 320, 1600, 1600};
    static const double rate[] = {0.5, 0.5, 0.5, 0.1};
    Timeline timeline;
    must(timeline_new(&timeline, &trial->settings, 1000));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(timeline_batch(&timeline, at[i]), batch[i]);
        assert_true(fabs(timeline_lr(&timeline, (double)at[i], batch[i], 1) / rate[i] - 1) < 1e-12);
    }
    arena_end(arena);
}

static void law_batch_schedule__steps_alone_are_no_horizon(void **state) {
    (void)state;
    Arena *arena = arena_new();
    for (int i = 0; i < N_SCHEDULES; i++) {
        ReadTrial *trial = read_trial(
            trial_text(schedules[i], "{\"base\": 0.1}", "{\"steps\": 10}", arena), arena);
        Timeline timeline;
        Error *error = timeline_new(&timeline, &trial->settings, 1000);
        assert_int_equal(error == NULL, i == 0);
        if (error)
            assert_int_equal(error_code(error), CODE_USAGE);
        error_end(error);
    }
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_batch_schedule__timeline_is_what_the_loop_does),
        cmocka_unit_test(law_batch_schedule__points_and_warmup_change_where_they_say),
        cmocka_unit_test(law_batch_schedule__with_lr_trades_rate_for_batch),
        cmocka_unit_test(law_batch_schedule__steps_alone_are_no_horizon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
