/* Rules that override which tensors decay and adapt: [{"match": "*.bias", "decay": true, "adapt":
 * false}, ...]. */
#ifndef LAB_TRAIN_LAYER_RULES_H
#define LAB_TRAIN_LAYER_RULES_H

#include "lab/train/trial.h"

/* `list` NULL: no rules. Errors as param_read. */
Error *layer_rules_read(const LayerRule **out, int *n, const Json *list, Arena *arena);
Json *layer_rules_write(const LayerRule *rules, int n, Arena *arena);

/* The model's segments with the rules applied. Error (code 2): a rule that matches no tensor, with
 * the names there are. */
Error *layer_rules_apply(const Segment **out, const LayerRule *rules, int n,
                         const Segment *segments, int n_segments, Arena *arena);

#endif
