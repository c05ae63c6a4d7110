#include "lab/cli/kinds.h"

#include "lab/base/text.h"
#include "lab/cli/schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void print_group(const KindGroup *group) {
    printf("%s\n", group->plural);
    for (int i = 0; i < group->n; i++)
        if (group->table[i]->name[0] != '_')
            printf("  %-18s %s\n", group->table[i]->name, group->table[i]->summary);
}

static Json *group_json(const KindGroup *group, Arena *arena) {
    Json *list = json_array(arena);
    for (int i = 0; i < group->n; i++) {
        if (group->table[i]->name[0] == '_')
            continue;
        Json *one = json_add(list, NULL, json_object(arena), arena);
        json_add_text(one, "name", group->table[i]->name, arena);
        json_add_text(one, "summary", group->table[i]->summary, arena);
    }
    return list;
}

static Error *unknown(const char *wanted, const KindGroup *groups, int n) {
    const char *names[32];
    assert(n <= 32);
    for (int i = 0; i < n; i++)
        names[i] = groups[i].plural;
    const char *near = text_nearest(wanted, names, n);
    return error_hint(error_new(CODE_USAGE, "there is no kind '%s'", wanted),
                      "%s%s%s`batchlab list` shows every kind", near ? "did you mean '" : "",
                      near ? near : "", near ? "'? " : "");
}

static Error *run_list(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    if (command_option(line, "--schema")) {
        printf("%s", json_pretty(schema_make(arena), arena));
        return NULL;
    }
    int n;
    const KindGroup *groups = kind_groups(&n);
    const char *wanted = line->n_words > 0 ? line->word[0] : NULL;
    Json *all = json_object(arena);
    bool found = false;
    for (int i = 0; i < n; i++) {
        bool match =
            !wanted || strcmp(wanted, groups[i].plural) == 0 || strcmp(wanted, groups[i].noun) == 0;
        found = found || match;
        if (match && command_option(line, "--json"))
            json_add(all, groups[i].plural, group_json(&groups[i], arena), arena);
        else if (match)
            print_group(&groups[i]);
    }
    if (!found)
        return unknown(wanted, groups, n);
    if (command_option(line, "--json"))
        printf("%s", json_pretty(all, arena));
    return NULL;
}

static const Option options[] = {
    {"--json", NULL, "for machines"},
    {"--schema", NULL,
     "the grammar of experiments as a JSON Schema; experiments/schema.json holds a copy"},
    OPTION_END,
};

COMMAND_TYPE(list) = {
    .kind = {.name = "list", .summary = "registered optimizers, schedules, models, datasets, ..."},
    .usage = "[KIND]",
    .options = options,
    .run = run_list,
};
