#include "lab/base/io.h"

#include "lab/base/io_error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static Error *path_too_long(const char *path) {
    errno = ENAMETOOLONG;
    return io_cannot_write(path);
}

Error *io_read_from(char **out, size_t *n, const char *path, size_t offset, Arena *arena) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_failed("cannot read", path);
    struct stat info;
    if (fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
        errno = S_ISDIR(info.st_mode) ? EISDIR : errno;
        Error *error = io_failed("cannot read", path);
        close(fd);
        return error;
    }
    size_t end = (size_t)info.st_size, size = end > offset ? end - offset : 0, have = 0;
    char *data = arena_alloc(arena, size + 1);
    while (have < size) {
        ssize_t got = pread(fd, data + have, size - have, (off_t)(offset + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            Error *error = io_failed("cannot read", path);
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

Error *io_read(char **out, size_t *n, const char *path, Arena *arena) {
    return io_read_from(out, n, path, 0, arena);
}

static int sync_folder(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = fsync(fd);
    close(fd);
    return result;
}

Error *io_sync_folder(const char *folder) {
    return sync_folder(folder) == 0 ? NULL : io_cannot_write(folder);
}

static void folder_of(char out[4096], const char *path) {
    const char *slash = strrchr(path, '/');
    snprintf(out, 4096, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
}

static int sync_folder_of(const char *path) {
    char folder[4096];
    folder_of(folder, path);
    return sync_folder(folder);
}

Error *io_check_room(const char *path, size_t n) {
    char folder[4096];
    struct statvfs room;
    folder_of(folder, path);
    if (statvfs(folder, &room) != 0 || (double)room.f_bavail * (double)room.f_frsize >= (double)n)
        return NULL;
    errno = ENOSPC;
    return io_cannot_write(path);
}

/* Closes `fd`, an `aside` whose bytes were written with `result`, and gives it its name. */
static Error *publish(IoCare care, int fd, int result, const char *aside, const char *path) {
    Error *error = result ? io_cannot_write(aside) : NULL;
    if (!error && care != IO_DERIVED && fsync(fd) != 0)
        error = io_cannot_write(path);
    close(fd);
    if (!error && (rename(aside, path) != 0 || (care == IO_DURABLE && sync_folder_of(path) != 0)))
        error = io_cannot_write(path);
    if (error)
        unlink(aside);
    return error;
}

Error *io_publish(IoCare care, const char *aside, const char *path) {
    int fd = open(aside, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_cannot_write(path);
    return publish(care, fd, 0, aside, path);
}

/* Writes the file aside and leaves it open; *result as of io_write_all. */
static Error *write_open(int *fd, int *result, char aside[IO_PATH_ROOM], const char *path,
                         const IoPiece *pieces, int n) {
    if (!io_aside(aside, path, NULL))
        return path_too_long(path);
    *fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (*fd < 0)
        return io_cannot_write(aside);
    *result = 0;
    for (int i = 0; i < n && *result == 0; i++)
        *result = io_write_all(*fd, pieces[i].bytes, pieces[i].n);
    return NULL;
}

static Error *write_as(IoCare care, const char *path, const IoPiece *pieces, int n) {
    char aside[IO_PATH_ROOM];
    int fd = -1, result = -1;
    PASS(write_open(&fd, &result, aside, path, pieces, n));
    return publish(care, fd, result, aside, path);
}

Error *io_write_aside(char aside[IO_PATH_ROOM], const char *path, const IoPiece *pieces, int n) {
    int fd = -1, result = -1;
    PASS(write_open(&fd, &result, aside, path, pieces, n));
    Error *error = result != 0 ? io_cannot_write(aside) : NULL;
    close(fd);
    if (error)
        unlink(aside);
    return error;
}

Error *io_write_pieces(const char *path, const IoPiece *pieces, int n) {
    return write_as(IO_DURABLE, path, pieces, n);
}

Error *io_write_as(IoCare care, const char *path, const void *bytes, size_t n) {
    return write_as(care, path, &(IoPiece){bytes, n}, 1);
}

Error *io_write(const char *path, const void *bytes, size_t n) {
    return io_write_as(IO_DURABLE, path, bytes, n);
}

Error *io_folder(const char *path) {
    char part[4096];
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && io_is_folder(path)))
        return NULL; /* all but the last part was there */
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return path_too_long(path);
    for (char *at = part + 1;; at++) {
        char c = *at;
        if (c != '/' && c != '\0')
            continue;
        *at = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return io_cannot("cannot make the folder", part);
        if (c == '\0')
            break;
        *at = '/';
    }
    if (!io_is_folder(path)) {
        errno = ENOTDIR;
        return io_cannot("cannot make the folder", path);
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

void io_look_again(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

Error *io_list(char ***names, int *n, const char *folder, Arena *arena) {
    DIR *dir = opendir(folder);
    if (!dir)
        return io_failed("cannot list", folder);
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
