#include "lab/cli/kinds.h"

#include "lab/base/text.h"

#include <stdio.h>
#include <string.h>

static void print_page(const Kind *kind, const char *noun, Arena *arena) {
    printf("%s: %s\n  %s\n", noun, kind->name, kind->summary);
    if (kind->detail)
        printf("\n%s\n", kind->detail);
    if (kind->params && kind->params->key)
        printf("\nsettings: default (legal), unit, meaning\n");
    for (const Param *row = kind->params; row && row->key; row++)
        printf("  %-14s %s%s%s\n                 %s\n", row->key, param_range(row, arena),
               strcmp(row->unit, "1") == 0 ? "" : ", ",
               strcmp(row->unit, "1") == 0 ? "" : row->unit, row->help);
    if (kind->reference)
        printf("\nreference: %s\n", kind->reference);
}

static Error *unknown(const char *name, const KindGroup *groups, int n) {
    const char *names[256];
    int n_names = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < groups[i].n && n_names < 256; j++)
            if (groups[i].table[j]->name[0] != '_')
                names[n_names++] = groups[i].table[j]->name;
    const char *near = text_nearest(name, names, n_names);
    return error_hint(error_new(CODE_USAGE, "nothing is called '%s'", name),
                      "%s%s%s`batchlab list` shows every name", near ? "did you mean '" : "",
                      near ? near : "", near ? "'? " : "");
}

/* A name may stand in two registries (noisy_quadratic is a model and a dataset): all of them are
 * shown. */
static Error *run_explain(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *name;
    PASS(command_one_word(&name, line, &command_explain, "name"));
    int n, shown = 0;
    const KindGroup *groups = kind_groups(&n);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < groups[i].n; j++)
            if (strcmp(groups[i].table[j]->name, name) == 0) {
                if (shown++)
                    printf("\n");
                if (groups[i].table == command_table)
                    command_help((const CommandType *)groups[i].table[j]);
                else
                    print_page(groups[i].table[j], groups[i].noun, arena);
            }
    return shown ? NULL : unknown(name, groups, n);
}

static const Option options[] = {OPTION_END};

COMMAND_TYPE(explain) = {
    .kind = {.name = "explain",
             .summary = "one kind's manual page: formula, settings with defaults, reference"},
    .usage = "NAME",
    .options = options,
    .run = run_explain,
};
