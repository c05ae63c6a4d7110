#include "lab/sweep/hosts.h"

#include <stdlib.h>
#include <string.h>

static Error *lacks(const Json *where, const char *what) {
    return error_hint(json_error(where, "has no %s", what),
                      "is this container started by the service that the job was made for?");
}

static Error *add_pool(Hosts *out, const Json *pool, Arena *arena) {
    JSON_EACH (host, pool) {
        if (host->kind != JSON_TEXT)
            return lacks(host, "host's name");
        out->host[out->n_hosts++] = arena_copy_n(arena, host->text, strcspn(host->text, ":"));
    }
    return NULL;
}

Error *hosts_vertex(Hosts *out, const char *spec, Arena *arena) {
    *out = (Hosts){.host = ARENA_ARRAY(arena, const char *, 1)};
    if (!spec) {
        out->host[out->n_hosts++] = "localhost";
        return NULL;
    }
    Json *root;
    PASS(json_parse(&root, spec, strlen(spec), "CLUSTER_SPEC", arena));
    const Json *chief = json_get(root, "cluster.workerpool0"),
               *others = json_get(root, "cluster.workerpool1"), *type = json_get(root, "task.type"),
               *index = json_get(root, "task.index");
    if (!chief || chief->kind != JSON_ARRAY || chief->n != 1)
        return lacks(root, "cluster.workerpool0 with one host");
    if (!type || type->kind != JSON_TEXT || !index || index->kind != JSON_NUMBER)
        return lacks(root, "task.type and task.index");
    int n = 1 + (others ? others->n : 0);
    out->host = ARENA_ARRAY(arena, const char *, n);
    PASS(add_pool(out, chief, arena));
    if (others)
        PASS(add_pool(out, others, arena));
    out->index = strcmp(type->text, "workerpool0") == 0 ? 0 : 1 + (int)index->number;
    return out->index >= 0 && out->index < n ? NULL : lacks(index, "host of that number");
}

/* "algo-2" before "algo-10". */
static int by_number(const void *a, const void *b) {
    const char *left = *(const char *const *)a, *right = *(const char *const *)b;
    size_t n = strlen(left), m = strlen(right);
    return n != m ? (n < m ? -1 : 1) : strcmp(left, right);
}

Error *hosts_sagemaker(Hosts *out, const char *path, Arena *arena) {
    Json *root;
    PASS(json_load(&root, path, arena));
    const Json *hosts = json_find(root, "hosts"), *current = json_find(root, "current_host");
    if (!hosts || hosts->kind != JSON_ARRAY || hosts->n == 0)
        return lacks(root, "hosts");
    if (!current || current->kind != JSON_TEXT)
        return lacks(root, "current_host");
    *out = (Hosts){.host = ARENA_ARRAY(arena, const char *, hosts->n), .index = -1};
    PASS(add_pool(out, hosts, arena));
    qsort(out->host, (size_t)out->n_hosts, sizeof out->host[0], by_number);
    for (int i = 0; i < out->n_hosts; i++)
        if (strcmp(out->host[i], current->text) == 0)
            out->index = i;
    return out->index >= 0 ? NULL : lacks(current, "place among hosts");
}

Error *hosts_words(const char ***out, int *n, const char *path, Arena *arena) {
    Json *root, *words;
    PASS(json_load(&root, path, arena));
    const Json *fixed = json_find(root, "batchlab");
    if (!fixed || fixed->kind != JSON_TEXT)
        return lacks(root, "hyperparameter 'batchlab'");
    PASS(json_parse(&words, fixed->text, strlen(fixed->text), path, arena));
    *n = 0;
    *out = ARENA_ARRAY(arena, const char *, words->n + root->n);
    JSON_EACH (word, words) {
        if (word->kind != JSON_TEXT)
            return lacks(word, "text where a word of the command should be");
        (*out)[(*n)++] = word->text;
    }
    JSON_EACH (value, root)
        if (value != fixed && value->kind == JSON_TEXT && strncmp(value->key, "trial.", 6) == 0)
            (*out)[(*n)++] = arena_print(arena, "%s=%s", value->key, value->text);
    return NULL;
}

bool hosts_may_be_several(void) {
    static const char *const lists[] = {"OMPI_MCA_orte_default_hostfile", "PBS_NODEFILE",
                                        "LSB_DJOB_HOSTFILE", "PE_HOSTFILE"};
    const char *slurm = getenv("SLURM_JOB_NUM_NODES");
    bool several = slurm && atoi(slurm) > 1;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        several |= getenv(lists[i]) != NULL;
    return several;
}
