/* What several commands do with an experiment or its results folder. */
#ifndef LAB_CLI_FOLDER_H
#define LAB_CLI_FOLDER_H

#include "lab/analyze/targets.h"
#include "lab/base/arena.h"
#include "lab/base/error.h"

#include <stdbool.h>

/* results/NAME from a word on the command line: a results folder, or an experiment file (its
 * `experiment` names the folder below `results`). Error 66 when there are no results. */
Error *folder_find(const char **out, const char *word, const char *results, Arena *arena);

/* Derives <experiment>.h5 from the journals, unless it holds them already, and the run.h5 of
 * finished runs that lack it. With `each` all of them anew. */
Error *folder_gather(const char *folder, bool each, Arena *arena);

/* Gathers as folder_gather does, and meanwhile writes tables, figures and report.html from the same
 * runs; *path is the page's. `asked` as in analyze.h. */
Error *folder_report(const char *folder, const TargetsAsked *asked, char **path, Arena *arena);

/* Relative to the working directory when it lies below it. */
const char *folder_relative(const char *path, Arena *arena);

#endif
