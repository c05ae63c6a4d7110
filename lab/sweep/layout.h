/* Internal to lab/sweep: the `layouts` object of an experiment. */
#ifndef LAB_SWEEP_LAYOUT_H
#define LAB_SWEEP_LAYOUT_H

#include "lab/sweep/experiment.h"

/* Reads the object (NULL: all defaults). A single number may stand for a list of one. */
Error *layout_read(LayoutSettings *out, const Json *layouts, Arena *arena);
Json *layout_write(const LayoutSettings *layouts, Arena *arena);

/* A layout that no trial can carry is a mistake; one that some cannot is listed by `plan`.
 * `layouts` is for messages. */
Error *layout_check(const Experiment *experiment, const Json *layouts);

#endif
