/* Files that are written aside before they get their name. */
#include "lab/base/io.h"
#include "lab/base/owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Waits for its end, but leaves it a zombie. */
static pid_t ended_child(bool reap) {
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | (reap ? 0 : WNOWAIT)), 0);
    return child;
}

static void test_aside__only_what_dead_writers_left_is_removed(void **state) {
    (void)state;
    Arena *arena = arena_new();
    char folder[] = "/tmp/batchlab-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    long dead = ended_child(true), zombie = ended_child(false), alive = getpid();
    const char *stale[] = {arena_print(arena, "%s/run.h5.tmp-%ld", folder, dead),
                           arena_print(arena, "%s/a.tmp-%ld.svg", folder, dead),
                           arena_print(arena, "%s/run.h5.tmp-%ld", folder, zombie)};
    const char *kept[] = {
        arena_print(arena, "%s/run.h5", folder), arena_print(arena, "%s/a.tmp-%ldx", folder, dead),
        arena_print(arena, "%s/a.tmp-", folder), arena_print(arena, "%s/b.tmp-%ld", folder, alive)};
    for (int i = 0; i < 3; i++)
        assert_null(io_write(stale[i], "x", 1));
    for (int i = 0; i < 4; i++)
        assert_null(io_write(kept[i], "x", 1));
    io_remove_stale(folder);
    for (int i = 0; i < 3; i++)
        assert_false(io_exists(stale[i]));
    assert_true(io_exists(kept[3]));
    io_remove_asides(folder); /* whoever has that number */
    assert_false(io_exists(kept[3]));
    for (int i = 0; i < 3; i++) {
        assert_true(io_exists(kept[i]));
        unlink(kept[i]);
    }
    assert_int_equal(rmdir(folder), 0);
    io_remove_stale(folder); /* a folder that is not there */
    waitpid((pid_t)zombie, NULL, 0);
    arena_end(arena);
}

/* Containers of several hosts have the same numbers. */
static void test_aside__another_hosts_writer_may_be_alive(void **state) {
    (void)state;
    Arena *arena = arena_new();
    char folder[] = "/tmp/batchlab-test-XXXXXX", name[IO_PATH_ROOM], place[OWNER_PLACE_ROOM];
    assert_non_null(mkdtemp(folder));
    assert_true(io_aside(name, arena_print(arena, "%s/mine.h5", folder), NULL));
    owner_place(place);
    assert_string_equal(name,
                        arena_print(arena, "%s/mine.h5.tmp-%ld-%s", folder, (long)getpid(), place));
    long dead = ended_child(true);
    const char *left = arena_print(arena, "%s/b.tmp-%ld-%s.svg", folder, dead, place);
    const char *theirs = arena_print(arena, "%s/b.tmp-%ld-%08x", folder, dead, 7u);
    const char *ages = arena_print(arena, "%s/c.tmp-%ld-%08x", folder, dead, 7u);
    const char *const all[] = {name, left, theirs, ages};
    struct timespec now, old[2];
    for (int i = 0; i < 4; i++)
        close(open(all[i], O_WRONLY | O_CREAT, 0666));
    clock_gettime(CLOCK_REALTIME, &now);
    old[0] = old[1] = (struct timespec){.tv_sec = now.tv_sec - 2 * 86400};
    assert_int_equal(utimensat(AT_FDCWD, ages, old, 0), 0);
    io_remove_stale(folder);
    assert_true(io_exists(name));
    assert_true(io_exists(theirs));
    assert_false(io_exists(left));
    assert_false(io_exists(ages));
    io_remove_asides(folder);
    assert_int_equal(rmdir(folder), 0);
    char *deep = arena_alloc(arena, IO_PATH_ROOM);
    memset(deep, 'x', IO_PATH_ROOM - 5);
    assert_false(io_aside(name, deep, NULL));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aside__only_what_dead_writers_left_is_removed),
        cmocka_unit_test(test_aside__another_hosts_writer_may_be_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
