/* Branches off a trial: the same bits up to where they leave it, then their own batch and rate; and
 * how an experiment makes them. */
#include "lab/sweep/branches.h"
#include "tests/unit/trial_helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

static const char *trial_text(const char *lr, const char *extra, Arena *arena) {
    return arena_print(
        arena,
        "{\"dataset\": {\"name\": \"blobs\", \"train\": 1000}, \"model\": {\"name\": \"softmax\"},"
        "\"global_batch\": 32, \"optimizer\": {\"name\": \"momentum\"}, \"lr\": %s,"
        "\"stop\": {\"metric\": \"valid_accuracy\", \"target\": 0.5, \"epochs\": 4},"
        "\"eval\": {\"every_examples\": 256}%s}",
        lr, extra);
}

static const char cosine[] = "{\"base\": 0.02, \"base_batch\": 16, \"scaling\": \"linear\", "
                             "\"warmup\": {\"examples\": 100}, \"schedule\": \"cosine\"}";

static ReadTrial *branch_trial(int64_t at, int factor, double power, int64_t examples,
                               Arena *arena) {
    const char *extra = arena_print(arena,
                                    ", \"branch\": {\"at_examples\": %ld, \"factor\": %d, "
                                    "\"lr_power\": %g, \"examples\": %ld}",
                                    (long)at, factor, power, (long)examples);
    return read_trial(trial_text(cosine, extra, arena), arena);
}

/* The trunk with its target out of reach. */
static ReadTrial *trunk_trial(Arena *arena) {
    ReadTrial *trunk = read_trial(trial_text(cosine, "", arena), arena);
    trunk->settings.stop.has_target = false;
    return trunk;
}

static bool same_row(StepRow a, StepRow b) {
    return a.step == b.step && a.examples == b.examples && a.global_batch == b.global_batch &&
           a.lr == b.lr && a.train_loss == b.train_loss && a.grad_norm == b.grad_norm &&
           a.noise_trace == b.noise_trace;
}

static void test_branch__has_the_trunks_bits_then_its_own_batch(void **state) {
    (void)state;
    Arena *arena = arena_new();
    KeptRun trunk = run_trial(trunk_trial(arena), 3, 1, arena);
    /* 990 is inside an update: the branch begins after 31 of them, at 992 */
    KeptRun branch = run_trial(branch_trial(990, 4, 0.5, 1024, arena), 3, 2, arena);
    assert_int_equal(branch.n_steps, 31 + 8);
    for (int s = 0; s < 31; s++)
        assert_true(same_row(trunk.steps[s], branch.steps[s]));
    for (int s = 31; s < branch.n_steps; s++) {
        const StepRow *row = &branch.steps[s], *beside = &trunk.steps[31 + (s - 31) * 4];
        assert_int_equal(row->global_batch, 128);
        assert_int_equal(row->examples, beside->examples + 96);
        assert_true(fabs(row->lr / beside->lr - 2) < 1e-12); /* sqrt(4) times the trunk's there */
    }
    assert_int_equal(branch.steps[branch.n_steps - 1].examples, 992 + 1024);
    assert_int_equal(branch.evals[branch.n_evals - 1].examples, 992 + 1024);
    assert_int_equal(branch.summary.outcome, OUTCOME_BUDGET_SPENT); /* 0.5 was reached long ago */
    arena_end(arena);
}

static void test_branch__factor_1_is_the_trunk(void **state) {
    (void)state;
    Arena *arena = arena_new();
    KeptRun trunk = run_trial(trunk_trial(arena), 3, 1, arena);
    KeptRun branch = run_trial(branch_trial(512, 1, 1, 512, arena), 3, 1, arena);
    assert_int_equal(branch.n_steps, 32);
    for (int s = 0; s < branch.n_steps; s++)
        assert_true(same_row(trunk.steps[s], branch.steps[s]));
    arena_end(arena);
}

/* dim curvatures of 1, SGD: A' = (1 - a)^2 A + a^2 c / B for A = E theta^2, and the risk is
 * dim A / 2 (shared/specs/methods.md 6). */
