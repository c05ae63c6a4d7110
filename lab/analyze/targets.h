/* Targets: steps and examples to several targets from one set of runs. A run that was trained to
 * its own target passed lesser ones on the way; its evaluations say when. One hyperbola is fitted
 * per target, because the critical batch grows as training goes on (McCandlish et al. 2018). */
#ifndef LAB_ANALYZE_TARGETS_H
#define LAB_ANALYZE_TARGETS_H

#include "lab/analyze/critical.h"

#define TARGETS_MAX 6 /* that a person may ask for; the run's own comes on top */
/* Evaluations that the median run at the smallest batch needs at least for a target that is chosen
 * by itself: a target counts from the evaluation that shows it, so fewer would round too much. */
#define TARGETS_EVALUATIONS 4

/* What one line says about one target. */
typedef struct TargetLine {
    const char *missing; /* why there is no fit, NULL when there is one */
    Hyperbola fit;
    double smallest, largest; /* batches of the fit */
    int *n_reached, *n_done;  /* (line->n) runs of every cell */
    Spread *steps, *examples; /* (line->n) as in Cell */
} TargetLine;

typedef struct Target {
    double value;
    bool own;         /* the one that ends the runs */
    TargetLine *line; /* (lines->n) */
} Target;

/* Values of the runs' metric that a person wants to know about. */
typedef struct TargetsAsked {
    int n;
    double value[TARGETS_MAX];
} TargetsAsked;

typedef struct Targets {
    const Lines *lines;
    const char *metric; /* "valid_accuracy" */
    int n;
    Target *target;      /* (n) from the easiest to the hardest */
    const char *missing; /* why there are none beside the run's own, NULL when there are */
} Targets;

/* NULL or nothing asked: up to three lesser targets are
 * chosen: what the median run of the smallest batch had after a quarter and after half of its
 * examples, and, when some line failed its own target, the hardest one that every line reached at
 * three batches. `lines` must outlive the result. */
Targets targets_make(const Lines *lines, const Criticals *criticals, const TargetsAsked *asked,
                     Arena *arena);

/* Can they be read off the runs? Error (2): one is harder than the runs' own or no value of their
 * metric, with the legal range; or the runs have no target in common. */
Error *targets_check(const Lines *lines, const TargetsAsked *asked);

/* "97.5 %" of an accuracy, "0.35" of a loss. */
const char *target_text(const Targets *targets, const Target *target, Arena *arena);

/* One row a line and target: batches, E_min, S_min, B_crit with intervals: tables/target_fits.tsv.
 */
Table *targets_fits(const Targets *targets, Arena *arena);

/* "Critical batch by target, momentum: 310 at 90 %, 640 at 95 %." NULL when there is nothing to
 * compare. */
const char *targets_sentence(const Targets *targets, int line, Arena *arena);

#endif
