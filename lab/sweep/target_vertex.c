#include "lab/sweep/vertex.h"

#include "lab/base/io.h"

#include <string.h>

static Error *vertex_object(Json **out, const Job *job, Arena *arena) {
    *out = vertex_head(job, arena);
    json_add(*out, "jobSpec", vertex_job_spec(job, arena), arena);
    return NULL;
}

static Error *vertex_rules(const Json *object, Arena *arena) {
    (void)arena;
    return vertex_check_pools(object, "jobSpec.workerPoolSpecs");
}

/* gcloud wants the CustomJobSpec alone, in a file beside the job. */
static Error *custom_job_hand_in(const char *words[TARGET_MAX_WORDS], const Job *job,
                                 const char *file, Arena *arena) {
    const char *spec = arena_print(arena, "%s.spec", file);
    const char *text = json_pretty(vertex_job_spec(job, arena), arena);
    PASS(io_write(spec, text, strlen(text)));
    return vertex_hand_in(words, "custom-jobs", job, spec, arena);
}

TARGET_TYPE(vertex) = {
    .kind = {.name = "vertex",
             .summary = "a CustomJob of Vertex AI: the chief in pool 0, other nodes in pool 1",
             .detail =
                 "The image's `batchlab-ranks` makes a host file of CLUSTER_SPEC (workerpool0 "
                 "is rank 0's host,\n"
                 "workerpool1 the others in order) and starts mpirun on the chief.",
             .reference = "cloud.google.com/vertex-ai/docs/training/distributed-training",
             .settings_bytes = sizeof(VertexSettings),
             .params = vertex_rows},
    .section = "vertex",
    .container = true,
    .results = vertex_results,
    .object = vertex_object,
    .rules = vertex_rules,
    .hand_in = custom_job_hand_in,
};
