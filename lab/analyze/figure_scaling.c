/* Rate and efficiency against replicas: measured layouts beside a model's prediction. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/analyze/layouts.h"
#include "lab/analyze/lines.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

#define MAX_LINES 3 /* of each kind in the figure: bands of more would hide each other */

static const TableColumn columns[] = {
    {"panel", "1"}, /* 1 strong, 2 weak, 0 not drawn */
    {"line", "1"},
    {"scaling", NULL},
    {"optimizer", NULL},
    {"global_batch", "examples"},
    {"examples_per_replica", "examples"},
    {"replicas", "1"},
    {"threads", "1"},
    {"hosts", "1"},
    {"oversubscribed", "1"},
    {"steps_measured", "steps"},
    {"step", "s"},
    {"step_low", "s"},
    {"step_high", "s"},
    {"rate", "examples/s"},
    {"rate_low", "examples/s"},
    {"rate_high", "examples/s"},
    {"speedup", "1"},
    {"efficiency", "1"},
    {"efficiency_low", "1"},
    {"efficiency_high", "1"},
    {"predicted_rate", "examples/s"},
    {"predicted_efficiency", "1"},
    {"prediction_error", "1"},
    {"use", NULL},
    {"predicted_rate_low", "examples/s"},
    {"predicted_rate_high", "examples/s"},
    {"predicted_efficiency_low", "1"},
    {"predicted_efficiency_high", "1"},
    {"label", NULL},
};

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    if (results->timings.n == 0)
        return "no run had the machine to itself, so no time was measured";
    return results->scaling.n_lines ? NULL
                                    : "no trial was measured with more than one number of replicas";
}

static const char *use_of(const ScalingPoint *point) {
    if (point->timing->oversubscribed)
        return "oversubscribed";
    if (point->timing->replicas == 1)
        return "base";
    return point->held_out ? "held out" : point->fitted ? "fitted" : "not fitted";
}

static void add_layout(Table *out, const ScalingPoint *point) {
    const Timing *timing = point->timing;
    table_number(out, (double)timing->global_batch);
    table_number(out, (double)timing->global_batch / timing->replicas);
    table_number(out, timing->replicas);
    table_number(out, timing->threads);
    table_number(out, timing->hosts);
    table_number(out, timing->oversubscribed);
    table_number(out, (double)timing->n_steps);
    table_number(out, timing->step_s);
    table_number(out, timing->step_low_s);
    table_number(out, timing->step_high_s);
}

static void add_point(Table *out, int panel, int line, const ScalingLine *of,
                      const ScalingPoint *point) {
    double batch = (double)point->timing->global_batch;
    const ScalingPoint *one = &of->point[0];
    double predicted_rate = batch / point->predicted_s;
    table_number(out, panel);
    table_number(out, line);
    table_text(out, of->kind == SCALING_STRONG ? "strong" : "weak");
    table_text(out, point->timing->header->optimizer);
    add_layout(out, point);
    table_number(out, point->examples_s);
    table_number(out, point->examples_low_s);
    table_number(out, point->examples_high_s);
    table_number(out, point->speedup);
    table_number(out, point->efficiency);
    table_number(out, point->efficiency_low);
    table_number(out, point->efficiency_high);
    table_number(out, predicted_rate);
    table_number(out, predicted_rate / one->examples_s / point->timing->replicas);
    table_number(out, point->predicted_s / point->timing->step_s - 1);
    table_text(out, use_of(point));
    double low = batch / point->predicted_high_s, high = batch / point->predicted_low_s;
    table_number(out, low);
    table_number(out, high);
    table_number(out, low / one->examples_s / point->timing->replicas);
    table_number(out, high / one->examples_s / point->timing->replicas);
    table_text(out, run_label(point->timing->header));
}

/* Lines of one kind that belong to the shown work, one of each size, by size; `drawn` gets their
 * indices. A weak line without its one-replica base has nothing to be compared with. */
static int drawn_lines(int *drawn, const Results *results, ScalingKind kind, Arena *arena) {
    const Scaling *scaling = &results->scaling;
    const Timing *shown = layouts_shown(&results->timings);
    int *all = ARENA_ARRAY(arena, int, scaling->n_lines + 1), n = 0;
    for (int l = 0; l < scaling->n_lines; l++) {
        const ScalingLine *line = &scaling->line[l];
        if (line->kind != kind || !layouts_match(line->point[0].timing, shown) ||
            (kind == SCALING_WEAK && !isfinite(line->point[0].speedup)))
            continue;
        int at = n;
        while (at > 0 && scaling->line[all[at - 1]].examples > line->examples)
            at--;
        if (at > 0 && scaling->line[all[at - 1]].examples == line->examples)
            continue;
        memmove(&all[at + 1], &all[at], sizeof *all * (size_t)(n - at));
        all[at] = l;
        n++;
    }
    int chosen[MAX_LINES];
    int n_drawn = lines_spread(chosen, n, MAX_LINES);
    for (int i = 0; i < n_drawn; i++)
        drawn[i] = all[chosen[i]];
    return n_drawn;
}

