/* Internal to lab/sweep: what a CustomJob and a HyperparameterTuningJob share. */
#ifndef LAB_SWEEP_VERTEX_H
#define LAB_SWEEP_VERTEX_H

#include "lab/sweep/emit.h"

typedef struct VertexSettings {
    const char *region, *project, *machine_type, *bucket, *nfs_server, *nfs_path, *service_account,
        *network;
    bool spot, bayesian;
} VertexSettings;

extern const Param vertex_rows[];

/* Folder of results in the container, by what the site mounts. */
const char *vertex_results(const void *settings, Arena *arena);

/* A CustomJobSpec: the chief in pool 0, the other nodes in pool 1. */
Json *vertex_job_spec(const Job *job, Arena *arena);

/* {"displayName": ..., "labels": ...} */
Json *vertex_head(const Job *job, Arena *arena);

/* Rules of both: one chief; a second pool of the same machines. `pools` in `object`. */
Error *vertex_check_pools(const Json *object, const char *pools);

/* Value of the words `gcloud ai KIND create`. */
Error *vertex_hand_in(const char *words[TARGET_MAX_WORDS], const char *kind, const Job *job,
                      const char *file, Arena *arena);

#endif
