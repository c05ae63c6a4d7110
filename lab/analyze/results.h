/* Results: everything known about one experiment folder, read once and looked at from all sides. */
#ifndef LAB_ANALYZE_RESULTS_H
#define LAB_ANALYZE_RESULTS_H

#include "lab/analyze/advice.h"
#include "lab/analyze/branched.h"
#include "lab/analyze/cells.h"
#include "lab/analyze/claims.h"
#include "lab/analyze/critical.h"
#include "lab/analyze/invariance.h"
#include "lab/analyze/scaling.h"
#include "lab/analyze/targets.h"
#include "lab/analyze/timing.h"
#include "lab/analyze/tuned.h"

typedef struct Results {
    const char *name, *question; /* of the experiment */
    int n_runs;
    const RunRecord *runs; /* by run id */
    const Cells *cells;
    Lines lines;         /* what figures draw */
    Criticals criticals; /* one a line */
    Targets targets;     /* the run's own and lesser ones */
    Brancheds brancheds; /* branches off the trials of the cells */
    Tuned tuned;         /* learning rates that searches chose */
    Claims claims;       /* large-batch optimizers against their baselines */
    Timings timings;
    Scaling scaling;
    Advice advice; /* for the cluster of FOLDER/cluster.json, else for the study's own machine */
    Invariance invariance;
} Results;

/* Analyzes `runs` (n), which must outlive the result. `name` and `question` may be NULL: the runs
 * say them too. */
Results *results_make(const char *name, const char *question, const RunRecord *runs, int n,
                      Arena *arena);

/* Looks at the targets that were asked for instead of those that the lab chooses. Errors as in
 * targets_check. */
Error *results_ask(Results *results, const TargetsAsked *asked, Arena *arena);

/* Reads an experiment folder. Errors: no such folder, no run in it (code 66), unreadable files. */
Error *results_load(Results **out, const char *folder, Arena *arena);
/* The same when its runs (n, which must outlive the result) have been read already. */
Error *results_from(Results **out, const char *folder, const RunRecord *runs, int n, Arena *arena);

/* Advice for a cluster (NULL: the study's own machine) by the line that is labelled so (NULL: any).
 */
Advice results_advise(const Results *results, const Cluster *cluster, const char *label,
                      Arena *arena);

#endif
