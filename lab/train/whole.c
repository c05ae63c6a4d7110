/* Whole gradients: what shards add up to is the mean gradient, the same for any number of
 * replicas. The stages themselves: shards.c, statistics.c, loop.c. */
#include "lab/train/state.h"

const Method method_whole = {
    .mean_grad = true,
    .reduce = whole_reduce,
    .square = whole_square,
    .clip = whole_clip,
    .update = whole_update,
};
