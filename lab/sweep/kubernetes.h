/* Internal to lab/sweep: what MPIJobs and TrainJobs share. */
#ifndef LAB_SWEEP_KUBERNETES_H
#define LAB_SWEEP_KUBERNETES_H

#include "lab/sweep/emit.h"

typedef struct KubernetesSettings {
    const char *namespace, *claim, *ssh, *runtime;
    int64_t attempts;
} KubernetesSettings;

extern const Param kubernetes_rows[];

/* metadata: name, namespace where there is one. */
Json *kubernetes_metadata(const Job *job, Arena *arena);

/* {"limits": {...}, "requests": {...}}, the same in both. */
Json *kubernetes_resources(int64_t cores, int64_t memory_mb, Arena *arena);

/* kubectl create -f FILE -o name, or its rehearsal on the server. */
Error *kubernetes_hand_in(const char *words[TARGET_MAX_WORDS], const Job *job, const char *file,
                          Arena *arena);

/* The name that a pod gets (job's name and `suffix`) is a DNS label (RFC 1035). */
Error *kubernetes_check_name(const Json *object, const char *suffix);

#endif
