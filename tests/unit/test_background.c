/* Jobs in the background are done in order, all of them, and their first error is told once. */
#include "lab/base/background.h"
#include "tests/unit/fixture_store.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

typedef struct Log {
    atomic_int n;
    atomic_bool held; /* jobs wait while it is true */
    int order[1000];
} Log;

typedef struct Task {
    Log *log;
    int number;
    bool fails;
} Task;

static Error *note(void *data) {
    Task *task = data;
    while (atomic_load(&task->log->held))
        usleep(100);
    task->log->order[atomic_load(&task->log->n)] = task->number;
    atomic_fetch_add(&task->log->n, 1);
    return task->fails ? error_new(CODE_IO, "job %d failed", task->number) : NULL;
}

/* Adds jobs `from` up to `to`; the `failing` one fails. */
static void add_tasks(Background *background, Log *log, int from, int to, int failing,
                      Arena *arena) {
    for (int i = from; i < to; i++) {
        Task *task = ARENA_NEW(arena, Task);
        *task = (Task){log, i, i == failing};
        background_add(background, note, task);
    }
}

static void assert_order(const Log *log, int n) {
    assert_int_equal(atomic_load(&log->n), n);
    for (int i = 0; i < n; i++)
        assert_int_equal(log->order[i], i);
}

/* More jobs than there is room for: the caller waits, nothing is lost. */
static void test_background__does_every_job_in_order(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Log *log = ARENA_NEW(arena, Log);
    Background *background;
    assert_ok(background_new(&background, arena));
    add_tasks(background, log, 0, 500, -1, arena);
    assert_ok(background_wait(background));
    assert_order(log, 500);
    add_tasks(background, log, 500, 520, -1, arena);
    assert_ok(background_end(background)); /* what waits is done first */
    assert_order(log, 520);
    arena_end(arena);
}

static void test_background__computes_meanwhile(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Log *log = ARENA_NEW(arena, Log);
    Background *background;
    atomic_store(&log->held, true);
    assert_ok(background_new(&background, arena));
    add_tasks(background, log, 0, BACKGROUND_MOST, -1, arena);
    assert_null(background_look(background)); /* nobody waited: the jobs are held */
    assert_int_equal(atomic_load(&log->n), 0);
    atomic_store(&log->held, false);
    assert_ok(background_end(background));
    assert_order(log, BACKGROUND_MOST);
    arena_end(arena);
}

static void test_background__tells_the_first_error_once(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Log *log = ARENA_NEW(arena, Log);
    Background *background;
    assert_ok(background_new(&background, arena));
    add_tasks(background, log, 0, 10, 3, arena);
    add_tasks(background, log, 10, 20, 12, arena);
    Error *error = background_wait(background);
    assert_non_null(error);
    assert_string_equal(error_root(error), "job 3 failed");
    error_end(error);
    assert_order(log, 20); /* later jobs are done all the same */
    assert_ok(background_wait(background));
    add_tasks(background, log, 20, 21, 20, arena);
    error = background_end(background);
    assert_non_null(error);
    assert_string_equal(error_root(error), "job 20 failed");
    error_end(error);
    assert_ok(background_end(NULL));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_background__does_every_job_in_order),
        cmocka_unit_test(test_background__computes_meanwhile),
        cmocka_unit_test(test_background__tells_the_first_error_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
