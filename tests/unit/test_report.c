/* The whole way from a folder of journals to tables, figures and the page. */
#include "lab/analyze/analyze.h"
#include "lab/analyze/figure.h"
#include "lab/base/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/fixture_folder.h"

#include <stdlib.h>

/* Two batches of two optimizers, full and verify runs. */
static RunRecord *few_runs(int *n, Arena *arena) {
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 16);
    *n = 0;
    for (int i = 0; i < 4; i++) {
        FixtureRun run = {.optimizer = fixture_optimizers[i / 2],
                          .global_batch = i % 2 ? 2048 : 512,
                          .replicas = 1,
                          .mode = RUN_FULL};
        runs[(*n)++] = fixture_run(&run, arena);
        run.mode = RUN_VERIFY;
        for (run.replicas = 1; run.replicas <= 2; run.replicas++)
            runs[(*n)++] = fixture_run(&run, arena);
    }
    return runs;
}

static void test_report__says_everything_and_loads_nothing(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = few_runs(&n, arena);
    const char *folder = write_study("test_report/whole", runs, n, arena);
    char *path;
    MUST(analyze_report(folder, NULL, &path, arena));
    assert_string_equal(path, arena_print(arena, "%s/report.html", folder));
    char *html = slurp(folder, "report.html", arena);
    assert_non_null(strstr(html, "before &lt;glyphs&gt; &amp; friends need"));
    assert_null(strstr(html, "<glyphs>"));
    assert_non_null(strstr(html, "12 runs, 4 trials, bits agree (2 layouts)"));
    assert_non_null(strstr(html, "diverged in 1 of 1 seed")); /* momentum at 2048 */
    assert_non_null(strstr(html, "Invented CPU &lt;8 cores&gt;"));
    int drawn = count(html, "<img src=\"data:image/svg+xml;base64,");
    assert_true(drawn >= 8);
    assert_int_equal(drawn + count(html, "Left out: "), FIGURE_N);
    assert_int_equal(count(html, "src="), drawn);
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "<link"));
    assert_null(strstr(html, "http"));
    arena_end(arena);
}

static void test_report__same_results_give_the_same_bytes(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = few_runs(&n, arena);
    const char *folder = write_study("test_report/again", runs, n, arena);
    char *path;
    MUST(analyze_report(folder, NULL, &path, arena));
    char *first = slurp(folder, "report.html", arena),
         *svg = slurp(folder, "figures/scaling.svg", arena);
    MUST(analyze_report(folder, NULL, &path, arena));
    assert_string_equal(first, slurp(folder, "report.html", arena));
    assert_string_equal(svg, slurp(folder, "figures/scaling.svg", arena));
    arena_end(arena);
}

static void test_report__a_broken_trajectory_is_not_hidden(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = few_runs(&n, arena);
    runs[1].steps[0].train_loss += 1e-9;
    const char *folder = write_study("test_report/broken", runs, n, arena);
    char *path;
    MUST(analyze_report(folder, NULL, &path, arena));
    char *html = slurp(folder, "report.html", arena);
    assert_null(strstr(html, "bits agree"));
    assert_non_null(strstr(html, "1 run disagrees"));
    assert_non_null(
        strstr(slurp(folder, "tables/disagreements.tsv", arena), runs[1].header.run_id));
    arena_end(arena);
}

static void test_report__figures_that_do_not_apply_say_why_and_leave_no_file(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = few_runs(&n, arena);
    const char *folder = write_study("test_report/verify_only", &runs[1], 2, arena);
    MUST(io_folder(arena_print(arena, "%s/figures", folder)));
    MUST(io_write(arena_print(arena, "%s/figures/curves.svg", folder), "stale", 5));
    char *path;
    MUST(analyze_report(folder, NULL, &path, arena));
    char *html = slurp(folder, "report.html", arena);
    assert_int_equal(count(html, "<img "), 2); /* scaling and stages */
    assert_int_equal(count(html, "Left out: "), FIGURE_N - 2);
    assert_non_null(strstr(html, "only verify runs are here"));
    assert_false(io_exists(arena_print(arena, "%s/figures/curves.svg", folder)));
    assert_false(io_exists(arena_print(arena, "%s/tables/curves.tsv", folder)));
    arena_end(arena);
}

static void test_report__without_gnuplot_tables_and_page_are_there(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = few_runs(&n, arena);
    const char *folder = write_study("test_report/no_gnuplot", runs, n, arena);
    char *keep = arena_copy(arena, getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    char *path;
    Error *error = analyze_report(folder, NULL, &path, arena);
    setenv("PATH", keep, 1);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_MISSING);
    assert_non_null(strstr(error_text(error), "gnuplot-nox"));
    error_end(error);
    assert_true(io_exists(arena_print(arena, "%s/tables/scaling.tsv", folder)));
    assert_non_null(strstr(slurp(folder, "report.html", arena), "Not drawn"));
    arena_end(arena);
}

static void test_report__list_has_every_run(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = few_runs(&n, arena);
    const char *folder = write_study("test_report/list", runs, n, arena);
    Json *list;
    MUST(analyze_list(&list, folder, arena));
    assert_int_equal(list->n, n);
    JSON_EACH (run, list) {
        const RunRecord *same = NULL;
        for (int i = 0; i < n; i++)
            if (strcmp(runs[i].header.run_id, json_find(run, "run_id")->text) == 0)
                same = &runs[i];
        assert_non_null(same);
        assert_string_equal(json_find(run, "outcome")->text, outcome_name(same->summary.outcome));
        const Json *steps = json_find(run, "steps_to_target");
        if (same->summary.outcome == OUTCOME_REACHED)
            assert_true(steps->number == same->summary.steps_to_target);
        else
            assert_int_equal(steps->kind, JSON_NULL);
    }
    const char *tsv;
    MUST(analyze_list_tsv(&tsv, folder, arena));
    assert_int_equal(count(tsv, "\n"), n + 1);
    arena_end(arena);
}

static void test_report__no_folder_and_no_runs_are_missing_input(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = write_study("test_report/empty", NULL, 0, arena);
    Error *empty = analyze_tables(folder, NULL, arena);
    Error *absent = analyze_tables(arena_print(arena, "%s/absent", folder), NULL, arena);
    assert_int_equal(error_code(empty), CODE_MISSING);
    assert_int_equal(error_code(absent), CODE_MISSING);
    assert_non_null(strstr(error_text(absent), "hint: "));
    error_end(empty);
    error_end(absent);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report__says_everything_and_loads_nothing),
        cmocka_unit_test(test_report__same_results_give_the_same_bytes),
        cmocka_unit_test(test_report__a_broken_trajectory_is_not_hidden),
        cmocka_unit_test(test_report__figures_that_do_not_apply_say_why_and_leave_no_file),
        cmocka_unit_test(test_report__without_gnuplot_tables_and_page_are_there),
        cmocka_unit_test(test_report__list_has_every_run),
        cmocka_unit_test(test_report__no_folder_and_no_runs_are_missing_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
