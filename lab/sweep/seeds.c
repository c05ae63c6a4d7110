#include "lab/sweep/seeds.h"

#include "lab/sweep/experiment.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static Error *hint_seeds(Error *error) {
    return error_hint(error,
                      "legal: a count up to %d (seeds 0 to n-1), a list such as [0, 7], or a span "
                      "such as \"1000..1004\"; a seed is a whole number "
                      "from 0 below 2^64 (from 2^53 on as a text)",
                      EXPERIMENT_MAX_SEEDS);
}

static Error *read_seed(uint64_t *out, const Json *seed) {
    if (seed->kind == JSON_NUMBER && seed->number >= 0 && seed->number == floor(seed->number)) {
        *out = (uint64_t)seed->number; /* below 2^53: json_parse refuses more */
        return NULL;
    }
    if (seed->kind == JSON_TEXT && seed->text[0] >= '0' && seed->text[0] <= '9') {
        char *end;
        errno = 0;
        *out = strtoull(seed->text, &end, 10);
        if (*end == '\0' && errno == 0)
            return NULL;
    }
    return hint_seeds(json_error(seed, "is no seed"));
}

static Error *read_seed_list(uint64_t **out, int *n, const Json *seeds, Arena *arena) {
    if (seeds->n < 1 || seeds->n > EXPERIMENT_MAX_SEEDS)
        return hint_seeds(json_error(seeds, "is a list of %d seeds", seeds->n));
    *out = ARENA_ARRAY(arena, uint64_t, seeds->n);
    *n = 0;
    JSON_EACH (child, seeds) {
        uint64_t seed = 0;
        PASS(read_seed(&seed, child));
        for (int i = 0; i < *n; i++)
            if ((*out)[i] == seed)
                return error_hint(json_error(child, "stands twice"), "give every seed once");
        (*out)[(*n)++] = seed;
    }
    return NULL;
}

/* "1000..1004": both ends are seeds. */
static Error *read_seed_span(uint64_t **out, int *n, const Json *seeds, Arena *arena) {
    const char *dots = strstr(seeds->text, "..");
    Json *end[2];
    uint64_t seed[2] = {0};
    if (!dots)
        return hint_seeds(json_error(seeds, "is '%s', which is no span of seeds", seeds->text));
    end[0] = json_text(arena_copy_n(arena, seeds->text, (size_t)(dots - seeds->text)), arena);
    end[1] = json_text(dots + 2, arena);
    for (int i = 0; i < 2; i++) {
        Error *error = read_seed(&seed[i], end[i]);
        if (error) {
            error_end(error);
            return hint_seeds(json_error(seeds, "is '%s', which is no span of seeds", seeds->text));
        }
    }
    if (seed[1] < seed[0] || seed[1] - seed[0] >= EXPERIMENT_MAX_SEEDS)
        return hint_seeds(
            json_error(seeds, "is '%s', which is an empty or too long span", seeds->text));
    *n = (int)(seed[1] - seed[0]) + 1;
    *out = ARENA_ARRAY(arena, uint64_t, *n);
    for (int i = 0; i < *n; i++)
        (*out)[i] = seed[0] + (uint64_t)i;
    return NULL;
}

Error *seeds_read(uint64_t **out, int *n, const Json *seeds, Arena *arena) {
    if (seeds && seeds->kind == JSON_ARRAY)
        return read_seed_list(out, n, seeds, arena);
    if (seeds && seeds->kind == JSON_TEXT)
        return read_seed_span(out, n, seeds, arena);
    if (seeds && seeds->kind != JSON_NUMBER)
        return hint_seeds(json_error(seeds, "is %s, but should be a count, a list or a span",
                                     json_kind_name(seeds->kind)));
    double count = seeds ? seeds->number : 1;
    if (count != floor(count))
        return hint_seeds(json_error(seeds, "is %g, but should be a whole number", count));
    if (count < 1 || count > EXPERIMENT_MAX_SEEDS)
        return hint_seeds(json_error(seeds, "is %g, which is out of range", count));
    *n = (int)count;
    *out = ARENA_ARRAY(arena, uint64_t, *n);
    for (int i = 0; i < *n; i++)
        (*out)[i] = (uint64_t)i;
    return NULL;
}

Json *seeds_write(const uint64_t *seeds, int n, Arena *arena) {
    Json *list = json_array(arena);
    for (int i = 0; i < n; i++) {
        bool exact = seeds[i] < (uint64_t)1 << 53;
        const char *text = arena_print(arena, "%llu", (unsigned long long)seeds[i]);
        json_add(list, NULL, exact ? json_number((double)seeds[i], arena) : json_text(text, arena),
                 arena);
    }
    return list;
}
