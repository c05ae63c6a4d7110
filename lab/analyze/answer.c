#include "lab/analyze/answer.h"

#include "lab/analyze/format.h"
#include "lab/analyze/layouts.h"
#include "lab/analyze/listing.h"
#include "lab/analyze/quality.h"
#include "lab/base/text.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define MAX_SENTENCES (6 * LINES_MAX + 8)

LineFacts answer_facts(const Line *line) {
    LineFacts facts = {0};
    bool unbroken = true;
    for (int i = 0; i < line->n; i++) {
        const Cell *cell = line->cell[i];
        if (!isfinite(cell->examples.median)) {
            unbroken &= facts.base == NULL;
            continue;
        }
        if (!facts.base)
            facts.base = cell;
        unbroken &= cell->examples.median <= ANSWER_OVERHEAD * facts.base->examples.median;
        if (unbroken)
            facts.pays = cell;
        facts.largest = cell;
    }
    return facts;
}

static const char *batch(const Cell *cell, Arena *arena) {
    return arena_print(arena, "B = %s", format_count((double)cell->global_batch, arena));
}

/* Did the seeds of two cells fare alike? */
static bool same_misses(const Cell *a, const Cell *b) {
    return cell_n_done(a) == cell_n_done(b) &&
           a->n_of[OUTCOME_BUDGET_SPENT] == b->n_of[OUTCOME_BUDGET_SPENT] &&
           a->n_of[OUTCOME_DIVERGED] == b->n_of[OUTCOME_DIVERGED];
}

/* "missed the target in 1 and diverged in 1 of 3 seeds" */
static void add_miss(Text *text, const Cell *cell, Arena *arena) {
    int missed = cell->n_of[OUTCOME_BUDGET_SPENT], diverged = cell->n_of[OUTCOME_DIVERGED];
    if (missed)
        text_add(text, "missed the target in %d", missed);
    if (diverged)
        text_add(text, "%sdiverged in %d", missed ? " and " : "", diverged);
    text_add(text, " of %s", format_plural(cell_n_done(cell), "seed", arena));
}

/* " At B = 1,024 it missed the target in 2 of 2 seeds; at B = 2,048 and 4,096 it diverged in 2 of 2
 * seeds." */
static void add_misses(Text *text, const Line *line, Arena *arena) {
    const char **batches = ARENA_ARRAY(arena, const char *, line->n);
    const char *before = " At B = ";
    for (int i = 0, end; i < line->n; i = end) {
        const Cell *cell = line->cell[i];
        int n = 0;
        for (end = i; end < line->n && same_misses(cell, line->cell[end]); end++)
            batches[n++] = format_count((double)line->cell[end]->global_batch, arena);
        if (!cell->has_target ||
            cell->n_of[OUTCOME_BUDGET_SPENT] + cell->n_of[OUTCOME_DIVERGED] == 0)
            continue;
        text_add(text, "%s%s it ", before, format_list(batches, n, arena));
        add_miss(text, cell, arena);
        before = "; at B = ";
    }
    if (*before == ';')
        text_add(text, ".");
}

/* "1.17 times the examples of B = 32 for 1/6.8 of its steps" */
static const char *price(const Cell *cell, const Cell *base, Arena *arena) {
    return arena_print(arena, "%s times the examples of %s for 1/%s of its steps",
                       format_number(cell->examples.median / base->examples.median, arena),
                       batch(base, arena),
                       format_number(base->steps.median / cell->steps.median, arena));
}

/* The first cell after the base whose median trial reached the target. */
static const Cell *next_reached(const Line *line, const Cell *base) {
    for (int i = 0; i < line->n; i++)
        if (line->cell[i]->global_batch > base->global_batch &&
            isfinite(line->cell[i]->steps.median))
            return line->cell[i];
    return NULL;
}

