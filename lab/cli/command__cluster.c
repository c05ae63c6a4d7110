/* _cluster: what `batchlab-ranks` asks inside a container; not for people. */
#include "lab/cli/command.h"

#include "lab/sweep/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "INDEX", then a host a line. */
static void print_cluster(const Cluster *cluster) {
    printf("%d\n", cluster->index);
    for (int i = 0; i < cluster->n_hosts; i++)
        printf("%s\n", cluster->host[i]);
}

static Error *print_words(const char *folder, Arena *arena) {
    const char **words;
    int n;
    PASS(cluster_words(&words, &n, arena_print(arena, "%s/hyperparameters.json", folder), arena));
    for (int i = 0; i < n; i++)
        printf("%s\n", words[i]);
    return NULL;
}

static Error *run_cluster(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *engine, *folder = command_option(line, "--folder");
    Cluster cluster;
    folder = folder ? folder : "/opt/ml/input/config";
    PASS(command_one_word(&engine, line, &command__cluster, "engine"));
    if (command_option(line, "--words"))
        return print_words(folder, arena);
    if (strcmp(engine, "vertex") == 0)
        PASS(cluster_vertex(&cluster, getenv("CLUSTER_SPEC"), arena));
    else if (strcmp(engine, "sagemaker") == 0)
        PASS(cluster_sagemaker(&cluster, arena_print(arena, "%s/resourceconfig.json", folder),
                               arena));
    else
        return error_hint(error_new(CODE_USAGE, "'%s' tells its hosts otherwise", engine),
                          "vertex or sagemaker");
    print_cluster(&cluster);
    return NULL;
}

static const Option options[] = {
    {"--folder", "DIR", "of SageMaker's files (default: /opt/ml/input/config)"},
    {"--words", NULL, "the words of a tuning job's hyperparameters instead"},
    OPTION_END,
};

COMMAND_TYPE(_cluster) = {
    .kind = {.name = "_cluster", .summary = "the hosts of a service's job, for batchlab-ranks"},
    .usage = "vertex | sagemaker",
    .options = options,
    .run = run_cluster,
};
