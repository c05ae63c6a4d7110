#include "lab/base/lease_look.h"

#include "lab/base/io_error.h"
#include "lab/base/lease.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char *lease_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The file system's clock, which may differ from ours; ours when nothing can be written there. */
static double now_there(const char *path) {
    char probe[LEASE_NAME_ROOM];
    struct stat info;
    double now = (double)time(NULL);
    if (snprintf(probe, sizeof probe, "%s.clock-%ld-%lx", path, (long)getpid(),
                 (unsigned long)pthread_self()) >= LEASE_NAME_ROOM)
        return now;
    int fd = open(probe, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return now;
    if (fstat(fd, &info) == 0)
        now = (double)info.st_mtim.tv_sec + 1e-9 * (double)info.st_mtim.tv_nsec;
    close(fd);
    unlink(probe);
    return now;
}

/* Its content, "" when there is none yet; false when the file is gone. */
static bool read_lease(char content[LEASE_ROOM], double *written, const char *file) {
    struct stat info;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, content, LEASE_ROOM - 1, 0);
    bool there = n >= 0 && fstat(fd, &info) == 0;
    content[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
    if (there)
        *written = (double)info.st_mtim.tv_sec + 1e-9 * (double)info.st_mtim.tv_nsec;
    return there;
}

/* One that died before it wrote its line is told by the name, x-PLACE-PID-TIME. */
static bool is_dead(const char *content, const char *kind) {
    char here[OWNER_PLACE_ROOM], place[OWNER_PLACE_ROOM];
    long pid;
    if (strlen(content) > LEASE_WORD)
        return owner_is_dead(content + LEASE_WORD);
    owner_place(here);
    return sscanf(kind, "%*c-%8[0-9a-f]-%ld", place, &pid) == 2 && strcmp(place, here) == 0 &&
           !owner_runs(pid);
}

/* *now is the file system's time, NaN until it was asked. */
static bool counts(char content[LEASE_ROOM], double *now, const char *kind, const char *file,
                   const char *path) {
    double written = 0;
    if (!read_lease(content, &written, file) || is_dead(content, kind))
        return false;
    if (isnan(*now))
        *now = now_there(path);
    return *now - written < LEASE_DEAD_S;
}

/* What stands behind the mark in the name of a file of this lock, else "". `base` is the lock's
 * name in its folder. */
static const char *behind(const char *mark, const char *name, const char *base) {
    size_t n = strlen(base);
    if (strncmp(name, base, n) != 0 || strncmp(name + n, mark, strlen(mark)) != 0)
        return "";
    return name + n + strlen(mark);
}

static void folder_of(char out[LEASE_NAME_ROOM], const char *path) {
    const char *base = lease_base(path);
    snprintf(out, LEASE_NAME_ROOM, "%.*s", base > path ? (int)(base - path) : 2,
             base > path ? path : "./");
}

Error *lease_look(LeaseSeen *out, const char *path, const char *own, bool shared, bool tidy) {
    char folder[LEASE_NAME_ROOM], file[2 * LEASE_NAME_ROOM], content[LEASE_ROOM];
    const char *base = lease_base(path);
    double now = NAN;
    *out = (LeaseSeen){0};
    folder_of(folder, path);
    DIR *dir = opendir(folder);
    if (!dir)
        return io_cannot("cannot list", folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *kind = behind(".lease-", entry->d_name, base);
        snprintf(file, sizeof file, "%s%s", folder, entry->d_name);
        if (tidy && *behind(".clock-", entry->d_name, base)) /* whoever needs it has it open */
            unlink(file);
        if (!*kind || (own && strcmp(entry->d_name, own) == 0) || (shared && *kind == 's'))
            continue;
        if (!counts(content, &now, kind, file, path)) {
            if (tidy)
                unlink(file);
            continue;
        }
        bool holds = strncmp(content, LEASE_HOLDS, LEASE_WORD) == 0;
        out->held |= holds;
        out->asked |= !holds;
        out->smaller |= !holds && own && strcmp(entry->d_name, own) < 0;
    }
    closedir(dir);
    return NULL;
}
