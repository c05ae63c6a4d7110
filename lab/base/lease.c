#include "lab/base/lease.h"

#include "lab/base/clock.h"
#include "lab/base/io_error.h"
#include "lab/base/lease_look.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 5.0 /* for others that ask at the same moment */

struct Lease {
    const char *path;           /* of the lock */
    char file[LEASE_NAME_ROOM]; /* of the lease */
    int fd;
    char content[LEASE_ROOM];
    double renewed_s; /* on a clock that counts while the machine sleeps */
    pthread_t beater;
    bool beats;
    pthread_mutex_t mutex; /* of what follows, and of the file */
    pthread_cond_t changed;
    bool ending;
};

/* ---- our own file */

/* Closing a descriptor is when NFS sends what was written to its server; an fsync would wait for
 * its disk, too, and a lease need not survive a power cut. */
static bool write_through(int fd, const char *content) {
    size_t n = strlen(content);
    bool written = pwrite(fd, content, n, 0) == (ssize_t)n;
    int copy = dup(fd);
    return written && copy >= 0 && close(copy) == 0;
}

static Error *write_word(Lease *lease, const char *word) {
    memcpy(lease->content, word, LEASE_WORD);
    return write_through(lease->fd, lease->content) ? NULL : io_cannot_write(lease->file);
}

static double awake_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A file of a name that no other process ever has. */
static Error *announce(Lease *lease, const char *path, bool shared) {
    char place[OWNER_PLACE_ROOM];
    struct timespec now;
    owner_place(place);
    clock_gettime(CLOCK_REALTIME, &now);
    if (snprintf(lease->file, sizeof lease->file, "%s.lease-%c-%s-%ld-%lld%09ld", path,
                 shared ? 's' : 'x', place, (long)getpid(), (long long)now.tv_sec,
                 now.tv_nsec) >= (int)sizeof lease->file) {
        errno = ENAMETOOLONG;
        return io_cannot_write(path);
    }
    lease->fd = open(lease->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (lease->fd < 0)
        return io_cannot_write(lease->file);
    owner_write(lease->content + LEASE_WORD);
    lease->renewed_s = awake_s();
    Error *error = write_word(lease, LEASE_ASKS);
    if (error) {
        unlink(lease->file);
        close(lease->fd);
    }
    return error;
}

static void withdraw(Lease *lease) {
    unlink(lease->file);
    close(lease->fd);
    lease->fd = -1;
}

/* Of those that ask at the same moment the one with the smallest name stays until the others have
 * gone. *ours: nobody else is in the way. */
static Error *contend(bool *ours, bool *again, Lease *lease, bool shared, double until_s) {
    LeaseSeen seen;
    for (;;) {
        PASS(lease_look(&seen, lease->path, lease_base(lease->file), shared, false));
        *ours = !seen.held && !seen.asked;
        *again = !seen.held && seen.smaller && clock_s() < until_s;
        if (seen.held || seen.smaller || !seen.asked || clock_s() >= until_s)
            return NULL;
        usleep(2000);
    }
}

/* ---- the thread that keeps it */

/* Whoever took it over removed the file, or is about to. */
static bool is_lost(const Lease *lease) {
    struct stat info;
    return awake_s() - lease->renewed_s > LEASE_LATE_S ||
           (fstat(lease->fd, &info) != 0 && errno == ESTALE) || /* NFS */
           (stat(lease->file, &info) != 0 && errno == ENOENT);
}

static void end_if_lost(const Lease *lease) {
    if (!is_lost(lease))
        return;
    fprintf(stderr,
            "batchlab: the lease on '%s' was not renewed in time, and others may have taken it "
            "over\n"
            "  hint: this process or its file system stood still; the same command goes on\n",
            lease->path);
    _exit(CODE_CLAIMED);
}

void lease_renew(Lease *lease) {
    end_if_lost(lease);
    if (!write_through(lease->fd, lease->content))
        futimens(lease->fd, NULL); /* a full disk */
    end_if_lost(lease);            /* the file system took its time */
    lease->renewed_s = awake_s();
}

static void *keep_alive(void *self) {
    Lease *lease = self;
    pthread_mutex_lock(&lease->mutex);
    while (!lease->ending) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LEASE_BEAT_S;
        while (!lease->ending &&
               pthread_cond_timedwait(&lease->changed, &lease->mutex, &until) == 0)
            ;
        if (!lease->ending)
            lease_renew(lease);
    }
    pthread_mutex_unlock(&lease->mutex);
    return NULL;
}

