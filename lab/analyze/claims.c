#include "lab/analyze/claims.h"

#include "lab/analyze/format.h"
#include "lab/analyze/gate.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

/* A large-batch optimizer, who claims what for it, and the baselines it is set against, first
 * choice first. */
typedef struct Known {
    const char *optimizer, *title, *source;
    const char *baseline[4];
} Known;

static const Known known[] = {
    {"lars", "LARS", "You et al. 2017", {"momentum", "sgd", NULL}},
    {"lamb", "LAMB", "You et al. 2020", {"adam", "adamw", "momentum", NULL}},
    {"lans", "LANS", "Zheng et al. 2020", {"adam", "adamw", "momentum", NULL}},
};

#define N_KNOWN ((int)(sizeof known / sizeof *known))

static const char *optimizer_of(const Line *line) {
    return line->cell[0]->first->header.optimizer;
}

static const Known *known_of(const Line *line) {
    for (int k = 0; k < N_KNOWN; k++)
        if (strcmp(known[k].optimizer, optimizer_of(line)) == 0)
            return &known[k];
    return NULL;
}

static int64_t reach_of(const Line *line) {
    int64_t reach = 0;
    for (int i = 0; i < line->n; i++)
        if (isfinite(line->cell[i]->examples.median))
            reach = line->cell[i]->global_batch;
    return reach;
}

/* Of the lines of a baseline's optimizer the one that holds furthest: the claim is about the
 * method, not about one of its settings. */
static const Line *baseline_of(const Known *entry, const Lines *lines) {
    for (int b = 0; entry->baseline[b]; b++) {
        const Line *best = NULL;
        for (int l = 0; l < lines->n; l++)
            if (strcmp(optimizer_of(&lines->line[l]), entry->baseline[b]) == 0 &&
                (!best || reach_of(&lines->line[l]) > reach_of(best)))
                best = &lines->line[l];
        if (best)
            return best;
    }
    return NULL;
}

static bool is_tuned(const Line *line) {
    for (int i = 0; i < line->n; i++)
        if (!line->cell[i]->search)
            return false;
    return line->n > 0;
}

static int examples_of(double *out, const Cell *cell) {
    int n = 0;
    for (int r = 0; r < cell->n_trials; r++) {
        const RunSummary *summary = &cell->runs[r]->summary;
        if (summary->outcome != OUTCOME_FAILED && summary->outcome != OUTCOME_INTERRUPTED)
            out[n++] = summary->outcome == OUTCOME_REACHED ? summary->examples_to_target : NAN;
    }
    return n;
}

/* Is `checked` shown to be better (1) or worse (-1) than `reference`, among n_cells comparisons?
 * *seen: the slowdown that so many seeds would have seen. */
static int shown(double *seen, const Cell *reference, const Cell *checked, int n_cells,
                 Arena *arena) {
    double *x = ARENA_ARRAY(arena, double, reference->n_trials + 1),
           *y = ARENA_ARRAY(arena, double, checked->n_trials + 1);
    const RunHeader *header = &reference->first->header;
    int n = examples_of(x, reference), m = examples_of(y, checked);
    GateInput input = {.reference = x,
                       .n_reference = n,
                       .checked = y,
                       .n_checked = m,
                       .budget = (double)header->total_steps * (double)reference->global_batch,
                       .n_cells = n_cells};
    Gate gate = gate_check(&input, arena);
    GateKind kind = gate.kind;
    *seen = gate.detectable;
    if (kind == GATE_SLOWER || kind == GATE_MISSED)
        return -1;
    input = (GateInput){.reference = y,
                        .n_reference = m,
                        .checked = x,
                        .n_checked = n,
                        .budget = input.budget,
                        .n_cells = n_cells};
    GateKind turned = gate_check(&input, arena).kind;
    return kind == GATE_FASTER || turned == GATE_SLOWER || turned == GATE_MISSED ? 1 : 0;
}

static Claim claim_of(const Line *line, const Line *baseline, Arena *arena) {
    Claim out = {.line = line,
                 .baseline = baseline,
                 .tuned = is_tuned(line) && is_tuned(baseline),
                 .batch = ARENA_ARRAY(arena, ClaimBatch, line->n + 1)};
    for (int i = 0; i < line->n; i++) {
        const Cell *own = line->cell[i], *other = line_at(baseline, own->global_batch);
        if (other && own->has_target &&
            (isfinite(own->examples.median) || isfinite(other->examples.median)))
            out.batch[out.n++] =
                (ClaimBatch){.global_batch = own->global_batch,
                             .ratio = own->examples.median / other->examples.median};
    }
    for (int i = 0; i < out.n; i++) {
        ClaimBatch *at = &out.batch[i];
        at->shown = shown(&at->seen, line_at(baseline, at->global_batch),
                          line_at(line, at->global_batch), out.n, arena);
    }
    int last = out.n ? out.batch[out.n - 1].shown : 0;
    out.verdict = last > 0 ? CLAIM_HOLDS : last < 0 ? CLAIM_FAILS : CLAIM_NOT_TOLD;
    return out;
}

Claims claims_make(const Lines *lines, Arena *arena) {
    Claims out = {.claim = ARENA_ARRAY(arena, Claim, lines->n + 1)};
    for (int l = 0; l < lines->n; l++) {
        const Known *entry = known_of(&lines->line[l]);
        const Line *baseline = entry ? baseline_of(entry, lines) : NULL;
        if (baseline)
            out.claim[out.n++] = claim_of(&lines->line[l], baseline, arena);
    }
    return out;
}

/* ---- words */

static const char *batch_text(int64_t batch, Arena *arena) {
    return arena_print(arena, "B = %s", format_count((double)batch, arena));
}

