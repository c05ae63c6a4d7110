#include "lab/sweep/launch.h"

#include "lab/base/clock.h"
#include "lab/base/say.h"
#include "lab/sweep/claim.h"
#include "lab/sweep/hosts.h"
#include "lab/sweep/rungs.h"
#include "lab/sweep/worker.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WORKERS = 256, MAX_CRASHES = 2 };

typedef struct Driver {
    Plan *plan;
    const Phase *phase; /* being carried out */
    const Phase *asked; /* whose workers were started to hear where they are */
    const LaunchOptions *options;
    Worker *worker; /* (MAX_WORKERS) */
    int n_workers;
    int *crashes; /* (plan->max_runs) */
    Progress progress;
    double done;      /* examples */
    int false_starts; /* workers that ended outside a run */
    const volatile sig_atomic_t *stop;
    bool stopping;
    double told_stop_s; /* when the workers were last told */
} Driver;

static PlannedRun *find_run(const Phase *phase, const char *id) {
    for (int i = 0; i < phase->n; i++)
        if (strcmp(phase->run[i]->id, id) == 0)
            return phase->run[i];
    return NULL;
}

static void show(Driver *driver, const Worker *worker) {
    char note[128] = "";
    if (worker->run) {
        const TrialSettings *trial = &worker->run->trial->settings;
        snprintf(note, sizeof note, "%s B=%lld seed %llu, %d x %d", trial->optimizer->kind.name,
                 (long long)trial->global_batch, (unsigned long long)worker->run->trial->seed,
                 worker->run->replicas, worker->run->threads);
    }
    progress_set(&driver->progress, driver->done, note);
}

/* Its runs are those on so many hosts, which may be left where others are done. */
static void hear_hosts(Driver *driver, int hosts) {
    Plan *plan = driver->plan;
    if (driver->phase->hosts == hosts)
        return;
    plan_know_hosts(plan, (int)(driver->phase - plan->phases), hosts);
    error_end(plan_refresh_runs(plan)); /* what fails there fails when the phase is looked at */
    driver->progress.total = driver->done + plan_work(plan) + plan_pending_work(plan);
}

static void hear(void *self, Worker *worker) {
    Driver *driver = self;
    const Phase *phase = driver->phase;
    char word[16] = "", id[256] = "", rest[64] = "";
    long long steps = 0; /* behind an outcome */
    int hosts = 0;
    if (sscanf(worker->line, "ready %d", &hosts) == 1 && hosts > 0)
        hear_hosts(driver, hosts);
    else if (sscanf(worker->line, "%15s %255s %63s %lld", word, id, rest, &steps) < 2)
        return;
    PlannedRun *run = find_run(phase, id);
    if (!run)
        return;
    double now = plan_run_work(run) * (double)atoll(rest) / (double)run->steps;
    if (strcmp(word, "start") == 0) {
        bool rungs = run->trial->role == SEARCH_POINT && rungs_count(driver->plan->experiment) > 0;
        if (now > 0 && !rungs) /* going on from a rung is no news */
            say("%s goes on after step %s", run->id, rest);
        worker->run = run;
        worker->run_work = now;
        driver->done += now;
    } else if (strcmp(word, "at") == 0) {
        driver->done += now - worker->run_work;
        worker->run_work = now;
    } else if (strcmp(word, "end") == 0) {
        bool interrupted = strcmp(rest, outcome_name(OUTCOME_INTERRUPTED)) == 0;
        bool paused = phase->rung && steps >= rungs_pause(driver->plan, phase, run);
        driver->done += interrupted ? -worker->run_work : plan_run_work(run) - worker->run_work;
        worker->run = NULL;
        run->timed_out = interrupted && !paused && !driver->stopping;
        if (!interrupted && !phase->alone && driver->options->ended)
            driver->options->ended(driver->options->self, run->id);
    }
    show(driver, worker);
}

/* SIGUSR1, which mpirun forwards to its ranks at once; on SIGINT and SIGTERM it waits, then kills.
 * Sent again until they are gone, because mpirun loses what comes before it listens. */
