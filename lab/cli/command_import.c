#include "lab/cli/command.h"

#include "lab/analyze/import.h"
#include "lab/base/text.h"
#include "lab/cli/folder.h"
#include "lab/train/metric.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Error *target_of(ImportTarget *out, const CommandLine *line) {
    const char *metric = command_option(line, "--metric"),
               *target = command_option(line, "--target");
    *out = (ImportTarget){NULL, NAN};
    if (!metric && !target)
        return NULL;
    if (!metric || !target)
        return error_hint(error_new(CODE_USAGE, "--metric and --target come together"),
                          "--metric valid_accuracy --target 0.975");
    out->metric = metric_names[metric_find(metric)];
    if (!out->metric) {
        const char *near = text_nearest(metric, metric_names, METRIC_N);
        return error_hint(error_new(CODE_USAGE, "there is no metric '%s'", metric),
                          "%s%s%svalid_ or test_ with accuracy, top5, loss or bits_per_byte",
                          near ? "did you mean '" : "", near ? near : "", near ? "'? " : "");
    }
    char *end;
    out->target = strtod(target, &end);
    if (end == target || *end || !isfinite(out->target))
        return error_hint(error_new(CODE_USAGE, "the target '%s' is not a number", target),
                          "--target 0.975");
    return NULL;
}

/* runs/vision.jsonl -> "vision" */
static Error *name_of(const char **out, const CommandLine *line, const char *path, Arena *arena) {
    const char *name = command_option(line, "--name"), *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    *out = name ? name : arena_copy_n(arena, base, strcspn(base, "."));
    if (text_is_name(*out))
        return NULL;
    return error_hint(error_new(CODE_USAGE, "'%s' cannot be the name of a results folder", *out),
                      "--name NAME with lower case letters, digits, _ - and .");
}

static Error *run_import(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *path, *name, *results = command_option(line, "--results"),
                             *question = command_option(line, "--question");
    ImportTarget target;
    int n;
    PASS(command_one_word(&path, line, &command_import, "file of JSON lines"));
    PASS(target_of(&target, line));
    PASS(name_of(&name, line, path, arena));
    const char *folder = arena_print(arena, "%s/%s", results ? results : "results", name);
    PASS(import_runs(&n, path, folder, name,
                     question ? question : arena_print(arena, "What do the runs of %s say?", path),
                     target, arena));
    PASS(folder_gather(folder, false, arena));
    fprintf(stderr, "%d run%s imported; `batchlab report %s` looks at them\n", n, n == 1 ? "" : "s",
            folder);
    printf("%s\n", folder_relative(folder, arena));
    return NULL;
}

static const Option options[] = {
    {"--metric", "METRIC",
     "what the target is a value of: valid_ or test_ with accuracy, top5, loss or bits_per_byte"},
    {"--target", "VALUE",
     "a run ends `reached` at its first evaluation that is at least (a loss: at most) this"},
    {"--name", "NAME", "folder below the results (default: the file's name)"},
    {"--question", "TEXT", "what the runs are to answer, for the report"},
    {"--results", "DIR", "where results are (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(import) = {
    .kind =
        {.name = "import",
         .summary = "takes in runs measured elsewhere: JSON lines of any framework",
         .detail =
             "One object a line: global_batch, seed, step (or examples), and what was measured: "
             "loss, accuracy,\n"
             "valid_loss, test_accuracy, lr, seconds, grad_sqnorm with shard_sqnorm and "
             "mini_batch; optimizer,\n"
             "model, dataset and settings tell runs apart. See notebooks/howto/import_runs.md."},
    .usage = "RUNS.jsonl",
    .options = options,
    .run = run_import,
};
