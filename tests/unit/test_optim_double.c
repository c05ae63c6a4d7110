/* The same sources as in training, compiled in double, against reference traces:
 * tests/unit/optimizer_fixtures.json, and the whole fixture file where it stands beside the
 * repository. */
#include "lab/base/io.h"
#include "optim/optim.h"
#include "tests/unit/optim_witness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#define TOLERANCE 1e-10
#define MAX_TENSORS 4

static const struct {
    const char *name, *optimizer;
} cases[] = {
    {"sgd_plain", "sgd"},
    {"sgd_wd_coupled", "sgd"},
    {"sgd_mom_torch", "momentum"},
    {"sgd_mom_torch_lrchange", "momentum"},
    {"sgd_mom_torch_warmup0", "momentum"},
    {"sgd_nesterov_torch", "momentum"},
    {"lars_default", "lars"},
    {"lars_default_lrchange", "lars"},
    {"lars_default_nesterov", "lars"},
    {"lars_mlperf_tf2_eps", "lars"},
    {"lars_default_zero_norms", "lars"},
    {"lamb_default", "lamb"},
    {"lamb_no_bias_correction", "lamb"},
    {"lamb_zero_norms", "lamb"},
};
#define N_CASES ((int)(sizeof cases / sizeof cases[0]))

/* One trace being replayed. */
typedef struct Replay {
    const Json *trace;
    Segment segments[MAX_TENSORS];
    OptimLayer layers[MAX_TENSORS];
    int n_segments;
    real w[64], g[64];
    Optim *optim;
    double worst; /* largest relative difference so far */
    int n_compared;
} Replay;

static const Json *member(const Json *object, const char *key) {
    const Json *value = json_find(object, key);
    if (!value)
        fail_msg("the fixture lacks '%s'", key);
    return value;
}

static const Json *find_trace(const Json *root, const char *name) {
    JSON_EACH (trace, member(root, "optimizers"))
        if (strcmp(member(trace, "name")->text, name) == 0)
            return trace;
    fail_msg("no fixture '%s'", name);
    return NULL;
}

static bool contains(const Json *list, const char *name) {
    JSON_EACH (item, list)
        if (strcmp(item->text, name) == 0)
            return true;
    return false;
}

/* The fixtures' words become our settings; an absent decay is none there. */
static Json *settings_of(const char *optimizer, const Json *hyper, Arena *arena) {
    Json *settings = json_object(arena);
    json_add_text(settings, "name", optimizer, arena);
    if (!json_find(hyper, "wd"))
        json_add_number(settings, "weight_decay", 0, arena);
    JSON_EACH (item, hyper) {
        const char *key = strcmp(item->key, "wd") == 0 ? "weight_decay" : item->key;
        json_add(settings, key, json_copy(item, arena), arena);
    }
    return settings;
}

/* Walks a {"W": [...], "b": [...]} object into the flat vector. */
static void read_tensors(Replay *replay, real *to, const Json *tensors) {
    for (int s = 0; s < replay->n_segments; s++) {
        real *x = to + replay->segments[s].offset;
        JSON_EACH (item, member(tensors, replay->segments[s].name))
            *x++ = item->number;
    }
}

static void compare(Replay *replay, double got, double expected) {
    double scale = fmax(fabs(got), fabs(expected));
    double difference = scale > 0 ? fabs(got - expected) / scale : 0;
    if (!(difference <= replay->worst))
        replay->worst = difference;
    replay->n_compared++;
}

static void compare_tensors(Replay *replay, const real *got, const Json *tensors) {
    for (int s = 0; s < replay->n_segments; s++) {
        const real *x = got + replay->segments[s].offset;
        JSON_EACH (item, member(tensors, replay->segments[s].name))
            compare(replay, *x++, item->number);
    }
}

static void set_up(Replay *replay, const Json *trace, const Json *settings, Arena *arena) {
    *replay = (Replay){.trace = trace};
    int64_t n = 0;
    JSON_EACH (tensor, member(trace, "init")) {
        assert_true(replay->n_segments < MAX_TENSORS && n + tensor->n <= 64);
        bool included = !contains(member(trace, "excluded"), tensor->key);
        replay->segments[replay->n_segments++] = (Segment){.name = tensor->key,
                                                           .offset = n,
                                                           .n = tensor->n,
                                                           .n_dims = included ? 2 : 1,
                                                           .shape = {tensor->n, 1},
                                                           .decay = included,
                                                           .adapt = included};
        n += tensor->n;
    }
    read_tensors(replay, replay->w, member(trace, "init"));
    const Kind *kind;
    void *read;
    Error *error =
        kind_read(&kind, &read, settings, optim_table, OPTIM_N, "optimizer", NULL, arena);
    if (error)
        fail_msg("%s", error_text(error));
    replay->optim =
        optim_new((const OptimType *)kind, read, replay->segments, replay->n_segments, arena);
}

