/* What is seen of a sweep: for people, for machines, for Prometheus. */
#include "lab/cli/watched.h"

#include "lab/analyze/format.h"
#include "lab/base/say.h"
#include "lab/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *watched_totals(const Watched *watched, Arena *arena) {
    Text text = text_new(arena);
    int done = watched_done(watched), begun = watched_begun(watched), all = 0;
    if (watched->n_planned >= 0)
        text_add(&text, "%d of %s%d runs done", done, watched->grows ? "at least " : "",
                 watched->n_planned);
    else
        text_add(&text, "%d runs done", done);
    const char *before = " (";
    for (int state = STATE_ENDED; state < STATE_N; state++)
        if (watched->n_of[state]) {
            text_add(&text, "%s%d %s", before, watched->n_of[state],
                     watched_state_name((WatchedState)state));
            before = ", ";
        }
    text_add(&text, "%s, %d running", *before == ',' ? ")" : "", watched->n_of[STATE_RUNNING]);
    if (watched->n_of[STATE_LEFT])
        text_add(&text, ", %d left unfinished", watched->n_of[STATE_LEFT]);
    for (int state = 0; state < STATE_N; state++)
        all += watched->n_of[state];
    if (all > begun)
        text_add(&text, ", %d of other layouts or trials", all - begun);
    if (watched->n_planned > begun)
        text_add(&text, ", %d to come", watched->n_planned - begun);
    if (watched->examples_s > 0)
        text_add(&text, "; %s examples/s", format_number(watched->examples_s, arena));
    if (!watched->alive && (watched->n_planned < 0 || done < watched->n_planned))
        text_add(&text, "; nobody works on it");
    return text.data;
}

static const char *value_text(const char *metric, double value, Arena *arena) {
    if (!isfinite(value))
        return "-";
    return strstr(metric, "accuracy") || strstr(metric, "top5")
               ? arena_print(arena, "%.2f %%", 100 * value)
               : arena_print(arena, "%.4g", value);
}

static int rank_of(const WatchedRun *run) {
    if (run->state <= STATE_LEFT)
        return (int)run->state;
    return run->state == STATE_ENDED + OUTCOME_FAILED ||
                   run->state == STATE_ENDED + OUTCOME_DIVERGED
               ? 2
               : 3;
}

static int by_rank(const void *a, const void *b) {
    const WatchedRun *p = *(const WatchedRun *const *)a, *q = *(const WatchedRun *const *)b;
    if (rank_of(p) != rank_of(q))
        return rank_of(p) - rank_of(q);
    if (p->follow.changed_s != q->follow.changed_s)
        return p->follow.changed_s > q->follow.changed_s ? -1 : 1;
    return strcmp(p->follow.folder, q->follow.folder);
}

int watched_order(const WatchedRun **order, const Watched *watched) {
    int n = 0;
    for (int i = 0; i < watched->n; i++)
        if (watched->run[i].follow.begun)
            order[n++] = &watched->run[i];
    qsort(order, (size_t)n, sizeof *order, by_rank);
    return n;
}

static const char *row_text(const WatchedRun *run, int id_width, int cell_width, Arena *arena) {
    const RunFollow *follow = &run->follow;
    char room[SAY_DURATION_ROOM];
    const char *metric, *reason = watched_reason(run, arena);
    double value = watched_metric(run, &metric), left = watched_left_s(run);
    const char *last = *reason ? reason : isfinite(left) ? say_duration(left, room) : "";
    return arena_print(
        arena, "%-12s %-*s %-*s %15s %9s %10s %10s  %s", watched_state_name(run->state), id_width,
        follow->header.run_id, cell_width, run->cell,
        arena_print(arena, "%lld/%lld", (long long)follow->step.step,
                    (long long)run_follow_steps(follow)),
        follow->n_steps ? arena_print(arena, "%.4g", follow->step.train_loss) : "-",
        value_text(metric, value, arena), format_number(follow->examples_s, arena), last);
}

