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

static const char *any_text(Rng *rng, uint32_t most, Arena *arena) {
    uint32_t n = rng_below(rng, most);
    char *out = arena_alloc(arena, n + 1);
    for (uint32_t i = 0; i < n; i++)
        out[i] = (char)(' ' + (int)rng_below(rng, 90));
    return out;
}

/* Other numbers and texts everywhere, of other lengths now and then; a column may be left out. */
static void change(RunRecord *run, Rng *rng, Arena *arena) {
    run->n_steps = 1 + (int)rng_below(rng, 4);
    run->steps = ARENA_ARRAY(arena, StepRow, run->n_steps);
    for (int64_t i = 0; i < run->n_steps; i++) {
        run->steps[i] = fixture_step((int)rng_below(rng, 1000));
        run->steps[i].train_loss = any_number(rng);
        run->steps[i].lr_gain = rng_below(rng, 2) ? 1 : any_number(rng);
    }
    for (int i = 0; i < run->n_evals; i++)
        run->evals[i].valid_loss = any_number(rng);
    run->header.config = any_text(rng, 40, arena);
    run->header.question = rng_below(rng, 2) ? NULL : any_text(rng, 30, arena);
    run->header.seed = rng_below(rng, 9);
    run->header.target = any_number(rng);
    run->summary.examples_to_target = any_number(rng);
    run->summary.outcome = (Outcome)rng_below(rng, OUTCOME_N);
    for (int i = 0; i < 64; i++)
        run->weights_sha256[i] = (char)('a' + (int)rng_below(rng, 6));
}

static void test_h5_mould__casts_what_the_library_makes(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord run = run_new(folder, "0123456789abcdef-r1t1", arena);
    H5Moulds *moulds = h5_moulds_new(arena);
    Rng rng = rng_new(1, RNG_TEST, 0);
    for (int i = 0; i < 300; i++) {
        change(&run, &rng, arena);
        assert_cast(moulds, &run, folder, arena);
    }
    assert_int_equal(h5_moulds_count(moulds), 64); /* as many as there may be */
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
        cmocka_unit_test(test_h5_mould__one_shape_is_made_once),
        cmocka_unit_test(test_h5_mould__long_runs_have_none),
        cmocka_unit_test(test_h5_mould__trouble_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
