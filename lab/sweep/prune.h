/* Pruning: points of a search that look bad half-way stop there. All points of a cell run to a
 * rung; when the last of them is there (or ended before), those that do not make the rule's cut
 * stop, and the others go on from their checkpoints. A decision is a function of the rows up to the
 * rung alone, never of who arrived first, so every process comes to the same one. */
#ifndef LAB_SWEEP_PRUNE_H
#define LAB_SWEEP_PRUNE_H

#include "lab/base/param.h"

typedef enum { PRUNE_MEDIAN, PRUNE_HALVING } PruneRule;

typedef struct Prune {
    int rule;           /* PruneRule */
    ParamNumbers rungs; /* growing; below 1: fractions of the budget, else examples */
    double keep;        /* of halving: the fraction that goes on */
} Prune;

const Param *prune_rows(void);

/* Reads search.prune; NULL: no rungs. */
Error *prune_read(Prune *out, const Json *object, Arena *arena);

/* Steps after which a trial is at a rung. */
int64_t prune_step(const Prune *prune, int rung, int64_t total_steps, double total_examples);

/* Errors: a rung before the first evaluation (every `every_examples`), which has nothing to go by,
 * or at or behind the end. */
Error *prune_check(const Prune *prune, const Json *where, int64_t total_steps,
                   double total_examples, int64_t every_examples);

/* How many of a cell's points go on, of `n_alive` that came to the rung and `n` that began. */
int prune_keeps(const Prune *prune, int n, int n_alive);

#endif
