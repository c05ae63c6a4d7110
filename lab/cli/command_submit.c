#include "lab/cli/command.h"

#include "lab/base/home.h"
#include "lab/base/io.h"
#include "lab/base/say.h"
#include "lab/cli/client.h"
#include "lab/cli/own_path.h"
#include "lab/sweep/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Submission {
    const CommandLine *line;
    const TargetType *target;
    Experiment experiment;
    Plan plan;
    Site site;
    Job job;
    const char *text; /* what the engine reads */
} Submission;

/* A path, or the name of a file among the sites here or of the program. */
static const char *site_path(const char *name, Arena *arena) {
    size_t n = strlen(name);
    if (strchr(name, '/') || (n > 5 && strcmp(name + n - 5, ".json") == 0))
        return name;
    const char *file = arena_print(arena, "experiments/sites/%s.json", name);
    return io_exists(file) ? file : home_file(file, BATCHLAB_PREFIX, BATCHLAB_SOURCE, arena);
}

static Error *load_site(Submission *out, Arena *arena) {
    const CommandLine *line = out->line;
    const char *name = command_option(line, "--site"), *set[COMMAND_MAX];
    int n = 0;
    for (int i = 0; i < line->n_set; i++)
        if (strcmp(line->option[i], "--set") == 0)
            set[n++] = line->option_value[i];
    return site_load(&out->site, site_path(name ? name : "default", arena), set, n, arena);
}

static Error *find_target(Submission *out) {
    const char *name = command_option(out->line, "--target");
    if (!name)
        return error_hint(error_new(CODE_USAGE, "`batchlab submit` needs a --target"),
                          "`batchlab list targets` shows all");
    return target_find(&out->target, name);
}

static Error *check_object(const TargetType *target, const char *text, const char *label,
                           Arena *arena) {
    const char *schema = home_file(arena_print(arena, "lab/sweep/specs/%s.json", target->kind.name),
                                   BATCHLAB_PREFIX, BATCHLAB_SOURCE, arena);
    return target_check(target, text, label, schema, arena);
}

/* --check --file: a job that somebody edited. */
static Error *check_file(const CommandLine *line, Arena *arena) {
    const char *file = command_option(line, "--file");
    Submission given = {.line = line};
    char *text;
    size_t n;
    PASS(find_target(&given));
    if (!given.target->object)
        return error_hint(error_new(CODE_USAGE, "--file checks JSON, and a job of %s is a script",
                                    given.target->kind.name),
                          "sh -n and the engine's own client check scripts");
    if (line->n_words > 0 || !command_option(line, "--check"))
        return error_hint(error_new(CODE_USAGE, "--file is for --check alone"),
                          "batchlab submit --target %s --check --file %s", given.target->kind.name,
                          file);
    PASS(io_read(&text, &n, file, arena));
    PASS(check_object(given.target, text, file, arena));
    say("%s: ok for %s", file, given.target->kind.name);
    return NULL;
}

static Error *make_job(Submission *out, Arena *arena) {
    const CommandLine *line = out->line;
    const char *file, *results = command_option(line, "--results");
    PASS(command_one_word(&file, line, &command_submit, "experiment file"));
    PASS(find_target(out));
    PASS(load_site(out, arena));
    PASS(experiment_load(&out->experiment, file, line->override, line->n_overrides, arena));
    /* what is done counts where the job will see it: a container's folder is not here */
    const char *here = out->target->container ? "/nonexistent" : results ? results : "results";
    PASS(plan_new(&out->plan, &out->experiment, here, NULL, NULL, arena));
    JobOrder order = {.target = out->target,
                      .site = &out->site,
                      .program = own_path(line->program, arena),
                      .file = file,
                      .results = results,
                      .overrides = line->override,
                      .n_overrides = line->n_overrides};
    TRY(job_new(&out->job, &out->plan, &order, arena), "'%s' as a job of %s", file,
        out->target->kind.name);
    if (out->target->script)
        return out->target->script(&out->text, &out->job, arena);
    Json *object;
    PASS(out->target->object(&object, &out->job, arena));
    out->text = json_pretty(object, arena);
    return check_object(out->target, out->text, out->job.name, arena);
}

static void say_size(const Submission *submission) {
    const Job *job = &submission->job;
    char room[SAY_DURATION_ROOM];
    say("%s: %d ranks x %d threads on %d nodes, %lld MB a node, walltime %s; about %.2g CPU hours",
        job->name, job->ranks, job->threads, job->nodes, (long long)job->memory_mb,
        say_duration((double)job->walltime_s, room), job->cpu_hours);
    if (job->n_shares)
        say("an array of %d elements for %d trials", job->n_shares, job->experiment->n_trials);
}

