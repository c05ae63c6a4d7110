/* The same sources as in training, compiled in double, against the reference traces of
 * tests/unit/optimizer_fixtures.json, "compression". */
#include "lab/comm/compression.h"
#include "lab/comm/dgc_ratio.h"

#include "lab/base/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOLERANCE 1e-10
enum { MOST = 16 };

/* Workers on one rank, and the compression being replayed on one tensor. */
typedef struct Replay {
    Arena *arena;
    Segment segment;
    Compression *compression;
    CompressionStep step;
    real grads[MOST * 4], mean[MOST];
    double worst;
    int n_compared;
} Replay;

static const Json *member(const Json *object, const char *key) {
    const Json *value = json_find(object, key);
    if (!value)
        fail_msg("the fixture lacks '%s'", key);
    return value;
}

static const Json *item(const Json *list, int i) {
    const Json *child = list->first;
    while (i-- > 0 && child)
        child = child->next;
    assert_non_null(child);
    return child;
}

static const Json *fixture(const char *name, Arena *arena) {
    Json *root;
    Error *error = json_load(&root, SOURCE_DIR "/tests/unit/optimizer_fixtures.json", arena);
    if (error)
        fail_msg("%s", error_text(error));
    JSON_EACH (child, member(root, "compression"))
        if (strncmp(child->key, name, strlen(name)) == 0)
            return child;
    fail_msg("no fixture '%s'", name);
    return NULL;
}

static Compression *compression_of(const char *text, const Segment *segments, int n_segments,
                                   int n_workers, Arena *arena) {
    Json *json;
    const Kind *kind;
    void *settings;
    assert_null(json_parse(&json, text, strlen(text), "test", arena));
    Error *error = kind_read(&kind, &settings, json, compression_table, COMPRESSION_N,
                             "compression", NULL, arena);
    if (error)
        fail_msg("%s", error_text(error));
    Workers *workers = workers_new(comm_alone(arena), n_workers, arena);
    return compression_new((const CompressionType *)kind, settings, segments, n_segments, workers,
                           7, arena);
}

/* One tensor of (rows, columns). */
static void set_up(Replay *replay, const char *text, int64_t rows, int64_t columns, int n_workers,
                   Arena *arena) {
    *replay = (Replay){.arena = arena,
                       .segment = {.name = "W",
                                   .n = rows * columns,
                                   .n_dims = 2,
                                   .shape = {rows, columns},
                                   .decay = true,
                                   .adapt = true}};
    assert_true(rows * columns <= MOST && n_workers <= 4);
    replay->compression = compression_of(text, &replay->segment, 1, n_workers, arena);
}

static real *state_of(const Replay *replay, const char *name) {
    for (int i = 0; i < replay->compression->n_states; i++)
        if (strcmp(replay->compression->states[i].name, name) == 0)
            return replay->compression->states[i].data;
    fail_msg("the compression has no state '%s'", name);
    return NULL;
}

/* Numbers of nested lists, in their order. Returns how many. */
static int64_t flatten(real *to, const Json *list) {
    int64_t n = 0;
    JSON_EACH (child, list) {
        if (child->kind == JSON_ARRAY)
            n += flatten(to + n, child);
        else
            to[n++] = child->number;
    }
    return n;
}

static void compare(Replay *replay, const real *got, double factor, const Json *list) {
    real expected[MOST * 4];
    int64_t n = flatten(expected, list);
    for (int64_t i = 0; i < n; i++) {
        double scale = fmax(fmax(fabs(factor * got[i]), fabs(expected[i])), 1e-3);
        double difference = fabs(factor * got[i] - expected[i]) / scale;
        if (!(difference <= replay->worst))
            replay->worst = difference;
        replay->n_compared++;
    }
}

static void take_mean(Replay *replay, double lr) {
    replay->step.lr_last = replay->step.step > 0 ? replay->step.lr : lr;
    replay->step.lr = lr;
    replay->compression->type->mean(replay->compression, &replay->step, replay->grads,
                                    replay->mean);
    replay->step.step++;
}

static void assert_replayed(const Replay *replay, int least) {
    assert_true(replay->n_compared >= least);
    if (!(replay->worst <= TOLERANCE))
        fail_msg("relative difference %g", replay->worst);
}

