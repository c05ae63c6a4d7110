/* Tables, and the pieces of a page they become. */
#include "lab/analyze/format.h"
#include "lab/analyze/html.h"
#include "lab/analyze/listing.h"
#include "lab/analyze/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const TableColumn columns[] = {
    {"series", NULL}, {"global_batch", "examples"}, {"alone", "flag"}};

static Table *small(Arena *arena) {
    Table *table = table_new("small", columns, 3, arena);
    table_text(table, "a\tb\n\"c\" \\n <i> & 'd'");
    table_number(table, 0.1 + 0.2);
    table_number(table, 1);
    table_text(table, "e");
    table_number(table, NAN);
    table_number(table, 0);
    return table;
}

static void test_table__tsv_has_units_and_survives_its_texts(void **state) {
    (void)state;
    Arena *arena = arena_new();
    assert_string_equal(table_tsv(small(arena), arena),
                        "series\tglobal_batch [examples]\talone [flag]\n"
                        "a b 'c' /n <i> & 'd'\t0.30000000000000004\t1\n"
                        "e\tNaN\t0\n");
    arena_end(arena);
}

static void test_table__grows(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Table *table = table_new("long", columns, 3, arena);
    for (int i = 0; i < 1000; i++) {
        table_text(table, "x");
        table_number(table, i);
        table_number(table, 0);
    }
    assert_int_equal(table_rows(table), 1000);
    for (int i = 0; i < 1000; i++)
        assert_true(table_at(table, i, 1).number == i);
    arena_end(arena);
}

static void test_listing__json_knows_flags_and_gaps(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *text = json_canonical(listing_json(small(arena), arena), arena);
    assert_string_equal(text, "[{\"alone\":true,\"global_batch\":0.30000000000000004,\"series\":"
                              "\"a b 'c' /n <i> & 'd'\"},"
                              "{\"alone\":false,\"global_batch\":null,\"series\":\"e\"}]");
    arena_end(arena);
}

static void test_html__nothing_from_outside_is_markup(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Text out = text_new(arena);
    html_text(&out, "<b a=\"1\" c='2'>&\x01;");
    assert_string_equal(out.data, "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp; ;");
    out = text_new(arena);
    html_table(&out, small(arena), 10, arena);
    assert_null(strstr(out.data, "<i>"));
    assert_non_null(strstr(out.data, "&lt;i&gt;"));
    assert_non_null(strstr(out.data, "global batch<small>examples</small>"));
    assert_non_null(strstr(out.data, "<td>yes</td>"));
    arena_end(arena);
}

static void test_html__a_cut_table_says_so(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Text out = text_new(arena);
    html_table(&out, small(arena), 1, arena);
    assert_non_null(strstr(out.data, "1 of 2 rows; all of them are in tables/small.tsv"));
    out = text_new(arena);
    html_table(&out, small(arena), 2, arena);
    assert_null(strstr(out.data, "rows; all"));
    arena_end(arena);
}

/* The vectors of RFC 4648, section 10. */
static void test_html__base64_known_answers(void **state) {
    (void)state;
    static const char *const known[][2] = {{"f", "Zg=="},         {"fo", "Zm8="},
                                           {"foo", "Zm9v"},       {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        Text out = text_new(arena);
        html_svg(&out, known[i][0], strlen(known[i][0]), "");
        const char *expected = arena_print(
            arena, "<img src=\"data:image/svg+xml;base64,%s\" alt=\"\">\n", known[i][1]);
        assert_string_equal(out.data, expected);
    }
    arena_end(arena);
}

static void test_format__three_digits(void **state) {
    (void)state;
    static const struct {
        double x;
        const char *text;
    } known[] = {{0, "0"},          {1, "1"},         {-2.5, "-2.5"},         {0.012345, "0.0123"},
                 {3.14159, "3.14"}, {999.6, "1,000"}, {1234567, "1,234,567"}, {-1234, "-1,234"},
                 {0.99999, "1"},    {NAN, "-"},       {INFINITY, "-"},        {1e-7, "1.00e-07"}};
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_string_equal(format_number(known[i].x, arena), known[i].text);
    assert_string_equal(format_count(1000, arena), "1,000");
    assert_string_equal(format_count(100, arena), "100");
    assert_string_equal(format_seconds(0.00281, arena), "2.81 ms");
    assert_string_equal(format_seconds(3.5e-5, arena), "35 us");
    assert_string_equal(format_seconds(4.2, arena), "4.2 s");
    assert_string_equal(format_percent(0.853, arena), "85 %");
    assert_string_equal(format_percent(0.006, arena), "0.6 %");
    assert_string_equal(format_plural(1, "run", arena), "1 run");
    assert_string_equal(format_plural(2000, "run", arena), "2,000 runs");
    assert_string_equal(format_list((const char *[]){"a", "b", "c"}, 3, arena), "a, b and c");
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__tsv_has_units_and_survives_its_texts),
        cmocka_unit_test(test_table__grows),
        cmocka_unit_test(test_listing__json_knows_flags_and_gaps),
        cmocka_unit_test(test_html__nothing_from_outside_is_markup),
        cmocka_unit_test(test_html__a_cut_table_says_so),
        cmocka_unit_test(test_html__base64_known_answers),
        cmocka_unit_test(test_format__three_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
