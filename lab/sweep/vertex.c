#include "lab/sweep/vertex.h"

#include <string.h>

#define MOUNT "/mnt/nfs/batchlab"

const Param vertex_rows[] = {
    PARAM(TEXT, VertexSettings, region, "\"us-central1\"", 0, 0, "1", "where"),
    PARAM(TEXT, VertexSettings, project, "null", 0, 0, "1", "null: gcloud's own"),
    PARAM(TEXT, VertexSettings, machine_type, "\"n2-highcpu-16\"", 0, 0, "1",
          "of every node; one family makes the same bits"),
    PARAM(TEXT, VertexSettings, bucket, "null", 0, 0, "1",
          "bucket whose folder batchlab/ holds results (one node; give an NFS server for more)"),
    PARAM(TEXT, VertexSettings, nfs_server, "null", 0, 0, "1", "address of a file server"),
    PARAM(TEXT, VertexSettings, nfs_path, "\"/batchlab\"", 0, 0, "1", "what it exports"),
    PARAM(TEXT, VertexSettings, service_account, "null", 0, 0, "1", "who the job is"),
    PARAM(TEXT, VertexSettings, network, "null", 0, 0, "1",
          "projects/NUMBER/global/networks/NAME, where the file server is"),
    PARAM(FLAG, VertexSettings, spot, "false", 0, 0, "1", "spot machines: cheaper, taken away"),
    PARAM(FLAG, VertexSettings, bayesian, "false", 0, 0, "1",
          "tuning: the service's own algorithm instead of that of `search`"),
    PARAM_END,
};

const char *vertex_results(const void *settings, Arena *arena) {
    const VertexSettings *vertex = settings;
    if (vertex->nfs_server)
        return MOUNT;
    return vertex->bucket ? arena_print(arena, "/gcs/%s/batchlab", vertex->bucket) : "/results";
}

static void add_mounts(Json *pool, const VertexSettings *vertex, Arena *arena) {
    if (!vertex->nfs_server)
        return;
    Json *mounts = json_add(pool, "nfsMounts", json_array(arena), arena);
    Json *mount = json_add(mounts, NULL, json_object(arena), arena);
    json_add_text(mount, "server", vertex->nfs_server, arena);
    json_add_text(mount, "path", vertex->nfs_path, arena);
    json_add_text(mount, "mountPoint", strrchr(MOUNT, '/') + 1, arena);
}

static void add_pool(Json *pools, const Job *job, int replicas, Arena *arena) {
    const char *const command[] = {"batchlab-ranks", NULL};
    const VertexSettings *vertex = job->settings;
    Json *pool = json_add(pools, NULL, json_object(arena), arena);
    Json *machine = json_add(pool, "machineSpec", json_object(arena), arena);
    json_add_text(machine, "machineType", vertex->machine_type, arena);
    json_add_number(pool, "replicaCount", replicas, arena);
    Json *container = json_add(pool, "containerSpec", json_object(arena), arena);
    json_add_text(container, "imageUri", job->site->image, arena);
    json_add(container, "command", emit_list(command, arena), arena);
    json_add(container, "args", emit_entry(job, "vertex", arena), arena);
    json_add(container, "env", emit_variables(job, arena), arena);
    add_mounts(pool, vertex, arena);
}

Json *vertex_job_spec(const Job *job, Arena *arena) {
    const VertexSettings *vertex = job->settings;
    Json *spec = json_object(arena);
    Json *pools = json_add(spec, "workerPoolSpecs", json_array(arena), arena);
    add_pool(pools, job, 1, arena);
    if (job->nodes > 1)
        add_pool(pools, job, job->nodes - 1, arena);
    Json *scheduling = json_add(spec, "scheduling", json_object(arena), arena);
    json_add_text(scheduling, "timeout", arena_print(arena, "%llds", (long long)job->walltime_s),
                  arena);
    json_add_flag(scheduling, "restartJobOnWorkerRestart", true, arena);
    json_add_text(scheduling, "strategy", vertex->spot ? "SPOT" : "STANDARD", arena);
    if (vertex->service_account)
        json_add_text(spec, "serviceAccount", vertex->service_account, arena);
    if (vertex->network)
        json_add_text(spec, "network", vertex->network, arena);
    if (vertex->bucket) {
        Json *output = json_add(spec, "baseOutputDirectory", json_object(arena), arena);
        json_add_text(output, "outputUriPrefix",
                      arena_print(arena, "gs://%s/batchlab/%s", vertex->bucket, job->name), arena);
    }
    return spec;
}

Json *vertex_head(const Job *job, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "displayName", job->name, arena);
    Json *labels = json_add(object, "labels", json_object(arena), arena);
    json_add_text(labels, "program", "batchlab", arena);
    return object;
}

Error *vertex_check_pools(const Json *object, const char *where) {
    const Json *pools = json_get(object, where), *chief = pools->first, *others = chief->next;
    const Json *count = json_find(chief, "replicaCount");
    if (count->number != 1)
        return error_hint(json_error(count, "is not 1, but pool 0 is the chief"),
                          "the other nodes are pool 1");
    if (others && strcmp(json_get(chief, "machineSpec.machineType")->text,
                         json_get(others, "machineSpec.machineType")->text) != 0)
        return error_hint(json_error(json_get(others, "machineSpec.machineType"),
                                     "is another machine than the chief's"),
                          "one CPU family makes the same bits: use one machine type");
    if (others && others->next)
        return error_hint(json_error(others->next, "is a pool for parameter servers or evaluators"),
                          "two pools: the chief and the workers");
    return NULL;
}

Error *vertex_hand_in(const char *words[TARGET_MAX_WORDS], const char *kind, const Job *job,
                      const char *file, Arena *arena) {
    const VertexSettings *vertex = job->settings;
    int n = 0;
    const char *const client[] = {"gcloud",
                                  "ai",
                                  kind,
                                  "create",
                                  "--format=value(name)",
                                  arena_print(arena, "--region=%s", vertex->region),
                                  arena_print(arena, "--display-name=%s", job->name),
                                  arena_print(arena, "--config=%s", file)};
    for (; n < 8; n++)
        words[n] = client[n];
    if (vertex->project)
        words[n++] = arena_print(arena, "--project=%s", vertex->project);
    words[n] = NULL;
    return NULL;
}
