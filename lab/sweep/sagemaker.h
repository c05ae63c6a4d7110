/* Internal to lab/sweep: what a training job and a tuning job share. */
#ifndef LAB_SWEEP_SAGEMAKER_H
#define LAB_SWEEP_SAGEMAKER_H

#include "lab/sweep/emit.h"

typedef struct SagemakerSettings {
    const char *role, *bucket, *instance_type, *region;
    int64_t volume_gb;
    bool spot, bayesian;
} SagemakerSettings;

extern const Param sagemaker_rows[];

/* The folder that the service copies to the bucket all the time, and back when a job starts. */
const char *sagemaker_results(const void *settings, Arena *arena);

/* Role, output, machines, limits, checkpoints, retries: in a training job's object, or in a tuning
 * job's definition of one. */
void sagemaker_add_job(Json *object, const Job *job, Arena *arena);

/* Rules of both, on the object that holds StoppingCondition. */
Error *sagemaker_check_job(const Json *object);

/* aws sagemaker COMMAND --cli-input-json file://FILE; prints the job's ARN. */
Error *sagemaker_hand_in(const char *words[TARGET_MAX_WORDS], const char *command,
                         const char *answer, const Job *job, const char *file, Arena *arena);

#endif
