#include "lab/sweep/emit.h"

#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 10, TIMEOUT_LEAST_S = 60 };

typedef struct AwsbatchSettings {
    const char *queue, *region, *file_system, *role;
} AwsbatchSettings;

static const Param awsbatch_rows[] = {
    PARAM(TEXT, AwsbatchSettings, queue, "\"batchlab\"", 0, 0, "1", "job queue, for --now"),
    PARAM(TEXT, AwsbatchSettings, region, "null", 0, 0, "1", "null: aws's own"),
    PARAM(TEXT, AwsbatchSettings, file_system, "null", 0, 0, "1",
          "EFS file system that holds results (fs-...); null: they end with the container"),
    PARAM(TEXT, AwsbatchSettings, role, "null", 0, 0, "1", "ARN of the job's role"),
    PARAM_END,
};

static void add_need(Json *list, const char *type, int64_t value, Arena *arena) {
    Json *need = json_add(list, NULL, json_object(arena), arena);
    json_add_text(need, "type", type, arena);
    json_add_text(need, "value", arena_print(arena, "%lld", (long long)value), arena);
}

static void add_volume(Json *container, const Job *job, Arena *arena) {
    const AwsbatchSettings *batch = job->settings;
    if (!batch->file_system)
        return;
    Json *volumes = json_add(container, "volumes", json_array(arena), arena);
    Json *volume = json_add(volumes, NULL, json_object(arena), arena);
    json_add_text(volume, "name", "results", arena);
    Json *efs = json_add(volume, "efsVolumeConfiguration", json_object(arena), arena);
    json_add_text(efs, "fileSystemId", batch->file_system, arena);
    json_add_text(efs, "transitEncryption", "ENABLED", arena);
    Json *mounts = json_add(container, "mountPoints", json_array(arena), arena);
    Json *mount = json_add(mounts, NULL, json_object(arena), arena);
    json_add_text(mount, "sourceVolume", "results", arena);
    json_add_text(mount, "containerPath", job->results, arena);
}

static Json *make_container(const Job *job, Arena *arena) {
    const AwsbatchSettings *batch = job->settings;
    Json *container = json_object(arena), *command = json_array(arena);
    json_add_text(container, "image", job->site->image, arena);
    emit_add(command, "batchlab-ranks", arena);
    JSON_EACH (word, emit_entry(job, "awsbatch", arena))
        emit_add(command, word->text, arena);
    json_add(container, "command", command, arena);
    Json *needs = json_add(container, "resourceRequirements", json_array(arena), arena);
    add_need(needs, "VCPU", (int64_t)job->ranks_per_node * job->threads, arena);
    add_need(needs, "MEMORY", job->memory_mb, arena);
    json_add(container, "environment", emit_variables(job, arena), arena);
    if (batch->role)
        json_add_text(container, "jobRoleArn", batch->role, arena);
    add_volume(container, job, arena);
    return container;
}

/* 85 is "stopped with a checkpoint", a lost host is no fault of ours; all else is an answer. */
static Json *retries(Arena *arena) {
    static const char *const cases[][3] = {{"onExitCode", "85", "RETRY"},
                                           {"onStatusReason", "Host EC2*", "RETRY"},
                                           {"onReason", "*", "EXIT"}};
    Json *strategy = json_object(arena);
    json_add_number(strategy, "attempts", ATTEMPTS, arena);
    Json *list = json_add(strategy, "evaluateOnExit", json_array(arena), arena);
    for (int i = 0; i < 3; i++) {
        Json *one = json_add(list, NULL, json_object(arena), arena);
        json_add_text(one, cases[i][0], cases[i][1], arena);
        json_add_text(one, "action", cases[i][2], arena);
    }
    return strategy;
}

