/* Files out of a mould are those of the library, byte for byte. */
#include "lab/base/rng.h"
#include "lab/store/h5_mould.h"
#include "tests/unit/fixture_h5.h"

#include <math.h>

static void assert_same_file(const char *path, const char *expected, Arena *arena) {
    char *a, *b;
    size_t n, m;
    assert_ok(io_read(&a, &n, path, arena));
    assert_ok(io_read(&b, &m, expected, arena));
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
}

/* Writes a run both ways. */
static void assert_cast(H5Moulds *moulds, const RunRecord *run, const char *folder, Arena *arena) {
    const char *path = arena_print(arena, "%s/cast.h5", folder);
    const char *expected = arena_print(arena, "%s/library.h5", folder);
    assert_ok(h5_moulds_write(moulds, run, path));
    assert_ok(h5_write_run(run, expected));
    assert_same_file(path, expected, arena);
}

static double any_number(Rng *rng) {
    static const double odd[] = {0, -0.0, 1, NAN, INFINITY, -INFINITY, 0.1, 1e300};
    uint32_t kind = rng_below(rng, 12);
    return kind < 8 ? odd[kind] : rng_normal(rng);
}

static const char *any_text(Rng *rng, uint32_t n, Arena *arena) {
    char *out = arena_alloc(arena, n + 1);
    for (uint32_t i = 0; i < n; i++)
        out[i] = (char)(' ' + (int)rng_below(rng, 90));
    return out;
}

/* One of a few shapes: how long series and texts are, which columns and texts are there at all, and
 * of which type a number is. */
static void set_shape(RunRecord *run, uint32_t shape, Rng *rng, Arena *arena) {
    run->n_steps = 1 + shape % 3;
    run->steps = ARENA_ARRAY(arena, StepRow, run->n_steps);
    for (int64_t i = 0; i < run->n_steps; i++) {
        run->steps[i] = fixture_step((int)rng_below(rng, 1000));
        run->steps[i].lr_gain = shape % 2 ? 1 : 0.5 + rng_uniform(rng);
    }
    run->header.config = shape % 5 ? any_text(rng, 15 + shape % 5, arena) : "short";
    run->header.question = shape % 3 ? NULL : "why";
    Json *provenance = json_object(arena);
    json_add_number(provenance, "load", rng_below(rng, 100) + 0.5 * rng_below(rng, 2), arena);
    json_add_text(provenance, "cpu", any_text(rng, 20, arena), arena);
    run->header.provenance = provenance;
}

/* All other values. */
static void set_values(RunRecord *run, Rng *rng) {
    for (int64_t i = 0; i < run->n_steps; i++)
        run->steps[i].train_loss = any_number(rng);
    for (int i = 0; i < run->n_evals; i++)
        run->evals[i].valid_loss = any_number(rng);
    for (int i = 0; i < run->n_evals * run->header.n_layers; i++)
        run->layers[i].weight_norm = any_number(rng);
    run->header.seed = rng_below(rng, 9);
    run->header.target = any_number(rng);
    run->summary.examples_to_target = any_number(rng);
    for (int i = 0; i < 64; i++)
        run->weights_sha256[i] = (char)('a' + (int)rng_below(rng, 6));
}

/* Hundreds of runs out of a few moulds, in any order: each is what the library makes of it. */
static void test_h5_mould__casts_what_the_library_makes(void **state) {
    (void)state;
    enum { N_SHAPES = 30 };
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord run = run_new(folder, "0123456789abcdef-r1t1", arena);
    H5Moulds *moulds = h5_moulds_new(arena);
    Rng rng = rng_new(1, RNG_TEST, 0);
    for (int i = 0; i < 300; i++) {
        set_shape(&run, i < N_SHAPES ? (uint32_t)i : rng_below(&rng, N_SHAPES), &rng, arena);
        set_values(&run, &rng);
        assert_cast(moulds, &run, folder, arena);
    }
    int n = h5_moulds_count(moulds); /* short texts are part of the shape */
    assert_true(n >= 12 && n < 64);
    scratch_end(folder, arena);
}

/* When there are as many as there may be, the library makes the rest. */
static void test_h5_mould__more_shapes_than_moulds(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord run = run_new(folder, "0123456789abcdef-r1t1", arena);
    H5Moulds *moulds = h5_moulds_new(arena);
    Rng rng = rng_new(2, RNG_TEST, 0);
    for (uint32_t i = 0; i < 70; i++) {
        run.header.config = any_text(&rng, 20 + i, arena);
        assert_cast(moulds, &run, folder, arena);
    }
    assert_int_equal(h5_moulds_count(moulds), 64);
    scratch_end(folder, arena);
}

/* Values alone need no mould of their own; a length does. */
static void test_h5_mould__one_shape_is_made_once(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord run = run_new(folder, "0123456789abcdef-r1t1", arena);
    H5Moulds *moulds = h5_moulds_new(arena);
    for (int i = 0; i < 20; i++) {
        run.header.config = arena_print(arena, "{\"lr\":0.%08d,\"rest\":0}", i);
        run.header.run_id = arena_print(arena, "%016x-r1t1", i);
        run.steps[0].train_loss = i;
        assert_cast(moulds, &run, folder, arena);
        assert_int_equal(h5_moulds_count(moulds), 1);
    }
    run.header.config = "{\"lr\":0.1,\"something\":\"else\"}";
    assert_cast(moulds, &run, folder, arena);
    assert_int_equal(h5_moulds_count(moulds), 2);
    assert_run(arena_print(arena, "%s/cast.h5", folder), "", &run);
    scratch_end(folder, arena);
}

/* A compressed file depends on its values: the library makes it. */
static void test_h5_mould__long_runs_have_none(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord run = run_new(folder, "0123456789abcdef-r1t1", arena);
    H5Moulds *moulds = h5_moulds_new(arena);
    lengthen(&run, 5000, arena);
    assert_cast(moulds, &run, folder, arena);
    lengthen(&run, 1000, arena); /* not compressed, but large */
    assert_cast(moulds, &run, folder, arena);
    assert_int_equal(h5_moulds_count(moulds), 0);
    scratch_end(folder, arena);
}

static void test_h5_mould__trouble_is_an_error(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord run = run_new(folder, "0123456789abcdef-r1t1", arena);
    H5Moulds *moulds = h5_moulds_new(arena);
    const char *path = arena_print(arena, "%s/missing/run.h5", folder);
    for (int i = 0; i < 2; i++) {
        Error *error = h5_moulds_write(moulds, &run, path);
        assert_non_null(error);
        assert_int_equal(error_code(error), CODE_IO);
        assert_non_null(strstr(error_text(error), path));
        error_end(error);
    }
    assert_cast(moulds, &run, folder, arena);
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h5_mould__casts_what_the_library_makes),
        cmocka_unit_test(test_h5_mould__more_shapes_than_moulds),
        cmocka_unit_test(test_h5_mould__one_shape_is_made_once),
        cmocka_unit_test(test_h5_mould__long_runs_have_none),
        cmocka_unit_test(test_h5_mould__trouble_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