/* grads[worker][step]. */
static void take_grads(Replay *replay, const Json *grads, int step) {
    int worker = 0;
    JSON_EACH (of_worker, grads)
        flatten(replay->grads + worker++ * replay->compression->n, item(of_worker, step));
    assert_int_equal(worker, replay->compression->workers->n);
}

static void test_compression__replays_sign(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Json *trace = fixture("ef_signsgd", arena);
    Replay replay;
    set_up(&replay, "\"sign\"", 2, 2, 1, arena);
    double theta[4] = {1, 1, 1, 1};
    int t = 0;
    JSON_EACH (step, member(trace, "trace")) {
        double lr = member(step, "lr")->number;
        flatten(replay.grads, item(member(trace, "worker0_grads"), t++));
        take_mean(&replay, lr);
        compare(&replay, replay.mean, lr, member(step, "delta"));
        compare(&replay, state_of(&replay, "compression.error"), lr, member(step, "e"));
        for (int i = 0; i < 4; i++)
            theta[i] -= lr * replay.mean[i];
        compare(&replay, theta, 1, member(step, "theta"));
    }
    assert_replayed(&replay, 36);
    arena_end(arena);
}

/* Without the rate inside, the error is replayed at the old scale: the fixture must see that. */
static void test_compression__sees_where_the_rate_is(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Json *trace = fixture("ef_signsgd", arena);
    Replay replay;
    set_up(&replay, "{\"name\": \"sign\", \"feedback\": \"gradient\"}", 2, 2, 1, arena);
    int t = 0;
    JSON_EACH (step, member(trace, "trace")) {
        flatten(replay.grads, item(member(trace, "worker0_grads"), t++));
        take_mean(&replay, member(step, "lr")->number);
        compare(&replay, replay.mean, member(step, "lr")->number, member(step, "delta"));
    }
    assert_true(replay.worst > 0.01);
    arena_end(arena);
}

static void test_compression__replays_onebit(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Json *grads = member(fixture("dgc_topk1", arena), "grads[worker][step]");
    Replay replay;
    set_up(&replay, "\"onebit\"", 2, 2, 2, arena);
    int t = 0;
    JSON_EACH (step, fixture("onebit_two_stage", arena)) {
        take_grads(&replay, grads, t++);
        take_mean(&replay, 0.1);
        compare(&replay, replay.mean, 1, member(step, "out"));
        compare(&replay, state_of(&replay, "compression.error"), 1, member(step, "worker_error"));
        compare(&replay, state_of(&replay, "compression.slice_error"), 1,
                member(step, "server_error"));
    }
    assert_replayed(&replay, 48);
    arena_end(arena);
}

static void check_selected(const Replay *replay, const real *u, const Json *lists) {
    int worker = 0;
    JSON_EACH (list, lists) {
        int64_t index = (int64_t)item(list, 0)->number;
        assert_true(u[worker++ * replay->compression->n + index] == 0);
    }
}

static void descend(const Replay *replay, real *theta, double lr) {
    for (int64_t i = 0; i < replay->compression->n; i++)
        theta[i] -= lr * replay->mean[i];
}

static void test_compression__replays_dgc(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Json *trace = fixture("dgc_topk1", arena);
    Replay replay;
    set_up(&replay, "{\"name\": \"dgc\", \"ratio\": 0.25, \"warmup_epochs\": 0}", 2, 2, 2, arena);
    real theta[4] = {1, 1, 1, 1};
    int t = 0;
    JSON_EACH (step, member(trace, "trace")) {
        take_grads(&replay, member(trace, "grads[worker][step]"), t++);
        take_mean(&replay, 0.1);
        descend(&replay, theta, 0.1);
        check_selected(&replay, state_of(&replay, "compression.unsent"), member(step, "selected"));
        compare(&replay, replay.mean, 1, member(step, "avg_update"));
        compare(&replay, theta, 1, member(step, "theta"));
        compare(&replay, state_of(&replay, "compression.velocity"), 1, member(step, "u"));
        compare(&replay, state_of(&replay, "compression.unsent"), 1, member(step, "v"));
    }
    assert_replayed(&replay, 72);
    arena_end(arena);
}

