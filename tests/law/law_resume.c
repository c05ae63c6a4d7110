/* A run that stops at any step and continues from its checkpoint, once or twice and on other
 * numbers of threads, is the run that never stopped: every row, the weights, the summary. Over
 * every registered optimizer, schedule, scaling rule and batch schedule, with all that carries
 * state of its own (averaged weights, clipping, a gain that follows the noise). */
#include "lab/base/io.h"
#include "lab/base/rng.h"
#include "lab/base/say.h"
#include "tests/unit/trial_helper.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

enum { STEPS = 24 };

typedef struct Variant {
    const char *optimizer, *setting; /* one more of the optimizer's, or "" */
    const char *schedule, *scaling, *batch_schedule, *extra;
    double lr;
    const char *problem; /* data and model; NULL: blobs and a small mlp */
} Variant;

static const char *const batch_schedules[] = {
    "\"constant\"",
    "{\"name\": \"points\", \"at_epochs\": [1], \"global_batch\": [104]}",
    "{\"name\": \"warmup\", \"start\": 32, \"epochs\": 1}",
    "{\"name\": \"with_lr\", \"max\": 200}",
};
_Static_assert((int)(sizeof batch_schedules / sizeof *batch_schedules) == (int)BATCH_SCHEDULE_N,
               "one line a schedule");

static const Variant plain = {"momentum", "", "cosine", "none", "\"constant\"", "", 0.02, NULL};

/* Running statistics, dropout, augmentation. */
static const char *const image_problems[] = {
    "\"dataset\": {\"name\": \"glyphs\", \"train\": 400, \"valid\": 40, \"test\": 8}, "
    "\"model\": {\"name\": \"resnet\", \"width\": 4}",
    "\"dataset\": {\"name\": \"glyphs\", \"train\": 400, \"valid\": 40, \"test\": 8}, "
    "\"model\": {\"name\": \"simple_cnn\", \"channels\": [8, 8], \"dense\": 16, \"dropout\": 0.4}, "
    "\"augment\": {\"pad\": 3, \"flip\": true, \"cutout\": 9}",
};

static const ReadTrial *trial_of(const Variant *variant, Arena *arena) {
    return read_trial(
        arena_print(
            arena,
            "{%s, \"global_batch\": 48, \"mini_batch\": 8, \"batch_schedule\": %s,"
            "\"optimizer\": {\"name\": \"%s\"%s}, \"lr\": {\"base\": %g, \"base_batch\": 16,"
            "\"scaling\": \"%s\", \"warmup\": {\"steps\": 4}, \"schedule\": \"%s\"},"
            "\"stop\": {\"examples\": %d, \"diverge_factor\": 1e9},"
            "\"eval\": {\"every_examples\": 300}%s}",
            variant->problem
                ? variant->problem
                : "\"dataset\": \"blobs\", \"model\": {\"name\": \"mlp\", \"hidden\": [9]}",
            variant->batch_schedule, variant->optimizer, variant->setting, variant->lr,
            variant->scaling, variant->schedule, 48 * STEPS, variant->extra),
        arena);
}

/* Everything before the seconds, which come last in a row. */
static void assert_same_rows(const KeptRun *whole, const KeptRun *part, int64_t after) {
    int eval = 0;
    for (int i = 0; i < part->n_steps; i++)
        assert_memory_equal(&part->steps[i], &whole->steps[after + i], offsetof(StepRow, sample_s));
    while (whole->evals[eval].step <= after)
        eval++;
    for (int i = 0; i < part->n_evals; i++) {
        assert_memory_equal(&part->evals[i], &whole->evals[eval + i], offsetof(EvalRow, wall_s));
        assert_memory_equal(part->layers[i], whole->layers[eval + i],
                            sizeof(LayerRow) * (size_t)whole->n_layers);
    }
    int first = 0;
    while (first < whole->n_curvatures && whole->curvatures[first].step <= after)
        first++;
    assert_true(first + part->n_curvatures <= whole->n_curvatures);
    if (part->n_curvatures)
        assert_memory_equal(part->curvatures, whole->curvatures + first,
                            sizeof(CurvatureRow) * (size_t)part->n_curvatures);
}

