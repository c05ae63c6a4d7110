#include "lab/analyze/layouts.h"

#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <string.h>

bool layouts_match(const Timing *a, const Timing *b) {
    const RunHeader *p = a->header, *q = b->header;
    return a->threads == b->threads && strcmp(p->optimizer, q->optimizer) == 0 &&
           strcmp(p->model, q->model) == 0 && strcmp(p->dataset, q->dataset) == 0 &&
           strcmp(p->collective, q->collective) == 0 && strcmp(run_label(p), run_label(q)) == 0;
}

/* Groups are few (optimizers x models x threads), so each timing is matched against the groups
 * found so far. */
const Timing *layouts_shown(const Timings *timings) {
    enum { MAX_GROUPS = 64 };
    const Timing *group[MAX_GROUPS];
    int size[MAX_GROUPS], n = 0, best = 0;
    for (int i = 0; i < timings->n; i++) {
        int g = 0;
        while (g < n && !layouts_match(group[g], &timings->timing[i]))
            g++;
        if (g == MAX_GROUPS)
            continue;
        if (g == n) {
            group[n] = &timings->timing[i];
            size[n++] = 0;
        }
        size[g]++;
    }
    for (int g = 1; g < n; g++)
        if (size[g] > size[best])
            best = g;
    return n ? group[best] : NULL;
}

const char *layouts_title(const Timing *timing, Arena *arena) {
    const RunHeader *header = timing->header;
    return arena_print(arena, "%s, %s on %s, %s per replica%s%s", header->optimizer, header->model,
                       header->dataset, format_plural(timing->threads, "thread", arena),
                       header->label ? ", label " : "", run_label(header));
}

const char *layouts_label(const Timing *timing, Arena *arena) {
    Text text = text_new(arena);
    text_add(&text, "R%d", timing->replicas);
    if (timing->threads > 1)
        text_add(&text, " T%d", timing->threads);
    if (timing->hosts > 1)
        text_add(&text, " H%d", timing->hosts);
    if (timing->header->bucket_kib)
        text_add(&text, " in buckets");
    return text.data;
}

const char *layouts_other_labels(const Timings *timings, Arena *arena) {
    const Timing *shown = layouts_shown(timings);
    Text text = text_new(arena);
    bool any = false;
    for (int i = 0; i < timings->n; i++) {
        const char *label = run_label(timings->timing[i].header);
        bool seen = strcmp(label, run_label(shown->header)) == 0;
        for (int j = 0; j < i && !seen; j++)
            seen = strcmp(label, run_label(timings->timing[j].header)) == 0;
        if (seen)
            continue;
        text_add(&text, "%s%s", any ? ", " : " Measured under other labels, in the table: ",
                 *label ? label : "none");
        any = true;
    }
    if (any)
        text_add(&text, ".");
    return text.data;
}
