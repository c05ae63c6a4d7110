/* Advice: which global batch and how many replicas, on a cluster that need not be the study's own
 * machine. Seconds to the target = steps to the target at a batch (the study's statistical side) x
 * seconds of a step on so many replicas (its hardware side, and the cluster's network). */
#ifndef LAB_ANALYZE_ADVICE_H
#define LAB_ANALYZE_ADVICE_H

#include "lab/analyze/cluster.h"
#include "lab/analyze/critical.h"
#include "lab/analyze/overlap.h"
#include "lab/analyze/scaling.h"
#include "lab/analyze/work.h"

#define ADVICE_EFFICIENCY 0.8
#define ADVICE_NOTES 16
/* How far beyond the largest batch that was fitted a well-known curve may be continued. */
#define ADVICE_BEYOND 2

typedef struct Choice {
    int64_t global_batch, mini_batch;
    int replicas, nodes;
    double examples, steps;          /* to the target, by the study's curve */
    Interval examples_in;            /* 90 %; NaN: unknown */
    double passes_s, comm_s, step_s; /* of a step; passes: of the slowest replica */
    double seconds;                  /* to the target, evaluations left out */
    Interval seconds_in;             /* 90 % */
    double paid_s;                   /* seconds x replicas */
    double hardware;    /* T(B,1) / (R T(B,R)): what the machine makes of its replicas */
    double statistical; /* least examples of all choices / examples */
    double efficiency;  /* least paid_s of all choices / paid_s: both at once */
    bool extrapolated;  /* the batch lies beyond those that the curve was fitted to */
} Choice;

typedef struct Advice {
    const char *missing, *hint; /* why there is none, NULL when there is; what would help */
    const Line *line;           /* of the study: one optimizer */
    const Critical *critical;   /* its curve; missing: medians of single batches instead */
    const RunHeader *header;    /* of one of its runs */
    Cluster cluster;
    bool own; /* no cluster was named: the study's own machine, with what its runs said of sums */
    Work work;
    Overlap overlap; /* of the study's runs in buckets */
    int n;
    Choice *choice;                               /* (n) by global batch, then replicas */
    const Choice *fastest, *efficient, *cheapest; /* least seconds; the same among those with at
                             least ADVICE_EFFICIENCY; least paid_s */
    Interval fastest_batch, fastest_replicas; /* 90 % of redrawn studies choose in here; NaN: not
                                                 known */
    double errors_median, errors_worst; /* of predicted steps of measured layouts, NaN: none */
    int n_errors;
    int n_notes;
    const char *note[ADVICE_NOTES]; /* what was assumed or goes beyond what was measured */
} Advice;

/* What the analysis has that advice is made of. */
typedef struct AdviceStudy {
    const Lines *lines;
    const Criticals *criticals;
    const Timings *timings;
    const Scaling *scaling;
} AdviceStudy;

/* For `cluster`, or the study's own machine (NULL). Of several lines the one that gets there first
 * speaks, or the one that is labelled `label` (NULL: any). */
Advice advice_make(const AdviceStudy *study, const Cluster *cluster, const char *label,
                   Arena *arena);

/* For people: a table of the three choices, why, and what was assumed; for machines the same. */
const char *advice_text(const Advice *advice, Arena *arena);
Json *advice_json(const Advice *advice, Arena *arena);
/* "B = 4,096 on 64 replicas" */
const char *advice_choice_text(const Choice *choice, Arena *arena);

#endif