static bool same_summary(RunSummary a, RunSummary b) {
    a.seconds_to_target = b.seconds_to_target = 0;
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Interrupted after `first` and again after `second` steps (0: once only). */
static void check_resume(const ReadTrial *trial, const KeptRun *whole, int64_t first,
                         int64_t second, Arena *arena) {
    char path[] = "/tmp/batchlab-resume-XXXXXX";
    close(mkstemp(path));
    Continued how = {.pause = first, .checkpoint = path};
    KeptRun part = continue_trial(trial, 5, 1, &how, arena);
    assert_int_equal(part.summary.outcome, OUTCOME_INTERRUPTED);
    assert_int_equal(part.summary.steps_run, first);
    assert_int_equal(part.n_steps, first);
    assert_same_rows(whole, &part, 0);
    if (second) {
        how = (Continued){.pause = second, .checkpoint = path, .resume = path};
        part = continue_trial(trial, 5, 2, &how, arena);
        assert_int_equal(part.n_steps, second - first);
        assert_same_rows(whole, &part, first);
        first = second;
    }
    how = (Continued){.resume = path};
    part = continue_trial(trial, 5, 3, &how, arena);
    assert_int_equal(part.n_steps, whole->n_steps - first);
    assert_same_rows(whole, &part, first);
    assert_true(same_summary(part.summary, whole->summary));
    assert_memory_equal(part.weights, whole->weights,
                        sizeof *part.weights * (size_t)part.n_weights);
    unlink(path);
}

static void check_variant(const Variant *variant) {
    Arena *arena = arena_new();
    const ReadTrial *trial = trial_of(variant, arena);
    KeptRun whole = run_trial(trial, 5, 1, arena);
    char key[200];
    int n = snprintf(key, sizeof key, "%s%s%s%s", variant->optimizer, variant->schedule,
                     variant->scaling, variant->extra);
    Rng rng = rng_new(n > 0 ? (uint64_t)n : 0, RNG_TEST, (uint64_t)key[0]);
    int64_t last = whole.n_steps - 1, first = 1 + (int64_t)(rng_uniform(&rng) * (double)(last - 1));
    print_message("%s %s %s %s: after %d of %d\n", variant->optimizer, variant->schedule,
                  variant->scaling, variant->extra, (int)first, whole.n_steps);
    assert_true(whole.n_steps > 4 && whole.n_evals >= 3);
    check_resume(trial, &whole, first, 0, arena);
    check_resume(trial, &whole, first / 2 + 1, last, arena);
    arena_end(arena);
}

static void law_resume__every_optimizer(void **state) {
    (void)state;
    for (int i = 0; i < OPTIM_N; i++) {
        Variant variant = plain;
        variant.optimizer = optim_table[i]->name;
        variant.lr = ((const OptimType *)optim_table[i])->lr;
        check_variant(&variant);
    }
}

static void law_resume__every_schedule(void **state) {
    (void)state;
    for (int i = 0; i < SCHEDULE_N; i++) {
        Variant variant = plain;
        variant.schedule = schedule_table[i]->name;
        check_variant(&variant);
    }
}

static void law_resume__every_scaling(void **state) {
    (void)state;
    for (int i = 0; i < SCALING_N; i++) {
        Variant variant = plain;
        variant.scaling = scaling_table[i]->name;
        check_variant(&variant);
        variant.batch_schedule = batch_schedules[1];
        check_variant(&variant);
    }
}

static void law_resume__every_batch_schedule(void **state) {
    (void)state;
    for (int i = 0; i < BATCH_SCHEDULE_N; i++) {
        Variant variant = plain;
        variant.batch_schedule = batch_schedules[i];
        check_variant(&variant);
    }
}

/* A few steps of a model at its default settings; NULL when the dataset is none for it. */
static const ReadTrial *trial_of_model(const Kind *model, const Kind *dataset, const char *sizes,
                                       Arena *arena) {
    const char *text =
        arena_print(arena,
                    "{\"dataset\": {\"name\": \"%s\"%s}, \"model\": \"%s\", \"global_batch\": 16,"
                    "\"mini_batch\": 8,\"optimizer\": \"momentum\", \"lr\": {\"base\": 0.001}, "
                    "\"stop\": {\"steps\": 5},"
                    "\"eval\": {\"every_examples\": 80}}",
                    dataset->name, sizes, model->name);
    ReadTrial *trial = ARENA_NEW(arena, ReadTrial);
    Json *json;
    must(json_parse(&json, text, strlen(text), "test", arena));
    Error *error = trial_read(&trial->settings, json, arena);
    if (!error)
        error = dataset_load(&trial->data, trial->settings.dataset,
                             trial->settings.dataset_settings, NULL, arena);
    Model *made;
    if (!error) {
        ModelInput input = trial_input(&trial->data);
        error = model_new(&made, trial->settings.model, trial->settings.model_settings, &input, 8,
                          arena);
    }
    if (!error)
        return trial;
    error_end(error);
    return NULL;
}

static void law_resume__every_model(void **state) {
    (void)state;
    for (int i = 0; i < MODEL_N; i++) {
        Arena *arena = arena_new();
        const ReadTrial *trial = NULL;
        for (int j = 0; j < 2 * DATASET_N && !trial; j++) /* few examples, where it can be told */
            trial =
                trial_of_model(model_table[i], dataset_table[j / 2],
                               j % 2 ? "" : ", \"train\": 300, \"valid\": 50, \"test\": 50", arena);
        if (!trial)
            fail_msg("no dataset fits the model '%s'", model_table[i]->name);
        print_message("%s on %s\n", model_table[i]->name, trial->settings.dataset->kind.name);
        KeptRun whole = run_trial(trial, 5, 1, arena);
        check_resume(trial, &whole, 2, 3, arena);
        arena_end(arena);
    }
}

static void law_resume__what_a_trial_may_add(void **state) {
    (void)state;
    static const char *const extras[] = {
        ", \"weight_ema\": {\"half_life_examples\": 500}",
        ", \"clip\": {\"norm\": 0.1}, \"loss\": {\"label_smoothing\": 0.1}",
        ", \"weight_ema\": {\"half_life_examples\": 90}, \"clip\": {\"norm\": 0.2}",
        ", \"noise\": {\"preconditioned\": true}",
        ", \"curvature\": {\"every_examples\": 500, \"examples\": 64, \"iterations\": 2}",
        ", \"branch\": {\"at_examples\": 480, \"factor\": 3, \"examples\": 576}",
    };
    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++) {
        Variant variant = plain;
        variant.extra = extras[i];
        variant.optimizer = "lamb";
        check_variant(&variant);
    }
}

