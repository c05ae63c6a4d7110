#include "lab/sweep/kubernetes.h"

#include <string.h>

const Param kubernetes_rows[] = {
    PARAM(TEXT, KubernetesSettings, namespace, "null", 0, 0, "1", "null: kubectl's own"),
    PARAM(TEXT, KubernetesSettings, claim, "\"batchlab\"", 0, 0, "1",
          "PersistentVolumeClaim (ReadWriteMany) that holds results, mounted at their folder"),
    PARAM(TEXT, KubernetesSettings, ssh, "\"/home/mpiuser/.ssh\"", 0, 0, "1",
          "where the image wants its ssh keys"),
    PARAM(TEXT, KubernetesSettings, runtime, "\"batchlab\"", 0, 0, "1",
          "TrainingRuntime of a TrainJob; experiments/sites/training_runtime.json makes this one"),
    PARAM(COUNT, KubernetesSettings, attempts, "10", 0, 1000, "1",
          "times that a job that ended early (a lost pod, exit 85) is started again"),
    PARAM_END,
};

Json *kubernetes_metadata(const Job *job, Arena *arena) {
    const KubernetesSettings *kubernetes = job->settings;
    Json *metadata = json_object(arena);
    json_add_text(metadata, "name", job->name, arena);
    if (kubernetes->namespace)
        json_add_text(metadata, "namespace", kubernetes->namespace, arena);
    return metadata;
}

Json *kubernetes_resources(int64_t cores, int64_t memory_mb, Arena *arena) {
    Json *resources = json_object(arena), *limits = json_object(arena);
    json_add_text(limits, "cpu", arena_print(arena, "%lld", (long long)cores), arena);
    json_add_text(limits, "memory", arena_print(arena, "%lldMi", (long long)memory_mb), arena);
    json_add(resources, "requests", limits, arena);
    json_add(resources, "limits", json_copy(limits, arena), arena);
    return resources;
}

Error *kubernetes_hand_in(const char *words[TARGET_MAX_WORDS], const Job *job, const char *file,
                          Arena *arena) {
    (void)job;
    (void)arena;
    const char *const client[] = {"kubectl", "create", "-f", file, "-o", "name", NULL};
    memcpy(words, client, sizeof client);
    return NULL;
}

Error *kubernetes_check_name(const Json *object, const char *suffix) {
    const Json *name = json_get(object, "metadata.name");
    size_t n = strlen(name->text) + strlen(suffix);
    if (n <= 63)
        return NULL;
    return error_hint(json_error(name, "is '%s': its last pod would be %s%s with %zu letters",
                                 name->text, name->text, suffix, n),
                      "at most 63, or its host has no name: --set name=SHORT");
}
