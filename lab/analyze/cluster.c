#include "lab/analyze/cluster.h"

#include "lab/analyze/network_fit.h"
#include "lab/base/home.h"
#include "lab/base/io.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

#define LEAST_S 1e-9
#define LEAST_RATE 1e3 /* bytes/s */
#define MOST_RATE 1e15

const Param cluster_rows[] = {
    PARAM(TEXT, Cluster, cluster, NULL, 0, 0, "1", "name"),
    PARAM(TEXT, Cluster, about, "\"\"", 0, 0, "1", "what it is, in a sentence"),
    PARAM(COUNT, Cluster, nodes, NULL, 1, 1 << 16, "1", "machines"),
    PARAM(COUNT, Cluster, ranks_per_node, NULL, 1, 4096, "1", "replicas that share a machine"),
    PARAM(COUNT, Cluster, cores_per_node, NULL, 1, 4096, "1",
          "cores of a machine: replicas times threads must fit"),
    PARAM(NUMBER, Cluster, core_speed, "1", 0.01, 1000, "1",
          "speed of a core, against the one that the study was measured on"),
    PARAM(NUMBER, Cluster, overlap, "1", 1, 10, "1",
          "exponent that joins passes and sum; 1: one after the other, as this program does"),
    PARAM(NUMBER, Cluster, jitter, "0", 0, 1, "1",
          "sd over mean of a replica's passes from step to step; absent: as in the study"),
    PARAM_END,
};

/* Rows of the two inner objects, which fill `net`. */
#define ROW(key, field, min, max, unit, help)                                                      \
    { key, PARAM_NUMBER, offsetof(Network, field), NULL, min, max, unit, help, NULL }

const Param cluster_memory_rows[] = {
    ROW("wait_s", wait_s, LEAST_S, 1, "s", "two replicas of a machine wait for each other"),
    ROW("core_bytes_per_s", core_bytes_per_s, LEAST_RATE, MOST_RATE, "byte/s",
        "memory traffic of one core alone"),
    ROW("bytes_per_s", node_bytes_per_s, LEAST_RATE, MOST_RATE, "byte/s",
        "memory traffic of all cores of a machine"),
    ROW("message_latency_s", inside_s, LEAST_S, 1, "s", "a message inside a machine"),
    ROW("message_bytes_per_s", inside_bytes_per_s, LEAST_RATE, MOST_RATE, "byte/s",
        "rate of one message inside a machine"),
    PARAM_END,
};

const Param cluster_link_rows[] = {
    ROW("latency_s", latency_s, LEAST_S, 10, "s", "a message from machine to machine"),
    ROW("overhead_s", overhead_s, 0, 1, "s",
        "what each further message under way at the same time takes of a core"),
    ROW("bytes_per_s", link_bytes_per_s, LEAST_RATE, MOST_RATE, "byte/s",
        "rate of a machine's link, each way"),
    PARAM_END,
};

static Error *read_part(Network *net, bool *given, const Json *object, const char *key,
                        const Param *rows, Arena *arena) {
    const Json *part = json_find(object, key);
    *given = part != NULL;
    return part ? param_read(net, rows, part, NULL, arena) : NULL;
}

static Error *check_sizes(const Cluster *cluster, const Json *object) {
    if (cluster->ranks_per_node <= cluster->cores_per_node)
        return NULL;
    return error_hint(json_error(json_find(object, "ranks_per_node"),
                                 "is %lld, more than the %lld cores of a machine",
                                 (long long)cluster->ranks_per_node,
                                 (long long)cluster->cores_per_node),
                      "give each replica a core at least");
}

static Error *read(Cluster *out, bool *memory, bool *link, const Json *object, Arena *arena) {
    static const char *const others[] = {"$schema", "memory", "link", NULL};
    if (object->kind != JSON_OBJECT)
        return json_error(object, "is %s, but should be an object", json_kind_name(object->kind));
    *out = (Cluster){.memory_from = "its description", .link_from = "its description"};
    PASS(param_read(out, cluster_rows, object, others, arena));
    if (!json_find(object, "jitter"))
        out->jitter = NAN;
    PASS(read_part(&out->net, memory, object, "memory", cluster_memory_rows, arena));
    PASS(read_part(&out->net, link, object, "link", cluster_link_rows, arena));
    return check_sizes(out, object);
}

/* One replica sums with nobody. */
static bool alone(const Cluster *cluster) {
    return cluster->nodes == 1 && cluster->ranks_per_node == 1;
}

