#include "lab/train/metric.h"

#include <math.h>
#include <string.h>

const char *const metric_names[METRIC_N + 1] = {
    [METRIC_VALID_ACCURACY] = "valid_accuracy",
    [METRIC_VALID_LOSS] = "valid_loss",
    [METRIC_TEST_ACCURACY] = "test_accuracy",
    [METRIC_TEST_LOSS] = "test_loss",
    [METRIC_VALID_TOP5] = "valid_top5",
    [METRIC_TEST_TOP5] = "test_top5",
    [METRIC_VALID_BITS_PER_BYTE] = "valid_bits_per_byte",
    [METRIC_TEST_BITS_PER_BYTE] = "test_bits_per_byte",
    [METRIC_N] = NULL,
};

const char *metric_name(Metric metric) {
    return metric_names[metric];
}

Metric metric_find(const char *name) {
    int metric = 0;
    while (metric < METRIC_N && strcmp(name, metric_names[metric]) != 0)
        metric++;
    return (Metric)metric;
}

double metric_value(const EvalRow *row, Metric metric) {
    const double value[METRIC_N] = {
        [METRIC_VALID_ACCURACY] = row->valid_accuracy,
        [METRIC_VALID_LOSS] = row->valid_loss,
        [METRIC_TEST_ACCURACY] = row->test_accuracy,
        [METRIC_TEST_LOSS] = row->test_loss,
        [METRIC_VALID_TOP5] = row->valid_top5,
        [METRIC_TEST_TOP5] = row->test_top5,
        [METRIC_VALID_BITS_PER_BYTE] = row->valid_loss / log(2),
        [METRIC_TEST_BITS_PER_BYTE] = row->test_loss / log(2),
    };
    return value[metric];
}

bool metric_is_share(Metric metric) {
    return metric == METRIC_VALID_ACCURACY || metric == METRIC_TEST_ACCURACY ||
           metric == METRIC_VALID_TOP5 || metric == METRIC_TEST_TOP5;
}

bool metric_is_bits(Metric metric) {
    return metric == METRIC_VALID_BITS_PER_BYTE || metric == METRIC_TEST_BITS_PER_BYTE;
}

bool metric_reaches(Metric metric, double value, double target) {
    return metric_is_share(metric) ? value >= target : value <= target;
}
