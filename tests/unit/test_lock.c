/* Locks and who holds them. */
#include "lab/base/io.h"
#include "lab/base/owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_lock__an_owner_is_dead_only_when_it_can_be_seen_to_be(void **state) {
    (void)state;
    char line[OWNER_ROOM], host[128], boot[64], pids[64], began[32];
    long pid = 0;
    owner_write(line);
    assert_int_equal(sscanf(line,
                            "process %ld on %127s since %*s (boot %63[^,], pids %63[^,], began "
                            "%31[^)])",
                            &pid, host, boot, pids, began),
                     5);
    assert_int_equal(pid, getpid());
    assert_false(owner_is_dead(line));
    assert_int_equal(line[owner_length(line) - 1], 'Z');
    pid_t child = fork();
    if (child == 0)
        _exit(0); /* it stays a zombie */
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    const struct {
        const char *host, *boot, *pids, *began;
        long pid;
        bool dead;
    } cases[] = {
        {host, boot, pids, began, child, true},      {host, boot, pids, "1", pid, true},
        {host, boot, pids, "-", pid, false},         {"elsewhere", boot, pids, began, child, false},
        {host, "0-0-0", pids, began, child, false},  {host, "-", pids, began, child, false},
        {host, boot, "pid:[1]", began, child, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(line, sizeof line, "process %ld on %s since X (boot %s, pids %s, began %s)\n",
                 cases[i].pid, cases[i].host, cases[i].boot, cases[i].pids, cases[i].began);
        assert_int_equal(owner_is_dead(line), cases[i].dead);
    }
    waitpid(child, NULL, 0);
    assert_false(owner_is_dead("what is this?\n"));
}

static void test_lock__a_lock_names_its_owners(void **state) {
    (void)state;
    Arena *arena = arena_new(), *inner = arena_new();
    char folder[] = "/tmp/batchlab-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *path = arena_print(arena, "%s/lock", folder);
    const char *me = arena_print(arena, "process %ld on ", (long)getpid());
    IoLock *lock, *other;
    char *text;
    size_t n;
    assert_null(io_lock(&lock, path, false, 0, arena));
    assert_memory_equal(io_lock_owners(path, arena), me, strlen(me));
    io_unlock(lock);
    assert_null(io_read(&text, &n, path, arena));
    assert_int_equal(n, 0);
    pid_t child = fork(); /* killed: its line stays, and is not told */
    if (child == 0) {
        if (io_lock(&lock, path, true, 0, arena) == NULL && lock)
            raise(SIGKILL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
    assert_string_equal(io_lock_owners(path, arena), "somebody");
    assert_null(io_lock(&lock, path, true, 0, arena));
    assert_null(io_lock(&other, path, true, 0, inner));
    assert_non_null(strstr(io_lock_owners(path, arena), "Z and 1 more"));
    arena_end(inner); /* gives the other one up */
    assert_memory_equal(io_lock_owners(path, arena), me, strlen(me));
    assert_null(strstr(io_lock_owners(path, arena), "more"));
    io_unlock(lock);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock__an_owner_is_dead_only_when_it_can_be_seen_to_be),
        cmocka_unit_test(test_lock__a_lock_names_its_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
