/* Search algorithms: which points of a space a search tries. A point is a pure function of (seed,
 * number): any order of workers gives the same trials, more trials keep the earlier ones, and every
 * cell with the same space gets the same points. */
#ifndef LAB_SWEEP_ALGORITHM_H
#define LAB_SWEEP_ALGORITHM_H

#include "lab/base/kind.h"

#define SEARCH_MAX_AXES 32

typedef struct SearchType {
    Kind kind;
    bool counts_levels; /* the axes say how many points there are, not `trials` */
    /* The point's place on each axis, u in [0, 1] (n_axes). levels[i]: of an axis that counts them,
     * or of a choice; 0: none. */
    void (*place)(double *u, int n_axes, const int64_t *levels, uint64_t seed, int64_t point);
} SearchType;

#define SEARCH(name) SEARCH_ID_##name,
enum {
#include "lab/sweep/searches.def"
    SEARCH_N
};
#undef SEARCH
#define SEARCH_TYPE(name)                                                                          \
    extern const SearchType search_##name;                                                         \
    _Static_assert(SEARCH_ID_##name >= 0, "line in searches.def");                                 \
    const SearchType search_##name

extern const Kind *const search_table[SEARCH_N];

#endif