static int place_of(int line, const int *drawn, int n) {
    for (int i = 0; i < n; i++)
        if (drawn[i] == line)
            return i + 1;
    return 0;
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("scaling", columns, sizeof columns / sizeof *columns, arena);
    const Scaling *scaling = &results->scaling;
    int drawn[2][MAX_LINES], n[2];
    for (int kind = 0; kind < 2; kind++)
        n[kind] = drawn_lines(drawn[kind], results, (ScalingKind)kind, arena);
    for (int l = 0; l < scaling->n_lines; l++) {
        const ScalingLine *line = &scaling->line[l];
        int place = place_of(l, drawn[line->kind], n[line->kind]);
        for (int i = 0; i < line->n; i++)
            add_point(out, place ? (int)line->kind + 1 : 0, place, line, &line->point[i]);
    }
    return out;
}

static void describe_errors(Text *text, const Scaling *scaling, Arena *arena) {
    double median, largest;
    int n = scaling_errors(&median, &largest, scaling, false, arena);
    if (n)
        text_add(text, " The prediction misses the step time by %s (median of %s, at most %s).",
                 format_percent(median, arena), format_plural(n, "measured layout", arena),
                 format_percent(largest, arena));
    n = scaling_errors(&median, &largest, scaling, true, arena);
    if (n)
        text_add(text,
                 " Held out of the fit, the largest number of replicas is missed by %s (median of "
                 "%d, at most %s).",
                 format_percent(median, arena), n, format_percent(largest, arena));
    else if (scaling->n_fits && scaling->fit[0].n_replicas == 1)
        text_add(
            text,
            " Communication was fitted on one number of replicas, so nothing could be held out.");
    else if (scaling->n_fits && scaling->fit[0].n_replicas == 0)
        text_add(text, " Without a measured layout of several replicas that fits the cores there "
                       "is no prediction.");
}

/* Of a batch that was measured on several numbers of hosts the line on the fewest is drawn. */
static void describe_others(Text *text, const Results *results, Arena *arena) {
    const Scaling *scaling = &results->scaling;
    int drawn[MAX_LINES], n = drawn_lines(drawn, results, SCALING_STRONG, arena);
    bool spread = false;
    for (int l = 0; l < scaling->n_lines && n; l++) {
        const ScalingLine *line = &scaling->line[l], *of = &scaling->line[drawn[0]];
        spread |= l != drawn[0] && line->kind == of->kind && line->examples == of->examples &&
                  layouts_match(line->point[0].timing, of->point[0].timing) &&
                  strcmp(line->point[0].timing->work, of->point[0].timing->work) == 0;
    }
    if (spread)
        text_add(text, " The same replicas on more hosts are lines of their own in the table.");
    text_add(text, "%s", layouts_other_labels(&results->timings, arena));
}

/* The efficiency of the largest layout that fits the cores, best and worst line. */
static void describe_efficiency(Text *text, const Results *results, Arena *arena) {
    int drawn[MAX_LINES];
    int n = drawn_lines(drawn, results, SCALING_STRONG, arena);
    for (int i = 0; i<n; i += n> 1 ? n - 1 : 1) { /* smallest and largest batch */
        const ScalingLine *line = &results->scaling.line[drawn[i]];
        const ScalingPoint *last = NULL;
        for (int p = 0; p < line->n; p++)
            if (!line->point[p].timing->oversubscribed && line->point[p].timing->replicas > 1)
                last = &line->point[p];
        if (last && isfinite(last->efficiency))
            text_add(text,
                     " B = %s on %d replicas: %s examples/s, %s times one replica, efficiency %s "
                     "(quartiles %s to %s).",
                     format_count((double)line->examples, arena), last->timing->replicas,
                     format_number(last->examples_s, arena), format_number(last->speedup, arena),
                     format_percent(last->efficiency, arena),
                     format_percent(last->efficiency_low, arena),
                     format_percent(last->efficiency_high, arena));
    }
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    text_add(&text,
             "Shown: %s. Points: medians over steps with quartiles; lines: the model (one "
             "replica's work "
             "divided by R, plus "
             "communication a + b log2 R from the reduce column). Shaded: 90 %% band, by how "
             "far it misses measured layouts. Hollow: more processes than "
             "cores, left out of "
             "every fit.",
             layouts_title(layouts_shown(&results->timings), arena));
    describe_efficiency(&text, results, arena);
    describe_errors(&text, &results->scaling, arena);
    describe_others(&text, results, arena);
    return text.data;
}

FIGURE_TYPE(scaling) = {
    .kind = {.name = "scaling",
             .summary = "Examples per second and scaling efficiency against replicas",
             .detail = "Strong scaling shares one global batch; weak scaling gives every replica "
                       "the same number of examples.",
             .reference = "Qiao et al. 2021 (Pollux), OSDI"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
