#include "lab/analyze/invariance.h"

#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <stdlib.h>
#include <string.h>

/* One stored digest. */
typedef struct Mark {
    const RunRecord *run;
    int64_t step;
    const char *sha256;
} Mark;

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

/* Marks that must be equal stand together, in them equal digests, full runs first. */
static int by_place(const void *a, const void *b) {
    const Mark *x = a, *y = b;
    int order = strcmp(x->run->header.trial_id, y->run->header.trial_id);
    if (order == 0)
        order = ORDER(x->step, y->step);
    if (order == 0)
        order = strcmp(x->sha256, y->sha256);
    if (order == 0)
        order = ORDER(x->run->header.mode, y->run->header.mode);
    return order ? order : strcmp(x->run->header.run_id, y->run->header.run_id);
}

/* The digests of canonical runs, one a step: a step that was evaluated and asked for stores two,
 * and the last one covers the evaluation. */
static Mark *marks_of(int64_t *n_marks, const RunRecord *runs, int n, Arena *arena) {
    int64_t room = 1;
    for (int i = 0; i < n; i++)
        room += runs[i].n_digests;
    Mark *marks = ARENA_ARRAY(arena, Mark, room);
    *n_marks = 0;
    for (int i = 0; i < n; i++) {
        const RunRecord *run = &runs[i];
        for (int d = 0; run->header.canonical && d < run->n_digests; d++) {
            if (d + 1 < run->n_digests && run->digests[d + 1].step == run->digests[d].step)
                continue;
            marks[(*n_marks)++] = (Mark){run, run->digests[d].step, run->digests[d].sha256};
        }
    }
    return marks;
}

/* What became of each run. */
typedef struct Verdict {
    const RunRecord *other; /* NULL: agrees so far */
    int64_t step;
    bool compared;
} Verdict;

/* Judges the marks [0, n) of one trial and step: the digest that most runs carry is right (on a tie
 * the one that stands first, which is a full run's if that is among them). */
static void judge(Verdict *verdicts, const RunRecord *runs, const Mark *marks, int64_t n) {
    if (n < 2)
        return;
    int64_t best = 0, best_size = 0;
    bool best_full = false;
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && strcmp(marks[i].sha256, marks[end].sha256) == 0;)
            end++;
        bool full = marks[i].run->header.mode == RUN_FULL;
        if (end - i > best_size || (end - i == best_size && full && !best_full)) {
            best = i;
            best_size = end - i;
            best_full = full;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        Verdict *verdict = &verdicts[marks[i].run - runs];
        verdict->compared = true;
        if (!verdict->other && strcmp(marks[i].sha256, marks[best].sha256) != 0) {
            verdict->other = marks[best].run;
            verdict->step = marks[i].step;
        }
    }
}

static int by_layout(const void *a, const void *b) {
    const RunHeader *x = &(*(const RunRecord *const *)a)->header,
                    *y = &(*(const RunRecord *const *)b)->header;
    int order = ORDER(x->replicas, y->replicas);
    if (order == 0)
        order = ORDER(x->threads, y->threads);
    return order ? order : ORDER(x->hosts, y->hosts);
}

static int by_trial(const void *a, const void *b) {
    const RunRecord *x = *(const RunRecord *const *)a, *y = *(const RunRecord *const *)b;
    int order = strcmp(x->header.trial_id, y->header.trial_id);
    return order ? order : strcmp(x->header.run_id, y->header.run_id);
}

/* How many different values of `compare` stand among `runs`; sorts them. */
static int distinct(const RunRecord **runs, int n, int (*compare)(const void *, const void *),
                    bool by_id) {
    int found = 0;
    qsort(runs, (size_t)n, sizeof *runs, compare);
    for (int i = 0; i < n; i++) {
        bool same =
            i > 0 && (by_id ? strcmp(runs[i - 1]->header.trial_id, runs[i]->header.trial_id) == 0
                            : compare(&runs[i - 1], &runs[i]) == 0);
        found += !same;
    }
    return found;
}

/* Counts what was compared and lists who disagrees. */
static void summarize(Invariance *out, const Verdict *verdicts, const RunRecord *runs, int n,
                      Arena *arena) {
    const RunRecord **compared = ARENA_ARRAY(arena, const RunRecord *, n + 1);
    for (int i = 0; i < n; i++) {
        if (verdicts[i].compared)
            compared[out->n_runs++] = &runs[i];
        else if (runs[i].header.canonical)
            out->n_alone++;
        else
            out->n_outside++;
    }
    out->n_layouts = distinct(compared, out->n_runs, by_layout, false);
    out->n_trials = distinct(compared, out->n_runs, by_trial, true);
    out->disagreements = ARENA_ARRAY(arena, Disagreement, out->n_runs + 1);
    for (int i = 0; i < out->n_runs; i++) {
        const Verdict *verdict = &verdicts[compared[i] - runs];
        if (verdict->other)
            out->disagreements[out->n_disagreements++] =
                (Disagreement){compared[i], verdict->other, verdict->step};
    }
}

Invariance invariance_make(const RunRecord *runs, int n, Arena *arena) {
    Invariance out = {0};
    int64_t n_marks;
    Mark *marks = marks_of(&n_marks, runs, n, arena);
    qsort(marks, (size_t)n_marks, sizeof *marks, by_place);
    Verdict *verdicts = ARENA_ARRAY(arena, Verdict, n + 1);
    for (int64_t i = 0, end; i < n_marks; i = end) {
        for (end = i + 1; end < n_marks; end++)
            if (strcmp(marks[i].run->header.trial_id, marks[end].run->header.trial_id) != 0 ||
                marks[i].step != marks[end].step)
                break;
        judge(verdicts, runs, &marks[i], end - i);
    }
    summarize(&out, verdicts, runs, n, arena);
    return out;
}

const char *invariance_sentence(const Invariance *invariance, Arena *arena) {
    const Invariance *v = invariance;
    Text text = text_new(arena);
    if (v->n_runs == 0) {
        text_add(&text, "nothing to compare: no trial was executed twice");
    } else {
        text_add(&text, "%s, %s, ", format_plural(v->n_runs, "run", arena),
                 format_plural(v->n_trials, "trial", arena));
        if (v->n_disagreements)
            text_add(&text, "%s with the others of %s trial",
                     v->n_disagreements == 1
                         ? "1 run disagrees"
                         : arena_print(arena, "%d runs disagree", v->n_disagreements),
                     v->n_disagreements == 1 ? "its" : "their");
        else
            text_add(&text, "bits agree");
        text_add(&text, " (%s)", format_plural(v->n_layouts, "layout", arena));
    }
    if (v->n_alone)
        text_add(&text, "; %s had no partner to be compared with",
                 format_plural(v->n_alone, "run", arena));
    if (v->n_outside)
        text_add(&text, "; %s outside the contract", format_plural(v->n_outside, "run", arena));
    return text.data;
}
