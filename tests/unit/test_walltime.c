/* Walltimes: every way to write one, what is none, and back. */
#include "lab/sweep/walltime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_walltime__all_forms_are_read(void **state) {
    static const struct {
        const char *text;
        int64_t seconds;
    } forms[] = {{"600s", 600},          {"90m", 5400},      {"2h", 7200},
                 {"3d", 259200},         {"02:30:00", 9000}, {"100:00:01", 360001},
                 {"1-12:00:00", 129600}, {"0-00:01:00", 60}};
    Arena *arena = arena_new();
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        int64_t seconds = 0;
        Json *where = json_text(forms[i].text, arena);
        Error *error = walltime_read(&seconds, forms[i].text, where);
        assert_null(error);
        assert_int_equal(seconds, forms[i].seconds);
    }
    arena_end(arena);
}

static void test_walltime__anything_else_is_refused(void **state) {
    static const char *const texts[] = {"",           "soon",     "0s",      "-5m",
                                        "10",         "2h30m",    "1:99:00", "1:00",
                                        "1-24:00:00", "02:30:0x", "1e3s",    "999999999999s"};
    Arena *arena = arena_new();
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t seconds = 0;
        Error *error = walltime_read(&seconds, texts[i], json_text(texts[i], arena));
        if (!error)
            fail_msg("'%s' is read as %lld s", texts[i], (long long)seconds);
        assert_int_equal(error_code(error), CODE_USAGE);
        error_end(error);
    }
    arena_end(arena);
}

static void test_walltime__is_written_as_schedulers_read_it(void **state) {
    Arena *arena = arena_new();
    (void)state;
    assert_string_equal(walltime_days(129661, arena), "1-12:01:01");
    assert_string_equal(walltime_days(59, arena), "0-00:00:59");
    assert_string_equal(walltime_hours(129661, arena), "36:01:01");
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walltime__all_forms_are_read),
        cmocka_unit_test(test_walltime__anything_else_is_refused),
        cmocka_unit_test(test_walltime__is_written_as_schedulers_read_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
