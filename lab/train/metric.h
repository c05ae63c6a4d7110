/* Metrics: what a target may be a value of. All of them are told by an evaluation. */
#ifndef LAB_TRAIN_METRIC_H
#define LAB_TRAIN_METRIC_H

#include "lab/train/record.h"

#include <stdbool.h>

typedef enum {
    METRIC_VALID_ACCURACY,
    METRIC_VALID_LOSS,
    METRIC_TEST_ACCURACY,
    METRIC_TEST_LOSS,
    METRIC_VALID_TOP5,
    METRIC_TEST_TOP5,
    METRIC_VALID_BITS_PER_BYTE,
    METRIC_TEST_BITS_PER_BYTE,
    METRIC_N
} Metric;

/* NULL-terminated, as `choices` of a setting. */
extern const char *const metric_names[METRIC_N + 1];
const char *metric_name(Metric metric);

/* METRIC_N when there is none of that name. */
Metric metric_find(const char *name);

double metric_value(const EvalRow *row, Metric metric);

/* An accuracy, top-1 or top-5: a share, and the larger the better. The others are the better the
 * smaller. */
bool metric_is_share(Metric metric);
/* Loss in bits of one byte: only for texts. */
bool metric_is_bits(Metric metric);

/* As good as the target or better; NaN never is. */
bool metric_reaches(Metric metric, double value, double target);

#endif
