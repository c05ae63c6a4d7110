/* Verdicts: which reference a cell is compared with, what the bits say, and JUnit's shape. */
#include "lab/analyze/verdict.h"
#include "tests/unit/fixture_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#define PLATFORM                                                                                   \
    "{\"cpu\":\"c\",\"isa\":\"i\",\"compiler\":\"g\",\"flags\":\"f\",\"blas_config\":\"b\","       \
    "\"onednn\":\"o\",\"blas_core\":\"k\"}"

static const FixtureOptimizer fast = {"lars", 24, 70000, 0, 0}, slow = {"lars", 24, 98000, 0, 0},
                              lost = {"lars", 24, 70000, 64, 0};

static Json *parse(const char *text, Arena *arena) {
    Json *out = NULL;
    assert_null(json_parse(&out, text, strlen(text), NULL, arena));
    return out;
}

/* Cells of `optimizer` at the given batches (n_batches), n_seeds from first_seed on. */
static Cells *cells_of(FixtureOptimizer optimizer, double lr, const int64_t *batch, int n_batches,
                       int n_seeds, uint64_t first_seed, Arena *arena) {
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, n_batches * n_seeds);
    for (int b = 0; b < n_batches; b++)
        for (int s = 0; s < n_seeds; s++) {
            FixtureRun run = {.optimizer = optimizer,
                              .global_batch = batch[b],
                              .seed = first_seed + (uint64_t)s,
                              .replicas = 1,
                              .lr = lr};
            runs[b * n_seeds + s] = fixture_run(&run, arena);
            runs[b * n_seeds + s].header.provenance = parse(PLATFORM, arena);
        }
    return cells_make(runs, n_batches * n_seeds, arena);
}

/* What --update would have written, read back. */
static Reference written(const Cells *cells, Arena *arena) {
    char path[] = "/tmp/test_verdict_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    Reference out = reference_of("fixture", cells, parse(PLATFORM, arena), arena);
    assert_null(reference_write(path, &out, arena));
    assert_null(reference_load(&out, path, arena));
    unlink(path);
    return out;
}

static Verdict *judged(int *n, const Cells *cells, const Reference *reference, Arena *arena) {
    Reference now = reference_of("fixture", cells, NULL, arena);
    return verdicts_make(n, &now, reference, GATE_MARGIN, arena);
}

static const int64_t three[] = {64, 128, 512};

static void test_verdict__own_seeds_are_compared_by_bits(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Reference reference = written(cells_of(fast, 0.1, three, 3, 6, 0, arena), arena);
    int n;
    const Verdict *same = judged(&n, cells_of(fast, 0.1, three, 3, 3, 0, arena), &reference, arena);
    assert_int_equal(n, 3);
    for (int i = 0; i < n; i++)
        assert_true(same[i].same_bits && same[i].kind == GATE_SAME && !same[i].other_bits);
    Cells *fresh = cells_of(fast, 0.1, three, 3, 6, 3, arena); /* seeds 3 to 5 are old */
    const Verdict *mixed = judged(&n, fresh, &reference, arena);
    for (int i = 0; i < n; i++)
        assert_true(!mixed[i].same_bits && !mixed[i].other_bits && mixed[i].gate.n_checked == 6);
    arena_end(arena);
}

/* The same seeds end otherwise: where the platform is the reference's, training has changed. */
static void test_verdict__changed_bits_are_said_on_the_same_platform_only(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Cells *known = cells_of(fast, 0.1, three, 3, 6, 0, arena);
    RunRecord *run = (RunRecord *)(uintptr_t)known->cells[0].runs[1];
    run->trajectory_sha256[0] ^= 1;
    Reference reference = written(known, arena);
    Cells *now = cells_of(fast, 0.1, three, 3, 3, 0, arena);
    int n;
    const Verdict *verdicts = judged(&n, now, &reference, arena);
    assert_true(verdicts[0].other_bits && !verdicts[0].same_bits && verdicts[1].same_bits);
    assert_non_null(strstr(verdicts[0].sentence, "bits of the reference's seeds have changed"));
    for (int i = 0; i < reference.n_cells; i++)
        reference.cells[i].provenance = parse("{\"cpu\":\"another\"}", arena);
    verdicts = judged(&n, now, &reference, arena);
    assert_false(verdicts[0].other_bits || verdicts[0].same_bits);
    arena_end(arena);
}

/* Own settings first; else the same batch, with what differs; else the hull; else nothing. */
static void test_verdict__partner_is_the_nearest_there_is(void **state) {
    (void)state;
    Arena *arena = arena_new();
    static const int64_t four[] = {32, 128, 256, 1024};
    Reference reference = written(cells_of(fast, 0.1, three, 3, 8, 0, arena), arena);
    int n;
    const Verdict *verdicts =
        judged(&n, cells_of(fast, 0.2, four, 4, 5, 50, arena), &reference, arena);
    assert_int_equal(n, 4);
    assert_int_equal(verdicts[0].against, AGAINST_NOTHING); /* below every batch */
    assert_int_equal(verdicts[0].kind, GATE_UNKNOWN);
    assert_int_equal(verdicts[1].against, AGAINST_BATCH);
    assert_non_null(strstr(verdicts[1].sentence, "other settings of lr.base (0.2 for 0.1)"));
    assert_int_equal(verdicts[2].against, AGAINST_BETWEEN);
    assert_int_equal(verdicts[2].kind, GATE_SAME); /* E(B) is a straight line here */
    assert_int_equal(verdicts[2].gate.n_reference, 8);
    assert_int_equal(verdicts[3].against, AGAINST_NOTHING);
    assert_int_equal(verdicts_failed(verdicts, n), 0);
    arena_end(arena);
}

