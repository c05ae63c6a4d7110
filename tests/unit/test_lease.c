/* Locks where the file system has none: fcntl is ours here, and refuses them. */
#include "lab/base/io.h"
#include "lab/base/lease.h"
#include "lab/base/owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int without_locks(int fd, int command, void *argument) {
    if (command == F_OFD_SETLK || command == F_OFD_GETLK) {
        errno = ENOLCK;
        return -1;
    }
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return without_locks(fd, command, argument);
}

int fcntl64(int fd, int command, ...);
int fcntl64(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return without_locks(fd, command, argument);
}

typedef struct Place {
    Arena *arena;
    const char *folder, *lock;
} Place;

static Place place_new(void) {
    Arena *arena = arena_new();
    char *folder = arena_copy(arena, "/tmp/batchlab-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return (Place){arena, folder, arena_print(arena, "%s/.lock", folder)};
}

static void place_end(Place *place) {
    assert_int_equal(system(arena_print(place->arena, "rm -r %s", place->folder)), 0);
    arena_end(place->arena);
}

/* Leases and their kind, in a folder of one lock. */
static int count_leases(const Place *place, const char *kind) {
    int n = 0;
    DIR *dir = opendir(place->folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        n += strstr(entry->d_name, kind) != NULL;
    closedir(dir);
    return n;
}

static IoLock *take(const Place *place, bool shared, double wait_s) {
    IoLock *lock;
    assert_null(io_lock(&lock, place->lock, shared, wait_s, place->arena));
    return lock;
}

static void test_lease__is_a_lock(void **state) {
    (void)state;
    Place place = place_new();
    assert_false(io_lock_is_held(place.lock));
    IoLock *mine = take(&place, false, 0);
    assert_non_null(mine);
    assert_true(io_lock_is_lease(mine));
    assert_true(io_lock_is_held(place.lock));
    assert_null(take(&place, false, 0));
    assert_null(take(&place, true, 0));
    assert_null(io_lock_share(mine));
    assert_null(take(&place, false, 0));
    IoLock *other = take(&place, true, 0);
    assert_non_null(other);
    assert_int_equal(count_leases(&place, ".lease-s-"), 2);
    assert_int_equal(count_leases(&place, ".lease-x-"), 0);
    assert_non_null(strstr(io_lock_owners(place.lock, place.arena), "and 1 more"));
    io_unlock(mine);
    assert_null(take(&place, false, 0));
    io_unlock(other);
    assert_false(io_lock_is_held(place.lock));
    mine = take(&place, false, 0);
    assert_non_null(mine);
    io_unlock(mine);
    assert_int_equal(count_leases(&place, "."), 3); /* ., .. and the lock: nothing is left */
    place_end(&place);
}

static void test_lease__a_killed_holder_is_taken_over_at_once(void **state) {
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        Place place = place_new();
        pid_t child = fork();
        if (child == 0) {
            if (take(&place, shared, 0))
                raise(SIGKILL);
            _exit(1);
        }
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(count_leases(&place, ".lease-"), 1);
        assert_false(io_lock_is_held(place.lock));
        if (shared)
            io_lock_tidy(place.lock);
        assert_int_equal(count_leases(&place, ".lease-"), !shared);
        IoLock *mine = take(&place, false, 0);
        assert_non_null(mine);
        assert_int_equal(count_leases(&place, ".lease-"), 1); /* its own */
        io_unlock(mine);
        place_end(&place);
    }
}

static void test_lease__one_that_died_before_it_wrote_is_told_by_its_name(void **state) {
    (void)state;
    Place place = place_new();
    char here[OWNER_PLACE_ROOM];
    owner_place(here);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    const char *dead =
        arena_print(place.arena, "%s.lease-x-%s-%ld-1", place.lock, here, (long)child);
    const char *living = arena_print(place.arena, "%s.lease-x-%s-1-1", place.lock, here);
    const char *clock = arena_print(place.arena, "%s.clock-1-2", place.lock);
    assert_null(io_write(dead, "", 0));
    assert_null(io_write(clock, "", 0));
    IoLock *mine = take(&place, false, 0);
    assert_non_null(mine);
    assert_false(io_exists(dead));
    assert_false(io_exists(clock));
    io_unlock(mine);
    assert_null(io_write(living, "", 0)); /* it may be about to write */
    io_lock_tidy(place.lock);
    assert_true(io_exists(living));
    place_end(&place);
}

static void set_age(const char *file, int seconds) {
    struct timespec now, then[2];
    clock_gettime(CLOCK_REALTIME, &now);
    then[0] = then[1] = (struct timespec){.tv_sec = now.tv_sec - seconds};
    assert_int_equal(utimensat(AT_FDCWD, file, then, 0), 0);
}

static void test_lease__another_hosts_is_believed_until_it_is_old(void **state) {
    (void)state;
    Place place = place_new();
    const char *theirs = arena_print(place.arena, "%s.lease-x-elsewhere-1-2", place.lock);
    const char *text = "holds process 1 on elsewhere since X (boot 1, pids 2, began 3)\n";
    IoLock *mine = take(&place, false, 0); /* makes the lock's file */
    io_unlock(mine);
    assert_null(io_write(theirs, text, strlen(text)));
    set_age(theirs, LEASE_DEAD_S - 5);
    assert_true(io_lock_is_held(place.lock));
    assert_null(take(&place, false, 0));
    assert_null(take(&place, true, 0));
    assert_true(io_exists(theirs));
    set_age(theirs, LEASE_DEAD_S + 1);
    assert_false(io_lock_is_held(place.lock));
    mine = take(&place, true, 0);
    assert_non_null(mine);
    assert_false(io_exists(theirs)); /* should it wake up, it finds that */
    io_unlock(mine);
    assert_null(io_write(theirs, "", 0)); /* died while it wrote */
    set_age(theirs, LEASE_DEAD_S + 1);
    mine = take(&place, false, 0);
    assert_non_null(mine);
    io_unlock(mine);
    place_end(&place);
}

static void find_lease(char out[512], const Place *place) {
    DIR *dir = opendir(place->folder);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strstr(entry->d_name, ".lease-"))
            snprintf(out, 512, "%s/%s", place->folder, entry->d_name);
    closedir(dir);
}

