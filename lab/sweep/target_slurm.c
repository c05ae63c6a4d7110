#include "lab/sweep/job.h"

#include "lab/base/text.h"
#include "lab/sweep/walltime.h"

#include <string.h>

typedef struct SlurmSettings {
    const char *account, *partition, *qos, *constraint, *reservation, *setup, *signal;
    int64_t max_array_size;
} SlurmSettings;

static const Param slurm_rows[] = {
    PARAM(TEXT, SlurmSettings, account, "null", 0, 0, "1", "who pays"),
    PARAM(TEXT, SlurmSettings, partition, "null", 0, 0, "1", "where, null: the site's default"),
    PARAM(TEXT, SlurmSettings, qos, "null", 0, 0, "1", "quality of service"),
    PARAM(TEXT, SlurmSettings, constraint, "null", 0, 0, "1",
          "which nodes; one CPU family makes the same bits"),
    PARAM(TEXT, SlurmSettings, reservation, "null", 0, 0, "1", "a reservation's name"),
    PARAM(TEXT, SlurmSettings, setup, "null", 0, 0, "1",
          "shell text that runs first: module load openmpi"),
    PARAM(TEXT, SlurmSettings, signal, "\"USR1\"", 0, 0, "1",
          "what asks for a checkpoint: USR1 or TERM"),
    PARAM(COUNT, SlurmSettings, max_array_size, "1001", 2, 4000001, "1",
          "MaxArraySize of `scontrol show config`; more trials share elements"),
    PARAM_END,
};

static void add_option(Text *out, const char *name, const char *value) {
    if (value)
        text_add(out, "#SBATCH --%s=%s\n", name, value);
}

/* A value ends its line: what follows a newline would be shell, or another option. */
static Error *check_values(const Job *job) {
    const SlurmSettings *slurm = job->settings;
    const char *const names[] = {"account", "partition", "qos", "constraint", "reservation"};
    const char *const values[] = {slurm->account, slurm->partition, slurm->qos, slurm->constraint,
                                  slurm->reservation};
    Arena *scratch = arena_new();
    Error *error = NULL;
    for (int i = 0; i < 5 && !error; i++)
        if (values[i] && (!*values[i] || strpbrk(values[i], " \t\n\"'\\")))
            error = error_hint(
                json_error(site_where(job->site, arena_print(scratch, "slurm.%s", names[i])),
                           "is '%s', which is no name in Slurm", values[i]),
                "one word without quotes; null: the site's default");
    if (!error && strcmp(slurm->signal, "USR1") != 0 && strcmp(slurm->signal, "TERM") != 0)
        error =
            error_hint(json_error(site_where(job->site, "slurm.signal"), "is '%s'", slurm->signal),
                       "USR1 or TERM: the signals that the program takes as a wish to stop");
    arena_end(scratch);
    return error;
}

static void add_head(Text *out, const Job *job, Arena *arena) {
    const SlurmSettings *slurm = job->settings;
    int64_t parallel = job->site->parallel;
    add_option(out, "job-name", job->name);
    add_option(out, "account", slurm->account);
    add_option(out, "partition", slurm->partition);
    add_option(out, "qos", slurm->qos);
    add_option(out, "constraint", slurm->constraint);
    add_option(out, "reservation", slurm->reservation);
    text_add(out, "#SBATCH --nodes=%d\n#SBATCH --ntasks=%d\n#SBATCH --ntasks-per-node=%d\n",
             job->nodes, job->ranks, job->ranks_per_node);
    text_add(out, "#SBATCH --cpus-per-task=%d\n#SBATCH --mem=%lldM\n", job->threads,
             (long long)job->memory_mb);
    text_add(out, "#SBATCH --time=%s\n", walltime_days(job->walltime_s, arena));
    text_add(out, "#SBATCH --signal=B:%s@%lld\n", slurm->signal, (long long)job->lead_s);
    text_add(out, "#SBATCH --requeue\n#SBATCH --open-mode=append\n");
    if (job->n_shares == 0) {
        text_add(out, "#SBATCH --output=%%x-%%j.log\n");
        return;
    }
    text_add(out, "#SBATCH --array=0-%d", job->n_shares - 1);
    if (parallel > 0)
        text_add(out, "%%%lld", (long long)parallel);
    text_add(out, "\n#SBATCH --output=%%x-%%A_%%a.log\n");
}

