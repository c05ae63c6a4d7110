#include "lab/sweep/kubernetes.h"

#include <string.h>

/* Nodes, keys and the volume come from the runtime; the job says what runs and on how many. */
static Error *trainjob_object(Json **out, const Job *job, Arena *arena) {
    const char *const command[] = {"mpirun", NULL};
    const KubernetesSettings *kubernetes = job->settings;
    Json *object = json_object(arena);
    json_add_text(object, "apiVersion", "trainer.kubeflow.org/v1alpha1", arena);
    json_add_text(object, "kind", "TrainJob", arena);
    json_add(object, "metadata", kubernetes_metadata(job, arena), arena);
    Json *spec = json_add(object, "spec", json_object(arena), arena);
    Json *runtime = json_add(spec, "runtimeRef", json_object(arena), arena);
    json_add_text(runtime, "apiGroup", "trainer.kubeflow.org", arena);
    json_add_text(runtime, "kind", "TrainingRuntime", arena);
    json_add_text(runtime, "name", kubernetes->runtime, arena);
    Json *trainer = json_add(spec, "trainer", json_object(arena), arena);
    json_add_text(trainer, "image", job->site->image, arena);
    json_add(trainer, "command", emit_list(command, arena), arena);
    json_add(trainer, "args", emit_mpirun(job, arena), arena);
    json_add(trainer, "env", emit_variables(job, arena), arena);
    json_add_number(trainer, "numNodes", job->nodes, arena);
    json_add_number(trainer, "numProcPerNode", job->ranks_per_node, arena);
    int64_t cores = (int64_t)job->ranks_per_node * job->threads;
    json_add(trainer, "resourcesPerNode", kubernetes_resources(cores, job->memory_mb, arena),
             arena);
    if (job->walltime_given)
        json_add_number(spec, "activeDeadlineSeconds", (double)job->walltime_s, arena);
    *out = object;
    return NULL;
}

/* JobSet's pods are NAME-node-0-I and five letters; the operator's CEL rule is about the name
 * alone.
 */
static Error *trainjob_rules(const Json *object, Arena *arena) {
    const Json *nodes = json_get(object, "spec.trainer.numNodes");
    int last = nodes ? (int)nodes->number - 1 : 0;
    return kubernetes_check_name(object, arena_print(arena, "-node-0-%d", last));
}

TARGET_TYPE(trainjob) = {
    .kind = {.name = "trainjob",
             .summary = "a TrainJob of Kubeflow Trainer v2 on an MPI runtime",
             .detail = "experiments/sites/training_runtime.json is a runtime for it, to be applied "
                       "once.",
             .reference = "github.com/kubeflow/trainer",
             .settings_bytes = sizeof(KubernetesSettings),
             .params = kubernetes_rows},
    .section = "kubernetes",
    .container = true,
    .object = trainjob_object,
    .rules = trainjob_rules,
    .hand_in = kubernetes_hand_in,
};