static void law_resume__statistics_and_dropout(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof image_problems / sizeof *image_problems; i++) {
        Variant variant = plain;
        variant.problem = image_problems[i];
        check_variant(&variant);
    }
}

/* Workers with state of their own: every compression, and local steps. */
static void law_resume__workers(void **state) {
    (void)state;
    static const char *const local[] = {
        ", \"workers\": 3, \"local\": {\"period\": 5}",
        ", \"workers\": 2, \"local\": {\"period\": 4, \"after_epochs\": 0.3, \"slots\": \"mean\"}",
    };
    Variant variant = plain;
    variant.optimizer = "adamw";
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        variant.extra = local[i];
        check_variant(&variant);
    }
    for (int i = 0; i < COMPRESSION_N; i++) {
        char extra[200];
        snprintf(extra, sizeof extra, ", \"workers\": 3, \"compression\": \"%s\"",
                 compression_table[i]->name);
        variant.extra = extra;
        variant.optimizer =
            ((const CompressionType *)compression_table[i])->own_momentum ? "sgd" : "adamw";
        check_variant(&variant);
    }
}

static bool same_steps(const KeptRun *whole, const KeptRun *rest, int after) {
    bool same = true;
    for (int i = 0; i < rest->n_steps && same; i++)
        same = memcmp(&rest->steps[i], &whole->steps[after + i], offsetof(StepRow, sample_s)) == 0;
    return same;
}

static bool same_rest(const KeptRun *whole, const KeptRun *rest, int after) {
    bool same = rest->n_steps == whole->n_steps - after && same_steps(whole, rest, after);
    for (int i = 1; i <= rest->n_evals && same; i++)
        same = memcmp(&rest->evals[rest->n_evals - i], &whole->evals[whole->n_evals - i],
                      offsetof(EvalRow, wall_s)) == 0 &&
               memcmp(rest->layers[rest->n_evals - i], whole->layers[whole->n_evals - i],
                      sizeof(LayerRow) * (size_t)whole->n_layers) == 0;
    int ahead = whole->n_curvatures - rest->n_curvatures;
    while (ahead < whole->n_curvatures && whole->curvatures[ahead].step <= after)
        same = false, ahead++;
    same = same && (ahead == 0 || whole->curvatures[ahead - 1].step <= after);
    return same && same_summary(rest->summary, whole->summary);
}

