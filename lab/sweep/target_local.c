#include "lab/sweep/job.h"

#include "lab/base/text.h"

/* The program starts its own MPI, one mpirun a layout, with the ranks and threads of the plan. What
 * was asked for its checkpoint at the end of the walltime goes on at once: nobody else waits here.
 */
static void add_attempts(Text *out, const Job *job, Arena *arena) {
    text_add(out, "%s", job_exports(job, arena));
    text_add(out,
             "stopped=''\n"
             "trap 'stopped=yes' INT TERM USR1\n"
             "carry_out() {\n"
             "  while :; do\n"
             "    timeout --signal=USR1 --kill-after=%lld --preserve-status %lld \\\n"
             "      %s \"$@\"\n"
             "    code=$?\n"
             "    [ \"$code\" -eq 85 ] && [ -z \"$stopped\" ] || return \"$code\"\n"
             "  done\n"
             "}\n",
             (long long)job->lead_s, (long long)(job->walltime_s - job->lead_s),
             job_command(job, 0, arena));
}

static Error *local_script(const char **out, const Job *job, Arena *arena) {
    Text text = text_new(arena);
    text_add(&text,
             "#!/bin/sh\n# %s: at most %d ranks x %d threads; made by `batchlab submit --target "
             "local`\n",
             job->experiment->name, job->ranks, job->threads);
    add_attempts(&text, job, arena);
    if (job->n_shares == 0)
        text_add(&text, "carry_out \"$@\"\n");
    else
        text_add(&text,
                 "worst=0 share=0\n"
                 "while [ \"$share\" -lt %d ] && [ -z \"$stopped\" ]; do\n"
                 "  carry_out --share \"$share/%d\" || worst=$?\n"
                 "  share=$((share + 1))\n"
                 "done\n"
                 "exit \"$worst\"\n",
                 job->n_shares, job->n_shares);
    *out = text.data;
    return NULL;
}

static Error *local_hand_in(const char *words[TARGET_MAX_WORDS], const Job *job, const char *file,
                            Arena *arena) {
    (void)job;
    (void)arena;
    words[0] = "sh";
    words[1] = file;
    words[2] = NULL;
    return NULL;
}

static int64_t local_max_shares(const void *settings) {
    (void)settings;
    return EXPERIMENT_MAX_SEEDS;
}

TARGET_TYPE(local) = {
    .kind = {.name = "local",
             .summary = "a script for this machine, with the same limits and restarts",
             .detail = "--now carries it out here and comes back when it ends."},
    .section = "local",
    .script = local_script,
    .max_shares = local_max_shares,
    .hand_in = local_hand_in,
};
