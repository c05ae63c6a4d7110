/* The `search` object of an experiment: tuning inside every cell of the sweep. A cell is what the
 * sweep makes of the trial; its points are the same cell with other values of the searched settings
 * and are all trained at the first seed. When all of them ended, the best one is trained again with
 * fresh seeds. Shallue et al. 2019 (arXiv 1811.03600), section 4: the same number of trials for
 * every optimizer at every batch size. */
#ifndef LAB_SWEEP_SEARCH_H
#define LAB_SWEEP_SEARCH_H

#include "lab/store/search_record.h"
#include "lab/sweep/prune.h"
#include "lab/sweep/space.h"

#define SEARCH_MAX_TRIALS 10000

typedef struct Search {
    const SearchType *algorithm;
    int64_t trials; /* points of a cell; 0: the grid's */
    int64_t seed;
    int64_t rerun_seeds; /* fresh seeds that the best point of a cell is trained with */
    int64_t parallel;    /* points at a time, 0: as many as there are cores for */
    Prune prune;         /* without rungs: no pruning */
    bool has_goal;
    SearchGoal goal;            /* with has_goal; else by the trial */
    const Json *where;          /* the object in the file */
    const Json *space, *spaces; /* the axes; and by optimizer, NULL when there are none */
} Search;

/* One point of the sweep with its search. */
typedef struct SweepCell {
    char id[SEARCH_CELL_ROOM]; /* hash of the trial's config without the searched settings */
    const Search *search;
    Space space;
    SearchGoal goal;
    int n_points;
    int *trial; /* (n_points) index into Experiment.trials; equal points share one */
} SweepCell;

const Param *search_rows(void);      /* for the schema and the manual page */
const Param *search_goal_rows(void); /* of search.goal */

/* Reads the object, all but the axes' fit to trials. NULL: *out = NULL, there is no search. */
Error *search_read(const Search **out, const Json *object, Arena *arena);
/* As it acts: defaults filled in, axes as given. */
Json *search_write(const Search *search, Arena *arena);

/* The axes for one optimizer. */
Error *search_space(Space *out, const Search *search, const char *optimizer, Arena *arena);

/* The axis that replaces the setting `name` in trials of every optimizer, or NULL. */
const Json *search_shadow(const Search *search, const char *name);

/* The goal in a cell whose trials have these settings. Errors: a goal that they cannot tell. */
Error *search_goal(SearchGoal *out, const Search *search, const TrialSettings *settings,
                   const Dataset *data);

/* The journal's entry for one point of a cell, canonical JSON. */
const char *search_entry(const SweepCell *cell, int point, SearchRole role, Arena *arena);

/* Fresh seeds, n of them: what `seeds` lists behind its first, then the numbers that follow the
 * first and are not listed. */
void search_fresh_seeds(uint64_t *out, int n, const uint64_t *seeds, int n_seeds);

#endif