static void add_cost(Text *text, const Line *line, const LineFacts *facts, Arena *arena) {
    const Cell *base = facts->base, *pays = facts->pays, *largest = facts->largest;
    const Cell *told = pays; /* whose price the sentence has given so far */
    if (pays != base) {
        text_add(text, "%s: the batch pays up to %s, %s.", line->label, batch(pays, arena),
                 price(pays, base, arena));
    } else if (largest != base) {
        told = next_reached(line, base);
        text_add(text, "%s: already %s needs %s.", line->label, batch(told, arena),
                 price(told, base, arena));
    } else {
        text_add(text, "%s: only %s reached the target, in %s steps.", line->label,
                 batch(base, arena), format_count(base->steps.median, arena));
    }
    if (largest != told)
        text_add(text, " %s needs %s.", batch(largest, arena), price(largest, base, arena));
}

/* Without a target the best accuracy, or loss, is what can be told. */
static void add_quality(Text *text, const Line *line, Arena *arena) {
    const Cell *first = line->cell[0], *last = line->cell[line->n - 1];
    text_add(text, "%s: best %s %s at %s", line->label, quality_noun(first),
             quality_text(first, arena), batch(first, arena));
    if (last != first)
        text_add(text, ", %s at %s", quality_text(last, arena), batch(last, arena));
    text_add(text, ".");
}

static const char *line_sentence(const Line *line, Arena *arena) {
    Text text = text_new(arena);
    LineFacts facts = answer_facts(line);
    if (facts.base)
        add_cost(&text, line, &facts, arena);
    else if (line->cell[0]->has_target)
        text_add(&text, "%s: the target was reached at no global batch.", line->label);
    else if (isfinite(line->cell[0]->best_accuracy.median))
        add_quality(&text, line, arena);
    else
        text_add(&text, "%s: final validation loss %s at %s.", line->label,
                 format_number(line->cell[0]->final_loss.median, arena),
                 batch(line->cell[0], arena));
    add_misses(&text, line, arena);
    return text.data;
}

/* The cell that gets to the target in the least time on its fastest measured layout. */
static const char *fastest_sentence(const Results *results, Arena *arena) {
    const Cell *best = NULL;
    const Timing *best_layout = NULL;
    double best_s = INFINITY;
    for (int i = 0; i < results->cells->n_cells; i++) {
        const Cell *cell = &results->cells->cells[i];
        if (!isfinite(cell->steps.median))
            continue;
        const Timing *layout = listing_fastest(results, cell, arena);
        if (layout && layout->step_s * cell->steps.median < best_s) {
            best = cell;
            best_layout = layout;
            best_s = layout->step_s * cell->steps.median;
        }
    }
    if (!best)
        return NULL;
    return arena_print(
        arena, "Fastest to the target here: %s at %s on %s, %s of training (%s steps of %s).",
        results->cells->series[best->series].label, batch(best, arena),
        format_plural(best_layout->replicas, "replica", arena), format_seconds(best_s, arena),
        format_count(best->steps.median, arena), format_seconds(best_layout->step_s, arena));
}

/* The strong-scaling layout of most replicas at the largest batch, oversubscribed ones aside. Not
 * the best one: among many layouts that would be the luckiest. */
static const char *speedup_sentence(const Results *results, Arena *arena) {
    const ScalingPoint *told = NULL;
    for (int l = 0; l < results->scaling.n_lines; l++) {
        const ScalingLine *line = &results->scaling.line[l];
        for (int i = 0; line->kind == SCALING_STRONG && i < line->n; i++) {
            const ScalingPoint *point = &line->point[i];
            if (point->timing->oversubscribed || point->timing->replicas < 2 ||
                !isfinite(point->speedup))
                continue;
            int order = told ? point->timing->replicas - told->timing->replicas : 1;
            if (order > 0 ||
                (order == 0 && point->timing->global_batch > told->timing->global_batch))
                told = point;
        }
    }
    if (!told)
        return NULL;
    return arena_print(
        arena,
        "%d replicas give %s times the examples per second of one at B = %s (%s, efficiency %s).",
        told->timing->replicas, format_number(told->speedup, arena),
        format_count((double)told->timing->global_batch, arena), told->timing->header->optimizer,
        format_percent(told->efficiency, arena));
}