/* A process whose lease was removed meanwhile (lost), or that cannot write it, ends when it wakes.
 */
static void test_lease__whoever_slept_too_long_ends(void **state) {
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        Place place = place_new();
        pid_t child = fork();
        if (child == 0) {
            Lease *lease;
            char file[512] = "";
            freopen("/dev/null", "w", stderr);
            if (lease_take(&lease, place.lock, false, place.arena) || !lease)
                _exit(1);
            find_lease(file, &place);
            if (lost)
                unlink(file);
            lease_renew(lease);
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), lost ? CODE_CLAIMED : CODE_OK);
        place_end(&place);
    }
}

static void test_lease__is_renewed_by_its_thread(void **state) {
    (void)state;
    Place place = place_new();
    char file[512] = "";
    struct stat info;
    IoLock *mine = take(&place, false, 0);
    assert_non_null(mine);
    find_lease(file, &place);
    set_age(file, 1000);
    for (int i = 0; i < 10 * (LEASE_BEAT_S + 5); i++) {
        assert_int_equal(stat(file, &info), 0);
        if (time(NULL) - info.st_mtim.tv_sec < 500)
            break;
        usleep(100000);
    }
    assert_true(time(NULL) - info.st_mtim.tv_sec < 500);
    io_unlock(mine);
    place_end(&place);
}

/* ---- many at once */

enum { N_PROCESSES = 6, CONTEND_S = 2 };

/* Marks that it is inside; a mark of a killed process is taken away. 0: nobody else was. */
static int enter(const char *mark) {
    char text[32] = "";
    int fd = open(mark, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0) {
        fd = open(mark, O_RDONLY);
        ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
        close(fd);
        if (n <= 0 || owner_runs(atol(text)))
            return 1;
        unlink(mark);
        fd = open(mark, O_WRONLY | O_CREAT | O_EXCL, 0666);
    }
    snprintf(text, sizeof text, "%ld", (long)getpid());
    return fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) != 0;
}

enum { WENT_WELL, SOMEBODY_WAS_INSIDE, NEVER_GOT_IN, COULD_NOT_ASK };

/* Takes and gives the lock up for a while; its exit code. */
static int contend(const char *lock, const char *mark, unsigned seed) {
    time_t end = time(NULL) + CONTEND_S;
    int n = 0;
    while (time(NULL) <= end) {
        Arena *arena = arena_new();
        IoLock *mine = NULL;
        if (io_lock(&mine, lock, false, 0, arena))
            return COULD_NOT_ASK;
        if (mine && enter(mark) != 0)
            return SOMEBODY_WAS_INSIDE;
        usleep((useconds_t)rand_r(&seed) % 3000);
        if (mine)
            unlink(mark);
        n += mine != NULL;
        arena_end(arena); /* gives it up */
        usleep((useconds_t)rand_r(&seed) % 1000);
    }
    return n > 0 ? WENT_WELL : NEVER_GOT_IN;
}

static void test_lease__of_many_one_is_inside(void **state) {
    (void)state;
    Place place = place_new();
    const char *mark = arena_print(place.arena, "%s/inside", place.folder);
    pid_t child[N_PROCESSES];
    for (int i = 0; i < N_PROCESSES; i++) {
        child[i] = fork();
        if (child[i] == 0)
            _exit(contend(place.lock, mark, (unsigned)i + 1));
    }
    usleep(700000);
    kill(child[0], SIGKILL);
    int n_of[4] = {0};
    for (int i = 0; i < N_PROCESSES; i++) {
        int status;
        waitpid(child[i], &status, 0);
        if (WIFEXITED(status))
            n_of[WEXITSTATUS(status)]++;
    }
    assert_int_equal(n_of[SOMEBODY_WAS_INSIDE] + n_of[COULD_NOT_ASK], 0);
    assert_true(n_of[WENT_WELL] >= 2);
    assert_int_equal(n_of[WENT_WELL] + n_of[NEVER_GOT_IN], N_PROCESSES - 1);
    place_end(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lease__is_a_lock),
        cmocka_unit_test(test_lease__a_killed_holder_is_taken_over_at_once),
        cmocka_unit_test(test_lease__one_that_died_before_it_wrote_is_told_by_its_name),
        cmocka_unit_test(test_lease__another_hosts_is_believed_until_it_is_old),
        cmocka_unit_test(test_lease__whoever_slept_too_long_ends),
        cmocka_unit_test(test_lease__of_many_one_is_inside),
        cmocka_unit_test(test_lease__is_renewed_by_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
