/* Experiment: one JSON file (DESIGN 5), read, checked and resolved. */
#ifndef LAB_SWEEP_EXPERIMENT_H
#define LAB_SWEEP_EXPERIMENT_H

#include "lab/data/shelf.h"
#include "lab/store/run.h"
#include "lab/sweep/branches.h"
#include "lab/sweep/search.h"

typedef struct LayoutSettings {
    ParamCounts replicas, threads;
    int mode;           /* RunMode: RUN_FULL or RUN_VERIFY */
    int64_t steps;      /* of verify runs */
    double max_seconds; /* 0: none */
    double checkpoint_s;
    int64_t bucket_kib; /* 0: none */
    const char *label;  /* tells measurements of one layout apart; NULL: none */
    const CollectiveType *collective;
} LayoutSettings;

/* One trial of the plan: a point of the sweep and a seed. */
typedef struct PlannedTrial {
    char id[TRIAL_ID_ROOM];
    uint64_t seed;
    TrialSettings settings;
    const char *config;  /* canonical JSON of the resolved settings */
    const Dataset *data; /* probed; shared by the trials of one dataset setting */
    int64_t total_steps;
    double total_examples;
    int64_t most_replicas; /* of its smallest batch: no layout has more replicas */
    const SweepCell *cell; /* of a search, NULL: none */
    int point;             /* in its cell */
    SearchRole role;
} PlannedTrial;

typedef struct Experiment {
    const char *name, *question;
    const char *file;     /* where it was read */
    const Json *resolved; /* canonical config, written to experiment.json */
    const char *sha256;   /* of it */
    LayoutSettings layouts;
    Branches branches;
    int n_trials;
    PlannedTrial *trials; /* distinct ids, in sweep order, each trunk before its branches; seeds or
                             points innermost */
    const Search *search; /* NULL: none; then the trials are its points */
    int n_cells;
    SweepCell *cells;           /* (n_cells) in sweep order */
    const uint64_t *rerun_seed; /* (search->rerun_seeds) */
    DataPaths paths;
    Shelf *shelf; /* that the datasets are on, NULL: they are this process's own */
} Experiment;

/* The rows of the top level and of `layouts`, for the schema. */
const Param *experiment_rows(void);
const Param *experiment_layout_rows(void);
const Param *experiment_layout_count_rows(void); /* lists, or a single number each */

#define EXPERIMENT_MAX_SEEDS 10000
#define EXPERIMENT_MAX_DATASETS 64

/* Reads a file with overrides ("key.path=value") and resolves every trial: expands the sweep,
 * checks every setting, loads every dataset (its content hash is part of the trial id). Reads
 * nothing from results. */
Error *experiment_load(Experiment *out, const char *file, const char *const *overrides,
                       int n_overrides, Arena *arena);
/* The same with datasets on a shelf, for a process that shares them. */
Error *experiment_load_shared(Experiment *out, const char *file, const char *const *overrides,
                              int n_overrides, Shelf *shelf, Arena *arena);

/* Sets what "key.path=value" says in an object: the value is JSON, else a string. */
Error *experiment_override(Json *root, const char *text, Arena *arena);

/* Keeps every count-th trial from number `index` on: what one element of a job array does. Name,
 * config and hash stay, so that all shares work in one folder. Errors (code 2): index not below
 * count; a search, whose second stage follows from all points. */
Error *experiment_take_share(Experiment *experiment, int64_t index, int64_t count, Arena *arena);

/* Says which overrides have no effect because the sweep or the search sets the same thing. */
void experiment_note_overrides(const Experiment *experiment, const char *const *overrides,
                               int n_overrides, Arena *arena);

#endif
