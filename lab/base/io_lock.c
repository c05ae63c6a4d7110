/* Open file description locks, which the kernel drops with the process; leases (lease.h) where the
 * file system has none. In the file stands who holds it, a line each: for people, the lock does not
 * depend on it. */
#include "lab/base/io.h"

#include "lab/base/clock.h"
#include "lab/base/io_error.h"
#include "lab/base/lease.h"
#include "lab/base/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 16 }; /* of lines: a folder that thousands share names the first of them */

struct IoLock {
    int fd;       /* -1: given up */
    Lease *lease; /* NULL: the kernel keeps it */
    bool shared;
    char line[OWNER_ROOM]; /* "": not written */
    off_t at;              /* where it stands */
};

static bool has_no_locks(int reason) {
    return reason == ENOLCK || reason == ENOTSUP || reason == EOPNOTSUPP || reason == ENOSYS ||
           reason == EINVAL;
}

static int set_lock(int fd, short type) {
    struct flock what = {.l_type = type, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &what);
}

/* ---- who holds it */

/* Who holds a lock alone empties the file first. A full disk leaves it unsigned. */
static void sign(IoLock *lock) {
    size_t n;
    owner_write(lock->line);
    n = strlen(lock->line);
    lock->at = lock->shared || ftruncate(lock->fd, 0) != 0 ? lseek(lock->fd, 0, SEEK_END) : 0;
    if (lock->at < 0 || lock->at > MOST_BYTES ||
        pwrite(lock->fd, lock->line, n, lock->at) != (ssize_t)n)
        lock->line[0] = '\0';
}

/* Takes the line back, unless it is another's by now: two that shared the lock at the same moment
 * wrote to the same place. */
static void unsign(IoLock *lock) {
    char there[OWNER_ROOM];
    size_t n = strlen(lock->line);
    if (n == 0 || pread(lock->fd, there, n, lock->at) != (ssize_t)n ||
        memcmp(there, lock->line, n) != 0)
        return;
    memset(there, '\n', n);
    if ((lock->shared ? pwrite(lock->fd, there, n, lock->at) : ftruncate(lock->fd, 0)) < 0)
        lock->line[0] = '\0'; /* it stays: it is of a process that is gone */
}

/* Lines of processes that may be alive; *first is the first of them. */
static int count_living(const char *lines, const char **first) {
    int n = 0;
    for (const char *line = lines; *line; line += strspn(line, "\n")) {
        if (owner_length(line) > 0 && !owner_is_dead(line) && n++ == 0)
            *first = line;
        line += strcspn(line, "\n");
    }
    return n;
}

const char *io_lock_owners(const char *path, Arena *arena) {
    char *lines;
    size_t n;
    const char *first = NULL;
    Error *error = io_read(&lines, &n, path, arena);
    if (error) {
        error_end(error);
        return "somebody";
    }
    int living = count_living(lines, &first);
    if (living == 0)
        return "somebody";
    const char *name = arena_copy_n(arena, first, owner_length(first));
    return living == 1 ? name : arena_print(arena, "%s and %d more", name, living - 1);
}

/* ---- the lock */

static void give_up(void *what) {
    IoLock *lock = what;
    if (lock->fd < 0)
        return;
    unsign(lock);
    if (lock->lease)
        lease_end(lock->lease);
    close(lock->fd);
    lock->fd = -1;
}

/* One attempt at what `lock` says. */
static Error *try_lock(bool *taken, IoLock *lock, const char *path, Arena *arena) {
    *taken = set_lock(lock->fd, lock->shared ? F_RDLCK : F_WRLCK) == 0;
    if (*taken || errno == EAGAIN || errno == EACCES)
        return NULL;
    if (!has_no_locks(errno))
        return io_failed("cannot lock", path);
    PASS(lease_take(&lock->lease, path, lock->shared, arena));
    *taken = lock->lease != NULL;
    return NULL;
}

static Error *try_until(bool *taken, IoLock *lock, const char *path, double until_s, Arena *arena) {
    for (;;) {
        PASS(try_lock(taken, lock, path, arena));
        if (*taken || clock_s() >= until_s)
            return NULL;
        usleep(20000);
    }
}

Error *io_lock(IoLock **out, const char *path, bool shared, double wait_s, Arena *arena) {
    bool taken = false;
    IoLock wanted = {.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666), .shared = shared};
    *out = NULL;
    if (wanted.fd < 0)
        return io_cannot_write(path);
    Error *error = try_until(&taken, &wanted, path, clock_s() + wait_s, arena);
    if (error || !taken) {
        close(wanted.fd);
        return error;
    }
    IoLock *lock = ARENA_NEW(arena, IoLock);
    *lock = wanted;
    sign(lock);
    arena_at_end(arena, give_up, lock);
    *out = lock;
    return NULL;
}

Error *io_lock_share(IoLock *lock) {
    if (lock->lease)
        PASS(lease_share(lock->lease));
    else if (set_lock(lock->fd, F_RDLCK) != 0)
        return io_failed("cannot share", "a lock");
    lock->shared = true;
    return NULL;
}

bool io_lock_is_lease(const IoLock *lock) {
    return lock->lease != NULL;
}

void io_lock_tidy(const char *path) {
    lease_tidy(path);
}

bool io_lock_is_held(const char *path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct flock what = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool asked = fcntl(fd, F_OFD_GETLK, &what) == 0;
    bool leased = !asked && has_no_locks(errno) && lease_is_held(path);
    close(fd);
    return asked ? what.l_type != F_UNLCK : leased;
}

void io_unlock(IoLock *lock) {
    if (lock)
        give_up(lock);
}
