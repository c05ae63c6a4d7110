#include "lab/store/search_axis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const search_scale_names[] = {"linear", "log", "reverse_log", NULL};

static double rounded(double x, int digits) {
    char text[64];
    snprintf(text, sizeof text, "%.*g", digits, x);
    return strtod(text, NULL);
}

/* The scale's own coordinate, which a search walks evenly. */
static double coordinate(SearchScale scale, double x) {
    switch (scale) {
    case SCALE_LOG:
        return log(x);
    case SCALE_REVERSE_LOG:
        return -log1p(-x);
    default:
        return x;
    }
}

double search_axis_value(const SearchAxis *axis, double u) {
    double low = coordinate(axis->scale, axis->min), high = coordinate(axis->scale, axis->max);
    double at = low + u * (high - low), x;
    if (axis->scale == SCALE_LOG)
        x = rounded(exp(at), 6);
    else if (axis->scale == SCALE_REVERSE_LOG)
        x = rounded(1 - rounded(exp(-at), 6), 15); /* 15: as it reads, 0.99 and not 0.98999... */
    else
        x = rounded(at, 6);
    if (axis->whole)
        x = round(x);
    return fmin(fmax(x, axis->min), axis->max);
}

double search_axis_place(const SearchAxis *axis, double x) {
    if (axis->scale == SCALE_CHOICE)
        return NAN;
    double low = coordinate(axis->scale, axis->min), high = coordinate(axis->scale, axis->max);
    return high > low ? (coordinate(axis->scale, x) - low) / (high - low) : 0.5;
}

Json *search_axis_write(const SearchAxis *axis, Arena *arena) {
    Json *object = json_object(arena);
    if (axis->scale == SCALE_CHOICE) {
        json_add(object, "values", json_copy(axis->values, arena), arena);
        return object;
    }
    json_add_number(object, "min", axis->min, arena);
    json_add_number(object, "max", axis->max, arena);
    json_add_text(object, "scale", search_scale_names[axis->scale], arena);
    if (axis->whole)
        json_add_flag(object, "whole", true, arena);
    return object;
}

bool search_axis_read(SearchAxis *out, const Json *object) {
    *out = (SearchAxis){.name = object->key, .scale = SCALE_CHOICE};
    if (object->kind != JSON_OBJECT || !object->key)
        return false;
    const Json *values = json_find(object, "values"), *scale = json_find(object, "scale"),
               *min = json_find(object, "min"), *max = json_find(object, "max"),
               *whole = json_find(object, "whole");
    if (values) {
        out->values = values;
        return values->kind == JSON_ARRAY && values->n > 0;
    }
    if (!scale || scale->kind != JSON_TEXT || !min || min->kind != JSON_NUMBER || !max ||
        max->kind != JSON_NUMBER)
        return false;
    out->min = min->number;
    out->max = max->number;
    out->whole = whole && whole->kind == JSON_BOOL && whole->flag;
    for (int i = 0; search_scale_names[i]; i++)
        if (strcmp(search_scale_names[i], scale->text) == 0)
            out->scale = (SearchScale)i;
    return out->scale != SCALE_CHOICE;
}
