#include "lab/base/io.h"

#include "lab/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LOG_BUFFER = 1 << 16 };

static Error *failed(const char *doing, const char *path) {
    int reason = errno;
    Error *error = error_new(reason == ENOENT ? CODE_MISSING : CODE_IO, "%s '%s': %s", doing, path,
                             strerror(reason));
    if (reason == ENOSPC || reason == EDQUOT || reason == EFBIG)
        return error_hint(
            error, "free some space and run the same command again; nothing measured is lost");
    if (reason == EACCES || reason == EPERM || reason == EROFS)
        return error_hint(
            error, "the folder is not writable for this user; choose another with --results DIR");
    if (reason == ENOTDIR || reason == ENAMETOOLONG)
        return error_hint(error,
                          "results cannot go there; choose another folder with --results DIR");
    return error;
}

/* A missing folder is an I/O failure when we meant to write. */
static Error *cannot(const char *doing, const char *path) {
    if (errno == ENOENT)
        return error_hint(error_new(CODE_IO, "%s '%s': %s", doing, path, strerror(errno)),
                          "results cannot go there; choose another folder with --results DIR");
    return failed(doing, path);
}

static Error *cannot_write(const char *path) {
    return cannot("cannot write", path);
}

static Error *path_too_long(const char *path) {
    errno = ENAMETOOLONG;
    return cannot_write(path);
}

Error *io_read(char **out, size_t *n, const char *path, Arena *arena) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failed("cannot read", path);
    struct stat info;
    if (fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
        errno = S_ISDIR(info.st_mode) ? EISDIR : errno;
        Error *error = failed("cannot read", path);
        close(fd);
        return error;
    }
    size_t size = (size_t)info.st_size, have = 0;
    char *data = arena_alloc(arena, size + 1);
    while (have < size) {
        ssize_t got = read(fd, data + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            Error *error = failed("cannot read", path);
            close(fd);
            return error;
        }
        if (got == 0)
            break;
        have += (size_t)got;
    }
    close(fd);
    *out = data;
    *n = have;
    return NULL;
}

static int write_all(int fd, const void *bytes, size_t n) {
    const char *from = bytes;
    while (n > 0) {
        ssize_t done = write(fd, from, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        from += done;
        n -= (size_t)done;
    }
    return 0;
}

static void folder_of(char out[4096], const char *path) {
    const char *slash = strrchr(path, '/');
    snprintf(out, 4096, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
}

static int sync_folder_of(const char *path) {
    char folder[4096];
    folder_of(folder, path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = fsync(fd);
    close(fd);
    return result;
}

Error *io_publish(const char *aside, const char *path) {
    int fd = open(aside, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0 || rename(aside, path) != 0 || sync_folder_of(path) != 0) {
        Error *error = cannot_write(path);
        if (fd >= 0)
            close(fd);
        unlink(aside);
        return error;
    }
    close(fd);
    return NULL;
}

Error *io_check_room(const char *path, size_t n) {
    char folder[4096];
    struct statvfs room;
    folder_of(folder, path);
    if (statvfs(folder, &room) != 0 || (double)room.f_bavail * (double)room.f_frsize >= (double)n)
        return NULL;
    errno = ENOSPC;
    return cannot_write(path);
}

Error *io_write_pieces(const char *path, const IoPiece *pieces, int n) {
    char aside[4096];
    if (snprintf(aside, sizeof aside, "%s.tmp-%ld", path, (long)getpid()) >= (int)sizeof aside)
        return path_too_long(path);
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return cannot_write(aside);
    int result = 0;
    for (int i = 0; i < n && result == 0; i++)
        result = write_all(fd, pieces[i].bytes, pieces[i].n);
    if (result != 0) {
        Error *error = cannot_write(aside);
        close(fd);
        unlink(aside);
        return error;
    }
    close(fd);
    return io_publish(aside, path);
}

Error *io_write(const char *path, const void *bytes, size_t n) {
    return io_write_pieces(path, &(IoPiece){bytes, n}, 1);
}

Error *io_folder(const char *path) {
    char part[4096];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return path_too_long(path);
    for (char *at = part + 1;; at++) {
        char c = *at;
        if (c != '/' && c != '\0')
            continue;
        *at = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return cannot("cannot make the folder", part);
        if (c == '\0')
            break;
        *at = '/';
    }
    if (!io_is_folder(path)) {
        errno = ENOTDIR;
        return cannot("cannot make the folder", path);
    }
    return NULL;
}

bool io_exists(const char *path) {
    return access(path, F_OK) == 0;
}

bool io_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

Error *io_list(char ***names, int *n, const char *folder, Arena *arena) {
    DIR *dir = opendir(folder);
    if (!dir)
        return failed("cannot list", folder);
    int room = 64, count = 0;
    char **list = ARENA_ARRAY(arena, char *, room);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        if (count == room) {
            char **more = ARENA_ARRAY(arena, char *, 2 * room);
            memcpy(more, list, sizeof *list * (size_t)count);
            list = more;
            room *= 2;
        }
        list[count++] = arena_copy(arena, entry->d_name);
    }
    closedir(dir);
    qsort(list, (size_t)count, sizeof *list, by_name);
    *names = list;
    *n = count;
    return NULL;
}

/* ---- logs */

struct IoLog {
    int fd;
    const char *path;
    size_t used;
    char *buffer; /* (LOG_BUFFER) */
};

Error *io_log_open(IoLog **out, const char *path, bool truncate, Arena *arena) {
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (truncate ? O_TRUNC : 0), 0666);
    if (fd < 0)
        return cannot_write(path);
    IoLog *log = ARENA_NEW(arena, IoLog);
    log->fd = fd;
    log->path = arena_copy(arena, path);
    log->buffer = arena_alloc(arena, LOG_BUFFER);
    *out = log;
    return NULL;
}

Error *io_log_flush(IoLog *log) {
    size_t n = log->used;
    log->used = 0;
    if (n && write_all(log->fd, log->buffer, n) != 0)
        return cannot_write(log->path);
    return NULL;
}

Error *io_log_add(IoLog *log, const void *bytes, size_t n) {
    if (log->used + n > LOG_BUFFER)
        PASS(io_log_flush(log));
    if (n > LOG_BUFFER)
        return write_all(log->fd, bytes, n) == 0 ? NULL : cannot_write(log->path);
    memcpy(log->buffer + log->used, bytes, n);
    log->used += n;
    return NULL;
}

Error *io_log_sync(IoLog *log) {
    PASS(io_log_flush(log));
    return fdatasync(log->fd) == 0 ? NULL : cannot_write(log->path);
}

Error *io_log_publish(IoLog *log, const char *path) {
    PASS(io_log_flush(log));
    PASS(io_publish(log->path, path));
    log->path = path;
    return NULL;
}

Error *io_log_close(IoLog *log) {
    Error *error = io_log_sync(log);
    close(log->fd);
    log->fd = -1;
    return error;
}

/* ---- locks: open file description locks, which the kernel drops with the process */

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
        return cannot_write(path);
    double until = clock_s() + wait_s;
    while (set_lock(fd, shared ? F_RDLCK : F_WRLCK) != 0) {
        if (errno != EAGAIN && errno != EACCES) {
            Error *error = failed("cannot lock", path);
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
    return set_lock(lock->fd, F_RDLCK) == 0 ? NULL : failed("cannot share", "a lock");
}

void io_unlock(IoLock *lock) {
    if (lock)
        close(lock->fd);
}