/* A run from there leads elsewhere: mostly within two steps, otherwise it is run to the end. */
static bool leads_elsewhere(const ReadTrial *trial, const char *checkpoint, const KeptRun *whole,
                            int after, Arena *arena) {
    Continued how = {.resume = checkpoint, .pause = after + 2, .room = 100};
    KeptRun rest = continue_trial(trial, 5, 1, &how, arena);
    if (!same_steps(whole, &rest, after))
        return true;
    how.pause = 0;
    rest = continue_trial(trial, 5, 1, &how, arena);
    return !same_rest(whole, &rest, after);
}

/* The law sees every array: a checkpoint in which one of them is lost leads elsewhere. Let off are
 * seconds, a gain that is made anew from the next step's noise whenever that gives one, and with
 * `plain_rate` what only some rates look at. */
static void every_array_matters(const Variant *variant, bool plain_rate) {
    enum { AFTER = 12 };
    Arena *arena = arena_new();
    const ReadTrial *trial = trial_of(variant, arena);
    KeptRun whole = run_trial(trial, 5, 1, arena);
    char path[] = "/tmp/batchlab-resume-XXXXXX";
    close(mkstemp(path));
    Continued how = {.pause = AFTER, .checkpoint = path, .lose_each = true};
    KeptRun first = continue_trial(trial, 5, 1, &how, arena);
    assert_true(first.n_arrays > 10);
    assert_false(leads_elsewhere(trial, path, &whole, AFTER, arena));
    for (int i = 0; i < first.n_arrays; i++) {
        const char *lost = first.array_names[i];
        if (strcmp(lost, "optim.t") == 0 && strcmp(variant->optimizer, "sgd") == 0)
            continue; /* it does not count its steps */
        if (strcmp(lost, "wall_s") == 0 || strcmp(lost, "gain") == 0 ||
            (plain_rate && (strcmp(lost, "gain_noise") == 0 || strcmp(lost, "optim.lr_last") == 0)))
            continue;
        const char *without = without_array(path, i, arena);
        if (!leads_elsewhere(trial, without, &whole, AFTER, arena))
            fail_msg("'%s' may get lost and nobody sees it", lost);
    }
    for (int i = 0; i < first.n_arrays; i++)
        unlink(without_array(path, i, arena));
    unlink(path);
    arena_end(arena);
}

static void law_resume__every_array_of_workers_matters(void **state) {
    (void)state;
    static const char *const extras[] = {
        ", \"workers\": 2, \"compression\": \"sign\"",
        ", \"workers\": 2, \"compression\": \"onebit\"",
        ", \"workers\": 2, \"local\": {\"period\": 9}",
    };
    Variant variant = plain;
    variant.optimizer = "adamw";
    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++) {
        variant.extra = extras[i];
        every_array_matters(&variant, i > 0);
    }
}

static void law_resume__every_array_matters(void **state) {
    (void)state;
    Variant variant = plain;
    variant.setting = ", \"form\": \"caffe\", \"correction\": \"goyal\"";
    variant.scaling = "adascale";
    variant.extra = ", \"weight_ema\": {\"half_life_examples\": 500}";
    every_array_matters(&variant, false);
    variant.problem = image_problems[0];
    every_array_matters(&variant, false);
    variant = plain;
    variant.optimizer = "adamw";
    variant.extra = ", \"noise\": {\"preconditioned\": true}, \"curvature\": {\"every_examples\": "
                    "330, \"examples\": 64, \"probes\": 1, \"iterations\": 1}";
    every_array_matters(&variant, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_resume__every_optimizer),
        cmocka_unit_test(law_resume__every_schedule),
        cmocka_unit_test(law_resume__every_scaling),
        cmocka_unit_test(law_resume__every_batch_schedule),
        cmocka_unit_test(law_resume__every_model),
        cmocka_unit_test(law_resume__what_a_trial_may_add),
        cmocka_unit_test(law_resume__statistics_and_dropout),
        cmocka_unit_test(law_resume__workers),
        cmocka_unit_test(law_resume__every_array_matters),
        cmocka_unit_test(law_resume__every_array_of_workers_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
