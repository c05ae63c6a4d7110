#include "lab/analyze/advice_curve.h"
#include "lab/analyze/format.h"

#include <math.h>

static void note(Advice *advice, const char *text) {
    if (advice->n_notes < ADVICE_NOTES)
        advice->note[advice->n_notes++] = text;
}

static void note_curve(Advice *advice, const AdviceCurve *curve, Arena *arena) {
    const Critical *critical = advice->critical;
    if (!curve->fit)
        note(advice,
             arena_print(arena,
                         "no curve over batches (%s): only batches that were trained are "
                         "compared, by their medians",
                         critical->missing ? critical->missing : critical->fit.unidentified));
    else if (critical->fit.unidentified)
        note(advice, arena_print(arena,
                                 "the critical batch is unidentified (%s): no batch beyond "
                                 "the trained ones is considered",
                                 critical->fit.unidentified));
    for (int i = 0; curve->fit && i < critical->fit.n_warnings; i++)
        note(advice, critical->fit.warning[i]);
    if (advice->fastest->extrapolated)
        note(advice, arena_print(arena,
                                 "B = %s was not trained: the curve is continued beyond "
                                 "B = %s",
                                 format_count((double)advice->fastest->global_batch, arena),
                                 format_count(critical->largest, arena)));
    if (curve->guessed_mini)
        note(advice, "the mini-batch of a batch that was not trained is that of the nearest one");
}

static void note_machine(Advice *advice, Arena *arena) {
    const Work *work = &advice->work;
    if (work->n < 3)
        note(advice, arena_print(arena,
                                 "a step of one replica was measured at %s only: the "
                                 "interval leaves out how wrong the fit of it is",
                                 format_plural(work->n, "batch", arena)));
    if (advice->fastest->replicas > 1 && work->n_mini > 1)
        note(advice, "mini-batches may shrink to the least that was timed, to give every replica a "
                     "shard");
    if (*work->label)
        note(advice, arena_print(arena, "steps were timed under the label %s", work->label));
    note(advice, "evaluations, start and data loading are left out");
    if (advice->own)
        return;
    const Cluster *cluster = &advice->cluster;
    note(advice, arena_print(arena, "memory numbers are from %s%s%s", cluster->memory_from,
                             cluster->nodes > 1 ? ", link numbers from " : "",
                             cluster->nodes > 1 ? cluster->link_from : ""));
    note(advice,
         arena_print(
             arena,
             "a core is %s as fast as the study's; a replica's passes vary "
             "by %s (sd)",
             format_number(cluster->core_speed, arena),
             format_percent(isfinite(cluster->jitter) ? cluster->jitter : work->jitter, arena)));
    if (advice->overlap.n > 0)
        note(advice, arena_print(arena,
                                 "sums overlap with passes by the exponent %s; in the study's runs "
                                 "in buckets it was %s (median of %s)",
                                 format_number(cluster->overlap, arena),
                                 format_number(advice->overlap.exponent, arena),
                                 format_plural(advice->overlap.n, "layout", arena)));
    note(advice, "the network and the memory are nobody else's, and nodes are alike");
}

void advice_note(Advice *advice, const AdviceCurve *curve, Arena *arena) {
    note_curve(advice, curve, arena);
    note_machine(advice, arena);
}
