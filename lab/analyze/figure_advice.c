/* Seconds to the target over global batch and replicas, with what is recommended. */
#include "lab/analyze/advice.h"
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>

static const TableColumn columns[] = {
    {"column", "1"}, /* place on the map: replicas, */
    {"row", "1"},    /* and global batch */
    {"global_batch", "examples"},
    {"mini_batch", "examples"},
    {"replicas", "1"},
    {"nodes", "1"},
    {"extrapolated", "1"},
    {"examples", "examples"},
    {"steps", "steps"},
    {"step", "s"},
    {"passes", "s"},
    {"sum", "s"},
    {"seconds", "s"},
    {"seconds_low", "s"},
    {"seconds_high", "s"},
    {"hardware_efficiency", "1"},
    {"statistical_efficiency", "1"},
    {"efficiency", "1"},
    {"rate", "examples/s"},
    {"goodput", "examples/s"}, /* the rate of the fewest examples that would do as much */
    {"choice", "1"}, /* 1 fastest, 2 fastest at 80 % efficiency, 4 cheapest; sums of them */
    {"label", NULL},
};

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    return results->advice.missing;
}

/* How many different smaller values of replicas (or batches) there are. */
static int place(const Advice *advice, const Choice *of, bool batch) {
    int n = 0;
    for (int i = 0; i < advice->n; i++) {
        const Choice *a = &advice->choice[i];
        bool less = batch ? a->global_batch < of->global_batch : a->replicas < of->replicas;
        for (int j = 0; j < i && less; j++) {
            const Choice *b = &advice->choice[j];
            less = batch ? a->global_batch != b->global_batch : a->replicas != b->replicas;
        }
        n += less;
    }
    return n;
}

/* Two digits: "0.12", "1.2", "34", "1.2k". */
static const char *short_number(double x, Arena *arena) {
    const char *unit = x >= 995 ? "k" : "";
    x = x >= 995 ? x / 1000 : x;
    int digits = 0;
    for (double power = 9.95; x < power && digits < 9; power /= 10)
        digits++;
    return arena_print(arena, "%.*f%s", digits, x, unit);
}

static void add_row(Table *out, const Advice *advice, const Choice *choice, Arena *arena) {
    table_number(out, place(advice, choice, false));
    table_number(out, place(advice, choice, true));
    table_number(out, (double)choice->global_batch);
    table_number(out, (double)choice->mini_batch);
    table_number(out, choice->replicas);
    table_number(out, choice->nodes);
    table_number(out, choice->extrapolated);
    table_number(out, choice->examples);
    table_number(out, choice->steps);
    table_number(out, choice->step_s);
    table_number(out, choice->passes_s);
    table_number(out, choice->comm_s);
    table_number(out, choice->seconds);
    table_number(out, choice->seconds_in.low);
    table_number(out, choice->seconds_in.high);
    table_number(out, choice->hardware);
    table_number(out, choice->statistical);
    table_number(out, choice->efficiency);
    double rate = (double)choice->global_batch / choice->step_s;
    table_number(out, rate);
    table_number(out, rate * choice->statistical);
    table_number(out, (choice == advice->fastest) + 2 * (choice == advice->efficient) +
                          4 * (choice == advice->cheapest));
    table_text(out, short_number(choice->seconds, arena));
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("advice", columns, sizeof columns / sizeof *columns, arena);
    for (int i = 0; i < results->advice.n; i++)
        add_row(out, &results->advice, &results->advice.choice[i], arena);
    return out;
}

static void describe(Text *text, const char *what, const Choice *choice, Arena *arena) {
    text_add(text, " %s: %s, %s", what, advice_choice_text(choice, arena),
             format_seconds(choice->seconds, arena));
    if (!isnan(choice->seconds_in.low))
        text_add(text, " (90 %% interval %s to %s)", format_seconds(choice->seconds_in.low, arena),
                 format_seconds(choice->seconds_in.high, arena));
    text_add(text, ", efficiency %s.", format_percent(choice->efficiency, arena));
}

static const char *caption(const Results *results, Arena *arena) {
    const Advice *advice = &results->advice;
    Text text = text_new(arena);
    text_add(&text, "%s on %s; numbers are seconds.", advice->line->label, advice->cluster.cluster);
    describe(&text, "Fastest (star)", advice->fastest, arena);
    describe(&text, "Fastest with an efficiency of at least 80 % (diamond)", advice->efficient,
             arena);
    describe(&text, "Cheapest (circle)", advice->cheapest, arena);
    if (advice->n_errors)
        text_add(&text, " Predicted steps of %s measured here are off by %s (median), at most %s.",
                 format_plural(advice->n_errors, "layout", arena),
                 format_percent(advice->errors_median, arena),
                 format_percent(advice->errors_worst, arena));
    for (int i = 0; i < advice->n_notes; i++)
        text_add(&text, "%s %s%s", i ? ";" : " Assumed:", advice->note[i],
                 i == advice->n_notes - 1 ? "." : "");
    return text.data;
}

FIGURE_TYPE(advice) = {
    .kind = {.name = "advice",
             .summary = "Seconds to the target over global batch and replicas",
             .detail = "Steps to the target, from the study's curve, times the seconds of a step, "
                       "from its layouts and the cluster's network. Efficiency counts the "
                       "examples that a large batch wastes as well as the replicas that wait. "
                       "`batchlab advise RESULTS --cluster NAME` chooses the cluster.",
             .reference = "Qiao et al. 2021 (Pollux), OSDI; McCandlish et al. 2018, arXiv "
                          "1812.06162"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