static Error *start_beating(Lease *lease) {
    pthread_condattr_t clock;
    sigset_t all, before;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&lease->mutex, NULL);
    pthread_cond_init(&lease->changed, &clock);
    pthread_condattr_destroy(&clock);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&lease->beater, NULL, keep_alive, lease);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    lease->beats = failed == 0;
    return failed ? error_new(CODE_INTERNAL, "cannot start a thread: %s", strerror(failed)) : NULL;
}

/* ---- the lease */

bool lease_is_held(const char *path) {
    LeaseSeen seen;
    Error *error = lease_look(&seen, path, NULL, false, false);
    error_end(error); /* no folder: nobody */
    return !error && seen.held;
}

void lease_tidy(const char *path) {
    LeaseSeen seen;
    error_end(lease_look(&seen, path, NULL, false, true)); /* no folder: nothing to do */
}

static Error *try_once(bool *ours, bool *again, Lease *lease, bool shared, double until_s) {
    LeaseSeen seen;
    *ours = *again = false;
    PASS(lease_look(&seen, lease->path, NULL, shared,
                    false)); /* most often somebody simply holds it */
    if (seen.held)
        return NULL;
    PASS(announce(lease, lease->path, shared));
    Error *error = contend(ours, again, lease, shared, until_s);
    if (!error && *ours)
        error = write_word(lease, LEASE_HOLDS);
    *ours = *ours && !is_lost(lease);
    if (error || !*ours)
        withdraw(lease);
    return error;
}

static Error *contend_until(bool *ours, Lease *lease, bool shared) {
    double until_s = clock_s() + PATIENCE_S;
    for (bool again = true; again;) {
        PASS(try_once(ours, &again, lease, shared, until_s));
        if (again)
            usleep(5000);
    }
    return NULL;
}

/* Starts the thread, and removes what does not count any more, so that one that slept finds it
 * gone. */
static Error *settle(Lease *lease) {
    LeaseSeen seen;
    Error *error = start_beating(lease);
    if (!error)
        error = lease_look(&seen, lease->path, lease_base(lease->file), false, true);
    if (error)
        lease_end(lease);
    return error;
}

Error *lease_take(Lease **out, const char *path, bool shared, Arena *arena) {
    bool ours = false;
    Arena *scratch = arena_new(); /* most attempts come to nothing */
    Lease *wanted = ARENA_NEW(scratch, Lease), *lease = NULL;
    wanted->path = path;
    *out = NULL;
    Error *error = contend_until(&ours, wanted, shared);
    if (!error && ours) {
        lease = ARENA_NEW(arena, Lease);
        memcpy(lease, wanted, sizeof *lease);
        lease->path = arena_copy(arena, path);
        error = settle(lease);
        *out = error ? NULL : lease;
    }
    arena_end(scratch);
    return error;
}

/* The new file first, so that nobody finds neither. */
Error *lease_share(Lease *lease) {
    Arena *scratch = arena_new();
    Lease *shared = ARENA_NEW(scratch, Lease);
    shared->path = lease->path;
    Error *error = announce(shared, lease->path, true);
    if (!error && (error = write_word(shared, LEASE_HOLDS)))
        withdraw(shared);
    if (!error) {
        pthread_mutex_lock(&lease->mutex);
        withdraw(lease);
        memcpy(lease->file, shared->file, sizeof lease->file);
        memcpy(lease->content, shared->content, sizeof lease->content);
        lease->fd = shared->fd;
        lease->renewed_s = shared->renewed_s;
        pthread_mutex_unlock(&lease->mutex);
    }
    arena_end(scratch);
    return error;
}

void lease_end(Lease *lease) {
    pthread_mutex_lock(&lease->mutex);
    lease->ending = true;
    pthread_cond_broadcast(&lease->changed);
    pthread_mutex_unlock(&lease->mutex);
    if (lease->beats)
        pthread_join(lease->beater, NULL);
    pthread_cond_destroy(&lease->changed);
    pthread_mutex_destroy(&lease->mutex);
    withdraw(lease);
}
