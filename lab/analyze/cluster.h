/* Clusters: machines that predictions are made for, one JSON file each (experiments/clusters/). */
#ifndef LAB_ANALYZE_CLUSTER_H
#define LAB_ANALYZE_CLUSTER_H

#include "lab/base/param.h"
#include "lab/comm/cost.h"

typedef struct Cluster {
    const char *cluster, *about; /* name, one sentence */
    int64_t nodes, ranks_per_node, cores_per_node;
    double core_speed; /* of one core, against the one that the study was measured on */
    double overlap;    /* exponent of passes and sum, 1: nothing overlaps */
    double jitter;     /* of a replica's passes, sd over mean; NaN: as the study's were */
    Network net;
    const char *memory_from, *link_from; /* where their numbers come from, for a sentence */
} Cluster;

/* The settings of a file, for manual pages. */
extern const Param cluster_rows[], cluster_memory_rows[], cluster_link_rows[];

/* Reads `word`: a file, or the name of one of experiments/clusters. What the description leaves
 * out (its `memory`, or its `link` when there are several nodes) is taken from the calibration at
 * `calibration` (a path that need not be there), for vectors of `bytes`. Errors: no such cluster
 * (code 66); unknown keys, wrong types, out of range, with file, line and path; numbers that are
 * neither described nor calibrated (code 2), with what measures them. */
Error *cluster_load(Cluster *out, const char *word, const char *calibration, double bytes,
                    Arena *arena);

/* Reads an object, without any calibration. */
Error *cluster_read(Cluster *out, const Json *object, Arena *arena);
/* The whole description, everything spelt out: cluster_read gets the same cluster back. */
Json *cluster_write(const Cluster *cluster, Arena *arena);

/* Ranks of `threads` threads that a node takes. */
int cluster_ranks(const Cluster *cluster, int threads);

#endif
