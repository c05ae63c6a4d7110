/* The metric of the runs that matter, drawn in characters by gnuplot. */
#include "lab/cli/watched.h"

#include "lab/analyze/gnuplot.h"
#include "lab/base/io.h"
#include "lab/base/text.h"
#include "lab/train/metric.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_RUNS = 3, LEAST_EVALS = 2, MOST_POINTS = 400 }; /* drawn; of a run: for a line, on it */

/* Adds a run's block; false when there is no line to draw. */
static bool add_block(Text *text, const WatchedRun *run) {
    Arena *scratch = arena_new();
    RunRecord record;
    bool found = false;
    Error *error = run_load(&record, &found, run->follow.folder, scratch);
    bool drawn = !error && found && record.n_evals >= LEAST_EVALS;
    error_end(error); /* a run that cannot be read is told where it stands in the list */
    if (drawn) {
        const char *name;
        watched_metric(run, &name);
        Metric metric = metric_find(name);
        text_add(text, "\n\n\"%s\"\n", run->cell);
        int n = record.n_evals < MOST_POINTS ? record.n_evals : MOST_POINTS;
        for (int i = 0; i < n; i++) {
            const EvalRow *row = &record.evals[(int64_t)i * (record.n_evals - 1) / (n - 1)];
            text_add(text, "%lld %.9g\n", (long long)row->examples, metric_value(row, metric));
        }
    }
    arena_end(scratch);
    return drawn;
}

/* *out: what gnuplot makes of a table, both in a folder that goes away again. */
static Error *draw(const char **out, const char *table, const char *folder, Arena *arena) {
    const char *path = arena_print(arena, "%s/table", folder);
    const char *base = arena_print(arena, "%s/picture", folder);
    PASS(io_write_as(IO_DERIVED, path, table, strlen(table)));
    Gnuplot gnuplot;
    Error *error = gnuplot_begin(&gnuplot, "terminal", path, base, "txt", arena);
    error = error ? error : gnuplot_end(&gnuplot, arena);
    const char *picture = arena_print(arena, "%s.txt", base);
    char *text;
    size_t n;
    error = error ? error : io_read(&text, &n, picture, arena);
    unlink(path);
    unlink(picture);
    *out = error ? NULL : text;
    return error;
}

Error *watched_plot(const char **out, const Watched *watched, int columns, int rows, Arena *arena) {
    *out = "";
    const WatchedRun **order = ARENA_ARRAY(arena, const WatchedRun *, watched->n + 1);
    int n = watched_order(order, watched), n_drawn = 0;
    Text blocks = text_new(arena);
    for (int i = 0; i < n && n_drawn < MOST_RUNS; i++)
        n_drawn += order[i]->follow.n_evals >= LEAST_EVALS && add_block(&blocks, order[i]);
    if (n_drawn == 0)
        return NULL;
    const char *temporary = getenv("TMPDIR");
    char *folder = arena_print(arena, "%s/batchlab-watch-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(folder))
        return error_new(CODE_IO, "cannot make a folder below '%s': %s",
                         temporary ? temporary : "/tmp", strerror(errno));
    const char *table = arena_print(arena, "%d %d %d\n%s", columns, rows, n_drawn, blocks.data);
    Error *error = draw(out, table, folder, arena);
    rmdir(folder);
    return error;
}
