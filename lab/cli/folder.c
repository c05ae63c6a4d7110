#include "lab/cli/folder.h"

#include "lab/analyze/analyze.h"
#include "lab/base/background.h"
#include "lab/base/io.h"
#include "lab/base/json.h"
#include "lab/base/text.h"
#include "lab/store/h5.h"

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

typedef struct Gathering {
    const char *folder, *name; /* of the experiment */
    const RunRecord *runs;     /* (n) */
    int n;
    bool each;
} Gathering;

/* A BackgroundJob. */
static Error *gather(void *data) {
    const Gathering *all = data;
    Arena *scratch = arena_new();
    Error *error = NULL;
    for (int i = 0; i < all->n && !error; i++) {
        const RunRecord *run = &all->runs[i];
        const char *path =
            arena_print(scratch, "%s/runs/%s/run.h5", all->folder, run->header.run_id);
        if (all->each ||
            (run->finished && !io_exists(path))) /* its writer died after the last record */
            error = h5_write_run(run, path);
    }
    const char *path = arena_print(scratch, "%s/%s.h5", all->folder, all->name);
    if (!error && (all->each || !h5_is_current(path, all->runs, all->n)))
        error = h5_write_all(all->runs, all->n, all->name, path);
    arena_end(scratch);
    return error;
}

static Error *load(Gathering *out, const char *folder, Arena *arena) {
    RunRecord *runs;
    *out = (Gathering){.folder = folder};
    PASS(run_load_all(&runs, &out->n, folder, arena));
    out->runs = runs;
    return name_of(&out->name, arena_print(arena, "%s/experiment.json", folder), arena);
}

Error *folder_gather(const char *folder, bool each, Arena *arena) {
    Gathering all;
    PASS(load(&all, folder, arena));
    all.each = each;
    return gather(&all);
}

Error *folder_report(const char *folder, const TargetsAsked *asked, char **path, Arena *arena) {
    Gathering all;
    Background *background;
    PASS(load(&all, folder, arena));
    PASS(background_new(&background, arena));
    background_add(background, gather, &all);
    Error *unreported = analyze_report_of(folder, all.runs, all.n, asked, path, arena);
    Error *ungathered = background_end(background);
    if (ungathered && unreported)
        error_end(unreported);
    return ungathered ? ungathered : unreported;
}

const char *folder_relative(const char *path, Arena *arena) {
    char here[4096];
    size_t n;
    if (path[0] != '/' || !getcwd(here, sizeof here))
        return path;
    n = strlen(here);
    return strncmp(path, here, n) == 0 && path[n] == '/' ? arena_copy(arena, path + n + 1) : path;
}
