#include "lab/sweep/job.h"

#include "lab/base/text.h"
#include "lab/sweep/walltime.h"

#include <math.h>
#include <string.h>

enum {
    SIGNAL_SLACK_S = 60, /* Slurm may send the signal that much early */
    ROUND_S = 600,
    ROUND_MB = 256,
    DISK_BYTES_PER_S = 50000000, /* of a busy shared file system */
};

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static int64_t largest(const ParamCounts *counts) {
    int64_t most = 0;
    for (int i = 0; i < counts->n; i++)
        most = counts->value[i] > most ? counts->value[i] : most;
    return most;
}

/* ---- size */

/* Ranks on a node: as told, as many as it has cores for, else those of the largest layout. More
 * than the trials can use at a time would only wait. */
static Error *ranks_per_node(int64_t *out, const Site *site, int64_t replicas, int64_t threads,
                             int64_t useful) {
    int64_t cores = site->cores_per_node, nodes = site->nodes ? site->nodes : 1;
    *out = site->ranks_per_node;
    if (!*out && cores)
        *out = cores / threads < useful ? cores / threads : useful;
    else if (!*out)
        *out = divide_up(replicas, nodes);
    if (cores && (*out == 0 || *out * threads > cores))
        return error_hint(
            json_error(site_where(site, *out ? "ranks_per_node" : "cores_per_node"),
                       "gives a node %lld cores, but %lld ranks with %lld threads need %lld",
                       (long long)cores, (long long)(*out ? *out : 1), (long long)threads,
                       (long long)((*out ? *out : 1) * threads)),
            "fewer ranks_per_node, or 'layouts.threads=1' in the experiment");
    return NULL;
}

static Error *set_size(Job *job) {
    const Site *site = job->site;
    const LayoutSettings *layouts = &job->experiment->layouts;
    int64_t replicas = largest(&layouts->replicas), threads = largest(&layouts->threads);
    int64_t trials = job->experiment->n_trials, per_node = 0;
    int64_t useful = !site->array && trials > replicas ? trials : replicas;
    PASS(ranks_per_node(&per_node, site, replicas, threads, useful));
    int64_t nodes = site->nodes ? site->nodes : divide_up(replicas, per_node);
    if (nodes * per_node < replicas)
        return error_hint(json_error(site_where(site, "nodes"),
                                     "%lld x %lld ranks a node are %lld ranks, but the layouts "
                                     "have up to %lld replicas",
                                     (long long)nodes, (long long)per_node,
                                     (long long)(nodes * per_node), (long long)replicas),
                          "more nodes, more ranks_per_node, or smaller 'layouts.replicas'");
    job->nodes = (int)nodes;
    job->ranks_per_node = (int)per_node;
    job->ranks = (int)(nodes * per_node);
    job->threads = (int)threads;
    return NULL;
}

static Error *set_shares(Job *job, const TargetType *target) {
    int64_t n = job->experiment->n_trials;
    if (!job->site->array)
        return NULL;
    if (job->experiment->search)
        return error_hint(
            json_error(site_where(job->site, "array"), "cannot be: the experiment is a search"),
            "its best points are known when all points ended: use one allocation");
    if (!target->max_shares)
        return error_hint(json_error(site_where(job->site, "array"), "cannot be: '%s' has no array",
                                     target->kind.name),
                          "one allocation carries all trials out, in groups of ranks");
    int64_t max_shares = target->max_shares(job->settings);
    job->n_shares = (int)divide_up(n, divide_up(n, max_shares));
    return NULL;
}

static Error *set_memory(Job *job) {
    const PlanEstimate *of = &job->estimate;
    double own_bytes = of->memory_bytes - of->data_bytes; /* the ranks of a node share the data */
    double mb = 1.25 * (own_bytes * job->ranks_per_node + of->data_bytes) / 1e6;
    int64_t has = job->site->memory_per_node_mb;
    job->memory_mb = ROUND_MB * (int64_t)ceil(fmax(mb, 1) / ROUND_MB);
    if (has && job->memory_mb > has)
        return error_hint(json_error(site_where(job->site, "memory_per_node_mb"),
                                     "is %lld MB, but %d ranks need about %lld MB", (long long)has,
                                     job->ranks_per_node, (long long)job->memory_mb),
                          "fewer ranks_per_node and more nodes");
    return NULL;
}

/* ---- walltime */

/* Time for the signal, which may come early, the step it interrupts, and the checkpoint. */
static int64_t least_walltime(const Job *job) {
    double checkpoint_s = 1 + job->estimate.checkpoint_bytes / DISK_BYTES_PER_S;
    return job->lead_s + SIGNAL_SLACK_S + (int64_t)ceil(job->estimate.step_seconds + checkpoint_s);
}

