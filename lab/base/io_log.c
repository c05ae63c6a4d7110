#include "lab/base/io.h"
#include "lab/base/io_error.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LOG_BUFFER = 1 << 16 };

struct IoLog {
    int fd;
    const char *path;
    size_t used;
    char *buffer; /* (LOG_BUFFER) */
};

Error *io_log_open(IoLog **out, const char *path, bool truncate, Arena *arena) {
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (truncate ? O_TRUNC : 0), 0666);
    if (fd < 0)
        return io_cannot_write(path);
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
    if (n && io_write_all(log->fd, log->buffer, n) != 0)
        return io_cannot_write(log->path);
    return NULL;
}

Error *io_log_add(IoLog *log, const void *bytes, size_t n) {
    if (log->used + n > LOG_BUFFER)
        PASS(io_log_flush(log));
    if (n > LOG_BUFFER)
        return io_write_all(log->fd, bytes, n) == 0 ? NULL : io_cannot_write(log->path);
    memcpy(log->buffer + log->used, bytes, n);
    log->used += n;
    return NULL;
}

Error *io_log_sync(IoLog *log) {
    PASS(io_log_flush(log));
    return fdatasync(log->fd) == 0 ? NULL : io_cannot_write(log->path);
}

Error *io_log_publish(IoLog *log, const char *path) {
    PASS(io_log_flush(log));
    PASS(io_publish(IO_DURABLE, log->path, path));
    log->path = path;
    return NULL;
}

Error *io_log_close(IoLog *log) {
    Error *error = io_log_sync(log);
    close(log->fd);
    log->fd = -1;
    return error;
}

Error *io_log_leave(IoLog *log) {
    Error *error = io_log_flush(log);
    close(log->fd);
    log->fd = -1;
    return error;
}

/* ---- the disk's part, for another thread */

struct IoSync {
    int fd;
    const char *path;
};

Error *io_sync_new(IoSync **out, const IoLog *log, Arena *arena) {
    int fd = fcntl(log->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return io_cannot_write(log->path);
    IoSync *sync = ARENA_NEW(arena, IoSync);
    sync->fd = fd;
    sync->path = arena_copy(arena, log->path);
    *out = sync;
    return NULL;
}

Error *io_sync(const IoSync *sync) {
    return fdatasync(sync->fd) == 0 ? NULL : io_cannot_write(sync->path);
}

void io_sync_end(IoSync *sync) {
    close(sync->fd);
}
