/* What holds for every registered figure: it has a script, it is silent only with a reason, its
 * table is whole, and gnuplot makes an SVG of it in which nothing leaves the canvas. */
#include "lab/analyze/figure.h"
#include "lab/base/io.h"
#include "tests/unit/fixture_branches.h"
#include "tests/unit/fixture_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

/* A sweep, a search over two settings, branches, workers and several mini-batches, side by side. */
static const Results *study(Arena *arena) {
    static const FixtureSearch search = {
        .min = 0.01, .max = 5, .trials = 7, .reruns = 1, .momentum_too = true};
    int n, n_searched;
    const RunRecord *plain = fixture_study(&n, 2, arena),
                    *searched = fixture_searched(&n_searched, &search, arena);
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, n + n_searched + 28);
    memcpy(runs, plain, sizeof *runs * (size_t)n);
    memcpy(runs + n, searched, sizeof *runs * (size_t)n_searched);
    n += n_searched;
    n += fixture_branches(runs + n, 1, 2, arena);
    const FixtureRun worked = {
        .optimizer = fixture_optimizers[0],
        .global_batch = 64,
        .replicas = 1,
        .mode = RUN_FULL,
        .extra = "\"compression\":{\"name\":\"topk\",\"ratio\":0.01},\"workers\":8,"};
    runs[n++] = fixture_run(&worked, arena);
    for (int64_t b = 4; b <= 64; b *= 4) {
        const FixtureRun ghost = {.optimizer = {.name = "sgd", .s_min = 60, .e_min = 24000},
                                  .global_batch = 64,
                                  .mini_batch = b,
                                  .replicas = 1,
                                  .mode = RUN_FULL};
        runs[n++] = fixture_run(&ghost, arena);
    }
    return results_make("study", "Which <one> & \"why\"?", runs, n, arena);
}

static void for_each_figure(void (*law)(const FigureType *type, const Results *results,
                                        Arena *arena)) {
    Arena *arena = arena_new();
    const Results *results = study(arena);
    for (int f = 0; f < FIGURE_N; f++)
        law((const FigureType *)figure_table[f], results, arena);
    arena_end(arena);
}

static void has_a_heading_and_a_script(const FigureType *type, const Results *results,
                                       Arena *arena) {
    (void)results;
    assert_non_null(type->kind.summary);
    const char *script = arena_print(arena, "%s/plots/%s.gp", SOURCE_DIR, type->kind.name);
    if (!io_exists(script))
        fail_msg("there is no %s", script);
}

static void test_figure__has_a_heading_and_a_script(void **state) {
    (void)state;
    for_each_figure(has_a_heading_and_a_script);
}

static void test_figure__gives_a_reason_when_there_is_nothing(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Results *nothing = results_make(NULL, NULL, NULL, 0, arena);
    for (int f = 0; f < FIGURE_N; f++) {
        const char *reason = ((const FigureType *)figure_table[f])->missing(nothing, arena);
        assert_non_null(reason);
        assert_true(strlen(reason) > 10);
    }
    arena_end(arena);
}

static void applies_with_a_whole_table(const FigureType *type, const Results *results,
                                       Arena *arena) {
    assert_null(type->missing(results, arena));
    Table *table = type->table(results, arena);
    assert_string_equal(table->name, type->kind.name);
    assert_true(table_rows(table) > 0);
    bool numbered = false; /* the first row tells which columns are numbers; all rows agree */
    for (int c = 0; c < table->n_columns; c++) {
        bool text = table->columns[c].unit == NULL;
        for (int r = 0; r < table_rows(table); r++)
            assert_true((table_at(table, r, c).text != NULL) == text);
        numbered |= !text;
    }
    assert_true(numbered);
    const char *caption = type->caption(results, arena);
    assert_true(strlen(caption) > 40 && caption[strlen(caption) - 1] == '.');
    assert_null(strstr(caption, "nan"));
}

static void test_figure__applies_with_a_whole_table(void **state) {
    (void)state;
    for_each_figure(applies_with_a_whole_table);
}

/* Anchors of all texts lie on the canvas. gnuplot writes each text after its <g
 * transform="translate(x,y)...">. */
static void check_texts(const char *svg) {
    double width, height;
    assert_int_equal(sscanf(strstr(svg, "viewBox=\"0 0 ") + 13, "%lf %lf", &width, &height), 2);
    int n_texts = 0;
    for (const char *at = svg; (at = strstr(at, "<g transform=\"translate(")); at++) {
        double x, y;
        assert_int_equal(sscanf(at, "<g transform=\"translate(%lf,%lf)", &x, &y), 2);
        assert_true(x >= 0 && x <= width && y >= 0 && y <= height);
        n_texts++;
    }
    assert_true(n_texts > 5);
}

