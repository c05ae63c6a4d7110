#include "lab/cli/folder.h"

#include "lab/analyze/analyze.h"
#include "lab/base/background.h"
#include "lab/base/io.h"
#include "lab/base/json.h"
#include "lab/base/text.h"

#include <string.h>
#include <unistd.h>

static Error *name_of(const char **out, const char *file, Arena *arena) {
    Json *root;
    PASS(json_load(&root, file, arena));
    const Json *name = json_find(root, "experiment");
    if (!name || name->kind != JSON_TEXT || !text_is_name(name->text))
        return error_hint(json_error(root, "lacks the setting 'experiment', a name"),
                          "give an experiment file or the results folder of one");
    *out = name->text;
    return NULL;
}

Error *folder_find(const char **out, const char *word, const char *results, Arena *arena) {
    const char *folder = word;
    if (!io_exists(word))
        return error_hint(error_new(CODE_MISSING, "there is no '%s'", word),
                          "give an experiment file or its results folder, such as %s/NAME",
                          results);
    if (!io_is_folder(word)) {
        const char *name = NULL;
        PASS(name_of(&name, word, arena));
        folder = arena_print(arena, "%s/%s", results, name);
    }
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    *out = arena_copy_n(arena, folder, n);
    if (io_exists(arena_print(arena, "%s/experiment.json", *out)))
        return NULL;
    return error_hint(error_new(CODE_MISSING, "'%s' holds no results", *out),
                      "run the experiment first: batchlab run %s",
                      io_is_folder(word) ? "EXPERIMENT.json" : word);
}

/* All runs of a folder, and who gathers them. */
typedef struct Runs {
    RunRecord *run; /* (n) */
    int n;
    Gathering *gathering;
} Runs;

static Error *begin(Gathering **out, const char *folder, Arena *arena) {
    const char *name = NULL;
    PASS(name_of(&name, arena_print(arena, "%s/experiment.json", folder), arena));
    *out = gathering_new(folder, name, arena);
    return NULL;
}

Error *folder_gather(const char *folder, bool each, Arena *arena) {
    RunRecord *runs;
    int n;
    Gathering *gathering;
    PASS(run_load_all(&runs, &n, folder, arena));
    PASS(begin(&gathering, folder, arena));
    Error *error = gathering_finish(gathering, runs, n, each);
    gathering_end(gathering);
    return error;
}

/* A BackgroundJob. */
static Error *gather(void *data) {
    const Runs *all = data;
    return gathering_finish(all->gathering, all->run, all->n, false);
}

Error *folder_report_with(Gathering *gathering, const char *folder, const TargetsAsked *asked,
                          char **path, Arena *arena) {
    Runs all = {.gathering = gathering};
    Background *background;
    PASS(run_load_all(&all.run, &all.n, folder, arena));
    PASS(background_new(&background, arena));
    background_add(background, gather, &all);
    Error *unreported = analyze_report_of(folder, all.run, all.n, asked, path, arena);
    Error *ungathered = background_end(background);
    if (ungathered && unreported)
        error_end(unreported);
    return ungathered ? ungathered : unreported;
}

Error *folder_report(const char *folder, const TargetsAsked *asked, char **path, Arena *arena) {
    Gathering *gathering;
    PASS(begin(&gathering, folder, arena));
    Error *error = folder_report_with(gathering, folder, asked, path, arena);
    gathering_end(gathering);
    return error;
}

const char *folder_relative(const char *path, Arena *arena) {
    char here[4096];
    size_t n;
    if (path[0] != '/' || !getcwd(here, sizeof here))
        return path;
    n = strlen(here);
    return strncmp(path, here, n) == 0 && path[n] == '/' ? arena_copy(arena, path + n + 1) : path;
}