static void test_branch__loss_is_exact_on_the_noisy_quadratic(void **state) {
    (void)state;
    enum { DIM = 8000, AT = 1024, LENGTH = 2048 };
    for (int factor = 1; factor <= 64; factor *= 8) {
        Arena *arena = arena_new();
        const char *text = arena_print(
            arena,
            "{\"dataset\": \"noisy_quadratic\", \"model\": {\"name\": \"noisy_quadratic\", "
            "\"dim\": "
            "%d, \"power\": 0, \"noise\": 4}, \"global_batch\": 8, \"mini_batch\": 8, "
            "\"optimizer\": \"sgd\", \"lr\": "
            "{\"base\": 0.02}, \"stop\": {\"examples\": 100000}, \"branch\": {\"at_examples\": %d, "
            "\"factor\": %d, \"lr_power\": 1, \"examples\": %d}}",
            DIM, AT, factor, LENGTH);
        KeptRun run = run_trial(read_trial(text, arena), 1, 2, arena);
        double risk = 1;
        for (int seen = 0; seen < AT + LENGTH;) {
            double k = seen < AT ? 1 : factor, rate = 0.02 * k;
            risk = (1 - rate) * (1 - rate) * risk + rate * rate * 4 / (8 * k);
            seen += 8 * (int)k;
        }
        double measured = run.evals[run.n_evals - 1].valid_loss / (0.5 * DIM);
        assert_true(fabs(measured / risk - 1) < 0.08); /* five standard deviations */
        arena_end(arena);
    }
}

static void test_branch__absent_leaves_trial_ids_alone(void **state) {
    (void)state;
    Arena *arena = arena_new();
    char without[TRIAL_ID_ROOM], with[TRIAL_ID_ROOM], other[TRIAL_ID_ROOM];
    trial_id(without, trial_write(&trunk_trial(arena)->settings, arena), 0, "data", arena);
    trial_id(with, trial_write(&branch_trial(512, 1, 1, 512, arena)->settings, arena), 0, "data",
             arena);
    trial_id(other, trial_write(&branch_trial(512, 2, 1, 512, arena)->settings, arena), 0, "data",
             arena);
    assert_string_not_equal(without, with);
    assert_string_not_equal(with, other);
    const Json *written = trial_write(&trunk_trial(arena)->settings, arena);
    assert_null(json_find(written, "branch"));
    /* a branch reads back as it was written, and the target it does not look at is not in it */
    written = trial_write(&branch_trial(512, 2, 1, 512, arena)->settings, arena);
    assert_true(json_get(written, "branch.factor")->number == 2);
    assert_null(json_get(written, "stop.target"));
    TrialSettings again;
    must(trial_read(&again, written, arena));
    assert_string_equal(json_canonical(trial_write(&again, arena), arena),
                        json_canonical(written, arena));
    arena_end(arena);
}

static void refused(const char *lr, const char *branch, const char *why) {
    Arena *arena = arena_new();
    Json *json;
    TrialSettings settings;
    Timeline timeline;
    const char *text = trial_text(lr, arena_print(arena, ", \"branch\": %s", branch), arena);
    must(json_parse(&json, text, strlen(text), "test", arena));
    Error *error = trial_read(&settings, json, arena);
    if (!error)
        error = timeline_new(&timeline, &settings, 917);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_USAGE);
    if (!strstr(error_text(error), why))
        fail_msg("'%s' does not say '%s'", error_text(error), why);
    error_end(error);
    arena_end(arena);
}

static void test_branch__contradictions_are_refused(void **state) {
    (void)state;
    const char *plain = "{\"base\": 0.02}";
    refused(plain, "{}", "without a length");
    refused(plain, "{\"examples\": 64, \"factor\": 0}", "factor");
    refused(plain, "{\"examples\": 1024, \"at_examples\": 3000}", "after 4032 examples");
    refused("{\"base\": 0.02, \"scaling\": \"adascale\"}", "{\"examples\": 64}", "adascale");
}

/* ---- the experiment's object */

static Error *read_branches(Branches *out, const char *text, Arena *arena) {
    Json *json;
    must(json_parse(&json, text, strlen(text), "test", arena));
    return branches_read(out, json, arena);
}

