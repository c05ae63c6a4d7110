/* Site: what a cluster wants to know beside the experiment. One JSON file (experiments/sites/), in
 * which each engine has a section of its own, and the words of `--set`. Never part of a trial. */
#ifndef LAB_SWEEP_SITE_H
#define LAB_SWEEP_SITE_H

#include "lab/sweep/target.h"

typedef struct Site {
    const char *name; /* of the job, NULL: batchlab-<experiment> */
    /* ---- size; 0: as the experiment's layouts want it */
    int64_t nodes, ranks_per_node;
    int64_t cores_per_node, memory_per_node_mb; /* what a node has; 0: not known */
    const char *walltime;                       /* NULL: from the plan */
    int64_t lead_s;                             /* from the signal to the end */
    bool array;                                 /* an array of trials instead of one allocation */
    int64_t parallel;                           /* elements of it at a time, 0: all */
    /* ---- places */
    const char *program; /* NULL: this one; in a container `batchlab` */
    const char *image, *experiments, *results, *data;
    const char *pull, *push; /* hooks of `run`, NULL: none */
    int n_env;
    const char **env_name, **env_value; /* (n_env) */
    void *section[TARGET_N];            /* each target's settings */
    const Json *where;
} Site;

extern const Param site_rows[]; /* all but `env` and the sections */

/* Reads the file at `path`, then the settings ("nodes=4", "slurm.account=physics"). Errors (code
 * 2): unknown keys and values out of range, in any section. */
Error *site_load(Site *out, const char *path, const char *const *settings, int n_settings,
                 Arena *arena);

/* The value a message is about: that of a dotted path, else the whole. */
const Json *site_where(const Site *site, const char *dotted);

#endif
