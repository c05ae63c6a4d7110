/* What holds for every registered optimizer: a new one is tested by standing in the table. */
#include "lab/base/rng.h"
#include "optim/optim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

/* Four tensors: several chunks, an empty one, one without decay and adaptation at an odd offset,
 * one weight. */
#define N_SEGMENTS 4
#define N (9001 + 0 + 37 + 1)
static const Segment segments[N_SEGMENTS] = {
    {.name = "matrix",
     .offset = 0,
     .n = 9001,
     .n_dims = 2,
     .shape = {9001, 1},
     .decay = true,
     .adapt = true},
    {.name = "empty",
     .offset = 9001,
     .n = 0,
     .n_dims = 2,
     .shape = {0, 8},
     .decay = true,
     .adapt = true},
    {.name = "bias", .offset = 9001, .n = 37, .n_dims = 1, .shape = {37}},
    {.name = "one",
     .offset = 9038,
     .n = 1,
     .n_dims = 2,
     .shape = {1, 1},
     .decay = true,
     .adapt = true},
};

/* One optimizer on the quadratic sum h_i (w_i - target_i)^2 / 2 with curvatures between 0.05 and
 * 0.5. */
typedef struct Bench {
    const OptimType *type;
    Optim *optim;
    float w[N], g[N], target[N], curvature[N];
    OptimLayer layers[N_SEGMENTS];
} Bench;

static void fill(Bench *bench, uint64_t seed) {
    Rng rng = rng_new(seed, RNG_TEST, 1);
    for (int i = 0; i < N; i++) {
        bench->w[i] = (float)(rng_uniform(&rng) + 0.5);
        bench->target[i] = bench->w[i] + (float)(rng_uniform(&rng) - 0.3);
        bench->curvature[i] = (float)(0.05 + 0.45 * rng_uniform(&rng));
    }
}

/* Every number with "decay" in its name becomes `decay`, and what adapts does so by the flags;
 * decay below 0: all defaults. */
static Bench *bench_new(const OptimType *type, double decay, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "name", type->kind.name, arena);
    for (const Param *row = type->kind.params; decay >= 0 && row && row->key; row++)
        if (row->kind == PARAM_NUMBER && strstr(row->key, "decay"))
            json_add_number(object, row->key, decay, arena);
        else if (strcmp(row->key, "skip") == 0)
            json_add_text(object, row->key, "ndim", arena);
    const Kind *kind;
    void *settings;
    Error *error =
        kind_read(&kind, &settings, object, optim_table, OPTIM_N, "optimizer", NULL, arena);
    if (error)
        fail_msg("%s: %s", type->kind.name, error_text(error));
    Bench *bench = ARENA_NEW(arena, Bench);
    bench->type = type;
    bench->optim = optim_new(type, settings, segments, N_SEGMENTS, arena);
    fill(bench, 1);
    return bench;
}

static void step_with(Bench *bench, double lr, int threads) {
    for (int s = 0; s < N_SEGMENTS; s++) {
        bench->layers[s] = (OptimLayer){.trust = NAN};
        for (int64_t i = segments[s].offset; i < segments[s].offset + segments[s].n; i++)
            bench->layers[s].grad_sumsq += (double)bench->g[i] * (double)bench->g[i];
    }
    optim_step(bench->optim, lr, bench->w, bench->g, bench->layers, threads);
}

static void step_down(Bench *bench, double lr, int threads) {
    for (int i = 0; i < N; i++)
        bench->g[i] = bench->curvature[i] * (bench->w[i] - bench->target[i]);
    step_with(bench, lr, threads);
}

/* With a learning rate that changes at every step, since what depends on it may be wrong too. */
static void descend(Bench *bench, int n_steps, int threads) {
    for (int t = 0; t < n_steps; t++)
        step_down(bench, bench->type->lr * (t % 5 + 1) / 5, threads);
}

static double loss_of(const Bench *bench) {
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += bench->curvature[i] * pow(bench->w[i] - bench->target[i], 2) / 2;
    return sum;
}

static bool same_bits(const Bench *a, const Bench *b) {
    bool same = memcmp(a->w, b->w, sizeof a->w) == 0;
    for (int k = 0; k < a->type->n_slots; k++)
        same = same && memcmp(a->optim->slots[k], b->optim->slots[k], sizeof a->w) == 0;
    for (int s = 0; s < N_SEGMENTS; s++)
        same = same && memcmp(&a->layers[s], &b->layers[s], sizeof a->layers[s]) == 0;
    return same;
}

