/* A searched study from its journals to tables and page. */
#include "lab/analyze/analyze.h"
#include "lab/analyze/listing.h"
#include "tests/unit/fixture_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/fixture_folder.h"

static const FixtureSearch search = {.min = 0.006, .max = 10, .trials = 8, .reruns = 2};

static void test_report_search__page_names_winners_and_warnings(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = fixture_searched(&n, &search, arena);
    const char *folder = write_study("test_report_search/page", runs, n, arena);
    char *path;
    MUST(analyze_report(folder, NULL, &path, arena));
    char *html = slurp(folder, "report.html", arena);
    assert_non_null(strstr(html, "<h2>The search</h2>"));
    assert_non_null(strstr(html, "lr.base from 0.006 to 10 (logarithmic)"));
    assert_non_null(strstr(html, "2 pruned"));
    assert_non_null(strstr(html, "within 10&nbsp;% of the lower end of lr, 0.006"));
    assert_non_null(strstr(html, "reruns with fresh seeds"));
    assert_null(strstr(html, "lr 0.1,")); /* no line is called after a searched value */
    arena_end(arena);
}

static void test_report_search__tables_hold_every_point_and_cell(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = fixture_searched(&n, &search, arena);
    const Results *results = results_make(NULL, NULL, runs, n, arena);
    Table *points = listing_search(results, arena), *cells = listing_search_cells(results, arena);
    int n_cells = 3 * FIXTURE_SEARCH_BATCHES, n_winners = 0, n_pruned = 0;
    assert_int_equal(table_rows(points), n_cells * search.trials);
    assert_int_equal(table_rows(cells), n_cells);
    for (int r = 0; r < table_rows(points); r++) {
        n_winners += table_at(points, r, 5).number != 0;
        n_pruned += strcmp(table_at(points, r, 6).text, "pruned") == 0;
        assert_true(table_at(points, r, 7).number >= search.min);
        assert_true(table_at(points, r, 7).number <= search.max);
    }
    assert_string_equal(points->columns[7].name, "lr.base");
    assert_int_equal(n_winners, n_cells);
    assert_int_equal(n_pruned, 2);
    arena_end(arena);
}

/* Two optimizers whose searches have different axes share one table, with holes. */
static void test_report_search__axes_of_all_searches_are_columns(void **state) {
    (void)state;
    Arena *arena = arena_new();
    FixtureSearch both = search;
    both.momentum_too = true;
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 2 * (search.trials + search.reruns));
    int n = 0;
    FixtureRun base = {.optimizer = fixture_optimizers[0], .global_batch = 128};
    fixture_search_cell(runs, &n, &both, &base, arena);
    base.optimizer = fixture_optimizers[1];
    fixture_search_cell(runs, &n, &search, &base, arena);
    Table *points = listing_search(results_make(NULL, NULL, runs, n, arena), arena);
    assert_string_equal(points->columns[8].name, "optimizer.momentum");
    for (int r = 0; r < table_rows(points); r++)
        assert_int_equal(isnan(table_at(points, r, 8).number),
                         strcmp(table_at(points, r, 0).text, "lars") == 0);
    arena_end(arena);
}

static void test_report_search__studies_without_one_have_no_section(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = fixture_study(&n, 1, arena);
    const char *folder = write_study("test_report_search/none", runs, n, arena);
    char *path;
    MUST(analyze_report(folder, NULL, &path, arena));
    assert_null(strstr(slurp(folder, "report.html", arena), "<h2>The search</h2>"));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_search__page_names_winners_and_warnings),
        cmocka_unit_test(test_report_search__tables_hold_every_point_and_cell),
        cmocka_unit_test(test_report_search__axes_of_all_searches_are_columns),
        cmocka_unit_test(test_report_search__studies_without_one_have_no_section),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
