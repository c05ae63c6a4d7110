/* The worker's side: what it hears and what it tells. */
#include "lab/sweep/launch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static volatile sig_atomic_t stop_flag; /* a handler can reach nothing else */

static void ask_for_stop(int signal_number) {
    (void)signal_number;
    stop_flag = 1;
}

const volatile sig_atomic_t *launch_stop_flag(void) {
    return &stop_flag;
}

const volatile sig_atomic_t *launch_catch_signals(void) {
    struct sigaction action = {.sa_handler = ask_for_stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    action.sa_flags = (int)SA_RESETHAND; /* a second Ctrl-C ends the process at once */
    sigaction(SIGINT, &action, NULL);
    return &stop_flag;
}

static sigset_t signals_heard(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    return set;
}

static void *listen_for_stop(void *self) {
    sigset_t set = signals_heard();
    bool interrupted = false;
    (void)self;
    for (int heard = 0;;) {
        if (sigwait(&set, &heard) != 0)
            continue;
        stop_flag = 1;
        if (heard == SIGINT && interrupted) { /* a second Ctrl-C: at once */
            signal(SIGINT, SIG_DFL);
            pthread_sigmask(SIG_UNBLOCK, &set, NULL);
            raise(SIGINT);
        }
        interrupted |= heard == SIGINT;
    }
    return NULL;
}

const volatile sig_atomic_t *launch_hear_signals(void) {
    sigset_t set = signals_heard();
    pthread_t thread;
    launch_catch_signals(); /* nothing is lost if there is no thread to be had */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&thread, NULL, listen_for_stop, NULL) == 0)
        pthread_detach(thread);
    else
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return &stop_flag;
}

/* ---- lines from worker to driver: "ready HOSTS", "start RUN STEP", "at RUN STEP", "end RUN
 * OUTCOME STEPS" */

void launch_tell_ready(int hosts) {
    printf("ready %d\n", hosts);
    fflush(stdout);
}

static void tell_start(void *self, const PlannedRun *run, int64_t resumed_from) {
    (void)self;
    printf("start %s %lld\n", run->id, (long long)resumed_from);
    fflush(stdout);
}

static void tell_at(void *self, const PlannedRun *run, int64_t step) {
    (void)self;
    printf("at %s %lld\n", run->id, (long long)step);
    fflush(stdout);
}

static void tell_end(void *self, const PlannedRun *run, Outcome outcome) {
    (void)self;
    printf("end %s %s %lld\n", run->id, outcome_name(outcome), (long long)run->reached_steps);
    fflush(stdout);
}

CampaignWatch launch_worker_watch(void) {
    return (CampaignWatch){NULL, tell_start, tell_at, tell_end};
}
