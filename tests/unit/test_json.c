#include "lab/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Arena *arena;

static int setup(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_end(arena);
    return 0;
}

static Json *parsed(const char *text) {
    Json *value = NULL;
    Error *error = json_parse(&value, text, strlen(text), "t.json", arena);
    if (error)
        error_print(error, stderr);
    assert_null(error);
    return value;
}

static void refused(const char *text, const char *part) {
    Json *value = NULL;
    Error *error = json_parse(&value, text, strlen(text), "t.json", arena);
    if (!error)
        fprintf(stderr, "accepted: %s\n", text);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_USAGE);
    if (!strstr(error_text(error), part))
        error_print(error, stderr);
    assert_non_null(strstr(error_text(error), part));
    assert_non_null(strstr(error_text(error), "t.json"));
    error_end(error);
}

static void test_json__refuses_what_cjson_lets_pass(void **state) {
    (void)state;
    refused("{\"a\": 1, \"a\": 2}", "stands twice");
    refused("{\"a\": 01}", "malformed");
    refused("{\"a\": 1.}", "digits");
    refused("{\"a\": 1e999}", "too large");
    refused("{\"a\": 9007199254740993}", "2^53");
    refused("{\"a\": \"\x01\"}", "control character");
    refused("{\"a\": \"\xff\"}", "UTF-8");
    refused("{\"a\": \"\\u0000\"}", "u0000");
    refused("\xEF\xBB\xBF{}", "byte order mark");
    refused("{} x", "bare word");
    refused("{} {}", "second value");
    refused("{\"a\": 0x10}", "malformed");
    refused("{\"a\": 1,}", "not valid JSON");
    refused("{'a': 1}", "unexpected");
    refused("{\"a\" 1}", "not valid JSON");
    refused("{\"a\": NaN}", "unexpected");
    refused("{\"a\": nan}", "not valid JSON");
    refused("[1, 2", "not valid JSON");
    refused("[1}", "does not match");
    refused("{\"a\": \"b", "does not end");
    refused("", "not valid JSON");
}

static void test_json__keys_are_case_sensitive(void **state) {
    (void)state;
    Json *value = parsed("{\"A\": 1, \"a\": 2}");
    assert_true(json_find(value, "a")->number == 2);
    assert_true(json_find(value, "A")->number == 1);
}

static void test_json__deep_and_large_input_is_refused(void **state) {
    (void)state;
    char *deep = malloc((1 << 20) + 1);
    memset(deep, '[', (1 << 20) + 1);
    Json *value;
    Error *error = json_parse(&value, deep, 1 << 20, "deep.json", arena);
    assert_non_null(strstr(error_text(error), "64 levels"));
    error_end(error);
    error = json_parse(&value, deep, (1 << 20) + 1, "large.json", arena);
    assert_non_null(strstr(error_text(error), "1 MiB"));
    error_end(error);
    free(deep);
}

static void test_json__values_know_line_and_path(void **state) {
    (void)state;
    Json *value = parsed("{\n \"trial\": {\n  \"lr\": {\"base\": [1,\n 2]}}}");
    const Json *base = json_get(value, "trial.lr.base");
    assert_string_equal(base->path, "trial.lr.base");
    assert_int_equal(base->line, 3);
    assert_string_equal(base->last->path, "trial.lr.base[1]");
    assert_int_equal(base->last->line, 4);
}

static void test_json__doubles_round_trip(void **state) {
    (void)state;
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        double number;
        memcpy(&number, &x, sizeof number);
        if (!isfinite(number))
            continue;
        char room[JSON_NUMBER_ROOM];
        double back = strtod(json_number_text(number, room), NULL);
        assert_true(back == number);
    }
    char room[JSON_NUMBER_ROOM];
    assert_string_equal(json_number_text(0.1, room), "0.1");
    assert_string_equal(json_number_text(NAN, room), "null");
}

static void test_json__set_makes_objects_and_keeps_origin(void **state) {
    (void)state;
    Json *root = parsed("{\"trial\": {\"a\": 1}}");
    Json *axis = parsed("{\"sweep\": {\"trial.lr.base\": [5]}}");
    const Json *list = axis->first->first;
    assert_null(json_set(root, "trial.lr.base", list->first, arena));
    assert_true(json_get(root, "trial.lr.base")->number == 5);
    assert_string_equal(json_get(root, "trial.lr.base")->path, list->first->path);
    assert_null(json_set(root, "trial.a", list->first, arena));
    assert_true(json_get(root, "trial.a")->number == 5);
    Error *error = json_set(root, "trial.a.b", list->first, arena);
    assert_non_null(error);
    error_end(error);
}

static void test_json__canonical_sorts_and_reads_back(void **state) {
    (void)state;
    const char *text = json_canonical(parsed("{\"b\": [1, 2.5, \"x\\\"\\n\"], \"a\": {\"z\": null, \"y\": true}}"), arena);
    assert_string_equal(text, "{\"a\":{\"y\":true,\"z\":null},\"b\":[1,2.5,\"x\\\"\\u000a\"]}");
    assert_string_equal(json_canonical(parsed(text), arena), text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json__refuses_what_cjson_lets_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json__keys_are_case_sensitive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json__deep_and_large_input_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json__values_know_line_and_path, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json__doubles_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json__set_makes_objects_and_keeps_origin, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json__canonical_sorts_and_reads_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
