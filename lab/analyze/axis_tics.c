#include "lab/analyze/axis_tics.h"

#include <math.h>
#include <string.h>

#define LABEL_CHARACTERS 12

typedef struct Tics {
    AxisTic *tic;
    int n;
    const SearchAxis *axis;
    double apart;
    Arena *arena;
} Tics;

static void offer(Tics *tics, double value) {
    double place = search_axis_place(tics->axis, value);
    if (!(place >= -1e-9 && place <= 1 + 1e-9) || tics->n == AXIS_TICS_MAX)
        return;
    for (int i = 0; i < tics->n; i++)
        if (fabs(tics->tic[i].place - place) < tics->apart)
            return;
    tics->tic[tics->n++] = (AxisTic){place, arena_print(tics->arena, "%.6g", value)};
}

/* Powers of ten first, then fives and twos of them where there is room. With `complement` of 1 - x,
 * so that a momentum gets 0.9, 0.99, 0.95. */
static void offer_decades(Tics *tics, double low, double high, bool complement) {
    static const double digit[] = {1, 5, 2};
    for (int d = 0; d < 3; d++)
        for (int e = (int)floor(log10(low)); e <= (int)ceil(log10(high)); e++) {
            double value = digit[d] * pow(10, e);
            offer(tics, complement ? 1 - value : value);
        }
}

static void offer_steps(Tics *tics, double low, double high) {
    static const double digit[] = {5, 2, 1};
    double unit = pow(10, ceil(log10(high - low)));
    for (int k = 0; k < 9 && tics->n < 3; k++) {
        double step = digit[k % 3] * unit * pow(10, -1 - k / 3);
        for (double i = ceil(low / step); i * step <= high * (1 + 1e-12); i++)
            offer(tics, i * step);
    }
}

static const char *choice_label(const Json *value, Arena *arena) {
    const Json *name = value->kind == JSON_OBJECT ? json_find(value, "name") : NULL;
    const char *text = name && name->kind == JSON_TEXT ? name->text
                       : value->kind == JSON_TEXT      ? value->text
                                                       : json_canonical(value, arena);
    return arena_print(arena, "%.*s", LABEL_CHARACTERS, text);
}

int axis_tics(AxisTic tic[AXIS_TICS_MAX], const SearchAxis *axis, double apart, Arena *arena) {
    Tics tics = {.tic = tic, .axis = axis, .apart = apart, .arena = arena};
    int i = 0;
    switch (axis->scale) {
    case SCALE_CHOICE:
        JSON_EACH (value, axis->values) {
            double place = axis->values->n < 2 ? 0.5 : (double)i / (axis->values->n - 1);
            if (i++ < AXIS_TICS_MAX)
                tic[tics.n++] = (AxisTic){place, choice_label(value, arena)};
        }
        break;
    case SCALE_LOG:
        offer_decades(&tics, axis->min, axis->max, false);
        break;
    case SCALE_REVERSE_LOG:
        offer_decades(&tics, 1 - axis->max, 1 - axis->min, true);
        break;
    default:
        offer_steps(&tics, axis->min, axis->max);
    }
    return tics.n;
}
