#include "lab/sweep/algorithm.h"

#define SEARCH(name) extern const SearchType search_##name;
#include "lab/sweep/searches.def"
#undef SEARCH
#define SEARCH(name) &search_##name.kind,
const Kind *const search_table[SEARCH_N] = {
#include "lab/sweep/searches.def"
};
#undef SEARCH