static void add_ratios(Text *text, const Claim *claim, Arena *arena) {
    const char **item = ARENA_ARRAY(arena, const char *, claim->n + 1);
    const char **sure = ARENA_ARRAY(arena, const char *, claim->n + 1);
    int n = 0, n_sure = 0;
    for (int i = 0; i < claim->n; i++) {
        const ClaimBatch *at = &claim->batch[i];
        const char *batch = format_count((double)at->global_batch, arena);
        if (isfinite(at->ratio)) {
            item[n] = arena_print(arena, "%s at %s%s", format_number(at->ratio, arena),
                                  n ? "" : "B = ", batch);
            n++;
        }
        if (at->shown)
            sure[n_sure++] = batch;
    }
    if (n)
        text_add(text, " needs %s times the examples", format_list(item, n, arena));
    else
        text_add(text, " shares no batch at which both reach the target");
    if (n && n_sure)
        text_add(text, " (beyond chance at B = %s)", format_list(sure, n_sure, arena));
    else if (n)
        text_add(text, " (nowhere beyond chance)");
    text_add(text, ".");
}

/* Not told apart by seeds that would not have seen it anyway: that says nothing. */
static bool is_blind(const Claim *claim) {
    double seen = claim->batch[claim->n - 1].seen;
    return claim->verdict == CLAIM_NOT_TOLD && !(seen <= GATE_BLIND);
}

/* What happens at the largest batch that either reaches. */
static void add_last(Text *text, const Claim *claim, Arena *arena) {
    const ClaimBatch *last = &claim->batch[claim->n - 1];
    const Cell *own = line_at(claim->line, last->global_batch),
               *other = line_at(claim->baseline, last->global_batch);
    text_add(text, " At %s, the largest that either reaches,",
             batch_text(last->global_batch, arena));
    if (isfinite(last->ratio))
        text_add(text, " %s%s: ",
                 claim->verdict == CLAIM_NOT_TOLD ? "they cannot be told apart"
                 : claim->verdict == CLAIM_HOLDS  ? "it does better"
                                                  : "it does worse",
                 claim->verdict == CLAIM_NOT_TOLD && !is_blind(claim)
                     ? arena_print(arena, " (so many seeds would see %s more examples)",
                                   format_percent(last->seen, arena))
                     : "");
    else
        text_add(text, " %d of %d seeds reach it with %s and %d of %d with %s%s: ",
                 own->n_of[OUTCOME_REACHED], cell_n_done(own), claim->line->label,
                 other->n_of[OUTCOME_REACHED], cell_n_done(other), claim->baseline->label,
                 claim->verdict == CLAIM_NOT_TOLD ? ", which chance could make" : "");
}

static void add_verdict(Text *text, const Claim *claim) {
    const Known *entry = known_of(claim->line);
    const char *baseline = optimizer_of(claim->baseline);
    if (is_blind(claim)) {
        text_add(text,
                 "so few seeds would not have seen a difference, so this decides nothing between "
                 "%s, who claim that %s holds further, and Nado et al. 2021, who found that a "
                 "tuned baseline matches it.",
                 entry->source, entry->title);
        return;
    }
    switch (claim->verdict) {
    case CLAIM_HOLDS:
        text_add(text,
                 "this agrees with what %s claim for %s, and contradicts Nado et al. 2021, who "
                 "found that a tuned baseline matches it.",
                 entry->source, entry->title);
        break;
    case CLAIM_FAILS:
        text_add(text,
                 "this contradicts what %s claim for %s; tuned %s does more than match it, as "
                 "Nado et al. 2021 found.",
                 entry->source, entry->title, baseline);
        break;
    default:
        text_add(text,
                 "this agrees with Nado et al. 2021, who found that a tuned baseline matches it, "
                 "and shows nothing of the advantage that %s claim for %s.",
                 entry->source, entry->title);
    }
}

/* Searches that stop at an edge leave the question open on their side. */
static void add_edges(Text *text, const Line *line, Arena *arena) {
    const char **batch = ARENA_ARRAY(arena, const char *, line->n + 1);
    int n = 0;
    for (int i = 0; i < line->n; i++)
        if (line->cell[i]->search && line->cell[i]->search->n_edges)
            batch[n++] = format_count((double)line->cell[i]->global_batch, arena);
    if (n)
        text_add(text, " Its search stops at an edge at B = %s, so %s may do better there.",
                 format_list(batch, n, arena), line->label);
}

const char *claim_sentence(const Claim *claim, Arena *arena) {
    if (claim->n == 0)
        return NULL;
    Text text = text_new(arena);
    if (!claim->tuned) {
        text_add(&text,
                 "%s against %s compares rules for the learning rate, not optimizers: the rates "
                 "were not searched at every batch, and Nado et al. 2021 found that this alone "
                 "makes such differences.",
                 claim->line->label, claim->baseline->label);
        return text.data;
    }
    text_add(&text, "%s against %s, both tuned: it", claim->line->label, claim->baseline->label);
    add_ratios(&text, claim, arena);
    add_last(&text, claim, arena);
    add_verdict(&text, claim);
    add_edges(&text, claim->line, arena);
    add_edges(&text, claim->baseline, arena);
    return text.data;
}

const char *claim_headline(const Claim *claim, Arena *arena) {
    static const char *const said[] = {"cannot be told from", "does better than",
                                       "does worse than"};
    if (!claim->tuned || claim->n == 0)
        return NULL;
    return arena_print(arena, "%s %s tuned %s at %s", claim->line->label, said[claim->verdict],
                       optimizer_of(claim->baseline),
                       batch_text(claim->batch[claim->n - 1].global_batch, arena));
}
