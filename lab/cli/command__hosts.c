/* _hosts: what `batchlab-ranks` asks inside a container; not for people. */
#include "lab/cli/command.h"

#include "lab/sweep/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "INDEX", then a host a line. */
static void print_hosts(const Hosts *hosts) {
    printf("%d\n", hosts->index);
    for (int i = 0; i < hosts->n_hosts; i++)
        printf("%s\n", hosts->host[i]);
}

static Error *print_words(const char *folder, Arena *arena) {
    const char **words;
    int n;
    PASS(hosts_words(&words, &n, arena_print(arena, "%s/hyperparameters.json", folder), arena));
    for (int i = 0; i < n; i++)
        printf("%s\n", words[i]);
    return NULL;
}

static Error *run_hosts(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *engine, *folder = command_option(line, "--folder");
    Hosts hosts;
    folder = folder ? folder : "/opt/ml/input/config";
    PASS(command_one_word(&engine, line, &command__hosts, "engine"));
    if (command_option(line, "--words"))
        return print_words(folder, arena);
    if (strcmp(engine, "vertex") == 0)
        PASS(hosts_vertex(&hosts, getenv("CLUSTER_SPEC"), arena));
    else if (strcmp(engine, "sagemaker") == 0)
        PASS(hosts_sagemaker(&hosts, arena_print(arena, "%s/resourceconfig.json", folder), arena));
    else
        return error_hint(error_new(CODE_USAGE, "'%s' tells its hosts otherwise", engine),
                          "vertex or sagemaker");
    print_hosts(&hosts);
    return NULL;
}

static const Option options[] = {
    {"--folder", "DIR", "of SageMaker's files (default: /opt/ml/input/config)"},
    {"--words", NULL, "the words of a tuning job's hyperparameters instead"},
    OPTION_END,
};

COMMAND_TYPE(_hosts) = {
    .kind = {.name = "_hosts", .summary = "the hosts of a service's job, for batchlab-ranks"},
    .usage = "vertex | sagemaker",
    .options = options,
    .run = run_hosts,
};