static void check_step(Replay *replay, const Json *expected) {
    compare_tensors(replay, replay->w, member(expected, "params"));
    int slot = 0;
    JSON_EACH (vector, member(expected, "state")) { /* "m" before "v", as our slots */
        assert_true(slot < replay->optim->type->n_slots);
        compare_tensors(replay, replay->optim->slots[slot++], vector);
    }
    assert_int_equal(slot, replay->optim->type->n_slots);
    const Json *info = json_find(expected, "info");
    for (int s = 0; info && s < replay->n_segments; s++) {
        const Json *layer = member(info, replay->segments[s].name);
        const Json *trust = json_find(layer, "trust");
        compare(replay, replay->layers[s].trust, (trust ? trust : member(layer, "ratio"))->number);
    }
}

/* Replays one trace and returns its largest relative difference. */
static double replay_trace(const Json *trace, const Json *settings, Arena *arena) {
    Replay replay;
    set_up(&replay, trace, settings, arena);
    const Json *grad = member(trace, "grads")->first, *lr = member(trace, "lrs")->first;
    int n_steps = 0;
    JSON_EACH (expected, member(trace, "steps")) {
        read_tensors(&replay, replay.g, grad);
        for (int s = 0; s < replay.n_segments; s++) {
            const Segment *segment = &replay.segments[s];
            replay.layers[s] = (OptimLayer){
                .grad_sumsq = pow(witness_norm(replay.g + segment->offset, segment->n), 2)};
        }
        optim_step(replay.optim, lr->number, replay.w, replay.g, replay.layers, 1);
        check_step(&replay, expected);
        grad = grad->next, lr = lr->next, n_steps++;
    }
    assert_true(n_steps >= 3 && replay.n_compared >= 4 * n_steps);
    return replay.worst;
}

static void replay_file(const char *path) {
    Arena *arena = arena_new();
    Json *root;
    Error *error = json_load(&root, path, arena);
    if (error)
        fail_msg("%s", error_text(error));
    for (int i = 0; i < N_CASES; i++) {
        const Json *trace = find_trace(root, cases[i].name);
        double worst = replay_trace(
            trace, settings_of(cases[i].optimizer, member(trace, "hyper"), arena), arena);
        if (!(worst <= TOLERANCE))
            fail_msg("%s: relative difference %g", cases[i].name, worst);
    }
    arena_end(arena);
}

static void test_optim__replays_the_committed_fixtures(void **state) {
    (void)state;
    replay_file(SOURCE_DIR "/tests/unit/optimizer_fixtures.json");
}

static void test_optim__replays_the_shared_fixtures(void **state) {
    (void)state;
    const char *path = SOURCE_DIR "/../shared/specs/optimizer_fixtures.json";
    if (!io_exists(path)) {
        print_message("no file '%s'\n", path);
        skip();
    }
    replay_file(path);
}

/* Every setting that a trace gives matters: without it the replay must miss. */
static void test_optim__replay_sees_a_missing_setting(void **state) {
    (void)state;
    static const struct {
        const char *name, *optimizer, *key;
        double value;
    } wrong[] = {
        {"sgd_wd_coupled", "sgd", "weight_decay", 0.011},
        {"sgd_mom_torch", "momentum", "momentum", 0.8999999},
        {"lars_default", "lars", "eta", 0.0010001},
        {"lars_default", "lars", "weight_decay", 1.001e-4},
        {"lars_mlperf_tf2_eps", "lars", "eps", 0},
        {"lamb_default", "lamb", "eps", 1.1e-6},
        {"lamb_default", "lamb", "beta2", 0.9989999},
    };
    Arena *arena = arena_new();
    Json *root;
    assert_null(json_load(&root, SOURCE_DIR "/tests/unit/optimizer_fixtures.json", arena));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const Json *trace = find_trace(root, wrong[i].name);
        Json *settings = settings_of(wrong[i].optimizer, member(trace, "hyper"), arena);
        Error *error = json_set(settings, wrong[i].key, json_number(wrong[i].value, arena), arena);
        assert_null(error);
        if (!(replay_trace(trace, settings, arena) > TOLERANCE))
            fail_msg("%s does not see a wrong %s", wrong[i].name, wrong[i].key);
    }
    arena_end(arena);
}

/* Beyond the fixtures' four weights: several chunks, odd sizes, 100 steps. */
static void test_optim__agrees_with_plain_loops(void **state) {
    (void)state;
    for (int o = 0; o < N_WITNESSES; o++) {
        Arena *arena = arena_new();
        Problem problem = problem_make((const int64_t[]){3, 8195, 17, 0, 4096, 1}, 6, 9, arena);
        double worst = witness_distance(&witnesses[o], &problem, 100, arena);
        if (!(worst <= 1e-12))
            fail_msg("%s: relative difference %g", witness_settings(&witnesses[o], arena), worst);
        arena_end(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optim__replays_the_committed_fixtures),
        cmocka_unit_test(test_optim__replays_the_shared_fixtures),
        cmocka_unit_test(test_optim__replay_sees_a_missing_setting),
        cmocka_unit_test(test_optim__agrees_with_plain_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
