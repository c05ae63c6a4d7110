#include "lab/cli/carry_out.h"

#include "lab/base/home.h"
#include "lab/base/io.h"

/* The installed tree beside the program, or the source tree it was built from. */
static Error *run_demo(const CommandLine *line, int *code, Arena *arena) {
    if (line->n_words > 0)
        return error_hint(
            error_new(CODE_USAGE, "`batchlab demo` takes no file, but got '%s'", line->word[0]),
            "batchlab run %s", line->word[0]);
    const char *file = "experiments/quickstart.json";
    if (!io_exists(file))
        file = home_file(file, BATCHLAB_PREFIX, BATCHLAB_SOURCE, arena);
    return carry_out_file(file, line, code, arena);
}

COMMAND_TYPE(demo) = {
    .kind = {.name = "demo",
             .summary =
                 "runs experiments/quickstart.json on embedded data; prints the report's path"},
    .usage = "[key.path=value ...]",
    .options = carry_out_options,
    .run = run_demo,
};