static void add_line(Text *text, const char *line, int columns) {
    size_t n = strlen(line);
    while (n > 0 && line[n - 1] == ' ')
        n--;
    text_add_n(text, line, columns > 0 && n > (size_t)columns ? (size_t)columns : n);
    text_add(text, "\n");
}

const char *watched_text(const Watched *watched, int rows, int columns, Arena *arena) {
    Text text = text_new(arena);
    const WatchedRun **order = ARENA_ARRAY(arena, const WatchedRun *, watched->n + 1);
    int n = watched_order(order, watched), id_width = 3, cell_width = 4;
    int shown = rows > 0 && rows < n ? rows : n;
    for (int i = 0; i < shown; i++) {
        int id = (int)strlen(order[i]->follow.header.run_id), cell = (int)strlen(order[i]->cell);
        id_width = id > id_width ? id : id_width;
        cell_width = cell > cell_width ? cell : cell_width;
    }
    add_line(&text, arena_print(arena, "%s: %s", watched->name, watched->question), columns);
    add_line(&text, watched_totals(watched, arena), columns);
    if (watched->n_planned < 0)
        add_line(
            &text,
            arena_print(arena, "how many there are to be is unknown: %s", watched->why_unplanned),
            columns);
    const char *metric = "metric";
    if (n)
        watched_metric(order[0], &metric);
    if (n)
        add_line(&text,
                 arena_print(arena, "%-12s %-*s %-*s %15s %9s %10.10s %10s  %s", "state", id_width,
                             "run", cell_width, "cell", "step", "loss",
                             strncmp(metric, "valid_", 6) == 0 ? metric + 6 : metric, "examples/s",
                             "at most left, or why"),
                 columns);
    for (int i = 0; i < shown; i++)
        add_line(&text, row_text(order[i], id_width, cell_width, arena), columns);
    if (shown < n)
        add_line(&text, arena_print(arena, "... and %d more", n - shown), columns);
    return text.data;
}

const char *watched_event(const WatchedRun *run, Arena *arena) {
    const RunFollow *follow = &run->follow;
    const char *metric, *reason = watched_reason(run, arena);
    double value = watched_metric(run, &metric);
    const char *id = follow->header.run_id;
    if (run->state == STATE_RUNNING)
        return arena_print(arena, "%s is running: %s", id, run->cell);
    if (run->state == STATE_LEFT)
        return arena_print(arena, "%s is left at step %lld: nobody works on it", id,
                           (long long)follow->step.step);
    return arena_print(arena, "%s ended: %s at step %lld%s%s%s%s%s", id,
                       watched_state_name(run->state), (long long)follow->summary.steps_run,
                       isfinite(value) ? ", " : "", isfinite(value) ? metric : "",
                       isfinite(value) ? " " : "",
                       isfinite(value) ? value_text(metric, value, arena) : "",
                       *reason ? arena_print(arena, " (%s)", reason) : "");
}

/* ---- machines */

static Json *run_json(const WatchedRun *run, Arena *arena) {
    const RunFollow *follow = &run->follow;
    const RunHeader *header = &follow->header;
    const char *metric, *reason = watched_reason(run, arena);
    double value = watched_metric(run, &metric);
    Json *object = json_object(arena);
    json_add_text(object, "run_id", header->run_id, arena);
    json_add_text(object, "trial_id", header->trial_id, arena);
    json_add_text(object, "state", watched_state_name(run->state), arena);
    json_add_text(object, "mode", header->mode == RUN_VERIFY ? "verify" : "full", arena);
    json_add_text(object, "optimizer", header->optimizer, arena);
    json_add_number(object, "global_batch", (double)header->global_batch, arena);
    json_add_number(object, "seed", (double)header->seed, arena);
    json_add_number(object, "replicas", header->replicas, arena);
    json_add_number(object, "threads", header->threads, arena);
    json_add_number(object, "step", (double)follow->step.step, arena);
    json_add_number(object, "steps", (double)run_follow_steps(follow), arena);
    json_add_number(object, "train_loss", follow->n_steps ? follow->step.train_loss : NAN, arena);
    json_add_text(object, "metric", metric, arena);
    json_add_number(object, "value", value, arena);
    json_add_number(object, "examples_per_s", follow->examples_s, arena);
    json_add_number(object, "left_s", watched_left_s(run), arena);
    json_add_number(object, "changed_s", follow->changed_s, arena);
    if (*reason)
        json_add_text(object, "reason", reason, arena);
    return object;
}

