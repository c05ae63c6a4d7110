/* The worker's side: what it hears and what it tells. */
#include "lab/sweep/launch.h"

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

/* ---- lines from worker to driver: "ready", "start RUN STEP", "at RUN STEP", "end RUN OUTCOME
 * STEPS" */

void launch_tell_ready(void) {
    printf("ready\n");
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
