#include "lab/analyze/advice.h"

#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

typedef struct Named {
    const char *name, *key;
    const Choice *choice;
} Named;

enum { N_NAMED = 3 };

static void named(Named out[N_NAMED], const Advice *advice) {
    out[0] = (Named){"fastest", "fastest", advice->fastest};
    out[1] = (Named){"fastest at >= 80 % efficiency", "efficient", advice->efficient};
    out[2] = (Named){"cheapest", "cheapest", advice->cheapest};
}

const char *advice_choice_text(const Choice *choice, Arena *arena) {
    return arena_print(arena, "B = %s on %s", format_count((double)choice->global_batch, arena),
                       format_plural(choice->replicas, "replica", arena));
}

static const char *target_of(const RunHeader *header, Arena *arena) {
    return arena_print(arena, "%s %g", header->metric ? header->metric : "target", header->target);
}

static const char *seconds_text(const Choice *choice, Arena *arena) {
    const char *seconds = format_seconds(choice->seconds, arena);
    if (isnan(choice->seconds_in.low))
        return arena_print(arena, "%s (interval unknown)", seconds);
    return arena_print(arena, "%s (%s to %s)", seconds,
                       format_seconds(choice->seconds_in.low, arena),
                       format_seconds(choice->seconds_in.high, arena));
}

static void add_head(Text *text, const Advice *advice, Arena *arena) {
    const Cluster *cluster = &advice->cluster;
    int per_node = cluster_ranks(cluster, advice->work.threads);
    text_add(text, "%s, %s on %s, to %s; on %s: up to %s of %s\n", advice->line->label,
             advice->header->model, advice->header->dataset, target_of(advice->header, arena),
             cluster->cluster, format_plural((double)(cluster->nodes * per_node), "replica", arena),
             format_plural(advice->work.threads, "thread", arena));
    if (cluster->about && *cluster->about)
        text_add(text, "(%s)\n", cluster->about);
}

static void add_choices(Text *text, const Advice *advice, Arena *arena) {
    Named all[N_NAMED];
    named(all, advice);
    text_add(text, "\n%-30s %12s %9s %10s %10s  %s\n", "", "global batch", "replicas", "step",
             "efficiency", "to the target (90 %)");
    for (int i = 0; i < N_NAMED; i++) {
        const Choice *choice = all[i].choice;
        text_add(text, "%-30s %12s %9s %10s %10s  %s\n", all[i].name,
                 format_count((double)choice->global_batch, arena),
                 format_count(choice->replicas, arena), format_seconds(choice->step_s, arena),
                 format_percent(choice->efficiency, arena), seconds_text(choice, arena));
    }
}

/* The next larger number of replicas at the same batch, NULL when there is none. */
static const Choice *more_replicas(const Advice *advice, const Choice *choice) {
    const Choice *next = choice + 1;
    bool there = next < advice->choice + advice->n && next->global_batch == choice->global_batch;
    return there ? next : NULL;
}

/* The same number of replicas at the next larger batch. */
static const Choice *more_batch(const Advice *advice, const Choice *choice) {
    for (const Choice *next = choice + 1; next < advice->choice + advice->n; next++)
        if (next->global_batch > choice->global_batch && next->replicas == choice->replicas)
            return next;
    return NULL;
}

static const char *what_stops_replicas(const Advice *advice, const Choice *choice, Arena *arena) {
    const Choice *next = more_replicas(advice, choice);
    int64_t shards = choice->global_batch / choice->mini_batch;
    int64_t most = advice->cluster.nodes * cluster_ranks(&advice->cluster, advice->work.threads);
    if (next)
        return arena_print(arena, "%s replicas would need %s a step, %s of it for the sum",
                           format_count(next->replicas, arena), format_seconds(next->step_s, arena),
                           format_seconds(next->comm_s, arena));
    if (choice->replicas == most)
        return "the cluster has no more";
    return arena_print(arena, "its %s shards of %s do not feed more",
                       format_count((double)shards, arena),
                       format_plural((double)choice->mini_batch, "example", arena));
}

static const char *what_stops_batch(const Advice *advice, const Choice *choice, Arena *arena) {
    const Choice *next = more_batch(advice, choice);
    if (!next)
        return "no larger batch was studied";
    return arena_print(arena, "B = %s would take %s steps of %s instead of %s of %s",
                       format_count((double)next->global_batch, arena),
                       format_count(next->steps, arena), format_seconds(next->step_s, arena),
                       format_count(choice->steps, arena), format_seconds(choice->step_s, arena));
}

static const char *why_text(const Advice *advice, const Choice *choice, Arena *arena) {
    return arena_print(
        arena,
        "%s: the batch needs %s the fewest examples, and %s %s of the time on the work: efficiency "
        "%s. A "
        "step is %s of passes and %s of the sum. Not more replicas: %s. Not a larger batch: %s.",
        advice_choice_text(choice, arena),
        choice->statistical > 0.995
            ? "no more than"
            : arena_print(arena, "%s times", format_number(1 / choice->statistical, arena)),
        choice->replicas == 1 ? "its replica uses" : "the replicas use",
        format_percent(choice->hardware, arena), format_percent(choice->efficiency, arena),
        format_seconds(choice->passes_s, arena), format_seconds(choice->comm_s, arena),
        what_stops_replicas(advice, choice, arena), what_stops_batch(advice, choice, arena));
}

