#include "lab/sweep/kubernetes.h"

enum { SSH_PORT = 2222, LAUNCHER_MB = 512 };

/* The claim that holds results, in both kinds of pods: rank 0 runs on a worker. */
static void add_volume(Json *pod, Json *container, const Job *job, Arena *arena) {
    const KubernetesSettings *kubernetes = job->settings;
    Json *mounts = json_add(container, "volumeMounts", json_array(arena), arena);
    Json *mount = json_add(mounts, NULL, json_object(arena), arena);
    json_add_text(mount, "name", "results", arena);
    json_add_text(mount, "mountPath", job->results, arena);
    Json *volumes = json_add(pod, "volumes", json_array(arena), arena);
    Json *volume = json_add(volumes, NULL, json_object(arena), arena);
    json_add_text(volume, "name", "results", arena);
    Json *claim = json_add(volume, "persistentVolumeClaim", json_object(arena), arena);
    json_add_text(claim, "claimName", kubernetes->claim, arena);
}

static Json *add_container(Json *replica, const char *name, const Job *job, Arena *arena) {
    Json *template = json_add(replica, "template", json_object(arena), arena);
    Json *metadata = json_add(template, "metadata", json_object(arena), arena);
    Json *annotations = json_add(metadata, "annotations", json_object(arena), arena);
    json_add_text(annotations, "sidecar.istio.io/inject", "false", arena); /* it ends no pod */
    Json *pod = json_add(template, "spec", json_object(arena), arena);
    json_add_number(pod, "terminationGracePeriodSeconds", (double)job->lead_s, arena);
    Json *group = json_add(pod, "securityContext", json_object(arena), arena);
    json_add_number(group, "fsGroup", 1000, arena); /* may write on the claim */
    Json *containers = json_add(pod, "containers", json_array(arena), arena);
    Json *container = json_add(containers, NULL, json_object(arena), arena);
    json_add_text(container, "name", name, arena);
    json_add_text(container, "image", job->site->image, arena);
    Json *security = json_add(container, "securityContext", json_object(arena), arena);
    json_add_number(security, "runAsUser", 1000, arena);
    add_volume(pod, container, job, arena);
    return container;
}

/* Ranks of a container cannot copy from each other's memory: CMA needs ptrace (open-mpi #4948). */
static void add_environment(Json *container, const Job *job, Arena *arena) {
    Json *variables = emit_variables(job, arena);
    Json *one = json_add(variables, NULL, json_object(arena), arena);
    json_add_text(one, "name", "OMPI_MCA_btl_vader_single_copy_mechanism", arena);
    json_add_text(one, "value", "none", arena);
    json_add(container, "env", variables, arena);
}

static Json *launcher(const Job *job, Arena *arena) {
    const char *const command[] = {"mpirun", NULL};
    Json *replica = json_object(arena);
    json_add_number(replica, "replicas", 1, arena);
    json_add_text(replica, "restartPolicy", "Never", arena);
    Json *container = add_container(replica, "launcher", job, arena);
    json_add(container, "command", emit_list(command, arena), arena);
    json_add(container, "args", emit_mpirun(job, arena), arena);
    add_environment(container, job, arena);
    json_add(container, "resources", kubernetes_resources(1, LAUNCHER_MB, arena), arena);
    return replica;
}

static Json *worker(const Job *job, Arena *arena) {
    const char *const command[] = {"/usr/sbin/sshd", NULL};
    const char *const args[] = {"-De", "-f", "/home/mpiuser/.sshd_config", NULL};
    Json *replica = json_object(arena);
    json_add_number(replica, "replicas", job->nodes, arena);
    json_add_text(replica, "restartPolicy", "Never", arena);
    Json *container = add_container(replica, "worker", job, arena);
    json_add(container, "command", emit_list(command, arena), arena);
    json_add(container, "args", emit_list(args, arena), arena);
    Json *probe = json_add(container, "readinessProbe", json_object(arena), arena);
    Json *socket = json_add(probe, "tcpSocket", json_object(arena), arena);
    json_add_number(socket, "port", SSH_PORT, arena);
    json_add_number(probe, "initialDelaySeconds", 2, arena);
    int64_t cores = (int64_t)job->ranks_per_node * job->threads;
    json_add(container, "resources", kubernetes_resources(cores, job->memory_mb, arena), arena);
    return replica;
}

static Error *mpijob_object(Json **out, const Job *job, Arena *arena) {
    const KubernetesSettings *kubernetes = job->settings;
    Json *object = json_object(arena), *policy = json_object(arena);
    json_add_text(object, "apiVersion", "kubeflow.org/v2beta1", arena);
    json_add_text(object, "kind", "MPIJob", arena);
    json_add(object, "metadata", kubernetes_metadata(job, arena), arena);
    Json *spec = json_add(object, "spec", json_object(arena), arena);
    json_add_number(spec, "slotsPerWorker", job->ranks_per_node, arena);
    json_add_text(spec, "mpiImplementation", "OpenMPI", arena);
    json_add_text(spec, "sshAuthMountPath", kubernetes->ssh, arena);
    json_add_text(spec, "launcherCreationPolicy", "WaitForWorkersReady", arena);
    json_add_text(policy, "cleanPodPolicy", "Running", arena);
    json_add_number(policy, "backoffLimit", (double)kubernetes->attempts, arena);
    if (job->walltime_given) /* of all attempts together */
        json_add_number(policy, "activeDeadlineSeconds", (double)job->walltime_s, arena);
    json_add(spec, "runPolicy", policy, arena);
    Json *replicas = json_add(spec, "mpiReplicaSpecs", json_object(arena), arena);
    json_add(replicas, "Launcher", launcher(job, arena), arena);
    json_add(replicas, "Worker", worker(job, arena), arena);
    *out = object;
    return NULL;
}

/* What the operator refuses beside its schema: pods are NAME-launcher and NAME-worker-I. */
static Error *mpijob_rules(const Json *object, Arena *arena) {
    const Json *workers = json_get(object, "spec.mpiReplicaSpecs.Worker.replicas");
    PASS(kubernetes_check_name(object, "-launcher"));
    return kubernetes_check_name(
        object, arena_print(arena, "-worker-%d", workers ? (int)workers->number - 1 : 0));
}

TARGET_TYPE(mpijob) = {
    .kind = {.name = "mpijob",
             .summary = "an MPIJob (kubeflow.org/v2beta1): mpirun in a launcher, ranks on workers",
             .detail =
                 "The launcher waits for the workers. When a pod is lost or the job ends with "
                 "85, it is started\n"
                 "again and goes on from the checkpoints on the claim.",
             .reference = "github.com/kubeflow/mpi-operator",
             .settings_bytes = sizeof(KubernetesSettings),
             .params = kubernetes_rows},
    .section = "kubernetes",
    .container = true,
    .object = mpijob_object,
    .rules = mpijob_rules,
    .hand_in = kubernetes_hand_in,
};
