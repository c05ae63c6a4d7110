#include "lab/cli/kinds.h"
#include "lab/cli/page.h"

#include "lab/base/text.h"
#include "lab/data/dataset.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

/* What no model can do better than, where a dataset's source is known, at its defaults. */
static void print_best_loss(const DatasetType *type, Arena *arena) {
    const Kind *kind;
    void *settings;
    Dataset data = {0};
    Error *error = kind_read(&kind, &settings, json_text(type->kind.name, arena), dataset_table,
                             DATASET_N, "dataset", NULL, arena);
    if (!error)
        error = dataset_probe(&data, type, settings, NULL, arena);
    if (error) /* it wants settings or files */
        error_end(error);
    else if (data.best_loss > 0)
        printf("\nbest expected loss of any model, at these defaults: %.6f nat, %.6f bits\n",
               data.best_loss, data.best_loss / log(2));
}

/* A name may stand in two registries (noisy_quadratic is a model and a dataset): all of them are
 * shown. */
static int print_named(const char *name, const KindGroup *groups, int n, Arena *arena) {
    int shown = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < groups[i].n; j++)
            if (strcmp(groups[i].table[j]->name, name) == 0) {
                if (shown++)
                    printf("\n");
                if (groups[i].table == command_table)
                    command_help((const CommandType *)groups[i].table[j]);
                else
                    page_print(groups[i].table[j], groups[i].noun, arena);
                if (groups[i].table == dataset_table)
                    print_best_loss((const DatasetType *)groups[i].table[j], arena);
            }
    Kind lr[PAGE_LR_N];
    page_lr(lr);
    for (int i = 0; i < PAGE_LR_N; i++)
        if (strcmp(lr[i].name, name) == 0 && ++shown)
            page_print(&lr[i], i ? "object trial.lr.warmup" : "object trial.lr", arena);
    Kind search = page_search();
    if (strcmp(search.name, name) == 0 && ++shown)
        page_print(&search, "object", arena);
    Kind augmentation = page_augment();
    if (strcmp(augmentation.name, name) == 0 && ++shown)
        page_print(&augmentation, "object trial.augment", arena);
    return shown;
}

/* All of a group, or the `lr` object, as one chapter. */
static bool print_chapter(const char *name, const KindGroup *groups, int n, Arena *arena) {
    if (strcmp(name, "lr") == 0) {
        Kind lr[PAGE_LR_N];
        page_lr(lr);
        printf("\n## learning rate\n");
        for (int i = 0; i < PAGE_LR_N; i++)
            page_print_markdown(&lr[i], arena);
        return true;
    }
    for (int i = 0; i < n; i++)
        if (strcmp(groups[i].plural, name) == 0) {
            printf("\n## %s\n", name);
            for (int j = 0; j < groups[i].n; j++)
                if (groups[i].table[j]->name[0] != '_')
                    page_print_markdown(groups[i].table[j], arena);
            return true;
        }
    return false;
}

static Error *print_markdown(const CommandLine *line, const KindGroup *groups, int n,
                             Arena *arena) {
    if (line->n_words == 0)
        return error_hint(
            error_new(CODE_USAGE, "`explain --markdown` needs chapters"),
            "lr, or plurals as `batchlab list` shows them: optimizers, schedules, ...");
    printf("<!-- made by: batchlab explain --markdown");
    for (int i = 0; i < line->n_words; i++)
        printf(" %s", line->word[i]);
    printf(" -->\n# Manual pages\n\nOne of them: `./batchlab explain NAME`. This file is made by "
           "the program from what "
           "it\nchecks experiments with: settings, defaults and ranges are those that act.\n");
    for (int i = 0; i < line->n_words; i++)
        if (!print_chapter(line->word[i], groups, n, arena))
            return unknown(line->word[i], groups, n);
    return NULL;
}

static Error *run_explain(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    int n;
    const KindGroup *groups = kind_groups(&n);
    if (command_option(line, "--markdown"))
        return print_markdown(line, groups, n, arena);
    const char *name;
    PASS(command_one_word(&name, line, &command_explain, "name"));
    return print_named(name, groups, n, arena) ? NULL : unknown(name, groups, n);
}

static const Option options[] = {
    {"--markdown", NULL,
     "whole chapters: lr, optimizers, scalings, ...; optim/README.md is made so"},
    OPTION_END,
};

COMMAND_TYPE(explain) = {
    .kind = {.name = "explain",
             .summary = "one kind's manual page: formula, settings with defaults, reference"},
    .usage = "NAME|--markdown CHAPTERS",
    .options = options,
    .run = run_explain,
};
