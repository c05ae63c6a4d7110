/* Listings: tables that belong to no figure. */
#ifndef LAB_ANALYZE_LISTING_H
#define LAB_ANALYZE_LISTING_H

#include "lab/analyze/results.h"
#include "lab/analyze/table.h"

/* One row a run: identification, layout, summary, median step, digests. */
Table *listing_runs(const Results *results, Arena *arena);

/* One row a cell: outcomes, spreads over seeds, and the fastest measured layout. */
Table *listing_cells(const Results *results, Arena *arena);

/* One row a run that disagrees with its trial. */
Table *listing_disagreements(const Results *results, Arena *arena);

/* One row a point of every search: settings, outcome, what it reached and where it ranks. */
Table *listing_search(const Results *results, Arena *arena);

/* One row a searched cell: counts, the winner and its reruns, and every warning. */
Table *listing_search_cells(const Results *results, Arena *arena);

/* A table as JSON: an array of objects keyed by column; columns with unit "flag" become booleans,
 * missing numbers null. */
Json *listing_json(const Table *table, Arena *arena);

/* The layout on which a cell's steps are cheapest, oversubscribed ones left out; NULL when none was
 * measured. */
const Timing *listing_fastest(const Results *results, const Cell *cell, Arena *arena);

#endif
