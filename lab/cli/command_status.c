#include "lab/cli/command.h"
#include "lab/cli/folder.h"
#include "lab/cli/watched.h"

#include <stdio.h>

/* Planned anew, because a search may go on after its last point. */
static int code_of(const Watched *watched) {
    if (watched->n_planned < 0 || watched->grows || watched_done(watched) < watched->n_planned)
        return watched->alive ? CODE_CLAIMED : CODE_CHECK;
    return watched->n_of[STATE_ENDED + OUTCOME_FAILED] ? CODE_SOME_FAILED : CODE_OK;
}

static Error *run_status(const CommandLine *line, int *code, Arena *arena) {
    const char *word, *folder, *results = command_option(line, "--results");
    Watched watched;
    PASS(command_one_word(&word, line, &command_status, "results folder or experiment file"));
    PASS(folder_find(&folder, word, results ? results : "results", arena));
    PASS(watched_new(&watched, folder, arena));
    PASS(watched_look(&watched, NULL, NULL));
    *code = code_of(&watched);
    if (command_option(line, "--json")) {
        Json *object = watched_json(&watched, arena);
        json_add_flag(object, "complete", *code == CODE_OK || *code == CODE_SOME_FAILED, arena);
        printf("%s", json_pretty(object, arena));
    } else {
        printf("%s: %s\n", watched.name, watched_totals(&watched, arena));
        if (watched.n_planned < 0)
            printf("how many runs there are to be is unknown: %s\n", watched.why_unplanned);
    }
    watched_end(&watched);
    return NULL;
}

static const Option options[] = {
    {"--json", NULL, "for machines, with every run"},
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(status) = {
    .kind = {.name = "status",
             .summary = "is a sweep done? one line, and the exit code says it",
             .detail = "Exit code 0: all runs are done; 4: all are done and some failed; 5: a "
                       "process works on what is left;\n"
                       "3: something is left and nobody works on it."},
    .usage = "RESULTS/NAME|EXPERIMENT.json",
    .options = options,
    .run = run_status,
};
