#include "lab/analyze/quality.h"

#include "lab/train/metric.h"

#include <math.h>

typedef enum { OF_ACCURACY, OF_LOSS, OF_BITS } Measure;

static Measure measure_of(const Cell *cell) {
    const char *name = cell->first->header.metric;
    Metric metric = name ? metric_find(name) : METRIC_N;
    if (metric != METRIC_N && !metric_is_share(metric))
        return metric_is_bits(metric) ? OF_BITS : OF_LOSS;
    return isfinite(cell->best_accuracy.median) ? OF_ACCURACY : OF_LOSS;
}

double quality_best(const Cell *cell) {
    switch (measure_of(cell)) {
    case OF_ACCURACY:
        return cell->best_accuracy.median;
    case OF_LOSS:
        return cell->best_loss.median;
    case OF_BITS:
        return cell->best_loss.median / log(2);
    }
    return NAN;
}

const char *quality_noun(const Cell *cell) {
    static const char *const noun[] = {"validation accuracy", "validation loss",
                                       "validation bits per byte"};
    return noun[measure_of(cell)];
}

const char *quality_text(const Cell *cell, Arena *arena) {
    double best = quality_best(cell);
    switch (measure_of(cell)) {
    case OF_ACCURACY:
        return arena_print(arena, "%.2f %%", 100 * best);
    case OF_LOSS:
        return arena_print(arena, "%.4g nat", best);
    case OF_BITS:
        return arena_print(arena, "%.4g bits", best);
    }
    return "";
}

bool quality_is_better(const Cell *a, const Cell *b) {
    double p = quality_best(a), q = quality_best(b);
    return measure_of(a) == OF_ACCURACY ? p > q : p < q;
}
