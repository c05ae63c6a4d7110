#include "lab/cli/numbers.h"

#include "lab/analyze/gate.h"

#include <stdlib.h>

Error *numbers_margin(double *out, const CommandLine *line) {
    const char *word = command_option(line, "--margin");
    *out = GATE_MARGIN;
    if (!word)
        return NULL;
    char *end;
    *out = strtod(word, &end);
    if (end != word && *end == '\0' && *out >= 0 && *out < 1)
        return NULL;
    return error_hint(
        error_new(CODE_USAGE, "the margin '%s' is not a fraction from 0 to below 1", word),
        "--margin 0.02: two percent more or fewer examples do not matter");
}
