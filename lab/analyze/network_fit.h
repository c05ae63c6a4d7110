/* What a host's calibration says of a network: numbers for cost formulas (lab/comm/cost.h). */
#ifndef LAB_ANALYZE_NETWORK_FIT_H
#define LAB_ANALYZE_NETWORK_FIT_H

#include "lab/comm/cost.h"
#include "lab/store/calibration.h"

#include <stdbool.h>

/* The numbers inside a node of `ranks`. With several: waits and the rate of memory so that the tree
 * costs on as many ranks as were measured what it did, interpolated at vectors of `bytes`; and
 * messages. False when the calibration has not what it takes. */
bool network_fit_memory(Network *net, const Calibration *calibration, int ranks, double bytes);

/* The numbers between nodes. False when no messages between hosts were measured. */
bool network_fit_link(Network *net, const Calibration *calibration);

#endif