/* What the engine's client says without starting anything, where it is here. */
static Error *check(const Submission *submission, const char *file, Arena *arena) {
    const char *words[TARGET_MAX_WORDS], *name = submission->target->kind.name;
    int code = 0;
    if (!submission->target->rehearse) {
        say("%s: ok", name);
        return NULL;
    }
    PASS(submission->target->rehearse(words, &submission->job, file, arena));
    if (!client_exists(words[0])) {
        say("%s: ok as far as can be told without '%s'", name, words[0]);
        return NULL;
    }
    PASS(client_run(NULL, &code, words, arena));
    if (code != 0)
        return error_hint(
            error_new(CODE_USAGE, "%s %s refuses the job (exit code %d)", words[0], words[1], code),
            "its message above says why; partition, account and sizes come from the "
            "site's settings (--site, --set)");
    say("%s: ok, and so says %s %s", name, words[0], words[1]);
    return NULL;
}

static Error *hand_in(const Submission *submission, const char *file, Arena *arena) {
    const char *words[TARGET_MAX_WORDS], *id = NULL;
    int code = 0;
    PASS(submission->target->hand_in(words, &submission->job, file, arena));
    PASS(client_run(&id, &code, words, arena));
    if (code != 0)
        return error_hint(
            error_new(CODE_USAGE, "%s refused the job (exit code %d)", words[0], code),
            "its message above says why; the job is '%s'", file);
    printf("%s\n", id);
    return NULL;
}

/* Where the job stands while a client reads it: --out, else beside the results of a job that is
 * handed in, else a file that goes again. */
static const char *job_path(const Submission *submission, Arena *arena) {
    const char *given = command_option(submission->line, "--out"), *tmp = getenv("TMPDIR");
    const char *kind = submission->target->kind.name,
               *end = submission->target->script ? "sh" : "json";
    if (given)
        return given;
    if (command_option(submission->line, "--now"))
        return arena_print(arena, "results/%s/job-%s.%s", submission->experiment.name, kind, end);
    return arena_print(arena, "%s/batchlab-%ld-%s.%s", tmp ? tmp : "/tmp", (long)getpid(), kind,
                       end);
}

static Error *write_job(const Submission *submission, const char *file, Arena *arena) {
    if (!command_option(submission->line, "--out") && command_option(submission->line, "--now"))
        PASS(io_folder(arena_print(arena, "results/%s", submission->experiment.name)));
    PASS(io_write(file, submission->text, strlen(submission->text)));
    if (submission->target->script)
        chmod(file, 0755);
    return NULL;
}

static Error *run_submit(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    if (command_option(line, "--file"))
        return check_file(line, arena);
    Submission *submission = ARENA_NEW(arena, Submission);
    submission->line = line;
    PASS(make_job(submission, arena));
    bool checks = command_option(line, "--check"), now = command_option(line, "--now"),
         keeps = now || command_option(line, "--out");
    experiment_note_overrides(&submission->experiment, line->override, line->n_overrides, arena);
    say_size(submission);
    if (!checks && !keeps) {
        printf("%s", submission->text);
        return NULL;
    }
    const char *file = job_path(submission, arena);
    PASS(write_job(submission, file, arena));
    Error *error = checks ? check(submission, file, arena) : NULL;
    if (!error && now)
        error = hand_in(submission, file, arena);
    if (!keeps)
        unlink(file);
    return error;
}

static const Option options[] = {
    {"--target", "NAME", "what carries it out: `batchlab list targets`"},
    {"--site", "NAME", "settings of experiments/sites/NAME.json, or a path (default: default)"},
    {"--set", "KEY=VALUE", "a setting of the site, as often as needed: nodes=4, slurm.account=X"},
    {"--results", "DIR", "where results go, there (default: the site's)"},
    {"--out", "FILE", "write the job there instead of to stdout"},
    {"--check", NULL, "check it, also with the engine's client where that needs no job"},
    {"--file", "FILE", "with --check: a job that you edited, instead of an experiment"},
    {"--now", NULL, "hand it in and print the job's id"},
    OPTION_END,
};

COMMAND_TYPE(submit) = {
    .kind = {.name = "submit",
             .summary = "an experiment as a job of Slurm, Kubernetes, Vertex AI, SageMaker, ...",
             .detail =
                 "Ranks, threads, memory and walltime come from the plan, names and sizes of the "
                 "site from its settings,\n"
                 "never from the experiment. A job that is stopped goes on from its checkpoints, "
                 "with the same bits.\n"
                 "`batchlab explain slurm` (or another target) lists its settings."},
    .usage = "EXPERIMENT.json --target NAME [key.path=value ...]",
    .options = options,
    .run = run_submit,
};