static void descends_the_quadratic(const OptimType *type, Arena *arena) {
    assert_true(type->lr > 0);
    Bench *bench = bench_new(type, 0, arena);
    double before = loss_of(bench);
    assert_true(before > 1);
    for (int t = 0; t < 500; t++)
        step_down(bench, type->lr, 1);
    double after = loss_of(bench);
    if (!(after <= 0.05 * before))
        fail_msg("%s at lr %g: loss %g after %g", type->kind.name, type->lr, after, before);
}

static void deterministic(const OptimType *type, Arena *arena) {
    Bench *a = bench_new(type, -1, arena), *b = bench_new(type, -1, arena);
    descend(a, 20, 1);
    descend(b, 20, 1);
    assert_true(same_bits(a, b));
    b->w[8999] += 1e-3f; /* the comparison can fail */
    assert_false(same_bits(a, b));
}

static void same_bits_on_any_threads(const OptimType *type, Arena *arena) {
    Bench *one = bench_new(type, -1, arena);
    descend(one, 20, 1);
    for (int threads = 2; threads <= 5; threads++) {
        Bench *many = bench_new(type, -1, arena);
        descend(many, 20, threads);
        if (!same_bits(one, many))
            fail_msg("%s: other bits on %d threads", type->kind.name, threads);
    }
}

static void zero_gradient_and_decay_leave_weights(const OptimType *type, Arena *arena) {
    Bench *bench = bench_new(type, 0, arena), *start = bench_new(type, 0, arena);
    for (int t = 0; t < 5; t++)
        step_with(bench, type->lr, 1);
    assert_memory_equal(bench->w, start->w, sizeof bench->w);
}

static void zero_lr_leaves_weights(const OptimType *type, Arena *arena) {
    Bench *bench = bench_new(type, -1, arena), *start = bench_new(type, -1, arena);
    memcpy(bench->g, bench->target, sizeof bench->g);
    for (int t = 0; t < 5; t++)
        step_with(bench, 0, 1);
    assert_memory_equal(bench->w, start->w, sizeof bench->w);
}

static void assert_finite(const Bench *bench, const char *when) {
    for (int s = 0; s < N_SEGMENTS; s++)
        if (!isfinite(bench->layers[s].trust))
            fail_msg("%s, %s: trust %g", bench->type->kind.name, when, bench->layers[s].trust);
    for (int i = 0; i < N; i++)
        if (!isfinite(bench->w[i]))
            fail_msg("%s, %s: weight %d is %g", bench->type->kind.name, when, i,
                     (double)bench->w[i]);
}

/* Zero weights, zero gradients, both, and tiny ones; an empty segment stands among the tensors
 * always. */
static void no_nan(const OptimType *type, Arena *arena) {
    static const struct {
        const char *when;
        float w, g;
    } rows[] = {{"zero weights", 0, 1},
                {"zero gradient", 1, 0},
                {"both zero", 0, 0},
                {"tiny gradient", 1, 1e-38f},
                {"tiny weights", 1e-38f, 1}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        Bench *bench = bench_new(type, -1, arena);
        for (int t = 0; t < 10; t++) {
            for (int i = 0; i < N; i++) {
                bench->w[i] = t == 0 ? rows[r].w : bench->w[i];
                bench->g[i] = rows[r].g;
            }
            step_with(bench, type->lr, 1);
            assert_finite(bench, rows[r].when);
        }
        memset(bench->g, 0, sizeof bench->g);
        step_with(bench, 0, 1);
        step_with(bench, type->lr, 1);
        assert_finite(bench, "zero lr, then zero gradient");
    }
}

static void resumed_is_never_stopped(const OptimType *type, Arena *arena) {
    Bench *whole = bench_new(type, -1, arena), *first = bench_new(type, -1, arena),
          *second = bench_new(type, -1, arena);
    descend(whole, 15, 1);
    descend(whole, 15, 1);
    descend(first, 15, 1);
    memcpy(second->w, first->w, sizeof first->w);
    for (int k = 0; k < type->n_slots; k++)
        memcpy(second->optim->slots[k], first->optim->slots[k], sizeof first->w);
    second->optim->t = first->optim->t;
    second->optim->lr_last = first->optim->lr_last;
    descend(second, 15, 2);
    assert_true(same_bits(whole, second));
}