static const char *restless_sentence(const Results *results, Arena *arena) {
    int n_all, n = timings_restless(&n_all, &results->timings);
    if (10 * n <= n_all)
        return NULL;
    return arena_print(arena,
                       "The machine was not quiet: in %d of %s the slower quarter of the steps "
                       "takes at least %g times "
                       "as long as the faster quarter. Measure again before trusting the times.",
                       n, format_plural(n_all, "layout", arena), TIMING_RESTLESS);
}

/* " lars cannot be told from tuned momentum at B = 2,048; ..." */
static void add_claims(Text *text, const Claims *claims, Arena *arena) {
    int n = 0;
    for (int c = 0; c < claims->n; c++) {
        const char *said = claim_headline(&claims->claim[c], arena);
        if (said)
            text_add(text, "%s %s", n++ ? ";" : "", said);
    }
    if (n)
        text_add(text, ".");
}

/* "The global batch pays up to 512 with lars; 256 with momentum; the target was not reached with
 * lamb." */
static const char *headline(const Lines *lines, const Results *results, Arena *arena) {
    if (results->cells->n_cells == 0)
        return "No trial has been trained to its end yet; only verify runs are here.";
    Text text = text_new(arena);
    const char **never = ARENA_ARRAY(arena, const char *, lines->n + 1);
    int n_never = 0, n = 0;
    bool has_target = false;
    for (int l = 0; l < lines->n; l++) {
        LineFacts facts = answer_facts(&lines->line[l]);
        has_target |= lines->line[l].cell[0]->has_target;
        if (!facts.pays) {
            never[n_never++] = lines->line[l].label;
            continue;
        }
        text_add(&text, "%s %s with %s%s",
                 n++ ? ";" : arena_print(arena, "%s pays up to", answer_subject(results, arena)),
                 format_count((double)facts.pays->global_batch, arena), lines->line[l].label,
                 answer_settings(facts.pays, arena));
    }
    if (!has_target)
        return "No target was set, so only final accuracies can be compared.";
    if (n == 0)
        return "The target was not reached by half of the seeds at any global batch.";
    if (n_never)
        text_add(&text, "; the target was not reached with %s", format_list(never, n_never, arena));
    text_add(&text, ".");
    add_claims(&text, &results->claims, arena);
    const char *more[] = {critical_headline(&results->criticals, arena),
                          answer_edge_count(results->cells, arena)};
    for (int i = 0; i < 2; i++)
        if (more[i])
            text_add(&text, " %s", more[i]);
    return text.data;
}

static void say(Answer *answer, const char *sentence) {
    assert(answer->n < MAX_SENTENCES);
    if (sentence)
        answer->sentence[answer->n++] = sentence;
}

Answer answer_make(const Results *results, Arena *arena) {
    const Lines *lines = &results->lines;
    Answer answer = {.headline = headline(lines, results, arena),
                     .sentence = ARENA_ARRAY(arena, const char *, MAX_SENTENCES)};
    for (int l = 0; l < lines->n; l++)
        say(&answer, line_sentence(&lines->line[l], arena));
    for (int c = 0; c < results->claims.n; c++)
        say(&answer, claim_sentence(&results->claims.claim[c], arena));
    for (int l = 0; l < lines->n; l++)
        say(&answer, tuned_sentence(&results->tuned.line[l], arena));
    for (int l = 0; l < lines->n; l++)
        say(&answer, answer_edges(&lines->line[l], arena));
    for (int l = 0; l < results->criticals.n; l++)
        say(&answer, critical_sentence(&results->criticals.critical[l], arena));
    for (int l = 0; l < lines->n; l++)
        say(&answer, targets_sentence(&results->targets, l, arena));
    say(&answer, fastest_sentence(results, arena));
    say(&answer, speedup_sentence(results, arena));
    say(&answer, restless_sentence(results, arena));
    return answer;
}
