#include "lab/train/layer_rules.h"

#include "lab/base/text.h"

#include <fnmatch.h>
#include <string.h>

typedef struct MatchSettings {
    const char *match;
} MatchSettings;

static const Param match_rows[] = {
    PARAM(TEXT, MatchSettings, match, NULL, 0, 0, "1",
          "shell pattern of tensor names, such as *.bias"),
    PARAM_END,
};

static const char *const flag_keys[] = {"decay", "adapt", NULL};

static Error *read_flag(int *out, const Json *rule, const char *key) {
    const Json *value = json_find(rule, key);
    *out = -1;
    if (!value)
        return NULL;
    if (value->kind != JSON_BOOL)
        return error_hint(
            json_error(value, "is %s, but should be true or false", json_kind_name(value->kind)),
            "leave it out to keep what the model says");
    *out = value->flag;
    return NULL;
}

Error *layer_rules_read(const LayerRule **out, int *n, const Json *list, Arena *arena) {
    *out = NULL;
    *n = 0;
    if (!list)
        return NULL;
    if (list->kind != JSON_ARRAY)
        return error_hint(
            json_error(list, "is %s, but should be a list of rules", json_kind_name(list->kind)),
            "for example [{\"match\": \"*.bias\", \"decay\": true}]");
    LayerRule *rules = ARENA_ARRAY(arena, LayerRule, list->n);
    JSON_EACH (item, list) {
        MatchSettings match;
        LayerRule *rule = &rules[(*n)++];
        PASS(param_read(&match, match_rows, item, flag_keys, arena));
        rule->match = match.match;
        PASS(read_flag(&rule->decay, item, "decay"));
        PASS(read_flag(&rule->adapt, item, "adapt"));
    }
    *out = rules;
    return NULL;
}

Json *layer_rules_write(const LayerRule *rules, int n, Arena *arena) {
    Json *list = json_array(arena);
    for (int i = 0; i < n; i++) {
        Json *one = json_add(list, NULL, json_object(arena), arena);
        json_add_text(one, "match", rules[i].match, arena);
        if (rules[i].decay >= 0)
            json_add_flag(one, "decay", rules[i].decay, arena);
        if (rules[i].adapt >= 0)
            json_add_flag(one, "adapt", rules[i].adapt, arena);
    }
    return list;
}

static Error *no_match(const LayerRule *rule, const Segment *segments, int n_segments,
                       Arena *arena) {
    Text names = text_new(arena);
    for (int i = 0; i < n_segments && i < 12; i++)
        text_add(&names, "%s%s", i ? ", " : "", segments[i].name);
    return error_hint(
        error_new(CODE_USAGE, "trial.layers: '%s' matches no tensor of the model", rule->match),
        "its tensors are %s%s", names.data, n_segments > 12 ? ", ..." : "");
}

Error *layer_rules_apply(const Segment **out, const LayerRule *rules, int n,
                         const Segment *segments, int n_segments, Arena *arena) {
    Segment *copy = ARENA_ARRAY(arena, Segment, n_segments);
    memcpy(copy, segments, sizeof *copy * (size_t)n_segments);
    for (int i = 0; i < n; i++) {
        int n_matches = 0;
        for (int j = 0; j < n_segments; j++) {
            if (fnmatch(rules[i].match, copy[j].name, 0) != 0)
                continue;
            n_matches++;
            copy[j].decay = rules[i].decay >= 0 ? rules[i].decay : copy[j].decay;
            copy[j].adapt = rules[i].adapt >= 0 ? rules[i].adapt : copy[j].adapt;
        }
        if (n_matches == 0)
            return no_match(&rules[i], segments, n_segments, arena);
    }
    *out = copy;
    return NULL;
}
