#include "lab/sweep/job.h"

#include "lab/base/text.h"
#include "lab/sweep/walltime.h"

#include <string.h>

typedef struct PbsSettings {
    const char *queue, *account, *setup;
    int64_t max_array_size;
} PbsSettings;

static const Param pbs_rows[] = {
    PARAM(TEXT, PbsSettings, queue, "null", 0, 0, "1", "null: the site's default"),
    PARAM(TEXT, PbsSettings, account, "null", 0, 0, "1", "who pays"),
    PARAM(TEXT, PbsSettings, setup, "null", 0, 0, "1",
          "shell text that runs first: module load openmpi"),
    PARAM(COUNT, PbsSettings, max_array_size, "10000", 2, 1000000, "1",
          "max_array_size of the server; more trials share elements"),
    PARAM_END,
};

static Error *check_value(const Job *job, const char *name, const char *value) {
    if (!value || (*value && !strpbrk(value, " \t\n\"'\\")))
        return NULL;
    return error_hint(
        json_error(site_where(job->site, name), "is '%s', which is no name in PBS", value),
        "one word without quotes; null: the site's default");
}

/* qsub cuts names after 15 letters, older ones refuse longer ones. */
static void add_head(Text *out, const Job *job, Arena *arena) {
    const PbsSettings *pbs = job->settings;
    text_add(out, "#!/bin/bash\n#PBS -N %.15s\n", job->name);
    if (pbs->queue)
        text_add(out, "#PBS -q %s\n", pbs->queue);
    if (pbs->account)
        text_add(out, "#PBS -A %s\n", pbs->account);
    text_add(out, "#PBS -l select=%d:ncpus=%d:mpiprocs=%d:ompthreads=%d:mem=%lldmb\n", job->nodes,
             job->ranks_per_node * job->threads, job->ranks_per_node, job->threads,
             (long long)job->memory_mb);
    text_add(out, "#PBS -l walltime=%s\n#PBS -r y\n#PBS -j oe\n",
             walltime_hours(job->walltime_s, arena));
    if (job->n_shares > 1)
        text_add(out, "#PBS -J 0-%d\n", job->n_shares - 1);
}

/* PBS sends no signal of our choice before the end, so the script itself asks for the checkpoint
 * and puts what is left back into the queue: qrerun starts exactly this job, or element, again.
 * Debian's Open MPI does not speak tm, hence the host file and ssh. */
static void add_run(Text *out, const Job *job, Arena *arena) {
    text_add(out, "cd \"$PBS_O_WORKDIR\" || exit 1\n");
    text_add(out,
             "timeout --signal=USR1 --kill-after=%lld --preserve-status %lld \\\n"
             "  mpirun --hostfile \"$PBS_NODEFILE\" -n %d --map-by slot:PE=%d --bind-to core "
             "--mca odls_base_sigkill_timeout %lld \\\n  %s",
             (long long)job->lead_s, (long long)(job->walltime_s - job->lead_s), job->ranks,
             job->threads, (long long)job->grace_s, job_command(job, 0, arena));
    if (job->n_shares > 0)
        text_add(out, " --share \"${PBS_ARRAY_INDEX:-0}/%d\"", job->n_shares);
    text_add(out, "\ncode=$?\n"
                  "if [ \"$code\" -eq 85 ]; then\n"
                  "  echo \"$PBS_JOBNAME: out of time; queued again\" >&2\n"
                  "  qrerun \"$PBS_JOBID\"\n"
                  "fi\n"
                  "exit \"$code\"\n");
}

static Error *pbs_script(const char **out, const Job *job, Arena *arena) {
    const PbsSettings *pbs = job->settings;
    Text text = text_new(arena);
    PASS(check_value(job, "pbs.queue", pbs->queue));
    PASS(check_value(job, "pbs.account", pbs->account));
    add_head(&text, job, arena);
    text_add(&text, "\n# %s: %d ranks x %d threads; made by `batchlab submit --target pbs`\n",
             job->experiment->name, job->ranks, job->threads);
    text_add(&text, "%s", job_exports(job, arena));
    if (pbs->setup)
        text_add(&text, "%s\n", pbs->setup);
    add_run(&text, job, arena);
    *out = text.data;
    return NULL;
}

static int64_t pbs_max_shares(const void *settings) {
    return ((const PbsSettings *)settings)->max_array_size;
}

static Error *pbs_hand_in(const char *words[TARGET_MAX_WORDS], const Job *job, const char *file,
                          Arena *arena) {
    (void)job;
    (void)arena;
    words[0] = "qsub";
    words[1] = file;
    words[2] = NULL;
    return NULL;
}

TARGET_TYPE(pbs) = {
    .kind = {.name = "pbs",
             .summary = "a script for qsub: one allocation, or an array of trials",
             .detail = "The script asks for a checkpoint before its walltime ends and puts itself "
                       "back into the queue.",
             .reference = "PBS Professional user's guide",
             .settings_bytes = sizeof(PbsSettings),
             .params = pbs_rows},
    .section = "pbs",
    .script = pbs_script,
    .max_shares = pbs_max_shares,
    .hand_in = pbs_hand_in,
};
