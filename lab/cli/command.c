#include "lab/cli/command.h"

#include "lab/base/text.h"

#include <stdio.h>
#include <string.h>

#define COMMAND(name) &command_##name.kind,
const Kind *const command_table[COMMAND_N] = {
#include "lab/cli/commands.def"
};
#undef COMMAND

static const Option *find_option(const CommandType *type, const char *name, size_t n) {
    for (const Option *option = type->options; option && option->name; option++)
        if (strlen(option->name) == n && strncmp(option->name, name, n) == 0)
            return option;
    return NULL;
}

static Error *unknown_option(const CommandType *type, const char *word) {
    const char *names[64];
    int n = 0;
    for (const Option *option = type->options; option && option->name && n < 64; option++)
        names[n++] = option->name;
    const char *near = text_nearest(word, names, n);
    Error *error = error_new(CODE_USAGE, "`batchlab %s` has no option '%s'", type->kind.name, word);
    return error_hint(error, "%s%s%s`batchlab %s --help` shows what there is",
                      near ? "did you mean '" : "", near ? near : "", near ? "'? " : "",
                      type->kind.name);
}

/* An override is NAME=VALUE where NAME is dotted identifiers; anything else with '=' may be a path.
 */
static bool is_override(const char *word) {
    size_t n = strcspn(word, "=");
    return word[n] == '=' && n > 0 &&
           strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") == n;
}

Error *command_parse(CommandLine *out, const CommandType *type, const char *program, int argc,
                     char **argv) {
    *out = (CommandLine){.program = program};
    if (argc > COMMAND_MAX)
        return error_hint(
            error_new(CODE_USAGE, "more than %d words on the command line", COMMAND_MAX),
            "put settings into the experiment file");
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (word[0] != '-' || word[1] == '\0') {
            if (is_override(word))
                out->override[out->n_overrides++] = word;
            else
                out->word[out->n_words++] = word;
            continue;
        }
        size_t n = strcspn(word, "=");
        const Option *option = find_option(type, word, n);
        if (!option)
            return unknown_option(type, word);
        const char *value = word[n] == '=' ? word + n + 1 : NULL;
        if (option->value && !value && i + 1 < argc && argv[i + 1][0] != '-')
            value = argv[++i];
        if (option->value && (!value || !*value))
            return error_hint(error_new(CODE_USAGE, "the option '%s' needs a value", option->name),
                              "%s %s: %s", option->name, option->value, option->help);
        if (!option->value && value)
            return error_hint(error_new(CODE_USAGE, "the option '%s' takes no value", option->name),
                              "%s: %s", option->name, option->help);
        out->option[out->n_set] = option->name;
        out->option_value[out->n_set++] = value ? value : "";
    }
    return NULL;
}

void command_help(const CommandType *type) {
    printf("batchlab %s%s%s\n\n%s\n", type->kind.name, *type->usage ? " " : "", type->usage,
           type->kind.summary);
    if (type->kind.detail)
        printf("\n%s\n", type->kind.detail);
    printf("\nOptions:\n");
    for (const Option *option = type->options; option && option->name; option++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", option->name, option->value ? " " : "",
                 option->value ? option->value : "");
        printf("  %-22s %s\n", left, option->help);
    }
    printf("  %-22s %s\n", "--help", "this page");
}

const char *command_option(const CommandLine *line, const char *name) {
    for (int i = line->n_set - 1; i >= 0; i--)
        if (strcmp(line->option[i], name) == 0)
            return line->option_value[i];
    return NULL;
}

Error *command_one_word(const char **out, const CommandLine *line, const CommandType *type,
                        const char *what) {
    if (line->n_words == 1) {
        *out = line->word[0];
        return NULL;
    }
    const char *article = strchr("aeiou", *what) ? "an" : "a";
    Error *error =
        line->n_words == 0
            ? error_new(CODE_USAGE, "`batchlab %s` needs %s %s", type->kind.name, article, what)
            : error_new(CODE_USAGE, "`batchlab %s` takes one %s, but '%s' is a second",
                        type->kind.name, what, line->word[1]);
    return error_hint(error, "batchlab %s %s", type->kind.name, type->usage);
}