/* The flags of a tensor: without `adapt` the ratio is 1, without `decay` the decay does not act. */
static void flags_are_respected(const OptimType *type, Arena *arena) {
    Bench *none = bench_new(type, 0, arena), *much = bench_new(type, 0.1, arena);
    descend(none, 10, 1);
    descend(much, 10, 1);
    assert_true(none->layers[2].trust == 1 && much->layers[2].trust == 1);
    assert_memory_equal(none->w + 9001, much->w + 9001, 37 * sizeof(float));
    bool has_decay = false;
    for (const Param *row = type->kind.params; row && row->key; row++)
        has_decay = has_decay || strstr(row->key, "decay");
    if (has_decay)
        assert_memory_not_equal(none->w, much->w, 9001 * sizeof(float));
}

/* Without decay and with beta1 = 0 a step is lr * trust * P g. */
static void preconditioner_is_what_the_step_multiplies_by(const OptimType *type, Arena *arena) {
    Bench *bench = bench_new(type, 0, arena);
    float *p = ARENA_ARRAY(arena, float, N), *before = ARENA_ARRAY(arena, float, N);
    assert_false(optim_preconditioner(bench->optim, p, 2)); /* has seen no gradient */
    if (!type->preconditioner) {
        step_down(bench, type->lr, 1);
        assert_false(optim_preconditioner(bench->optim, p, 2));
        return;
    }
    for (const Param *row = type->kind.params; row->key; row++)
        if (strcmp(row->key, "beta1") == 0)
            *(double *)((char *)bench->optim->settings + row->offset) = 0;
    descend(bench, 5, 1);
    memcpy(before, bench->w, sizeof bench->w);
    step_down(bench, type->lr, 1);
    assert_true(optim_preconditioner(bench->optim, p, 2));
    for (int s = 0; s < N_SEGMENTS; s++)
        for (int64_t i = segments[s].offset; i < segments[s].offset + segments[s].n; i++) {
            double wanted = type->lr * bench->layers[s].trust * (double)(p[i] * bench->g[i]);
            double moved = (double)before[i] - (double)bench->w[i];
            if (!(fabs(moved - wanted) <= 1e-3 * fabs(wanted) + 1e-6))
                fail_msg("%s moves weight %d by %g, P says %g", type->kind.name, (int)i, moved,
                         wanted);
        }
}

static void documented(const OptimType *type, Arena *arena) {
    (void)arena;
    assert_non_null(type->kind.summary);
    assert_non_null(type->kind.detail);
    assert_non_null(strstr(type->kind.detail, "When it fails:"));
    assert_non_null(type->kind.reference);
    assert_true(type->lr_power == 1 || type->lr_power == 0.5);
}

static void for_each_optimizer(void (*law)(const OptimType *type, Arena *arena)) {
    for (int i = 0; i < OPTIM_N; i++) {
        Arena *arena = arena_new();
        law((const OptimType *)optim_table[i], arena);
        arena_end(arena);
    }
}

#define LAW(name)                                                                                  \
    static void law_optimizer__##name(void **state) {                                              \
        (void)state;                                                                               \
        for_each_optimizer(name);                                                                  \
    }

LAW(descends_the_quadratic)
LAW(deterministic)
LAW(same_bits_on_any_threads)
LAW(zero_gradient_and_decay_leave_weights)
LAW(zero_lr_leaves_weights)
LAW(no_nan)
LAW(resumed_is_never_stopped)
LAW(flags_are_respected)
LAW(preconditioner_is_what_the_step_multiplies_by)
LAW(documented)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_optimizer__descends_the_quadratic),
        cmocka_unit_test(law_optimizer__deterministic),
        cmocka_unit_test(law_optimizer__same_bits_on_any_threads),
        cmocka_unit_test(law_optimizer__zero_gradient_and_decay_leave_weights),
        cmocka_unit_test(law_optimizer__zero_lr_leaves_weights),
        cmocka_unit_test(law_optimizer__no_nan),
        cmocka_unit_test(law_optimizer__resumed_is_never_stopped),
        cmocka_unit_test(law_optimizer__flags_are_respected),
        cmocka_unit_test(law_optimizer__preconditioner_is_what_the_step_multiplies_by),
        cmocka_unit_test(law_optimizer__documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
