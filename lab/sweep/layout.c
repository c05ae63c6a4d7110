#include "lab/sweep/layout.h"

#include <string.h>

static const char *const mode_names[] = {"full", "verify", NULL};

static const Param layout_rows[] = {
    PARAM(NUMBER, LayoutSettings, max_seconds, "0", 0, 1e9, "s",
          "a run stops as interrupted after this long, 0: never"),
    PARAM(NUMBER, LayoutSettings, checkpoint_s, "5", 0, 1e9, "s",
          "a full run writes a checkpoint each time this long passed, 0: only when it is "
          "interrupted"),
    PARAM(COUNT, LayoutSettings, steps, "50", 1, 1e9, "steps", "steps of a verify run"),
    PARAM(COUNT, LayoutSettings, bucket_kib, "0", 0, 1 << 21, "KiB",
          "replicas sum gradients in buckets of this and more while they still compute, for slow "
          "links; 0: whole"),
    PARAM(TEXT, LayoutSettings, label, "null", 0, 0, "1",
          "another name for the same layouts, which are measured once more under it: another "
          "network, another machine; letters, digits, _, at most 24"),
    PARAM_FROM(LayoutSettings, mode, "\"verify\"", mode_names,
               "train once and verify layouts, or train on every layout"),
    PARAM_END,
};

static const char *const layout_keys[] = {"replicas",   "threads", "mode",        "steps",
                                          "bucket_kib", "label",   "max_seconds", "checkpoint_s",
                                          "collective", NULL};

typedef struct CountsSettings {
    ParamCounts replicas, threads;
} CountsSettings;

static const Param counts_rows[] = {
    PARAM(COUNTS, CountsSettings, replicas, "[1]", 1, 65536, "replicas",
          "MPI processes that share a trial"),
    PARAM(COUNTS, CountsSettings, threads, "[1]", 1, 1024, "threads",
          "OpenMP threads of a replica"),
    PARAM_END,
};

const Param *experiment_layout_rows(void) {
    return layout_rows;
}

const Param *experiment_layout_count_rows(void) {
    return counts_rows;
}

static Error *check_distinct(const Json *list) {
    JSON_EACH (child, list)
        for (const Json *other = list->first; other != child; other = other->next)
            if (child->kind == JSON_NUMBER && other->kind == JSON_NUMBER &&
                child->number == other->number)
                return error_hint(json_error(child, "stands twice"), "give every value once");
    return NULL;
}

/* A single number may stand for a list of one. */
static Error *as_list(const Json **out, const Json *layouts, const char *key, Arena *arena) {
    const Json *value = layouts ? json_find(layouts, key) : NULL;
    if (value && value->kind == JSON_NUMBER) {
        Json *list = json_array(arena);
        list->file = value->file;
        list->line = value->line;
        list->path = value->path;
        json_add(list, NULL, json_copy(value, arena), arena);
        value = list;
    }
    if (value && value->kind == JSON_ARRAY && value->n == 0)
        return error_hint(json_error(value, "is an empty list"), "for example [1, 2, 4]");
    *out = value;
    return value ? check_distinct(value) : NULL;
}

/* It stands in folder names. */
static Error *check_label(const char *label, const Json *where) {
    enum { MOST = 24 };
    static const char legal[] = "0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t n = label ? strlen(label) : 1;
    if (n == 0 || n > MOST)
        return error_hint(json_error(where, "has %zu characters, but should have 1 to %d", n, MOST),
                          "for example \"ib_100g\"; null for none");
    if (label && strspn(label, legal) < n)
        return error_hint(json_error(where, "is '%s', which stands in folder names and has '%c'",
                                     label, label[strspn(label, legal)]),
                          "legal: letters, digits and _, for example \"ib_100g\"");
    return NULL;
}

Error *layout_read(LayoutSettings *out, const Json *layouts, Arena *arena) {
    PASS(param_read(out, layout_rows, layouts, layout_keys, arena));
    PASS(check_label(out->label, layouts ? json_find(layouts, "label") : NULL));
    const char *const keys[] = {"replicas", "threads"};
    Json *lists = json_object(arena);
    for (int i = 0; i < 2; i++) {
        const Json *list = NULL;
        PASS(as_list(&list, layouts, keys[i], arena));
        if (list)
            PASS(json_set(lists, keys[i], list, arena));
    }
    CountsSettings counts;
    PASS(param_read(&counts, counts_rows, lists, NULL, arena));
    out->replicas = counts.replicas;
    out->threads = counts.threads;
    const Json *name = layouts ? json_find(layouts, "collective") : NULL;
    if (name && name->kind != JSON_TEXT)
        return error_hint(json_error(name, "is %s, but should be the name of a collective",
                                     json_kind_name(name->kind)),
                          "`batchlab list collectives` shows all");
    const Kind *kind;
    PASS(kind_find(&kind, collective_table, COLLECTIVE_N, name ? name->text : "tree", "collective",
                   name));
    out->collective = (const CollectiveType *)kind;
    if (out->bucket_kib && !out->collective->reduce_part)
        return error_hint(json_error(json_find(layouts, "bucket_kib"),
                                     "asks for buckets, but the collective '%s' sums whole "
                                     "gradients only",
                                     kind->name),
                          "layouts.collective=tree, or layouts.bucket_kib=0");
    return NULL;
}

Json *layout_write(const LayoutSettings *layouts, Arena *arena) {
    Json *object = json_object(arena);
    const CountsSettings counts = {layouts->replicas, layouts->threads};
    param_write(object, counts_rows, &counts, arena);
    param_write(object, layout_rows, layouts, arena);
    json_add_text(object, "collective", layouts->collective->kind.name, arena);
    return object;
}

Error *layout_check(const Experiment *experiment, const Json *layouts) {
    for (int i = 0; i < experiment->layouts.replicas.n; i++) {
        int64_t replicas = experiment->layouts.replicas.value[i], most = 0;
        for (int j = 0; j < experiment->n_trials; j++) {
            int64_t shards = experiment->trials[j].most_replicas;
            most = shards > most ? shards : most;
        }
        if (replicas <= most)
            continue;
        const Json *where = json_find(layouts, "replicas");
        return error_hint(
            json_error(where ? where : layouts,
                       "has %lld replicas, but no trial of the experiment has "
                       "more than %lld shards or workers",
                       (long long)replicas, (long long)most),
            "a trial has global_batch / mini_batch shards (and workers, where they have state), "
            "one "
            "replica needs at least one: use a larger global_batch, a smaller mini_batch or fewer "
            "replicas");
    }
    return NULL;
}
