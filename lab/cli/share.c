#include "lab/cli/share.h"

#include <stdlib.h>

Error *share_take(Experiment *experiment, const CommandLine *line, Arena *arena) {
    const char *text = command_option(line, "--share");
    if (!text)
        return NULL;
    char *end = NULL, *last = NULL;
    long long index = strtoll(text, &end, 10);
    long long count = *end == '/' ? strtoll(end + 1, &last, 10) : 0;
    if (end == text || !last || last == end + 1 || *last)
        return error_hint(error_new(CODE_USAGE, "--share is '%s'", text),
                          "K/N, for example 0/12: every twelfth trial, from the first on");
    TRY(experiment_take_share(experiment, index, count, arena), "--share %s", text);
    return NULL;
}
