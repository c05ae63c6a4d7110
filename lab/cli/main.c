#include "lab/cli/command.h"

#include "lab/store/provenance.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_usage(FILE *out) {
    fprintf(out, "batchlab: how large a batch and how many replicas pay, with evidence\n\n"
                 "usage: batchlab COMMAND [experiment.json | results folder] [key=value ...]\n\n");
    for (int i = 0; i < COMMAND_N; i++)
        if (command_table[i]->name[0] != '_')
            fprintf(out, "  %-10s %s\n", command_table[i]->name, command_table[i]->summary);
    fprintf(out,
            "\n`batchlab COMMAND --help` shows a command's options, `batchlab --version` what was "
            "built. Start\nwith `batchlab demo`.\n");
}

static bool is_one_of(const char *word, const char *const *words) {
    while (*words && strcmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

static Error *dispatch(int argc, char **argv, int *code, Arena *arena) {
    const Kind *kind;
    PASS(kind_find(&kind, command_table, COMMAND_N, argv[1], "command", NULL));
    const CommandType *type = (const CommandType *)kind;
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0) {
            command_help(type);
            return NULL;
        }
    CommandLine *line = ARENA_NEW(arena, CommandLine);
    PASS(command_parse(line, type, argv[0], argc - 2, argv + 2));
    return type->run(line, code, arena);
}

int main(int argc, char **argv) {
    const char *const help[] = {"--help", "help", "-h", NULL}, *const version[] = {"--version",
                                                                                   "version", "-V",
                                                                                   NULL};
    if (argc < 2 || is_one_of(argv[1], help)) {
        print_usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? CODE_USAGE : CODE_OK;
    }
    if (is_one_of(argv[1], version)) {
        printf("%s\n", provenance_version());
        return CODE_OK;
    }
    signal(SIGXFSZ,
           SIG_IGN); /* a file that may not grow is an error of the write, like a full disk */
    Arena *arena = arena_new();
    int code = CODE_OK;
    Error *error = dispatch(argc, argv, &code, arena);
    if (error) {
        code = error_code(error);
        error_print(error, stderr);
        error_end(error);
    }
    arena_end(arena);
    return code;
}