static void test_compression__replays_the_warmup_of_dgc(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int epoch = 0;
    JSON_EACH (expected, fixture("dgc_ratio_warmup4", arena)) {
        double got = dgc_ratio(0.001, 4, epoch++ + 0.5);
        assert_true(fabs(got - expected->number) <= TOLERANCE * expected->number);
    }
    assert_int_equal(epoch, 5);
    arena_end(arena);
}

/* The heavy ball comes after the mean, as the optimizer's. */
static void test_compression__replays_topk(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Json *trace = fixture("topk1_error_feedback", arena);
    const Json *grads = member(fixture("dgc_topk1", arena), "grads[worker][step]");
    Replay replay;
    set_up(&replay, "{\"name\": \"topk\", \"ratio\": 0.25}", 2, 2, 2, arena);
    real theta[4] = {1, 1, 1, 1}, velocity[4] = {0};
    int t = 0;
    JSON_EACH (step, member(trace, "trace")) {
        take_grads(&replay, grads, t++);
        take_mean(&replay, 0.1);
        check_selected(&replay, state_of(&replay, "compression.error"), member(step, "selected"));
        compare(&replay, replay.mean, 1, member(step, "avg"));
        compare(&replay, state_of(&replay, "compression.error"), 1, member(step, "e"));
        for (int i = 0; i < 4; i++) {
            velocity[i] = 0.9 * velocity[i] + replay.mean[i];
            theta[i] -= 0.1 * velocity[i];
        }
        compare(&replay, theta, 1, member(step, "theta"));
    }
    assert_replayed(&replay, 48);
    arena_end(arena);
}

/* Ties go to the lowest index, whatever the order of the search. */
static void test_compression__breaks_ties_by_index(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Replay replay;
    set_up(&replay, "{\"name\": \"topk\", \"ratio\": 0.375, \"feedback\": \"none\"}", 4, 2, 1,
           arena);
    const real grads[8] = {1, -2, 2, -2, 0, 2, -3, 2}, expected[8] = {0, -2, 2, 0, 0, 0, -3, 0};
    memcpy(replay.grads, grads, sizeof grads);
    take_mean(&replay, 0.1);
    for (int i = 0; i < 8; i++)
        assert_true(replay.mean[i] == expected[i]);
    arena_end(arena);
}

/* Signs of P's columns are free: products and errors are compared, Q through its square. */
static void replay_powersgd(const char *error, const char *key) {
    Arena *arena = arena_new();
    const Json *trace = fixture("powersgd_rank1", arena);
    Replay replay;
    set_up(&replay,
           arena_print(arena,
                       "{\"name\": \"powersgd\", \"rank\": 1, \"least_gain\": 1, \"error\": "
                       "\"%s\"}",
                       error),
           3, 2, 2, arena);
    real *q = state_of(&replay, "compression.q");
    q[0] = 0.6, q[1] = 0.8;
    int t = 0;
    JSON_EACH (step, member(trace, "trace")) {
        if (t > 0 && strcmp(error, "own") == 0)
            break; /* the fixture's later steps go on from the other error */
        take_grads(&replay, member(trace, "M[worker][step]"), t++);
        take_mean(&replay, 0.1);
        compare(&replay, replay.mean, 1, member(step, "decompressed"));
        compare(&replay, state_of(&replay, "compression.error"), 1, member(step, key));
        real expected[2];
        flatten(expected, member(step, "Q"));
        assert_true(fabs(fabs(q[0]) - fabs(expected[0])) < TOLERANCE);
        assert_true(fabs(fabs(q[1]) - fabs(expected[1])) < TOLERANCE);
    }
    assert_replayed(&replay, 18);
    arena_end(arena);
}

static void test_compression__replays_powersgd(void **state) {
    (void)state;
    replay_powersgd("mean", "error_vs_global (torch hook, NeurIPS code)");
    replay_powersgd("own", "error_vs_local_Q (paper Alg.2 / epfml main), same D");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compression__replays_sign),
        cmocka_unit_test(test_compression__sees_where_the_rate_is),
        cmocka_unit_test(test_compression__replays_onebit),
        cmocka_unit_test(test_compression__replays_dgc),
        cmocka_unit_test(test_compression__replays_the_warmup_of_dgc),
        cmocka_unit_test(test_compression__replays_topk),
        cmocka_unit_test(test_compression__breaks_ties_by_index),
        cmocka_unit_test(test_compression__replays_powersgd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
