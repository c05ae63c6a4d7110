/* Open file description locks, which the kernel drops with the process. */
#include "lab/base/io.h"

#include "lab/base/clock.h"
#include "lab/base/io_error.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct IoLock {
    int fd;
};

static int set_lock(int fd, short type) {
    struct flock what = {.l_type = type, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &what);
}

Error *io_lock(IoLock **out, const char *path, bool shared, double wait_s, Arena *arena) {
    *out = NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return io_cannot_write(path);
    double until = clock_s() + wait_s;
    while (set_lock(fd, shared ? F_RDLCK : F_WRLCK) != 0) {
        if (errno != EAGAIN && errno != EACCES) {
            Error *error = io_failed("cannot lock", path);
            close(fd);
            return error;
        }
        if (clock_s() >= until) {
            close(fd);
            return NULL;
        }
        usleep(20000);
    }
    IoLock *lock = ARENA_NEW(arena, IoLock);
    lock->fd = fd;
    *out = lock;
    return NULL;
}

Error *io_lock_share(IoLock *lock) {
    return set_lock(lock->fd, F_RDLCK) == 0 ? NULL : io_failed("cannot share", "a lock");
}

bool io_lock_is_held(const char *path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct flock what = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool held = fcntl(fd, F_OFD_GETLK, &what) == 0 && what.l_type != F_UNLCK;
    close(fd);
    return held;
}

void io_unlock(IoLock *lock) {
    if (lock)
        close(lock->fd);
}