Error *cluster_read(Cluster *out, const Json *object, Arena *arena) {
    bool memory = false, link = false;
    PASS(read(out, &memory, &link, object, arena));
    if ((memory || alone(out)) && (link || out->nodes == 1))
        return NULL;
    return error_hint(json_error(object, "says nothing of its %s", memory ? "link" : "memory"),
                      "describe it, or give a calibration: `batchlab bench comm` makes one");
}

/* ---- files */

static const char *folder(Arena *arena) {
    return home_file("experiments/clusters", BATCHLAB_PREFIX, BATCHLAB_SOURCE, arena);
}

static Error *unknown(const char *word, Arena *arena) {
    char **names = NULL;
    int n = 0;
    Error *none = io_list(&names, &n, folder(arena), arena);
    if (none)
        error_end(none);
    for (int i = 0; i < n; i++)
        names[i] = arena_copy_n(arena, names[i], strcspn(names[i], "."));
    Text text = text_new(arena);
    for (int i = 0; i < n; i++)
        text_add(&text, "%s%s", i ? ", " : "", names[i]);
    const char *near = n ? text_nearest(word, (const char *const *)names, n) : NULL;
    return error_hint(error_new(CODE_MISSING, "there is no cluster '%s'", word),
                      "%s%s%sknown are %s; or give the path of a JSON file",
                      near ? "did you mean '" : "", near ? near : "", near ? "'? " : "",
                      n ? text.data : "none");
}

/* A path, or the name of a description that comes with the program. */
static Error *find(const char **out, const char *word, Arena *arena) {
    *out = word;
    if (io_exists(word) && !io_is_folder(word))
        return NULL;
    if (text_is_name(word)) {
        *out = arena_print(arena, "%s/%s.json", folder(arena), word);
        if (io_exists(*out))
            return NULL;
    }
    return unknown(word, arena);
}

static Error *uncalibrated(const Json *object, const char *what, const char *calibration,
                           const char *how) {
    bool there = io_exists(calibration);
    return error_hint(json_error(object, "says nothing of its %s, and '%s' %s", what, calibration,
                                 there ? "has no such measurements" : "is not there"),
                      "`%s` measures it, or describe it in the file", how);
}

Error *cluster_load(Cluster *out, const char *word, const char *calibration, double bytes,
                    Arena *arena) {
    const char *path;
    Json *object;
    bool memory = false, link = false;
    Calibration measured = {0};
    PASS(find(&path, word, arena));
    PASS(json_load(&object, path, arena));
    TRY(read(out, &memory, &link, object, arena), "reading the cluster '%s'", word);
    memory |= alone(out);
    link |= out->nodes == 1;
    if (memory && link)
        return NULL;
    if (io_exists(calibration))
        PASS(calibration_load(&measured, calibration, arena));
    const char *from = arena_print(arena, "the calibration of '%s'", measured.host);
    if (!memory && !network_fit_memory(&out->net, &measured, (int)out->ranks_per_node, bytes))
        return uncalibrated(object, "memory", calibration, "batchlab bench comm");
    if (!link && !network_fit_link(&out->net, &measured))
        return uncalibrated(object, "link", calibration,
                            "mpirun --hostfile HOSTS batchlab bench comm");
    out->memory_from = memory ? out->memory_from : from;
    out->link_from = link ? out->link_from : from;
    return NULL;
}

Json *cluster_write(const Cluster *cluster, Arena *arena) {
    Json *all = json_object(arena), *out = json_object(arena), *part;
    param_write(all, cluster_rows, cluster, arena);
    JSON_EACH (child, all) /* no jitter of its own: absent */
        if (strcmp(child->key, "jitter") != 0 || isfinite(cluster->jitter))
            json_add(out, child->key, json_copy(child, arena), arena);
    if (!alone(cluster)) {
        part = json_add(out, "memory", json_object(arena), arena);
        param_write(part, cluster_memory_rows, &cluster->net, arena);
    }
    if (cluster->nodes > 1) {
        part = json_add(out, "link", json_object(arena), arena);
        param_write(part, cluster_link_rows, &cluster->net, arena);
    }
    return out;
}

int cluster_ranks(const Cluster *cluster, int threads) {
    int64_t fit = cluster->cores_per_node / threads;
    return (int)(fit < cluster->ranks_per_node ? fit : cluster->ranks_per_node);
}
