/* Tics of a search's axis, in its own scale: gnuplot has none for a momentum or for a choice. */
#ifndef LAB_ANALYZE_AXIS_TICS_H
#define LAB_ANALYZE_AXIS_TICS_H

#include "lab/store/search_axis.h"

#define AXIS_TICS_MAX 24

typedef struct AxisTic {
    double place; /* 0 to 1 along the axis */
    const char *label;
} AxisTic;

/* Round values inside the axis, none closer to another than `apart` (of the axis). A choice has
 * one for each value. Returns how many. */
int axis_tics(AxisTic tic[AXIS_TICS_MAX], const SearchAxis *axis, double apart, Arena *arena);

#endif
