#include "lab/base/clock.h"
#include "lab/base/io.h"
#include "lab/base/say.h"
#include "lab/cli/command.h"
#include "lab/cli/folder.h"
#include "lab/cli/watched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_LINES = 5, TOTALS_EVERY_S = 30 };
enum { PLOT_COLUMNS = 80, PLOT_LINES = 18 }; /* of what is no terminal */

typedef struct Watch {
    Watched watched;
    bool once, json, terminal, plot;
    double every_s;
    const char *prometheus;
    double totals_s; /* when they were last told */
    const char *picture;
    int64_t picture_evals; /* that it shows; it is drawn again when there are more */
    Arena *picture_arena;
} Watch;

static void sleep_for(double seconds) {
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

static void tell(void *self, const WatchedRun *run) {
    Arena *scratch = arena_new();
    (void)self;
    printf("%s\n", watched_event(run, scratch));
    arena_end(scratch);
}

static int64_t evals_of(const Watched *watched) {
    int64_t n = 0;
    for (int i = 0; i < watched->n; i++)
        n += watched->run[i].follow.n_evals;
    return n;
}

static Error *plot(Watch *watch, int columns, int lines) {
    int64_t evals = evals_of(&watch->watched);
    if (!watch->plot || evals == watch->picture_evals)
        return NULL;
    if (watch->picture_arena)
        arena_end(watch->picture_arena);
    watch->picture_arena = arena_new();
    watch->picture_evals = evals;
    return watched_plot(&watch->picture, &watch->watched, columns, lines, watch->picture_arena);
}

/* The screen anew, from its first line; the picture has the lower half. */
static Error *draw(Watch *watch, Arena *scratch) {
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    PASS(plot(watch, size.ws_col, size.ws_row / 2));
    int rows = size.ws_row - (*watch->picture ? size.ws_row / 2 : 0);
    rows = rows > HEAD_LINES + 3 ? rows - HEAD_LINES : 3;
    printf("\033[H\033[J%s%s", watched_text(&watch->watched, rows, size.ws_col, scratch),
           watch->picture);
    return NULL;
}

static Error *show(Watch *watch, Arena *scratch) {
    const Watched *watched = &watch->watched;
    if (watch->json)
        printf("%s\n", json_canonical(watched_json(watched, scratch), scratch));
    else if (watch->terminal)
        PASS(draw(watch, scratch));
    else if (watch->once) {
        PASS(plot(watch, PLOT_COLUMNS, PLOT_LINES));
        printf("%s%s", watched_text(watched, 0, 0, scratch), watch->picture);
    } else if (clock_s() - watch->totals_s >= TOTALS_EVERY_S || watch->totals_s == 0) {
        printf("%s: %s\n", watched->name, watched_totals(watched, scratch));
        watch->totals_s = clock_s();
    }
    fflush(stdout);
    return NULL;
}

/* Everything that was planned is done; a plan that grows is made again first. */
static bool is_over(Watched *watched) {
    if (watched->n_planned < 0 || watched_done(watched) < watched->n_planned)
        return false;
    if (watched->grows)
        watched_plan(watched);
    return !watched->grows && watched_done(watched) >= watched->n_planned;
}

static Error *look(Watch *watch, bool *over, Arena *scratch) {
    bool plain = !watch->once && !watch->json && !watch->terminal;
    PASS(watched_look(&watch->watched, plain ? tell : NULL, watch));
    *over = is_over(&watch->watched);
    if (*over)
        watch->totals_s = 0;
    PASS(show(watch, scratch));
    if (watch->prometheus) {
        const char *text = watched_prometheus(&watch->watched, scratch);
        PASS(io_write_as(IO_DERIVED, watch->prometheus, text, strlen(text)));
    }
    return NULL;
}

static Error *read_line(Watch *watch, const CommandLine *line, Arena *arena) {
    const char *word, *folder, *results = command_option(line, "--results");
    const char *every = command_option(line, "--every");
    char *end = NULL;
    watch->every_s = every ? strtod(every, &end) : 1;
    if (every && (*end != '\0' || !(watch->every_s >= 0.1 && watch->every_s <= 3600)))
        return error_hint(error_new(CODE_USAGE, "--every is '%s'", every),
                          "seconds from 0.1 to 3600");
    watch->once = command_option(line, "--once");
    watch->json = command_option(line, "--json");
    watch->terminal = !watch->once && !watch->json && isatty(STDOUT_FILENO);
    watch->prometheus = command_option(line, "--prometheus");
    watch->plot = command_option(line, "--plot");
    if (watch->plot && !watch->once && !watch->terminal)
        return error_hint(error_new(CODE_USAGE, "--plot draws on a terminal"),
                          "look --once, without --json");
    PASS(command_one_word(&word, line, &command_watch, "results folder or experiment file"));
    PASS(folder_find(&folder, word, results ? results : "results", arena));
    return watched_new(&watch->watched, folder, arena);
}

static Error *run_watch(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    Watch watch = {.picture = ""};
    PASS(read_line(&watch, line, arena));
    bool over = false;
    Error *error = NULL;
    while (!error && !over) {
        Arena *scratch = arena_new();
        error = look(&watch, &over, scratch);
        arena_end(scratch);
        if (watch.once)
            break;
        if (!error && !over)
            sleep_for(watch.every_s);
    }
    if (watch.picture_arena)
        arena_end(watch.picture_arena);
    watched_end(&watch.watched);
    return error;
}

static const Option options[] = {
    {"--once", NULL, "look once"},
    {"--json", NULL, "one JSON object a look, each on a line"},
    {"--every", "SECONDS", "between two looks (default: 1)"},
    {"--plot", NULL, "below it the metric of the latest runs, drawn in characters"},
    {"--prometheus", "FILE",
     "also write metrics as a Prometheus text file (node_exporter's textfile)"},
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(watch) = {
    .kind = {.name = "watch",
             .summary = "a sweep while it runs: state, step, loss, metric, speed of every run",
             .detail =
                 "Reads the journals and locks nothing, so it may be started, stopped and repeated "
                 "at any time, on any\n"
                 "machine that sees the folder. On a terminal the screen is drawn again, elsewhere "
                 "what happens is told\n"
                 "line by line. It ends when all runs are done. Whether a run is `running` or "
                 "`left` is asked of the\n"
                 "trial's lock: on storage without locks between hosts, look at how long ago it "
                 "changed (--json)."},
    .usage = "RESULTS/NAME|EXPERIMENT.json",
    .options = options,
    .run = run_watch,
};
