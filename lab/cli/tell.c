#include "lab/cli/tell.h"

#include "lab/base/io.h"
#include "lab/base/say.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int find_metric(const char *name) {
    for (int i = 0; i < GOAL_N; i++)
        if (strcmp(goal_metric_names[i], name) == 0)
            return i;
    return GOAL_N;
}

Error *tell_check(const Plan *plan, const char *metric) {
    if (!metric)
        return NULL;
    if (find_metric(metric) == GOAL_N)
        return error_hint(error_new(CODE_USAGE, "--tell is '%s', which is no metric", metric),
                          "one of %s, %s, %s", goal_metric_names[0], goal_metric_names[1],
                          goal_metric_names[2]);
    if (plan->experiment->n_trials == 1)
        return NULL;
    return error_hint(error_new(CODE_USAGE, "--tell is for one trial, but the experiment has %d",
                                plan->experiment->n_trials),
                      "sweep={} search=null seeds=1");
}

static double value_of(const RunSummary *summary, int metric) {
    if (summary->outcome == OUTCOME_DIVERGED || summary->outcome == OUTCOME_FAILED)
        return NAN;
    return metric == GOAL_EXAMPLES_TO_TARGET ? summary->examples_to_target
           : metric == GOAL_VALID_ACCURACY   ? summary->best_valid_accuracy
                                             : summary->best_valid_loss;
}

/* One JSON line; the service takes values and steps as texts. */
static Error *write_line(const char *metric, double value, int64_t step, Arena *arena) {
    const char *trial = getenv("CLOUD_ML_TRIAL_ID"), *file = getenv("CLOUD_ML_HP_METRIC_FILE");
    char room[JSON_NUMBER_ROOM];
    if (!trial)
        return NULL;
    file = file ? file : "/tmp/hypertune/output.metrics";
    const char *slash = strrchr(file, '/');
    if (slash && slash > file)
        PASS(io_folder(arena_copy_n(arena, file, (size_t)(slash - file))));
    Json *line = json_object(arena);
    json_add_number(line, "timestamp", (double)time(NULL), arena);
    json_add_text(line, "trial", trial, arena);
    json_add_text(line, metric, json_number_text(value, room), arena);
    json_add_text(line, "global_step", arena_print(arena, "%lld", (long long)step), arena);
    const char *text = arena_print(arena, "%s\n", json_canonical(line, arena));
    return io_write(file, text, strlen(text));
}

Error *tell_metric(const Plan *plan, const char *metric, Arena *arena) {
    char room[JSON_NUMBER_ROOM];
    for (int i = 0; metric && i < plan->n_runs; i++) {
        const PlannedRun *run = &plan->runs[i];
        if (!run->done || run->mode != RUN_FULL)
            continue;
        double value = value_of(&run->summary, find_metric(metric));
        if (!isfinite(value)) {
            say("no %s to tell: the run ended as %s", metric, outcome_name(run->outcome));
            return NULL;
        }
        say("batchlab: %s = %s", metric, json_number_text(value, room));
        return write_line(metric, value, run->summary.steps_run, arena);
    }
    return NULL;
}
