/* Metrics: values, directions, and how cells are told and ranked by them. */
#include "lab/analyze/quality.h"
#include "lab/train/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

static void test_metric__is_found_by_its_name(void **state) {
    (void)state;
    for (int i = 0; i < METRIC_N; i++)
        assert_int_equal(metric_find(metric_name((Metric)i)), i);
    assert_int_equal(metric_find("valid"), METRIC_N);
    assert_null(metric_names[METRIC_N]);
}

static void test_metric__values_are_those_of_the_evaluation(void **state) {
    (void)state;
    const EvalRow row = {.valid_loss = log(8),
                         .valid_accuracy = 0.25,
                         .valid_top5 = 0.75,
                         .test_loss = log(16),
                         .test_accuracy = 0.5,
                         .test_top5 = 1};
    assert_true(metric_value(&row, METRIC_VALID_LOSS) == log(8));
    assert_true(metric_value(&row, METRIC_VALID_ACCURACY) == 0.25);
    assert_true(metric_value(&row, METRIC_VALID_TOP5) == 0.75);
    assert_true(fabs(metric_value(&row, METRIC_VALID_BITS_PER_BYTE) - 3) < 1e-12);
    assert_true(fabs(metric_value(&row, METRIC_TEST_BITS_PER_BYTE) - 4) < 1e-12);
    assert_true(metric_value(&row, METRIC_TEST_ACCURACY) == 0.5);
    assert_true(metric_value(&row, METRIC_TEST_TOP5) == 1);
}

/* Names tell the direction: accuracies and top-5 rise, losses and bits fall. */
static void test_metric__reaches_in_its_direction(void **state) {
    (void)state;
    for (int i = 0; i < METRIC_N; i++) {
        const char *name = metric_name((Metric)i);
        bool rises = strstr(name, "accuracy") || strstr(name, "top5");
        assert_int_equal(metric_reaches((Metric)i, 0.9, 0.8), rises);
        assert_int_equal(metric_reaches((Metric)i, 0.7, 0.8), !rises);
        assert_true(metric_reaches((Metric)i, 0.8, 0.8));
        assert_false(metric_reaches((Metric)i, NAN, 0.8));
        assert_int_equal(metric_is_bits((Metric)i), strstr(name, "bits") != NULL);
    }
}

static Cell cell_of(const RunRecord *first, double accuracy, double loss) {
    return (Cell){.first = first,
                  .best_accuracy = {1, accuracy, accuracy, accuracy},
                  .best_loss = {1, loss, loss, loss}};
}

static void check_told(const char *metric, const char *noun, const char *text) {
    Arena *arena = arena_new();
    const RunRecord run = {.header = {.metric = metric}};
    Cell cell = cell_of(&run, 0.975, log(8));
    assert_string_equal(quality_noun(&cell), noun);
    assert_string_equal(quality_text(&cell, arena), text);
    arena_end(arena);
}

static void test_metric__a_cell_is_told_by_what_it_aims_at(void **state) {
    (void)state;
    check_told(NULL, "validation accuracy", "97.50 %");
    check_told("valid_accuracy", "validation accuracy", "97.50 %");
    check_told("valid_top5", "validation accuracy", "97.50 %");
    check_told("valid_loss", "validation loss", "2.079 nat");
    check_told("valid_bits_per_byte", "validation bits per byte", "3 bits");
}

static void test_metric__less_loss_is_better_where_a_loss_is_the_aim(void **state) {
    (void)state;
    const RunRecord loss = {.header = {.metric = "valid_bits_per_byte"}}, none = {0};
    Cell sure = cell_of(&loss, 0.5, 1.2), right = cell_of(&loss, 0.6, 1.3);
    assert_true(quality_is_better(&sure, &right) && !quality_is_better(&right, &sure));
    sure.first = right.first = &none;
    assert_true(quality_is_better(&right, &sure) && !quality_is_better(&sure, &right));
    sure.best_accuracy.median = NAN;
    assert_false(quality_is_better(&right, &right));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric__is_found_by_its_name),
        cmocka_unit_test(test_metric__values_are_those_of_the_evaluation),
        cmocka_unit_test(test_metric__reaches_in_its_direction),
        cmocka_unit_test(test_metric__a_cell_is_told_by_what_it_aims_at),
        cmocka_unit_test(test_metric__less_loss_is_better_where_a_loss_is_the_aim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
