#include "lab/sweep/sagemaker.h"

static Error *sagemaker_object(Json **out, const Job *job, Arena *arena) {
    const char *const entry[] = {"batchlab-ranks", NULL};
    Json *object = json_object(arena);
    json_add_text(object, "TrainingJobName", job->name, arena);
    Json *algorithm = json_add(object, "AlgorithmSpecification", json_object(arena), arena);
    json_add_text(algorithm, "TrainingInputMode", "File", arena);
    json_add_text(algorithm, "TrainingImage", job->site->image, arena);
    json_add(algorithm, "ContainerEntrypoint", emit_list(entry, arena), arena);
    json_add(algorithm, "ContainerArguments", emit_entry(job, "sagemaker", arena), arena);
    sagemaker_add_job(object, job, arena);
    *out = object;
    return NULL;
}

static Error *sagemaker_rules(const Json *object, Arena *arena) {
    (void)arena;
    return sagemaker_check_job(object);
}

static Error *training_hand_in(const char *words[TARGET_MAX_WORDS], const Job *job,
                               const char *file, Arena *arena) {
    return sagemaker_hand_in(words, "create-training-job", "TrainingJobArn", job, file, arena);
}

TARGET_TYPE(sagemaker) = {
    .kind = {.name = "sagemaker",
             .summary = "SageMaker's CreateTrainingJob: MPI over its hosts, checkpoints in S3",
             .detail = "The image's `batchlab-ranks` makes a host file of resourceconfig.json and "
                       "starts mpirun on the first\n"
                       "host. Results lie in /opt/ml/checkpoints, which the service copies to the "
                       "bucket and back.",
             .reference = "docs.aws.amazon.com/sagemaker/latest/APIReference",
             .settings_bytes = sizeof(SagemakerSettings),
             .params = sagemaker_rows},
    .section = "sagemaker",
    .container = true,
    .results = sagemaker_results,
    .object = sagemaker_object,
    .rules = sagemaker_rules,
    .hand_in = training_hand_in,
};
