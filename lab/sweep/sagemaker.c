#include "lab/sweep/sagemaker.h"

enum { RETRIES = 30 };

#define CHECKPOINTS "/opt/ml/checkpoints"

const Param sagemaker_rows[] = {
    PARAM(TEXT, SagemakerSettings, role, "\"arn:aws:iam::000000000000:role/batchlab\"", 0, 0, "1",
          "who the job is: replace the account by yours"),
    PARAM(TEXT, SagemakerSettings, bucket, "\"batchlab\"", 0, 0, "1",
          "bucket of checkpoints, results and outputs"),
    PARAM(TEXT, SagemakerSettings, instance_type, "\"ml.c5.4xlarge\"", 0, 0, "1",
          "of every node; one family makes the same bits"),
    PARAM(TEXT, SagemakerSettings, region, "null", 0, 0, "1", "null: aws's own"),
    PARAM(COUNT, SagemakerSettings, volume_gb, "30", 1, 16384, "GB", "disk of a node"),
    PARAM(FLAG, SagemakerSettings, spot, "false", 0, 0, "1",
          "spot machines: cheaper, taken away, then started again from the checkpoints"),
    PARAM(FLAG, SagemakerSettings, bayesian, "false", 0, 0, "1",
          "tuning: the service's own algorithm instead of that of `search`"),
    PARAM_END,
};

const char *sagemaker_results(const void *settings, Arena *arena) {
    (void)settings;
    (void)arena;
    return CHECKPOINTS "/results";
}

static const char *place(const Job *job, const char *folder, Arena *arena) {
    const SagemakerSettings *sagemaker = job->settings;
    return arena_print(arena, "s3://%s/batchlab/%s/%s", sagemaker->bucket, job->name, folder);
}

void sagemaker_add_job(Json *object, const Job *job, Arena *arena) {
    const SagemakerSettings *sagemaker = job->settings;
    json_add_text(object, "RoleArn", sagemaker->role, arena);
    Json *output = json_add(object, "OutputDataConfig", json_object(arena), arena);
    json_add_text(output, "S3OutputPath", place(job, "output", arena), arena);
    Json *machines = json_add(object, "ResourceConfig", json_object(arena), arena);
    json_add_text(machines, "InstanceType", sagemaker->instance_type, arena);
    json_add_number(machines, "InstanceCount", job->nodes, arena);
    json_add_number(machines, "VolumeSizeInGB", (double)sagemaker->volume_gb, arena);
    Json *stop = json_add(object, "StoppingCondition", json_object(arena), arena);
    json_add_number(stop, "MaxRuntimeInSeconds", (double)job->walltime_s, arena);
    if (sagemaker->spot)
        json_add_number(stop, "MaxWaitTimeInSeconds", (double)job->walltime_s * 2, arena);
    Json *checkpoint = json_add(object, "CheckpointConfig", json_object(arena), arena);
    json_add_text(checkpoint, "S3Uri", place(job, "checkpoints", arena), arena);
    json_add_text(checkpoint, "LocalPath", CHECKPOINTS, arena);
    json_add_flag(object, "EnableManagedSpotTraining", sagemaker->spot, arena);
    Json *retry = json_add(object, "RetryStrategy", json_object(arena), arena);
    json_add_number(retry, "MaximumRetryAttempts", RETRIES, arena);
    Json *variables = emit_variable_map(job, arena);
    if (variables->n > 0) /* tuning jobs know it since 2023 */
        json_add(object, "Environment", variables, arena);
}

Error *sagemaker_check_job(const Json *object) {
    const Json *stop = json_find(object, "StoppingCondition"),
               *run = json_find(stop, "MaxRuntimeInSeconds"),
               *wait = json_find(stop, "MaxWaitTimeInSeconds"),
               *spot = json_find(object, "EnableManagedSpotTraining");
    bool is_spot = spot && spot->flag;
    if (is_spot && !wait)
        return error_hint(json_error(stop, "lacks MaxWaitTimeInSeconds, which spot training needs"),
                          "at least MaxRuntimeInSeconds");
    if (!is_spot && wait)
        return error_hint(json_error(wait, "is for spot training alone"),
                          "leave it out, or \"EnableManagedSpotTraining\": true");
    if (wait && wait->number < run->number)
        return error_hint(json_error(wait, "is below MaxRuntimeInSeconds"),
                          "waiting and running together take at least as long");
    return NULL;
}

Error *sagemaker_hand_in(const char *words[TARGET_MAX_WORDS], const char *command,
                         const char *answer, const Job *job, const char *file, Arena *arena) {
    const SagemakerSettings *sagemaker = job->settings;
    int n = 0;
    const char *const client[] = {"aws",
                                  "sagemaker",
                                  command,
                                  "--cli-input-json",
                                  arena_print(arena, "file://%s", file),
                                  "--query",
                                  answer,
                                  "--output",
                                  "text"};
    for (; n < 9; n++)
        words[n] = client[n];
    if (sagemaker->region) {
        words[n++] = "--region";
        words[n++] = sagemaker->region;
    }
    words[n] = NULL;
    return NULL;
}