static Error *set_walltime(Job *job, bool tunes) {
    const Site *site = job->site;
    int64_t least = least_walltime(job), trials = job->experiment->n_trials;
    double seconds = job->estimate.seconds;
    if (tunes)
        seconds = job->estimate.trial_seconds;
    if (job->n_shares)
        seconds = job->estimate.trial_seconds * (double)divide_up(trials, job->n_shares);
    job->walltime_given = site->walltime != NULL;
    job->walltime_s = ROUND_S * (int64_t)ceil(((double)least + 2 * seconds) / ROUND_S);
    if (!site->walltime)
        return NULL;
    const Json *where = site_where(site, "walltime");
    PASS(walltime_read(&job->walltime_s, site->walltime, where));
    if (job->walltime_s >= least)
        return NULL;
    return error_hint(json_error(where,
                                 "is %lld s, but a job is asked for its checkpoint %lld s before "
                                 "the end, %d s early at worst, and needs a step and the disk: at "
                                 "least %lld s",
                                 (long long)job->walltime_s, (long long)job->lead_s, SIGNAL_SLACK_S,
                                 (long long)least),
                      "a longer walltime, or a smaller lead_s");
}

/* ---- the command */

/* batchlab-EXPERIMENT with '-' for what names of jobs may not have. */
static Error *set_name(Job *job, Arena *arena) {
    static const char legal[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    const char *given = job->site->name;
    char *name =
        given ? arena_copy(arena, given) : arena_print(arena, "batchlab-%s", job->experiment->name);
    for (char *c = name; *c && !given; c++)
        *c = *c == '_' || *c == '.' ? '-' : *c;
    size_t n = strlen(name);
    job->name = name;
    if (n > 0 && n <= 63 && strspn(name, legal) == n && name[0] >= 'a' && name[n - 1] != '-')
        return NULL;
    return error_hint(json_error(site_where(job->site, "name"),
                                 "makes the job '%s', which is no name for one", name),
                      "a lower-case letter, then letters, digits and '-', at most 63 in all: "
                      "--set name=SHORT");
}

/* Where the file is for the job: as given, or of that name among the experiments of the image. */
static const char *place_file(const JobOrder *order, Arena *arena) {
    const char *slash = strrchr(order->file, '/');
    return order->target->container ? arena_print(arena, "%s/%s", order->site->experiments,
                                                  slash ? slash + 1 : order->file)
                                    : order->file;
}

static void set_words(Job *job, const JobOrder *order, Arena *arena) {
    const Site *site = order->site;
    bool container = order->target->container;
    const char *results = order->results ? order->results : site->results;
    job->program = site->program ? site->program : container ? "batchlab" : order->program;
    if (!results && order->target->results)
        results = order->target->results(job->settings, arena);
    job->results = results ? results : container ? "/results" : "results";
    const char *const head[] = {job->program, "run",      place_file(order, arena), "--results",
                                job->results, "--config", job->experiment->sha256};
    const char *const hooks[] = {"--pull", site->pull, "--push", site->push};
    const int n = sizeof head / sizeof *head;
    job->word = ARENA_ARRAY(arena, const char *, n + 4 + order->n_overrides);
    for (int i = 0; i < n; i++)
        job->word[job->n_words++] = head[i];
    for (int i = 0; i < 4; i += 2)
        if (hooks[i + 1]) {
            job->word[job->n_words++] = hooks[i];
            job->word[job->n_words++] = hooks[i + 1];
        }
    for (int i = 0; i < order->n_overrides; i++)
        job->word[job->n_words++] = order->overrides[i];
}

Error *job_new(Job *out, const Plan *plan, const JobOrder *order, Arena *arena) {
    *out = (Job){.experiment = plan->experiment,
                 .site = order->site,
                 .lead_s = order->site->lead_s,
                 .grace_s = order->site->lead_s / 8 + 1};
    for (int i = 0; i < TARGET_N; i++)
        if (target_table[i] == &order->target->kind)
            out->settings = order->site->section[i];
    PASS(set_name(out, arena));
    PASS(set_size(out));
    PASS(set_shares(out, order->target));
    Plan there = *plan; /* with the cores of the job */
    there.cores = out->ranks * out->threads;
    PASS(plan_estimate(&out->estimate, &there, arena));
    PASS(set_memory(out));
    PASS(set_walltime(out, order->target->tunes));
    set_words(out, order, arena);
    out->cpu_hours = out->estimate.cpu_seconds / 3600;
    return NULL;
}