static void test_branch__family_goes_by_the_optimizer(void **state) {
    (void)state;
    static const char *const optimizers[] = {"momentum", "lars", "adamw", "lamb"};
    static const double power[] = {1, 1, 0.5, 0.5};
    for (int i = 0; i < 4; i++) {
        Arena *arena = arena_new();
        Branches branches;
        must(read_branches(&branches,
                           "{\"at_frac\": [0.25, 0.5], \"factors\": [1, 4, 16], \"examples\": 512}",
                           arena));
        assert_int_equal(branches_count(&branches), 6);
        Json *trial, *branch;
        const char *text = trial_text(cosine, "", arena);
        must(json_parse(&trial, text, strlen(text), "test", arena));
        must(json_set(trial, "optimizer.name", json_text(optimizers[i], arena), arena));
        TrialSettings settings;
        must(trial_read(&settings, trial, arena));
        for (int b = 0; b < 6; b++) {
            must(branches_point(&branch, &branches, b, trial, &settings, 4000, arena));
            must(trial_read(&settings, branch, arena));
            assert_int_equal(settings.branch.at_examples, b < 3 ? 1000 : 2000);
            assert_int_equal(settings.branch.factor, 1 << 2 * (b % 3));
            assert_int_equal(settings.branch.examples, 512);
            assert_true(settings.branch.lr_power == power[i]);
        }
        must(read_branches(&branches,
                           "{\"at_examples\": [64], \"factors\": [1, 2], \"examples\": 512, "
                           "\"lr\": \"none\"}",
                           arena));
        must(branches_point(&branch, &branches, 1, trial, &settings, 4000, arena));
        assert_true(json_get(branch, "branch.lr_power")->number == 0);
        arena_end(arena);
    }
}

static void test_branch__families_that_cannot_be_compared_are_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"{\"examples\": 512}", "where branches begin"},
        {"{\"examples\": 512, \"at_examples\": [1], \"at_frac\": [0.1]}", "both"},
        {"{\"at_examples\": [1]}", "examples"},
        {"{\"examples\": 512, \"at_examples\": [64], \"factors\": [2, 1]}", "is 1 after 2"},
        {"{\"examples\": 512, \"at_examples\": [64, 64]}", "is 64 after 64"},
        {"{\"examples\": 512, \"at_examples\": [64], \"factors\": [4]}", "at least two"},
        {"{\"examples\": 512, \"at_examples\": [64], \"tolerence\": 1}", "tolerance"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Arena *arena = arena_new();
        Branches branches;
        Error *error = read_branches(&branches, wrong[i][0], arena);
        if (!error || error_code(error) != CODE_USAGE || !strstr(error_text(error), wrong[i][1]))
            fail_msg("%s: %s", wrong[i][0], error ? error_text(error) : "accepted");
        error_end(error);
        arena_end(arena);
    }
    Arena *arena = arena_new();
    Branches branches;
    Json *trial, *out;
    must(read_branches(&branches, "{\"at_examples\": [64], \"factors\": [1, 8], \"examples\": 384}",
                       arena));
    const char *text = trial_text(cosine, "", arena);
    must(json_parse(&trial, text, strlen(text), "test", arena));
    TrialSettings settings;
    must(trial_read(&settings, trial, arena));
    Error *error = branches_point(&out, &branches, 0, trial, &settings, 4000, arena);
    assert_non_null(error); /* 384 is one and a half updates of 8 x 32 */
    assert_non_null(strstr(error_text(error), "for example 512"));
    error_end(error);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_branch__has_the_trunks_bits_then_its_own_batch),
        cmocka_unit_test(test_branch__factor_1_is_the_trunk),
        cmocka_unit_test(test_branch__loss_is_exact_on_the_noisy_quadratic),
        cmocka_unit_test(test_branch__absent_leaves_trial_ids_alone),
        cmocka_unit_test(test_branch__contradictions_are_refused),
        cmocka_unit_test(test_branch__family_goes_by_the_optimizer),
        cmocka_unit_test(test_branch__families_that_cannot_be_compared_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