static void test_verdict__slower_and_missed_fail(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Reference reference = written(cells_of(fast, 0.1, three, 3, 10, 0, arena), arena);
    int n;
    const Verdict *slower =
        judged(&n, cells_of(slow, 0.1, three, 3, 5, 50, arena), &reference, arena);
    assert_int_equal(verdicts_failed(slower, n), 3);
    for (int i = 0; i < n; i++)
        assert_true(slower[i].kind == GATE_SLOWER && slower[i].against == AGAINST_CELL);
    const Verdict *missed =
        judged(&n, cells_of(lost, 0.1, three, 3, 5, 50, arena), &reference, arena);
    for (int i = 0; i < n; i++)
        assert_int_equal(missed[i].kind, GATE_MISSED);
    arena_end(arena);
}

/* A run that a machine brought down says nothing about training. */
static void test_verdict__failed_runs_are_left_out(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Reference reference = written(cells_of(fast, 0.1, three, 1, 10, 0, arena), arena);
    Cells *now = cells_of(fast, 0.1, three, 1, 5, 50, arena);
    for (int i = 0; i < 2; i++)
        ((RunRecord *)(uintptr_t)now->cells[0].runs[i])->summary.outcome =
            i ? OUTCOME_INTERRUPTED : OUTCOME_FAILED;
    int n;
    const Verdict *verdicts = judged(&n, now, &reference, arena);
    assert_int_equal(verdicts[0].kind, GATE_SAME);
    assert_int_equal(verdicts[0].gate.n_checked, 3);
    assert_int_equal(verdicts[0].gate.missed, 0);
    assert_non_null(strstr(verdicts[0].sentence, "2 runs did not end by themselves"));
    arena_end(arena);
}

/* The more cells a check has, the wider each interval: together they keep one alarm. */
static void test_verdict__cells_share_the_alarm(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Reference reference = written(cells_of(fast, 0.1, three, 3, 10, 0, arena), arena);
    int n;
    const Verdict *one = judged(&n, cells_of(fast, 0.1, three, 1, 5, 50, arena), &reference, arena);
    const Verdict *all = judged(&n, cells_of(fast, 0.1, three, 3, 5, 50, arena), &reference, arena);
    assert_true(all[0].gate.slowdown == one[0].gate.slowdown);
    assert_true(all[0].gate.high > one[0].gate.high && all[0].gate.low < one[0].gate.low);
    assert_true(all[0].gate.detectable > one[0].gate.detectable);
    assert_true(one[0].gate.pass_low < one[0].gate.pass_high);
    arena_end(arena);
}

/* XML has no &nbsp;, and a label may hold anything. */
/* Evaluated once an epoch by default, or by another program: the settings do not say how coarse the
 * results are, and taking them for exact would make `slower` of one interval. */
static void test_verdict__quantum_is_measured_where_settings_are_silent(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Cells *cells = cells_of(fast, 0, three, 1, 4, 0, arena);
    assert_true(written(cells, arena).cells[0].quantum == FIXTURE_EVERY);
    RunRecord *run = (RunRecord *)cells->cells[0].first;
    run->config = parse("{\"eval\": {\"every_examples\": 0}}", arena);
    double largest = 0; /* 1,500 rounded up to steps of 64 */
    for (int e = 1; e < run->n_evals; e++)
        largest = fmax(largest, (double)(run->evals[e].examples - run->evals[e - 1].examples));
    assert_true(largest >= FIXTURE_EVERY && largest < FIXTURE_EVERY + 64);
    assert_true(written(cells, arena).cells[0].quantum == largest);
    arena_end(arena);
}

static void test_verdict__junit_is_xml(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Verdict verdicts[] = {
        {.series = "a & <b> \"c\" \x01, 20 % less",
         .global_batch = 64,
         .kind = GATE_SLOWER,
         .compute_s = 1e-7,
         .sentence = "slower: 20 % more"},
        {.series = "d", .global_batch = 128, .kind = GATE_UNKNOWN, .sentence = "unknown: B = 3"}};
    const char *text = verdicts_junit("x", verdicts, 2, arena);
    assert_non_null(strstr(text, "tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\""));
    assert_non_null(strstr(text, "name=\"a &amp; &lt;b&gt; &quot;c&quot;  , 20 % less, B = 64\""));
    assert_non_null(strstr(text, "time=\"0.000\""));
    assert_non_null(strstr(text, "<failure type=\"slower\" message=\"slower: 20 % more\">"));
    assert_non_null(strstr(text, "<skipped message=\"unknown: B = 3\">"));
    assert_null(strstr(text, "nbsp"));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict__own_seeds_are_compared_by_bits),
        cmocka_unit_test(test_verdict__changed_bits_are_said_on_the_same_platform_only),
        cmocka_unit_test(test_verdict__partner_is_the_nearest_there_is),
        cmocka_unit_test(test_verdict__slower_and_missed_fail),
        cmocka_unit_test(test_verdict__failed_runs_are_left_out),
        cmocka_unit_test(test_verdict__cells_share_the_alarm),
        cmocka_unit_test(test_verdict__quantum_is_measured_where_settings_are_silent),
        cmocka_unit_test(test_verdict__junit_is_xml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
