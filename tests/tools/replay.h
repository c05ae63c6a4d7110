/* What the parts of optim_replay share: one case at a time, compared number by number. */
#ifndef TESTS_TOOLS_REPLAY_H
#define TESTS_TOOLS_REPLAY_H

#include "lab/base/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REPLAY_TOLERANCE 1e-10

typedef struct Replay {
    int n_replayed, n_failed, n_unsupported;
    Arena *arena;
    /* the case at hand */
    const char *group, *name;
    double worst; /* largest relative difference so far */
    int n_compared;
    const char *reason; /* why it cannot be replayed, or is malformed; NULL: it can */
    bool is_malformed;
} Replay;

static inline void replay_begin(Replay *replay, const char *group, const char *name) {
    replay->group = group;
    replay->name = name;
    replay->worst = 0;
    replay->n_compared = 0;
    replay->reason = NULL;
    replay->is_malformed = false;
}

static inline bool replay_is_open(const Replay *replay) {
    return replay->reason == NULL;
}

/* The first reason stays. */
static inline void replay_unsupported(Replay *replay, const char *what, const char *detail) {
    if (!replay->reason)
        replay->reason = arena_print(replay->arena, "%s '%s'", what, detail);
}

static inline void replay_malformed(Replay *replay, const char *what, const char *detail) {
    if (!replay->reason) {
        replay->reason = arena_print(replay->arena, "%s '%s'", what, detail);
        replay->is_malformed = true;
    }
}

/* `scale`: the largest number of the vector that the two stand in; what rounding leaves of a
 * cancellation is not held against numbers a million times smaller. */
static inline void replay_compare(Replay *replay, double got, double expected, double scale) {
    double size = fmax(fmax(fabs(got), fabs(expected)), 1e-6 * scale);
    double difference = got == expected ? 0 : fabs(got - expected) / size;
    replay->n_compared++;
    if (!(difference <= replay->worst)) /* NaN counts */
        replay->worst = difference;
}

static inline void replay_number(Replay *replay, double got, const Json *expected) {
    if (!expected || expected->kind != JSON_NUMBER)
        replay_malformed(replay, "there is no number",
                         expected && expected->key ? expected->key : "?");
    else
        replay_compare(replay, got, expected->number, 0);
}

static inline void replay_end(Replay *replay) {
    if (!replay->reason && replay->n_compared == 0)
        replay_malformed(replay, "there is nothing to compare in", replay->name);
    if (replay->reason && !replay->is_malformed) {
        replay->n_unsupported++;
        printf("unsupported  %s %s: %s\n", replay->group, replay->name, replay->reason);
        return;
    }
    bool fails = replay->reason || !(replay->worst <= REPLAY_TOLERANCE);
    replay->n_failed += fails;
    replay->n_replayed += !fails;
    if (replay->reason)
        printf("FAILED       %s %s: %s\n", replay->group, replay->name, replay->reason);
    else
        printf("%s  %-8.2g %s %s (%d numbers)\n", fails ? "FAILED     " : "replayed   ",
               replay->worst, replay->group, replay->name, replay->n_compared);
}

/* ---- names with numbers in them: "step_gamma0.1_every4" */

/* The number right behind the first `word` in `name`, or `standard`. */
static inline double replay_number_in(const char *name, const char *word, double standard) {
    const char *at = strstr(name, word);
    double value;
    return at && sscanf(at + strlen(word), "%lf", &value) == 1 ? value : standard;
}

static inline bool replay_has_prefix(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* ---- settings under construction */

/* Sets, or replaces, one key of an object. */
static inline void replay_set(Replay *replay, Json *object, const char *key, const Json *value) {
    Error *error = json_set(object, key, value, replay->arena);
    if (error) {
        replay_malformed(replay, "cannot set", key);
        error_end(error);
    }
}

static inline void replay_set_number(Replay *replay, Json *object, const char *key, double value) {
    replay_set(replay, object, key, json_number(value, replay->arena));
}

static inline void replay_set_text(Replay *replay, Json *object, const char *key,
                                   const char *value) {
    replay_set(replay, object, key, json_text(value, replay->arena));
}

static inline void replay_set_flag(Replay *replay, Json *object, const char *key, bool value) {
    replay_set(replay, object, key, json_flag(value, replay->arena));
}

static inline Json *replay_parse(Replay *replay, const char *text) {
    Json *json = json_object(replay->arena);
    Error *error = json_parse(&json, text, strlen(text), "replay", replay->arena);
    if (error) {
        replay_malformed(replay, "cannot read", text);
        error_end(error);
    }
    return json;
}

#endif
