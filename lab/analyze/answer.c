#include "lab/analyze/answer.h"

#include "lab/analyze/format.h"
#include "lab/analyze/layouts.h"
#include "lab/analyze/listing.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

#define MAX_SENTENCES (LINES_MAX + 8)

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

/* "; at B = 2,048 it missed the target in 2 of 2 seeds" for every cell in which somebody did. */
static void add_misses(Text *text, const Line *line, Arena *arena) {
    const char *before = "At ";
    for (int i = 0; i < line->n; i++) {
        const Cell *cell = line->cell[i];
        int done = cell_n_done(cell), missed = cell->n_of[OUTCOME_BUDGET_SPENT], diverged = cell->n_of[OUTCOME_DIVERGED];
        if (!cell->has_target || missed + diverged == 0)
            continue;
        text_add(text, "%s%s it ", before, batch(cell, arena));
        if (missed)
            text_add(text, "missed the target in %d", missed);
        if (diverged)
            text_add(text, "%sdiverged in %d", missed ? " and " : "", diverged);
        text_add(text, " of %s", format_plural(done, "seed", arena));
        before = "; at ";
    }
    if (*before == ';')
        text_add(text, ".");
}

static void add_cost(Text *text, const Line *line, const LineFacts *facts, Arena *arena) {
    const Cell *base = facts->base, *pays = facts->pays, *largest = facts->largest;
    text_add(text, "%s: ", line->label);
    if (pays != base)
        text_add(text, "%s needs 1/%s of the steps of %s for %s times its examples. ", batch(pays, arena),
                 format_number(base->steps.median / pays->steps.median, arena), batch(base, arena),
                 format_number(pays->examples.median / base->examples.median, arena));
    else if (largest != base)
        text_add(text, "every larger batch costs more than %.0f %% over the examples of %s. ", 100 * (ANSWER_OVERHEAD - 1),
                 batch(base, arena));
    else
        text_add(text, "only %s reached the target, in %s steps. ", batch(base, arena),
                 format_count(base->steps.median, arena));
    if (largest != pays)
        text_add(text, "%s needs %s times the examples of %s and 1/%s of its steps. ", batch(largest, arena),
                 format_number(largest->examples.median / base->examples.median, arena), batch(base, arena),
                 format_number(base->steps.median / largest->steps.median, arena));
}

/* Without a target the best accuracy is what can be told. */
static void add_accuracy(Text *text, const Line *line, Arena *arena) {
    const Cell *first = line->cell[0], *last = line->cell[line->n - 1];
    text_add(text, "%s: best validation accuracy %.2f %% at %s", line->label, 100 * first->best_accuracy.median,
             batch(first, arena));
    if (last != first)
        text_add(text, ", %.2f %% at %s", 100 * last->best_accuracy.median, batch(last, arena));
    text_add(text, ".");
}

static const char *line_sentence(const Line *line, Arena *arena) {
    Text text = text_new(arena);
    LineFacts facts = answer_facts(line);
    if (facts.base)
        add_cost(&text, line, &facts, arena);
    else if (line->cell[0]->has_target)
        text_add(&text, "%s: the target was reached at no global batch. ", line->label);
    else if (isfinite(line->cell[0]->best_accuracy.median))
        add_accuracy(&text, line, arena);
    else
        text_add(&text, "%s: final validation loss %s at %s.", line->label,
                 format_number(line->cell[0]->final_loss.median, arena), batch(line->cell[0], arena));
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
    return arena_print(arena, "Fastest to the target here: %s at %s on %s, %s of training (%s steps of %s).",
                       results->cells->series[best->series].label, batch(best, arena),
                       format_plural(best_layout->replicas, "replica", arena), format_seconds(best_s, arena),
                       format_count(best->steps.median, arena), format_seconds(best_layout->step_s, arena));
}

/* The strong-scaling layout of most replicas with the best efficiency, oversubscribed ones aside. */
static const char *speedup_sentence(const Results *results, Arena *arena) {
    const ScalingPoint *best = NULL;
    for (int l = 0; l < results->scaling.n_lines; l++) {
        const ScalingLine *line = &results->scaling.line[l];
        for (int i = 0; line->kind == SCALING_STRONG && i < line->n; i++) {
            const ScalingPoint *point = &line->point[i];
            if (point->timing->oversubscribed || point->timing->replicas < 2 || !isfinite(point->speedup))
                continue;
            int order = best ? point->timing->replicas - best->timing->replicas : 1;
            if (order > 0 || (order == 0 && point->speedup > best->speedup))
                best = point;
        }
    }
    if (!best)
        return NULL;
    return arena_print(arena, "%d replicas give at most %s times the examples per second of one (%s at B = %s, efficiency %s).",
                       best->timing->replicas, format_number(best->speedup, arena), best->timing->header->optimizer,
                       format_count((double)best->timing->global_batch, arena), format_percent(best->efficiency, arena));
}

/* "The global batch pays up to 512 with lars, 256 with momentum; not at all with lamb." */
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
        text_add(&text, "%s %s with %s", n++ ? "," : "The global batch pays up to",
                 format_count((double)facts.pays->global_batch, arena), lines->line[l].label);
    }
    if (!has_target)
        return "No target was set, so only final accuracies can be compared.";
    if (n == 0)
        return "The target was not reached by half of the seeds at any global batch.";
    if (n_never)
        text_add(&text, "; the target was not reached with %s", format_list(never, n_never, arena));
    text_add(&text, ".");
    return text.data;
}

Answer answer_make(const Results *results, Arena *arena) {
    Lines lines = lines_make(results->cells, arena);
    Answer answer = {.headline = headline(&lines, results, arena),
                     .sentence = ARENA_ARRAY(arena, const char *, MAX_SENTENCES)};
    for (int l = 0; l < lines.n; l++)
        answer.sentence[answer.n++] = line_sentence(&lines.line[l], arena);
    const char *more[] = {fastest_sentence(results, arena), speedup_sentence(results, arena)};
    for (int i = 0; i < 2; i++)
        if (more[i])
            answer.sentence[answer.n++] = more[i];
    return answer;
}
