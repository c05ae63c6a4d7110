#include "lab/cli/folder.h"

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

Error *folder_gather(const char *folder, bool each, Arena *arena) {
    RunRecord *runs;
    int n;
    PASS(run_load_all(&runs, &n, folder, arena));
    const char *name = NULL;
    PASS(name_of(&name, arena_print(arena, "%s/experiment.json", folder), arena));
    for (int i = 0; i < n; i++) {
        const char *path = arena_print(arena, "%s/runs/%s/run.h5", folder, runs[i].header.run_id);
        if (each ||
            (runs[i].finished && !io_exists(path))) /* its writer died after the last record */
            PASS(h5_write_run(&runs[i], path));
    }
    return h5_write_all(runs, n, name, arena_print(arena, "%s/%s.h5", folder, name));
}

const char *folder_relative(const char *path, Arena *arena) {
    char here[4096];
    size_t n;
    if (path[0] != '/' || !getcwd(here, sizeof here))
        return path;
    n = strlen(here);
    return strncmp(path, here, n) == 0 && path[n] == '/' ? arena_copy(arena, path + n + 1) : path;
}
