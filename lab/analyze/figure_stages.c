/* Where the seconds of a step go, by layout and global batch. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/analyze/layouts.h"
#include "lab/analyze/lines.h"
#include "lab/base/text.h"

#include <string.h>

#define MAX_PANELS 6 /* global batches in the figure */

static const TableColumn columns[] = {
    {"panel", "1"}, /* 0: not drawn */
    {"bar", "1"},
    {"layout", NULL},
    {"optimizer", NULL},
    {"global_batch", "examples"},
    {"mini_batch", "examples"},
    {"replicas", "1"},
    {"threads", "1"},
    {"oversubscribed", "1"},
    {"sample", "s"},
    {"compute", "s"},
    {"reduce", "s"},
    {"noise", "s"},
    {"update", "s"},
    {"other", "s"},
    {"step", "s"},
    {"sent", "bytes"},
    {"hosts", "1"},
    {"label", NULL},
};

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    return results->timings.n ? NULL : "no run had the machine to itself, so no time was measured";
}

static void add_row(Table *out, int panel, int bar, const Timing *timing, Arena *arena) {
    table_number(out, panel);
    table_number(out, bar);
    table_text(out, arena_print(arena, "%s%s", layouts_label(timing, arena),
                                timing->oversubscribed ? "*" : ""));
    table_text(out, timing->header->optimizer);
    table_number(out, (double)timing->global_batch);
    table_number(out, (double)timing->header->mini_batch);
    table_number(out, timing->replicas);
    table_number(out, timing->threads);
    table_number(out, timing->oversubscribed);
    for (int s = 0; s < STAGE_N; s++)
        table_number(out, timing->stage_s[s]);
    table_number(out, timing->step_s);
    table_number(out, timing->sent_bytes);
    table_number(out, timing->hosts);
    table_text(out, run_label(timing->header));
}

/* Global batches of the shown work, each once; Timings hold them grouped by work, so they are
 * looked for. */
static int shown_batches(int64_t *batches, const Results *results, Arena *arena) {
    const Timings *timings = &results->timings;
    const Timing *shown = layouts_shown(timings);
    int64_t *all = ARENA_ARRAY(arena, int64_t, timings->n + 1);
    int n = 0;
    for (int i = 0; i < timings->n; i++) {
        if (!layouts_match(&timings->timing[i], shown))
            continue;
        int at = n;
        while (at > 0 && all[at - 1] > timings->timing[i].global_batch)
            at--;
        if (at > 0 && all[at - 1] == timings->timing[i].global_batch)
            continue;
        memmove(&all[at + 1], &all[at], sizeof *all * (size_t)(n - at));
        all[at] = timings->timing[i].global_batch;
        n++;
    }
    int chosen[MAX_PANELS];
    int taken = lines_spread(chosen, n, MAX_PANELS);
    for (int i = 0; i < taken; i++)
        batches[i] = all[chosen[i]];
    return taken;
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("stages", columns, sizeof columns / sizeof *columns, arena);
    const Timings *timings = &results->timings;
    const Timing *shown = layouts_shown(timings);
    int64_t batches[MAX_PANELS];
    int n = shown_batches(batches, results, arena), bars[MAX_PANELS + 1] = {0};
    const char *work[MAX_PANELS + 1] = {0};
    for (int i = 0; i < timings->n; i++) {
        const Timing *timing = &timings->timing[i];
        int panel = 0;
        for (int p = 0; p < n && layouts_match(timing, shown); p++)
            if (batches[p] == timing->global_batch &&
                (!work[p + 1] || strcmp(work[p + 1], timing->work) == 0))
                panel = p + 1;
        work[panel] = panel ? timing->work : NULL;
        add_row(out, panel, panel ? ++bars[panel] : 0, timing, arena);
    }
    return out;
}

/* What replicas send at a step, for each number of them on one host that was measured; it does not
 * depend on the batch. */
static void describe_bytes(Text *text, const Timings *timings, const Timing *shown, Arena *arena) {
    int last = 1;
    for (int i = 0; i < timings->n; i++) {
        const Timing *timing = &timings->timing[i];
        if (!layouts_match(timing, shown) || timing->replicas <= last || !(timing->sent_bytes > 0))
            continue;
        text_add(text, "%s %s MB on %s", last == 1 ? " A step sends, all replicas together," : ",",
                 format_number(1e-6 * timing->sent_bytes, arena),
                 format_plural(timing->replicas, "replica", arena));
        last = timing->replicas;
    }
    if (last > 1)
        text_add(text, ".");
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    const Timing *shown = layouts_shown(&results->timings);
    const Timings *timings = &results->timings;
    bool over = false, spread = false;
    const Timing *largest = shown;
    for (int i = 0; i < timings->n; i++) {
        const Timing *timing = &timings->timing[i];
        if (!layouts_match(timing, shown))
            continue;
        over |= timing->oversubscribed;
        spread |= timing->hosts > 1;
        if (!timing->oversubscribed && timing->replicas >= largest->replicas &&
            timing->global_batch >= largest->global_batch)
            largest = timing;
    }
    text_add(&text,
             "Shown: %s. Medians over steps; every panel has its own scale; other = step minus its "
             "stages.%s%s",
             layouts_title(shown, arena),
             over ? " A star and pale colours: more processes than cores." : "",
             spread ? " H2: on two hosts." : "");
    text_add(&text,
             " At B = %s on %s%s a step takes %s: compute %s, reduce %s, noise statistics %s, "
             "update %s.",
             format_count((double)largest->global_batch, arena),
             format_plural(largest->replicas, "replica", arena),
             largest->hosts > 1 ? arena_print(arena, " over %d hosts", largest->hosts) : "",
             format_seconds(largest->step_s, arena),
             format_percent(largest->stage_s[STAGE_COMPUTE] / largest->step_s, arena),
             format_percent(largest->stage_s[STAGE_REDUCE] / largest->step_s, arena),
             format_percent(largest->stage_s[STAGE_NOISE] / largest->step_s, arena),
             format_percent(largest->stage_s[STAGE_UPDATE] / largest->step_s, arena));
    describe_bytes(&text, timings, shown, arena);
    text_add(&text, "%s", layouts_other_labels(timings, arena));
    return text.data;
}

FIGURE_TYPE(stages) = {
    .kind = {.name = "stages",
             .summary = "Seconds per step by stage",
             .detail = "Compute shrinks with replicas; what does not shrink limits the speed-up."},
    .missing = missing,
    .table = table,
    .caption = caption,
};
