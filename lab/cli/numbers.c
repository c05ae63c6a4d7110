#include "lab/cli/numbers.h"

#include "lab/analyze/gate.h"

#include <math.h>
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

static Error *bad_targets(const char *text, const char *why) {
    return error_hint(
        error_new(CODE_USAGE, "--targets is '%s': %s", text, why),
        "one to %d values of the runs' metric with commas between: --targets 0.9,0.95",
        TARGETS_MAX);
}

Error *numbers_targets(const TargetsAsked **out, const CommandLine *line, Arena *arena) {
    const char *text = command_option(line, "--targets"), *at = text;
    *out = NULL;
    if (!text)
        return NULL;
    TargetsAsked *asked = ARENA_NEW(arena, TargetsAsked);
    *asked = (TargetsAsked){0};
    for (;; at++) {
        char *end;
        double value = strtod(at, &end);
        if (end == at || !isfinite(value) || (*end && *end != ','))
            return bad_targets(text, "not a list of numbers");
        if (asked->n == TARGETS_MAX)
            return bad_targets(text, "too many");
        asked->value[asked->n++] = value;
        at = end;
        if (!*at)
            break;
    }
    *out = asked;
    return NULL;
}
