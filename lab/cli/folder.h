/* What several commands do with an experiment or its results folder. */
#ifndef LAB_CLI_FOLDER_H
#define LAB_CLI_FOLDER_H

#include "lab/analyze/targets.h"
#include "lab/base/arena.h"
#include "lab/base/error.h"
#include "lab/cli/gathering.h"

#include <stdbool.h>

/* results/NAME from a word on the command line: a results folder, or an experiment file (its
 * `experiment` names the folder below `results`). Error 66 when there are no results. */
Error *folder_find(const char **out, const char *word, const char *results, Arena *arena);

/* Gathers the folder's runs, see gathering.h. */
Error *folder_gather(const char *folder, bool each, Arena *arena);

/* Writes tables, figures and report.html, and meanwhile gathers the same runs; *path is the page's.
 * `asked` as in analyze.h. */
Error *folder_report(const char *folder, const TargetsAsked *asked, char **path, Arena *arena);
/* The same, when the folder's gathering has begun. */
Error *folder_report_with(Gathering *gathering, const char *folder, const TargetsAsked *asked,
                          char **path, Arena *arena);

/* Relative to the working directory when it lies below it. */
const char *folder_relative(const char *path, Arena *arena);

#endif