static void draws_into(const char *base, const FigureType *type, const Results *results,
                       Arena *arena) {
    const char *folder = arena_print(arena, "%s/%s", BINARY_DIR, base);
    const char *tables = arena_print(arena, "%s/tables", folder), *name = type->kind.name;
    assert_null(io_folder(tables));
    assert_null(table_write(type->table(results, arena), tables, arena));
    Error *error = figure_draw(&type, 1, folder, "svg", arena);
    if (error)
        fail_msg("%s", error_text(error));
    char *svg;
    size_t n;
    assert_null(io_read(&svg, &n, arena_print(arena, "%s/figures/%s.svg", folder, name), arena));
    assert_non_null(strstr(svg, arena_print(arena, "<title>batchlab_%s</title>", name)));
    assert_null(strstr(svg, "<script"));
    check_texts(svg);
}

static void draws(const FigureType *type, const Results *results, Arena *arena) {
    draws_into("law_figure", type, results, arena);
}

static void test_figure__draws(void **state) {
    (void)state;
    if (access("/usr/bin/gnuplot", X_OK) != 0)
        skip();
    for_each_figure(draws);
}

/* PNG and PDF come out as such, of the size that a figure of 600 units has. */
static void draws_for_print(const FigureType *type, const Results *results, Arena *arena) {
    (void)results;
    const char *folder = arena_print(arena, "%s/law_figure", BINARY_DIR);
    static const char *const format[] = {"png", "pdf"}, *const begins[] = {"\x89PNG", "%PDF-"};
    for (int i = 0; i < 2; i++) {
        Error *error = figure_draw(&type, 1, folder, format[i], arena);
        if (error)
            fail_msg("%s", error_text(error));
        char *bytes;
        size_t n;
        assert_null(io_read(
            &bytes, &n, arena_print(arena, "%s/figures/%s.%s", folder, type->kind.name, format[i]),
            arena));
        assert_true(n > 3000);
        assert_memory_equal(bytes, begins[i], strlen(begins[i]));
        if (i == 0) { /* big-endian width in the first chunk */
            const unsigned char *width = (const unsigned char *)bytes + 16;
            assert_int_equal(width[2] << 8 | width[3], 1200);
        }
    }
}

static void test_figure__draws_for_print(void **state) {
    (void)state;
    if (access("/usr/bin/gnuplot", X_OK) != 0)
        skip();
    for_each_figure(draws_for_print);
}

/* gnuplot once met a line without a name, because none of its points could be drawn. */
static void test_figure__draws_a_line_that_never_reached_the_target(void **state) {
    (void)state;
    if (access("/usr/bin/gnuplot", X_OK) != 0)
        skip();
    Arena *arena = arena_new();
    RunRecord runs[2];
    for (int i = 0; i < 2; i++) {
        FixtureRun run = {.optimizer = fixture_optimizers[i],
                          .global_batch = i ? 512 : 1024, /* momentum misses from there */
                          .replicas = 1,
                          .mode = RUN_FULL};
        runs[i] = fixture_run(&run, arena);
    }
    const Results *results = results_make("one_missed", "?", runs, 2, arena);
    for (int f = 0; f < FIGURE_N; f++) {
        const FigureType *type = (const FigureType *)figure_table[f];
        if (!type->missing(results, arena))
            draws_into("law_figure/never", type, results, arena);
    }
    arena_end(arena);
}

/* The smallest studies there are: one run with one evaluation, and one trial of two that reached
 * the target. */
static void test_figure__draws_next_to_nothing(void **state) {
    (void)state;
    if (access("/usr/bin/gnuplot", X_OK) != 0)
        skip();
    Arena *arena = arena_new();
    FixtureRun run = {
        .optimizer = fixture_optimizers[1], .global_batch = 512, .replicas = 1, .mode = RUN_FULL};
    RunRecord runs[2];
    for (int seed = 0; seed < 2; seed++) {
        run.seed = (uint64_t)seed;
        runs[seed] = fixture_run(&run, arena);
        runs[seed].header.alone = true;
        runs[seed].n_evals = 1;
    }
    runs[1].summary.outcome = OUTCOME_BUDGET_SPENT;
    for (int n = 1; n <= 2; n++) {
        const Results *results = results_make("few", "?", runs, n, arena);
        for (int f = 0; f < FIGURE_N; f++) {
            const FigureType *type = (const FigureType *)figure_table[f];
            if (!type->missing(results, arena))
                draws_into("law_figure/few", type, results, arena);
        }
    }
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figure__has_a_heading_and_a_script),
        cmocka_unit_test(test_figure__gives_a_reason_when_there_is_nothing),
        cmocka_unit_test(test_figure__applies_with_a_whole_table),
        cmocka_unit_test(test_figure__draws),
        cmocka_unit_test(test_figure__draws_for_print),
        cmocka_unit_test(test_figure__draws_a_line_that_never_reached_the_target),
        cmocka_unit_test(test_figure__draws_next_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