static const char *range_text(Interval range, Arena *arena) {
    if (range.low == range.high)
        return format_count(range.low, arena);
    return arena_print(arena, "%s to %s", format_count(range.low, arena),
                       format_count(range.high, arena));
}

static void add_why(Text *text, const Advice *advice, Arena *arena) {
    text_add(text, "\nwhy\n  %s\n", why_text(advice, advice->fastest, arena));
    if (advice->efficient != advice->fastest)
        text_add(text, "  %s\n", why_text(advice, advice->efficient, arena));
    if (!isnan(advice->fastest_batch.low))
        text_add(text,
                 "  The same study with other seeds would call B = %s on %s replicas the fastest "
                 "(90 %% of redrawn studies).\n",
                 range_text(advice->fastest_batch, arena),
                 range_text(advice->fastest_replicas, arena));
    if (advice->n_errors)
        text_add(text,
                 "  Predicted steps of %s measured here are off by %s (median), %s at most.\n",
                 format_plural(advice->n_errors, "layout", arena),
                 format_percent(advice->errors_median, arena),
                 format_percent(advice->errors_worst, arena));
}

const char *advice_text(const Advice *advice, Arena *arena) {
    Text text = text_new(arena);
    add_head(&text, advice, arena);
    add_choices(&text, advice, arena);
    text_add(&text, "\nEfficiency: the least replica-seconds of all choices over those of this "
                    "one, so it counts examples\nthat a large batch wastes as well as replicas "
                    "that wait.\n");
    add_why(&text, advice, arena);
    text_add(&text, "\nassumed\n");
    for (int i = 0; i < advice->n_notes; i++)
        text_add(&text, "  - %s\n", advice->note[i]);
    return text.data;
}

/* ---- for machines */

static void add_interval(Json *object, const char *key, Interval interval, Arena *arena) {
    Json *pair = json_add(object, key, json_array(arena), arena);
    json_add(pair, NULL, isnan(interval.low) ? json_null(arena) : json_number(interval.low, arena),
             arena);
    json_add(pair, NULL,
             isnan(interval.high) ? json_null(arena) : json_number(interval.high, arena), arena);
}

static Json *choice_json(const Advice *advice, const Choice *choice, Arena *arena) {
    Json *out = json_object(arena);
    json_add_number(out, "global_batch", (double)choice->global_batch, arena);
    json_add_number(out, "mini_batch", (double)choice->mini_batch, arena);
    json_add_number(out, "replicas", choice->replicas, arena);
    json_add_number(out, "nodes", choice->nodes, arena);
    json_add_number(out, "steps", choice->steps, arena);
    json_add_number(out, "examples", choice->examples, arena);
    json_add_number(out, "step_s", choice->step_s, arena);
    json_add_number(out, "passes_s", choice->passes_s, arena);
    json_add_number(out, "sum_s", choice->comm_s, arena);
    json_add_number(out, "examples_per_s", (double)choice->global_batch / choice->step_s, arena);
    json_add_number(out, "goodput_per_s",
                    (double)choice->global_batch / choice->step_s * choice->statistical, arena);
    json_add_number(out, "seconds_to_target", choice->seconds, arena);
    add_interval(out, "seconds_to_target_90", choice->seconds_in, arena);
    json_add_number(out, "replica_seconds", choice->paid_s, arena);
    json_add_number(out, "efficiency", choice->efficiency, arena);
    json_add_number(out, "hardware_efficiency", choice->hardware, arena);
    json_add_number(out, "statistical_efficiency", choice->statistical, arena);
    json_add_flag(out, "extrapolated", choice->extrapolated, arena);
    json_add_text(out, "why", why_text(advice, choice, arena), arena);
    return out;
}

Json *advice_json(const Advice *advice, Arena *arena) {
    Named all[N_NAMED];
    Json *out = json_object(arena);
    named(all, advice);
    json_add_text(out, "line", advice->line->label, arena);
    json_add_text(out, "target", target_of(advice->header, arena), arena);
    json_add(out, "cluster", cluster_write(&advice->cluster, arena), arena);
    json_add_number(out, "threads", advice->work.threads, arena);
    for (int i = 0; i < N_NAMED; i++)
        json_add(out, all[i].key, choice_json(advice, all[i].choice, arena), arena);
    add_interval(out, "fastest_global_batch_90", advice->fastest_batch, arena);
    add_interval(out, "fastest_replicas_90", advice->fastest_replicas, arena);
    json_add_number(out, "layouts_checked", advice->n_errors, arena);
    json_add_number(out, "prediction_error_median", advice->errors_median, arena);
    json_add_number(out, "prediction_error_worst", advice->errors_worst, arena);
    Json *notes = json_add(out, "assumed", json_array(arena), arena);
    for (int i = 0; i < advice->n_notes; i++)
        json_add(notes, NULL, json_text(advice->note[i], arena), arena);
    return out;
}