static void pass_on_stop(Driver *driver) {
    if (!*driver->stop)
        return;
    if (!driver->stopping)
        say("stopping after this step; Ctrl-C again: at once");
    driver->stopping = true;
    double now = clock_s();
    if (now - driver->told_stop_s < 0.5)
        return;
    driver->told_stop_s = now;
    for (int i = 0; i < driver->n_workers; i++)
        if (driver->worker[i].pid > 0)
            kill(driver->worker[i].pid, SIGUSR1);
}

/* mpirun may wait forever for ranks that died while they started (seen: no room for MPI's own
 * files). */
static void end_silent(Driver *driver) {
    double given_s = driver->options->start_limit_s, limit_s = given_s > 0 ? given_s : 120;
    for (int i = 0; i < driver->n_workers; i++) {
        Worker *worker = &driver->worker[i];
        if (worker->pid <= 0 || worker->ready || clock_s() - worker->start_s < limit_s)
            continue;
        say("a worker does not start within %g s", limit_s);
        worker->start_s = INFINITY;
        kill(worker->pid, SIGKILL); /* its ranks follow */
    }
}

/* Until every worker is gone. */
static void follow(Driver *driver) {
    for (;;) {
        struct pollfd polls[2 * MAX_WORKERS];
        Worker *from[2 * MAX_WORKERS];
        nfds_t n = 0;
        for (int i = 0; i < driver->n_workers; i++) {
            Worker *worker = &driver->worker[i];
            const int fds[] = {worker->err_fd, worker->fd}; /* stderr first */
            for (int j = 0; j < 2; j++)
                if (fds[j] >= 0) {
                    from[n] = worker;
                    polls[n++] = (struct pollfd){.fd = fds[j], .events = POLLIN};
                }
        }
        pass_on_stop(driver);
        end_silent(driver);
        if (n == 0)
            return;
        if (poll(polls, n, 500) <= 0)
            continue;
        for (nfds_t i = 0; i < n; i++) {
            if (polls[i].revents && polls[i].fd == from[i]->err_fd)
                worker_listen_to_mpirun(from[i]);
            else if (polls[i].revents && polls[i].fd == from[i]->fd)
                worker_listen(from[i], hear, driver);
        }
    }
}

static const char *how_it_ended(const Worker *worker, char room[CAUSE_ROOM]) {
    if (cause_rank(&worker->cause, room))
        return room;
    if (WIFSIGNALED(worker->status))
        snprintf(room, CAUSE_ROOM, "killed by signal %d", WTERMSIG(worker->status));
    else
        snprintf(room, CAUSE_ROOM, "exit code %d", WEXITSTATUS(worker->status));
    return room;
}

/* A worker that ended outside a run: once may be bad luck. */
static Error *judge_start(Driver *driver, const Phase *phase, const Worker *worker, int code,
                          const char *how) {
    int n = phase->replicas;
    if (worker->cause.n_kept > 0)
        say("mpirun says: %s", worker->cause.kept);
    if (code == WORKER_NO_PROGRAM)
        return error_hint(
            error_new(CODE_INTERNAL, "cannot start '%s'",
                      n > 1 ? "mpirun" : driver->options->program),
            "is Open MPI installed? `mpirun --version` tells; layouts.replicas=1 needs none");
    if (driver->false_starts++ == 0) {
        say("a worker of %d replicas ended outside a run (%s); once more", n, how);
        return NULL;
    }
    return error_hint(
        error_new(CODE_INTERNAL, "a worker of %d replicas ended outside a run, again (%s)", n, how),
        "does `mpirun -n %d hostname` work here?", n);
}

