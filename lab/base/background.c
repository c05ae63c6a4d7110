#include "lab/base/background.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

typedef struct Job {
    BackgroundJob *call;
    void *data;
} Job;

struct Background {
    pthread_t thread;
    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t changed;
    Job job[BACKGROUND_MOST]; /* a ring: n jobs from `first` on, the first may be running */
    int first, n;
    bool ending;
    Error *error; /* the first one nobody was told of */
};

static void keep(Background *background, Error *error) {
    if (background->error && error)
        error_end(error);
    else if (error)
        background->error = error;
}

static void *work(void *data) {
    Background *background = data;
    pthread_mutex_lock(&background->lock);
    for (;;) {
        while (background->n == 0 && !background->ending)
            pthread_cond_wait(&background->changed, &background->lock);
        if (background->n == 0)
            break;
        Job job = background->job[background->first];
        pthread_mutex_unlock(&background->lock);
        Error *error = job.call(job.data);
        pthread_mutex_lock(&background->lock);
        keep(background, error);
        background->first = (background->first + 1) % BACKGROUND_MOST;
        background->n--;
        pthread_cond_broadcast(&background->changed);
    }
    pthread_mutex_unlock(&background->lock);
    return NULL;
}

Error *background_new(Background **out, Arena *arena) {
    Background *background = ARENA_NEW(arena, Background);
    pthread_mutex_init(&background->lock, NULL);
    pthread_cond_init(&background->changed, NULL);
    sigset_t all, before;
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&background->thread, NULL, work, background);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return error_new(CODE_INTERNAL, "cannot start a thread: %s", strerror(failed));
    *out = background;
    return NULL;
}

void background_add(Background *background, BackgroundJob *job, void *data) {
    pthread_mutex_lock(&background->lock);
    while (background->n == BACKGROUND_MOST)
        pthread_cond_wait(&background->changed, &background->lock);
    int last = (background->first + background->n++) % BACKGROUND_MOST;
    background->job[last] = (Job){job, data};
    pthread_cond_broadcast(&background->changed);
    pthread_mutex_unlock(&background->lock);
}

static Error *take_error(Background *background) {
    Error *error = background->error;
    background->error = NULL;
    return error;
}

Error *background_look(Background *background) {
    pthread_mutex_lock(&background->lock);
    Error *error = take_error(background);
    pthread_mutex_unlock(&background->lock);
    return error;
}

Error *background_wait(Background *background) {
    pthread_mutex_lock(&background->lock);
    while (background->n > 0)
        pthread_cond_wait(&background->changed, &background->lock);
    Error *error = take_error(background);
    pthread_mutex_unlock(&background->lock);
    return error;
}

Error *background_end(Background *background) {
    if (!background)
        return NULL;
    pthread_mutex_lock(&background->lock);
    background->ending = true; /* after the jobs that wait */
    pthread_cond_broadcast(&background->changed);
    pthread_mutex_unlock(&background->lock);
    pthread_join(background->thread, NULL);
    pthread_mutex_destroy(&background->lock);
    pthread_cond_destroy(&background->changed);
    return take_error(background);
}
