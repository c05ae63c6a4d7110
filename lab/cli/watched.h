/* A sweep seen from outside: what `batchlab watch` and `batchlab status` know. Nothing is locked
 * and nothing is written. */
#ifndef LAB_CLI_WATCHED_H
#define LAB_CLI_WATCHED_H

#include "lab/base/json.h"
#include "lab/store/run_follow.h"

typedef enum {
    STATE_RUNNING,
    STATE_LEFT,  /* unfinished, and nobody works on it */
    STATE_ENDED, /* + its Outcome */
    STATE_N = STATE_ENDED + OUTCOME_N
} WatchedState;

typedef struct WatchedRun {
    RunFollow follow;
    WatchedState state;
    const char *id;   /* without hosts (plan_id_anywhere), which a plan does not know */
    const char *cell; /* "momentum, B = 64, seed 0, 2 x 1": what it is, for people */
} WatchedRun;

typedef struct Watched {
    const char *folder, *name, *question;
    int n_planned;        /* runs that are to be; -1: its config cannot be planned here */
    const char **planned; /* (n_planned) their ids without hosts, sorted */
    bool grows;           /* a search: more may follow */
    bool alive;           /* a process works here */
    int n;                /* begun runs, by run id */
    WatchedRun *run;
    int n_of[STATE_N];
    double examples_s; /* of all running ones */
    Arena *arena;
    const char *why_unplanned; /* with n_planned = -1 */
} Watched;

/* `folder` as folder_find gives it. */
Error *watched_new(Watched *out, const char *folder, Arena *arena);
/* Plans again: how many runs there are to be. */
void watched_plan(Watched *watched);
/* Looks at every run; calls tell(self, run) for each whose state changed. */
Error *watched_look(Watched *watched, void (*tell)(void *self, const WatchedRun *run), void *self);

/* Gives back what its runs hold. */
void watched_end(Watched *watched);

/* Planned runs that nothing is to be done for, and those that have begun; all runs of the folder
 * where nobody knows what is planned. */
int watched_done(const Watched *watched);
int watched_begun(const Watched *watched);
const char *watched_state_name(WatchedState state);
/* Seconds that a running run still takes when it goes through to its last step; NaN: unknown. */
double watched_left_s(const WatchedRun *run);
/* The value that its target is about, validation accuracy or loss without one; NaN: none yet. */
double watched_metric(const WatchedRun *run, const char **name);
/* Why a run failed or diverged, "" for others. */
const char *watched_reason(const WatchedRun *run, Arena *arena);

/* Runs that have begun, those that matter first: running, left, failed and diverged, the others;
 * within a kind the latest. `order` has room for all; returns how many. */
int watched_order(const WatchedRun **order, const Watched *watched);

/* ---- shown: for people (at most `rows` runs, the ones that matter first), machines, Prometheus */
const char *watched_text(const Watched *watched, int rows, int columns, Arena *arena);
const char *watched_totals(const Watched *watched, Arena *arena); /* one line */
const char *watched_event(const WatchedRun *run, Arena *arena);   /* one line: what became of it */
/* Up to three of them, metric against examples, by gnuplot in characters; "" before any has two
 * evaluations. Errors: no gnuplot (66), no room for its files (74). */
Error *watched_plot(const char **out, const Watched *watched, int columns, int rows, Arena *arena);
Json *watched_json(const Watched *watched, Arena *arena);
const char *watched_prometheus(const Watched *watched, Arena *arena);

#endif