/* The signal comes to this shell alone, maybe before anything runs, and is passed on. */
static void add_traps(Text *out, const char *name) {
    text_add(out, "launcher='' asked=''\n"
                  "pass_on() { [ -z \"$launcher\" ] || kill -USR1 \"$launcher\" 2>/dev/null; }\n");
    if (strcmp(name, "TERM") != 0)
        text_add(out, "trap pass_on TERM\n");
    text_add(out, "trap 'asked=yes; pass_on' %s\n", name);
}

/* srun where it speaks PMIx, else Open MPI's own launcher, which takes its slots from Slurm: pmi2
 * and none start every rank as a job of its own. From 22.05 on srun does not inherit
 * --cpus-per-task. */
static void add_launch(Text *out, const Job *job, Arena *arena) {
    text_add(out, "command=(%s", job_command(job, 0, arena));
    if (job->n_shares)
        text_add(out, " --share \"$SLURM_ARRAY_TASK_ID/%d\"", job->n_shares);
    text_add(out, ")\nexport SRUN_CPUS_PER_TASK=\"$SLURM_CPUS_PER_TASK\"\n"
                  "if srun --mpi=list 2>&1 | grep -qw pmix; then\n"
                  "  srun --mpi=pmix --cpu-bind=cores \"${command[@]}\" &\n"
                  "else\n");
    text_add(out,
             "  mpirun -n %d --map-by slot:PE=%d --bind-to core "
             "--mca odls_base_sigkill_timeout %lld \"${command[@]}\" &\n"
             "fi\nlauncher=$!\n",
             job->ranks, job->threads, (long long)job->grace_s);
}

/* The ranks write a checkpoint and leave with 85 (above 128: they were hit before they listened).
 * Exactly this element is queued again: the last one of an array owns the array's own id, which
 * would start all of them again. Without the signal it is somebody's wish that it stops. */
static void add_end(Text *out) {
    text_add(out,
             "wait \"$launcher\"\n"
             "code=$?\n"
             "while [ \"$code\" -gt 128 ] && kill -0 \"$launcher\" 2>/dev/null; do # a trap\n"
             "  wait \"$launcher\"\n"
             "  code=$?\n"
             "done\n"
             "if [ -n \"$asked\" ] && { [ \"$code\" -eq 85 ] || [ \"$code\" -gt 128 ]; }; then\n"
             "  echo \"$SLURM_JOB_NAME: out of time; queued again\" >&2\n"
             "  scontrol requeue \"${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_}"
             "${SLURM_ARRAY_TASK_ID:-$SLURM_JOB_ID}\"\n"
             "fi\n"
             "exit \"$code\"\n");
}

static Error *slurm_script(const char **out, const Job *job, Arena *arena) {
    const SlurmSettings *slurm = job->settings;
    Text text = text_new(arena);
    PASS(check_values(job));
    text_add(&text, "#!/bin/bash\n");
    add_head(&text, job, arena);
    text_add(&text, "\n# %s: %d ranks x %d threads; made by `batchlab submit --target slurm`\n",
             job->experiment->name, job->ranks, job->threads);
    text_add(&text, "%s", job_exports(job, arena));
    if (slurm->setup)
        text_add(&text, "%s\n", slurm->setup);
    add_traps(&text, slurm->signal);
    add_launch(&text, job, arena);
    add_end(&text);
    *out = text.data;
    return NULL;
}

static int64_t slurm_max_shares(const void *settings) {
    return ((const SlurmSettings *)settings)->max_array_size;
}

static Error *slurm_hand_in(const char *words[TARGET_MAX_WORDS], const Job *job, const char *file,
                            Arena *arena) {
    (void)job;
    (void)arena;
    const char *const client[] = {"sbatch", "--parsable", file, NULL};
    memcpy(words, client, sizeof client);
    return NULL;
}

static Error *slurm_try(const char *words[TARGET_MAX_WORDS], const Job *job, const char *file,
                        Arena *arena) {
    (void)job;
    (void)arena;
    const char *const client[] = {"sbatch", "--test-only", file, NULL};
    memcpy(words, client, sizeof client);
    return NULL;
}

TARGET_TYPE(slurm) = {
    .kind = {.name = "slurm",
             .summary = "a batch script for sbatch: one allocation, or an array of trials",
             .detail = "The job is asked for a checkpoint before its walltime ends, leaves with 85 "
                       "and is queued again,\n"
                       "an element of an array alone. srun starts the ranks where it speaks PMIx, "
                       "else mpirun.",
             .reference = "slurm.schedmd.com/sbatch.html",
             .settings_bytes = sizeof(SlurmSettings),
             .params = slurm_rows},
    .section = "slurm",
    .script = slurm_script,
    .max_shares = slurm_max_shares,
    .hand_in = slurm_hand_in,
    .rehearse = slurm_try,
};
