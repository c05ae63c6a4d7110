#include "lab/cli/watched.h"

#include "lab/base/io.h"
#include "lab/sweep/plan.h"
#include "lab/train/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is to be */

static const char *folder_of(const char *path, Arena *arena) {
    const char *slash = strrchr(path, '/');
    return !slash ? "." : slash == path ? "/" : arena_copy_n(arena, path, (size_t)(slash - path));
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static Error *take_plan(Watched *watched, Arena *scratch) {
    Experiment experiment;
    Plan plan;
    const char *file = arena_print(scratch, "%s/experiment.json", watched->folder);
    PASS(experiment_load(&experiment, file, NULL, 0, scratch));
    PASS(plan_new(&plan, &experiment, folder_of(watched->folder, scratch), NULL, NULL, scratch));
    if (strcmp(strrchr(plan.folder, '/') + 1,
               strrchr(arena_print(scratch, "/%s", watched->folder), '/') + 1) != 0)
        return error_new(CODE_USAGE, "the folder has another name than its experiment '%s'",
                         experiment.name);
    watched->grows = experiment.search && plan_count_pending(&plan) > 0;
    watched->n_planned = plan.n_runs;
    watched->planned = ARENA_ARRAY(watched->arena, const char *, plan.n_runs);
    for (int i = 0; i < plan.n_runs; i++)
        watched->planned[i] = plan_id_anywhere(plan.runs[i].id, watched->arena);
    qsort(watched->planned, (size_t)plan.n_runs, sizeof *watched->planned, by_text);
    return NULL;
}

void watched_plan(Watched *watched) {
    Arena *scratch = arena_new();
    Error *error = take_plan(watched, scratch);
    if (error) {
        watched->n_planned = -1;
        watched->why_unplanned = arena_copy(watched->arena, error_text(error));
        error_end(error);
    }
    arena_end(scratch);
}

Error *watched_new(Watched *out, const char *folder, Arena *arena) {
    Json *config;
    *out = (Watched){.folder = folder, .arena = arena, .name = "", .question = ""};
    PASS(json_load(&config, arena_print(arena, "%s/experiment.json", folder), arena));
    const Json *name = json_find(config, "experiment"), *question = json_find(config, "question");
    if (name && name->kind == JSON_TEXT)
        out->name = name->text;
    if (question && question->kind == JSON_TEXT)
        out->question = question->text;
    watched_plan(out);
    return NULL;
}

/* ---- what is */

static const char *cell_of(const RunHeader *header, Arena *arena) {
    const char *hosts = header->hosts > 1 ? arena_print(arena, " on %d hosts", header->hosts) : "";
    return arena_print(arena, "%s, B = %lld, seed %llu, %d x %d%s%s%s%s", header->optimizer,
                       (long long)header->global_batch, (unsigned long long)header->seed,
                       header->replicas, header->threads, hosts, header->label ? ", " : "",
                       run_label(header), header->mode == RUN_VERIFY ? ", verify" : "");
}

static bool is_unfinished(const WatchedRun *run) {
    return run->follow.begun && !run->follow.finished;
}

/* A trial has one lock and may have several unfinished runs: its holder works on the latest. */
static bool is_latest(const Watched *watched, const WatchedRun *run) {
    for (int i = 0; i < watched->n; i++) {
        const WatchedRun *other = &watched->run[i];
        if (other != run && is_unfinished(other) &&
            strcmp(other->follow.header.trial_id, run->follow.header.trial_id) == 0 &&
            other->follow.changed_s > run->follow.changed_s)
            return false;
    }
    return true;
}

static WatchedState state_of(const Watched *watched, const WatchedRun *run, Arena *scratch) {
    const RunFollow *follow = &run->follow;
    bool ended = follow->finished;
    if (ended && follow->summary.outcome != OUTCOME_INTERRUPTED)
        return STATE_ENDED + follow->summary.outcome;
    const char *lock =
        arena_print(scratch, "%s/trials/%s/lock", watched->folder, follow->header.trial_id);
    if (!ended && io_lock_is_held(lock) && is_latest(watched, run))
        return STATE_RUNNING;
    return ended ? STATE_ENDED + OUTCOME_INTERRUPTED : STATE_LEFT;
}

static int by_folder(const void *a, const void *b) {
    return strcmp(((const WatchedRun *)a)->follow.folder, ((const WatchedRun *)b)->follow.folder);
}

static bool is_known(const Watched *watched, const char *folder) {
    WatchedRun key = {.follow = {.folder = folder}};
    return watched->n > 0 &&
           bsearch(&key, watched->run, (size_t)watched->n, sizeof key, by_folder) != NULL;
}

/* Folders that appeared since the last look. */
static Error *find_runs(Watched *watched, Arena *scratch) {
    char **names = NULL;
    int n = 0, old = watched->n;
    const char *runs = arena_print(scratch, "%s/runs", watched->folder);
    error_end(io_list(&names, &n, runs, scratch)); /* nothing there yet */
    WatchedRun *all = n > old ? ARENA_ARRAY(watched->arena, WatchedRun, n) : watched->run;
    if (old && all != watched->run)
        memcpy(all, watched->run, sizeof *all * (size_t)old);
    int total = old;
    for (int i = 0; i < n && all != watched->run; i++) {
        const char *folder = arena_print(scratch, "%s/%s", runs, names[i]);
        if (!is_known(watched, folder) && total < n)
            all[total++] = (WatchedRun){
                .follow = run_follow_new(folder, watched->arena), .state = STATE_N, .cell = ""};
    }
    watched->run = all;
    watched->n = total;
    if (total > 0)
        qsort(all, (size_t)total, sizeof *all, by_folder);
    return NULL;
}

static Error *look_at(Watched *watched) {
    for (int i = 0; i < watched->n; i++) {
        WatchedRun *run = &watched->run[i];
        bool news, knew = run->follow.begun;
        PASS(run_follow_look(&run->follow, &news));
        if (run->follow.begun && !knew) {
            run->cell = cell_of(&run->follow.header, watched->arena);
            run->id = plan_id_anywhere(run->follow.header.run_id, watched->arena);
        }
    }
    return NULL;
}

Error *watched_look(Watched *watched, void (*tell)(void *self, const WatchedRun *run), void *self) {
    Arena *scratch = arena_new();
    Error *error = find_runs(watched, scratch);
    error = error ? error : look_at(watched);
    watched->alive = io_lock_is_held(arena_print(scratch, "%s/.lock", watched->folder));
    memset(watched->n_of, 0, sizeof watched->n_of);
    watched->examples_s = 0;
    for (int i = 0; i < watched->n && !error; i++) {
        WatchedRun *run = &watched->run[i];
        if (!run->follow.begun)
            continue;
        WatchedState state = state_of(watched, run, scratch);
        bool changed = state != run->state;
        run->state = state;
        watched->n_of[state]++;
        if (state == STATE_RUNNING && run->follow.examples_s > 0)
            watched->examples_s += run->follow.examples_s;
        if (changed && tell)
            tell(self, run);
    }
    arena_end(scratch);
    return error;
}

void watched_end(Watched *watched) {
    for (int i = 0; i < watched->n; i++)
        run_follow_end(&watched->run[i].follow);
}

/* ---- told */

/* A point that its search stopped is interrupted, and done with. */
static bool is_done(const WatchedRun *run) {
    return run->follow.begun && run->state >= STATE_ENDED &&
           (run->state != STATE_ENDED + OUTCOME_INTERRUPTED ||
            run->follow.summary.pruned_at_step > 0);
}

static bool has_begun(const WatchedRun *run) {
    return run->follow.begun;
}

/* A folder may hold runs of other layouts and labels too, and one layout on several numbers of
 * hosts. */
static int count(const Watched *watched, bool (*counts)(const WatchedRun *run)) {
    Arena *scratch = arena_new();
    bool *seen = ARENA_ARRAY(scratch, bool, watched->n_planned > 0 ? watched->n_planned : 1);
    int n = 0;
    for (int i = 0; i < watched->n; i++) {
        const WatchedRun *run = &watched->run[i];
        if (!counts(run))
            continue;
        const char **planned = watched->n_planned > 0
                                   ? bsearch(&run->id, watched->planned, (size_t)watched->n_planned,
                                             sizeof run->id, by_text)
                                   : NULL;
        if (watched->n_planned < 0)
            n++;
        else if (planned && !seen[planned - watched->planned]) {
            seen[planned - watched->planned] = true;
            n++;
        }
    }
    arena_end(scratch);
    return n;
}

int watched_done(const Watched *watched) {
    return count(watched, is_done);
}

int watched_begun(const Watched *watched) {
    return count(watched, has_begun);
}

const char *watched_state_name(WatchedState state) {
    if (state >= STATE_ENDED)
        return outcome_name((Outcome)(state - STATE_ENDED));
    return state == STATE_RUNNING ? "running" : "left";
}

double watched_left_s(const WatchedRun *run) {
    const RunFollow *follow = &run->follow;
    double steps = (double)(run_follow_steps(follow) - follow->step.step);
    if (run->state != STATE_RUNNING || !(follow->examples_s > 0))
        return NAN;
    return steps * (double)follow->step.global_batch / follow->examples_s;
}

double watched_metric(const WatchedRun *run, const char **name) {
    const RunFollow *follow = &run->follow;
    Metric metric =
        follow->begun && follow->header.metric ? metric_find(follow->header.metric) : METRIC_N;
    if (metric == METRIC_N)
        metric = follow->n_evals && isnan(follow->eval.valid_accuracy) ? METRIC_VALID_LOSS
                                                                       : METRIC_VALID_ACCURACY;
    *name = metric_name(metric);
    return follow->n_evals ? metric_value(&follow->eval, metric) : NAN;
}

const char *watched_reason(const WatchedRun *run, Arena *arena) {
    const RunFollow *follow = &run->follow;
    const Json *cause = follow->begun && follow->header.provenance
                            ? json_find(follow->header.provenance, "cause")
                            : NULL;
    if (run->state == STATE_ENDED + OUTCOME_FAILED)
        return cause && cause->kind == JSON_TEXT ? cause->text : "it brought its job down";
    if (run->state == STATE_ENDED + OUTCOME_DIVERGED)
        return arena_print(arena, "training loss %.3g after step %lld", follow->step.train_loss,
                           (long long)follow->summary.steps_run);
    return "";
}