/* What a worker's end means: NULL to go on. */
static Error *judge(Driver *driver, const Phase *phase, const Worker *worker) {
    char room[CAUSE_ROOM];
    int code = WIFEXITED(worker->status) ? WEXITSTATUS(worker->status) : -1;
    if (*driver->stop || code == CODE_OK) /* a Ctrl-C may end a worker before it listens */
        return NULL;
    how_it_ended(worker, room);
    if (code == CODE_IO || code == CODE_USAGE || code == CODE_MISSING || code == CODE_STOPPED)
        return error_hint(error_new(code, "a worker gave up (%s)", room),
                          "its message above says why; the same command goes on");
    if (!worker->run && driver->asked == phase) {
        say("nobody tells on how many hosts %d replicas would be here (%s): what is done on any "
            "stays done",
            phase->replicas, room);
        return NULL;
    }
    if (!worker->run)
        return judge_start(driver, phase, worker, code, room);
    int index = (int)(worker->run - driver->plan->runs);
    say("the run %s brought its job down (%s)%s", worker->run->id, room,
        ++driver->crashes[index] < MAX_CRASHES ? "; it gets another chance"
                                               : ": it is recorded as failed");
    return driver->crashes[index] < MAX_CRASHES
               ? NULL
               : campaign_mark_failed(driver->plan, phase, &driver->plan->runs[index], room);
}

/* Everything is done on some number of hosts, and mpirun may use another one here. */
static bool is_to_ask(const Driver *driver, const Phase *phase) {
    return phase->n > 0 && phase->hosts == 0 && driver->asked != phase && hosts_may_be_several();
}

/* Starts workers for what is left of a phase, or may be, and waits for them. */
static Error *carry_out(Driver *driver, int index) {
    const Phase *phase = &driver->plan->phases[index];
    int left = driver->asked == phase ? 1 : claim_count_left(driver->plan, phase),
        side_by_side = driver->plan->cores / phase->threads;
    int n = phase->alone || side_by_side < 1 ? 1 : side_by_side;
    n = phase->parallel && phase->parallel < n ? phase->parallel : n;
    n = n < left ? n : left;
    n = n < MAX_WORKERS ? n : MAX_WORKERS;
    driver->n_workers = 0;
    if (phase->alone && driver->options->alone)
        driver->options->alone(driver->options->self);
    Error *error = NULL;
    for (int i = 0; i < n && !error; i++) {
        error = worker_start(&driver->worker[i], driver->plan, index, driver->options);
        driver->n_workers += !error;
    }
    driver->phase = phase;
    follow(driver);
    for (int i = 0; i < driver->n_workers && !error; i++)
        error = judge(driver, phase, &driver->worker[i]);
    return error;
}

static Error *carry_out_phase(Driver *driver, int index) {
    Plan *plan = driver->plan;
    const Phase *phase = &plan->phases[index];
    double waiting_since_s = 0;
    for (;;) {
        PASS(plan_refresh(plan));
        PASS(campaign_mark_pruned(plan));
        driver->progress.total = driver->done + plan_work(plan) + plan_pending_work(plan);
        PASS(claim_look(plan, phase));
        int left = claim_count_left(plan, phase), taken = left ? claim_count_taken(plan, phase) : 0;
        bool ask = left == 0 && is_to_ask(driver, phase);
        if (left == 0 && !ask)
            return NULL;
        driver->asked = ask ? phase : NULL;
        if (*driver->stop)
            return error_hint(error_new(CODE_STOPPED, "stopped on request"),
                              "the same command goes on from here");
        if (ask || taken < left) {
            waiting_since_s = 0;
            PASS(carry_out(driver, index));
            continue;
        }
        PASS(claim_wait(&waiting_since_s, plan, phase));
        usleep(200000);
    }
}

Error *launch_plan(Plan *plan, const LaunchOptions *options) {
    Arena *arena = arena_new();
    Driver driver = {
        .plan = plan,
        .options = options,
        .stop = launch_stop_flag(),
        .worker = ARENA_ARRAY(arena, Worker, MAX_WORKERS),
        .crashes = ARENA_ARRAY(arena, int, plan->max_runs),
        .progress = progress_new(plan->experiment->name, plan_work(plan) + plan_pending_work(plan)),
    };
    Error *error = NULL;
    for (int i = 0; i < plan->n_phases && !error; i++)
        error = carry_out_phase(&driver, i);
    progress_end(&driver.progress);
    claim_say_left(plan);
    arena_end(arena);
    return error;
}
