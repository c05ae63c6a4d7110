#include "lab/analyze/overlap.h"

#include "lab/analyze/work.h"
#include "lab/base/stats.h"

#include <math.h>
#include <string.h>

double overlap_exponent(double passes_s, double sum_s, double both_s) {
    double low = 1, high = OVERLAP_MOST;
    if (both_s >= passes_s + sum_s)
        return low;
    if (both_s <= work_join(passes_s, sum_s, high))
        return high;
    for (int i = 0; i < 50; i++) { /* work_join falls as g grows */
        double middle = 0.5 * (low + high);
        if (work_join(passes_s, sum_s, middle) > both_s)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

static bool same_but_for_buckets(const Timing *a, const Timing *b) {
    return strcmp(a->work, b->work) == 0 &&
           strcmp(a->header->collective, b->header->collective) == 0 &&
           strcmp(run_label(a->header), run_label(b->header)) == 0 && a->threads == b->threads &&
           a->global_batch == b->global_batch && a->replicas == b->replicas &&
           a->hosts == b->hosts && a->oversubscribed == b->oversubscribed;
}

static bool is_like(const RunHeader *a, const RunHeader *b) {
    return strcmp(a->model, b->model) == 0 && strcmp(a->dataset, b->dataset) == 0 &&
           strcmp(a->optimizer, b->optimizer) == 0 && a->n_weights == b->n_weights;
}

Overlap overlap_fit(const Timings *timings, const RunHeader *like, Arena *arena) {
    Overlap out = {.exponent = NAN};
    double *exponent = ARENA_ARRAY(arena, double, timings->n + 1);
    const Timing *whole =
        NULL; /* it comes first: buckets are the last that timings are sorted by */
    for (int i = 0; i < timings->n; i++) {
        const Timing *timing = &timings->timing[i];
        if (timing->header->bucket_kib == 0)
            whole = timing;
        else if (whole && same_but_for_buckets(whole, timing) && !timing->oversubscribed &&
                 is_like(timing->header, like)) {
            double passes = whole->stage_s[STAGE_SAMPLE] + whole->stage_s[STAGE_COMPUTE];
            double sum = whole->stage_s[STAGE_REDUCE], rest = whole->step_s - passes - sum;
            exponent[out.n++] = overlap_exponent(passes, sum, timing->step_s - rest);
        }
    }
    out.exponent = stats_median(exponent, out.n);
    return out;
}
