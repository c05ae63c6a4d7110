/* Expansion of a sweep: the product of its axes. An axis is one dotted setting with a list of
 * values, or a "zip" object whose settings move together. */
#ifndef LAB_SWEEP_EXPAND_H
#define LAB_SWEEP_EXPAND_H

#include "lab/base/json.h"

typedef struct Axis {
    int n_values;
    int n_settings;
    const Json **setting; /* (n_settings) lists; key = dotted name below trial */
} Axis;

typedef struct Expansion {
    const Json *trial;
    int n_axes;
    Axis *axis;
    int64_t n_points;
} Expansion;

/* Errors: not an object, an axis that is no list or empty, unequal lengths in a zip, a setting
 * swept twice, a dotted name with "trial." in front. */
Error *expand_new(Expansion *out, const Json *trial, const Json *sweep, Arena *arena);

/* The trial object of one point; the last axis varies fastest. */
Error *expand_point(Json **out, const Expansion *expansion, int64_t point, Arena *arena);

/* The trial as it stands in the file, completed by the first point where it leaves something to the
 * sweep: what the sweep replaces must be right all the same. */
Error *expand_base(Json **out, const Expansion *expansion, Arena *arena);

/* The axis that replaces the setting `name` (dotted, below trial), or NULL. */
const Json *expand_shadow(const Expansion *expansion, const char *name);

/* The axis that sets `name` itself or something inside it, or NULL. */
const Json *expand_inside(const Expansion *expansion, const char *name);

/* Adds to an error (NULL stays NULL) which values of the sweep made the trial. */
Error *expand_blame(Error *error, const Expansion *expansion, int64_t point, Arena *arena);

#endif