Json *watched_json(const Watched *watched, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "experiment", watched->name, arena);
    json_add_text(object, "folder", watched->folder, arena);
    json_add(object, "planned",
             watched->n_planned >= 0 ? json_number(watched->n_planned, arena) : json_null(arena),
             arena);
    json_add_flag(object, "grows", watched->grows, arena);
    json_add_flag(object, "alive", watched->alive, arena);
    json_add_number(object, "done", watched_done(watched), arena);
    Json *states = json_add(object, "states", json_object(arena), arena);
    for (int state = 0; state < STATE_N; state++)
        json_add_number(states, watched_state_name((WatchedState)state), watched->n_of[state],
                        arena);
    json_add_number(object, "examples_per_s", watched->examples_s, arena);
    Json *runs = json_add(object, "runs", json_array(arena), arena);
    for (int i = 0; i < watched->n; i++)
        if (watched->run[i].follow.begun)
            json_add(runs, NULL, run_json(&watched->run[i], arena), arena);
    return object;
}

static void add_sample(Text *text, const char *name, const char *labels, double value) {
    char room[JSON_NUMBER_ROOM];
    text_add(text, "batchlab_%s{%s} %s\n", name, labels,
             isnan(value)   ? "NaN"
             : isinf(value) ? "+Inf"
                            : json_number_text(value, room));
}

static void add_type(Text *text, const char *name, const char *help) {
    text_add(text, "# HELP batchlab_%s %s\n# TYPE batchlab_%s gauge\n", name, help, name);
}

/* Of one run; NaN: no sample. */
static double sample_of(const WatchedRun *run, int which) {
    const char *metric;
    switch (which) {
    case 0:
        return (double)run->follow.step.step;
    case 1:
        return run->follow.n_steps ? run->follow.step.train_loss : NAN;
    case 2:
        return watched_metric(run, &metric);
    default:
        return run->follow.examples_s;
    }
}

const char *watched_prometheus(const Watched *watched, Arena *arena) {
    static const char *const names[][2] = {
        {"run_step", "updates done by a running run"},
        {"run_train_loss", "mean training loss of its last step"},
        {"run_metric", "the value that its target is about, at its last evaluation"},
        {"run_examples_per_second", "its speed"}};
    Text text = text_new(arena);
    const char *experiment = arena_print(arena, "experiment=\"%s\"", watched->name);
    add_type(&text, "runs", "runs of a sweep by state");
    for (int state = 0; state < STATE_N; state++)
        add_sample(&text, "runs",
                   arena_print(arena, "%s,state=\"%s\"", experiment,
                               watched_state_name((WatchedState)state)),
                   watched->n_of[state]);
    if (watched->n_planned >= 0) {
        add_type(&text, "runs_planned", "runs that are to be");
        add_sample(&text, "runs_planned", experiment, watched->n_planned);
    }
    for (int k = 0; k < 4; k++) {
        add_type(&text, names[k][0], names[k][1]);
        for (int i = 0; i < watched->n; i++) {
            const WatchedRun *run = &watched->run[i];
            if (!run->follow.begun || run->state != STATE_RUNNING || isnan(sample_of(run, k)))
                continue;
            const char *labels =
                arena_print(arena, "%s,run=\"%s\"", experiment, run->follow.header.run_id);
            add_sample(&text, names[k][0], labels, sample_of(run, k));
        }
    }
    return text.data;
}