static Error *awsbatch_object(Json **out, const Job *job, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "jobDefinitionName", job->name, arena);
    json_add_text(object, "type", "multinode", arena);
    Json *nodes = json_add(object, "nodeProperties", json_object(arena), arena);
    json_add_number(nodes, "numNodes", job->nodes, arena);
    json_add_number(nodes, "mainNode", 0, arena);
    Json *ranges = json_add(nodes, "nodeRangeProperties", json_array(arena), arena);
    Json *range = json_add(ranges, NULL, json_object(arena), arena);
    json_add_text(range, "targetNodes", arena_print(arena, "0:%d", job->nodes - 1), arena);
    json_add(range, "container", make_container(job, arena), arena);
    json_add(object, "retryStrategy", retries(arena), arena);
    Json *timeout = json_add(object, "timeout", json_object(arena), arena);
    int64_t limit_s = job->walltime_s > TIMEOUT_LEAST_S ? job->walltime_s : TIMEOUT_LEAST_S;
    json_add_number(timeout, "attemptDurationSeconds", (double)limit_s, arena);
    *out = object;
    return NULL;
}

/* Every node stands in exactly one range. */
static Error *awsbatch_rules(const Json *object, Arena *arena) {
    (void)arena;
    const Json *nodes = json_find(object, "nodeProperties"),
               *main_node = json_find(nodes, "mainNode");
    int64_t n = (int64_t)json_find(nodes, "numNodes")->number, next = 0;
    if (main_node->number >= (double)n)
        return error_hint(json_error(main_node, "is %g, but there are %lld nodes",
                                     main_node->number, (long long)n),
                          "legal: 0 to %lld", (long long)n - 1);
    JSON_EACH (range, json_find(nodes, "nodeRangeProperties")) {
        const Json *target = json_find(range, "targetNodes");
        const char *colon = strchr(target->text, ':');
        int64_t first = atoll(target->text), last = colon[1] ? atoll(colon + 1) : n - 1;
        if (first != next || last < first || last >= n)
            return error_hint(json_error(target, "is '%s', but the next nodes are %lld to %lld",
                                         target->text, (long long)next, (long long)n - 1),
                              "ranges follow each other and cover 0:%lld", (long long)n - 1);
        next = last + 1;
    }
    if (next < n)
        return error_hint(json_error(json_find(nodes, "nodeRangeProperties"),
                                     "leave out the nodes from %lld on", (long long)next),
                          "ranges cover 0:%lld", (long long)n - 1);
    return NULL;
}

/* The definition, then a job of it. */
static Error *awsbatch_hand_in(const char *words[TARGET_MAX_WORDS], const Job *job,
                               const char *file, Arena *arena) {
    const AwsbatchSettings *batch = job->settings;
    const char *region =
        batch->region ? arena_print(arena, "--region %s", job_quote(batch->region, arena)) : "";
    words[0] = "sh";
    words[1] = "-c";
    words[2] = arena_print(
        arena,
        "aws batch register-job-definition %s --cli-input-json file://%s --output text --query "
        "jobDefinitionArn >&2 && aws batch submit-job %s --job-name %s --job-queue %s "
        "--job-definition %s --output text --query jobId",
        region, job_quote(file, arena), region, job->name, job_quote(batch->queue, arena),
        job->name);
    words[3] = NULL;
    return NULL;
}

TARGET_TYPE(awsbatch) = {
    .kind = {.name = "awsbatch",
             .summary = "AWS Batch's RegisterJobDefinition of a multi-node job, retried on 85",
             .detail =
                 "The image's `batchlab-ranks` starts mpirun on the main node when the others "
                 "have told it their\n"
                 "addresses. --now registers the definition and submits a job of it.",
             .reference = "docs.aws.amazon.com/batch/latest/userguide/mnp-env-vars.html",
             .settings_bytes = sizeof(AwsbatchSettings),
             .params = awsbatch_rows},
    .section = "awsbatch",
    .container = true,
    .object = awsbatch_object,
    .rules = awsbatch_rules,
    .hand_in = awsbatch_hand_in,
};
