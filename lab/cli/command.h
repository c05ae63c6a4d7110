/* Commands: one file each, ending in one const struct, and a line in commands.def. */
#ifndef LAB_CLI_COMMAND_H
#define LAB_CLI_COMMAND_H

#include "lab/base/kind.h"

#define COMMAND_MAX 256

typedef struct Option {
    const char *name;  /* "--results" */
    const char *value; /* "DIR", NULL: a flag */
    const char *help;
} Option;

#define OPTION_END                                                                                 \
    { NULL, NULL, NULL }

/* A parsed command line. */
typedef struct CommandLine {
    const char *program; /* argv[0] of the process */
    int n_words, n_overrides, n_set;
    const char *word[COMMAND_MAX];     /* positional */
    const char *override[COMMAND_MAX]; /* key.path=value */
    const char *option[COMMAND_MAX], *option_value[COMMAND_MAX];
} CommandLine;

typedef struct CommandType {
    Kind kind;
    const char *usage; /* after "batchlab NAME" */
    const Option *options;
    /* *code is the exit code when no error is returned (0 at the start). */
    Error *(*run)(const CommandLine *line, int *code, Arena *arena);
} CommandType;

#define COMMAND(name) COMMAND_ID_##name,
enum {
#include "lab/cli/commands.def"
    COMMAND_N
};
#undef COMMAND
#define COMMAND(name) extern const CommandType command_##name; /* a command shows its own usage */
#include "lab/cli/commands.def"
#undef COMMAND
#define COMMAND_TYPE(name)                                                                         \
    _Static_assert(COMMAND_ID_##name >= 0, "line in commands.def");                                \
    const CommandType command_##name

extern const Kind *const command_table[COMMAND_N];

/* Sorts the words after the command into options, key=value overrides and positional words. */
Error *command_parse(CommandLine *out, const CommandType *type, const char *program, int argc,
                     char **argv);
void command_help(const CommandType *type);

/* Value of an option ("" for a set flag), NULL when absent. */
const char *command_option(const CommandLine *line, const char *name);
/* The only positional word; an error that shows the usage when there is none or more than one. */
Error *command_one_word(const char **out, const CommandLine *line, const CommandType *type,
                        const char *what);

#endif
