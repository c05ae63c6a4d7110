#include "lab/base/owner.h"

#include "lab/base/clock.h"
#include "lab/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

typedef struct Owner {
    long pid;
    char host[128], boot[64], pids[64], began[32]; /* "-": not known */
} Owner;

/* The first line of a small file, "" when there is none. */
static void read_line(char *out, size_t room, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, room - 1);
    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

/* The words of /proc/PID/stat behind the name: state, parent, ..., the 20th is when it began. */
static const char *stat_words(char room[1024], long pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    read_line(room, 1024, path);
    const char *name_end = strrchr(room, ')');
    return name_end && name_end[1] ? name_end + 2 : "";
}

static void read_began(char out[32], long pid) {
    char room[1024];
    const char *word = stat_words(room, pid);
    for (int i = 1; i < 20 && *word; i++)
        word += strcspn(word, " ") + (word[strcspn(word, " ")] == ' ');
    snprintf(out, 32, "%.*s", (int)strcspn(word, " "), word);
    if (!*out)
        strcpy(out, "-");
}

static Owner this_process(void) {
    Owner owner = {.pid = (long)getpid()};
    struct utsname system = {0};
    uname(&system);
    snprintf(owner.host, sizeof owner.host, "%.127s", system.nodename);
    read_line(owner.boot, sizeof owner.boot, "/proc/sys/kernel/random/boot_id");
    ssize_t n = readlink("/proc/self/ns/pid", owner.pids, sizeof owner.pids - 1);
    owner.pids[n > 0 ? n : 0] = '\0';
    if (!*owner.boot)
        strcpy(owner.boot, "-");
    if (!*owner.pids)
        strcpy(owner.pids, "-");
    read_began(owner.began, owner.pid);
    return owner;
}

void owner_place(char out[OWNER_PLACE_ROOM]) {
    Owner owner = this_process();
    char hex[HASH_ROOM];
    Hash hash = hash_new();
    const char *const parts[] = {owner.host, owner.boot, owner.pids};
    for (int i = 0; i < 3; i++)
        hash_add(&hash, parts[i], strlen(parts[i]) + 1);
    hash_hex(&hash, hex);
    snprintf(out, OWNER_PLACE_ROOM, "%.8s", hex);
}

static const char *job_of_this_process(void) {
    static const char *const names[] = {"SLURM_JOB_ID", "PBS_JOBID"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *job = getenv(names[i]);
        if (job && *job && !strpbrk(job, "()\n"))
            return job;
    }
    return NULL;
}

void owner_write(char out[OWNER_ROOM]) {
    Owner owner = this_process();
    const char *job = job_of_this_process();
    char now[CLOCK_UTC_ROOM];
    clock_utc(now);
    snprintf(out, OWNER_ROOM, "process %ld on %s since %s%s%.64s (boot %s, pids %s, began %s)\n",
             owner.pid, owner.host, now, job ? ", job " : "", job ? job : "", owner.boot,
             owner.pids, owner.began);
}

size_t owner_length(const char *line) {
    size_t n = strcspn(line, "(\n");
    while (n > 0 && line[n - 1] == ' ')
        n--;
    return n;
}

static bool read_owner(Owner *out, const char *line) {
    const char *brackets = line + strcspn(line, "(\n");
    return sscanf(line, "process %ld on %127s ", &out->pid, out->host) == 2 &&
           sscanf(brackets, "(boot %63[^,], pids %63[^,], began %31[^)])", out->boot, out->pids,
                  out->began) == 3;
}

/* Has ended and waits for a parent that may never ask (process 1 of many containers does not). */
static bool is_zombie(long pid) {
    char room[1024];
    const char *state = stat_words(room, pid);
    return *state == 'Z' || *state == 'X';
}

bool owner_runs(long pid) {
    return (kill((pid_t)pid, 0) == 0 || errno != ESRCH) && !is_zombie(pid);
}

bool owner_is_dead(const char *line) {
    Owner owner, here = this_process();
    char began[32];
    if (!read_owner(&owner, line) || strcmp(owner.host, here.host) != 0 ||
        strcmp(owner.boot, here.boot) != 0 || strcmp(owner.boot, "-") == 0 ||
        strcmp(owner.pids, here.pids) != 0)
        return false;
    if (!owner_runs(owner.pid))
        return true;
    read_began(began, owner.pid); /* the number may be another's by now */
    return strcmp(began, "-") != 0 && strcmp(owner.began, "-") != 0 &&
           strcmp(began, owner.began) != 0;
}
