/* Hosts: which ones a service gave to a job, as it tells each of its containers. */
#ifndef LAB_SWEEP_HOSTS_H
#define LAB_SWEEP_HOSTS_H

#include "lab/base/json.h"

typedef struct Hosts {
    int n_hosts;
    const char **host; /* (n_hosts) the chief first */
    int index;         /* of this one */
} Hosts;

/* Vertex AI's CLUSTER_SPEC: {"cluster": {"workerpool0": ["name:2222"], "workerpool1": [...]},
 * "task": {"type": "workerpool1", "index": 0}}: pool 0 is host 0, pool 1's i-th is host 1 + i.
 * NULL: one host. */
Error *hosts_vertex(Hosts *out, const char *spec, Arena *arena);

/* SageMaker's resourceconfig.json: {"current_host": "algo-1", "hosts": ["algo-1", ...]}, in the
 * order of their numbers. */
Error *hosts_sagemaker(Hosts *out, const char *path, Arena *arena);

/* The words for `batchlab-ranks` in a tuning job's hyperparameters.json: those of the value
 * "batchlab", then every other one as NAME=VALUE. */
Error *hosts_words(const char ***out, int *n, const char *path, Arena *arena);

/* A scheduler, or a host file in the environment, may have Open MPI's mpirun use other hosts than
 * this one without being told to on its command line. */
bool hosts_may_be_several(void);

#endif
