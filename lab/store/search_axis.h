/* One axis of a search: a setting of the trial, and the values it may take. */
#ifndef LAB_STORE_SEARCH_AXIS_H
#define LAB_STORE_SEARCH_AXIS_H

#include "lab/base/json.h"

typedef enum {
    SCALE_LINEAR,
    SCALE_LOG,         /* uniform in log x; min > 0 */
    SCALE_REVERSE_LOG, /* uniform in log (1 - x), for a momentum; max < 1 */
    SCALE_CHOICE,      /* a list of values without an order */
    SCALE_N
} SearchScale;

extern const char *const search_scale_names[]; /* "linear", "log", "reverse_log", NULL */

typedef struct SearchAxis {
    const char *name; /* dotted, below trial: "lr.base" */
    SearchScale scale;
    double min, max;    /* of a scale with an order */
    bool whole;         /* values are rounded to whole numbers */
    const Json *values; /* of a choice, a list */
} SearchAxis;

/* The value at u in [0, 1] of a scale with an order: min at 0, max at 1. It has at most six
 * significant digits (of 1 - x where the scale is reverse_log), so that the last bit of a machine's
 * logarithm is no other trial. */
double search_axis_value(const SearchAxis *axis, double u);

/* Where x stands on such an axis: 0 at min, 1 at max. NaN for a choice. */
double search_axis_place(const SearchAxis *axis, double x);

/* {"min": ..., "max": ..., "scale": ...} or {"values": [...]}; "whole": true is added where it
 * holds. */
Json *search_axis_write(const SearchAxis *axis, Arena *arena);
/* What search_axis_write wrote, under its name. False: it is no such object. */
bool search_axis_read(SearchAxis *out, const Json *object);

#endif
