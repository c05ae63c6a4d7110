/* Specs: each keyword of a schema lets the right value pass and refuses a wrong one by its name. */
#include "lab/sweep/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

typedef struct Case {
    const char *schema, *good, *bad, *says;
} Case;

static const Case cases[] = {
    {"{\"type\": \"integer\"}", "3", "3.5", "of type integer"},
    {"{\"type\": \"number\"}", "3.5", "\"3.5\"", "of type number"},
    {"{\"type\": \"string\"}", "\"x\"", "true", "of type string"},
    {"{\"type\": \"boolean\"}", "true", "1", "of type boolean"},
    {"{\"type\": \"array\"}", "[]", "{}", "of type array"},
    {"{\"type\": \"object\"}", "{}", "null", "of type object"},
    {"{\"enum\": [\"MINIMIZE\", \"MAXIMIZE\"]}", "\"MINIMIZE\"", "\"minimize\"", "does not know"},
    {"{\"enum\": [1, 2]}", "2", "3", "does not know"},
    {"{\"minimum\": 1}", "1", "0.5", "out of range"},
    {"{\"maximum\": 10}", "10", "11", "out of range"},
    {"{\"minLength\": 2}", "\"ab\"", "\"a\"", "has length 1"},
    {"{\"maxLength\": 2}", "\"ab\"", "\"abc\"", "has length 3"},
    {"{\"minItems\": 1}", "[0]", "[]", "has length 0"},
    {"{\"maxItems\": 1}", "[0]", "[0, 1]", "has length 2"},
    {"{\"pattern\": \"^ml\\\\.\"}", "\"ml.c5\"", "\"c5\"", "does not take"},
    {"{\"required\": [\"a\"]}", "{\"a\": 1}", "{\"b\": 1}", "lacks the required field 'a'"},
    {"{\"properties\": {\"Worker\": {}}, \"additionalProperties\": false}", "{\"Worker\": 1}",
     "{\"Wrker\": 1}", "Wrker is no field"},
    {"{\"additionalProperties\": {\"type\": \"string\"}}", "{\"a\": \"1\"}", "{\"a\": 1}",
     "of type string"},
    {"{\"properties\": {\"a\": {\"items\": {\"minimum\": 0}}}}", "{\"a\": [0, 1]}",
     "{\"a\": [0, -1]}", "a[1] is -1"},
    {"{\"$ref\": \"#/$defs/x\", \"$defs\": {\"x\": {\"maximum\": 1}}}", "1", "2", "out of range"},
};

static Json *parse(const char *text, Arena *arena) {
    Json *out;
    Error *error = json_parse(&out, text, strlen(text), "case", arena);
    assert_null(error);
    return out;
}

static void test_spec__keywords_let_pass_and_refuse(void **state) {
    Arena *arena = arena_new();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Json *schema = parse(cases[i].schema, arena);
        Error *error = spec_check(parse(cases[i].good, arena), schema, arena);
        if (error)
            fail_msg("%s refuses %s: %s", cases[i].schema, cases[i].good, error_text(error));
        error = spec_check(parse(cases[i].bad, arena), schema, arena);
        if (!error || !strstr(error_text(error), cases[i].says))
            fail_msg("%s on %s: %s", cases[i].schema, cases[i].bad,
                     error ? error_text(error) : "passes");
        assert_int_equal(error_code(error), CODE_USAGE);
        error_end(error);
    }
    arena_end(arena);
}

static void test_spec__the_nearest_name_is_offered(void **state) {
    Arena *arena = arena_new();
    (void)state;
    const Json *schema = parse(
        "{\"properties\": {\"Launcher\": {}, \"Worker\": {}}, \"additionalProperties\": false}",
        arena);
    Error *error = spec_check(parse("{\"Launcher\": 1, \"Wrker\": 1}", arena), schema, arena);
    assert_non_null(error);
    assert_non_null(strstr(error_text(error), "did you mean 'Worker'?"));
    error_end(error);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec__keywords_let_pass_and_refuse),
        cmocka_unit_test(test_spec__the_nearest_name_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
