/* Formats in which numbers travel: every element by itself, so any cut of a vector gives the same
 * bytes. Rounding is to nearest, ties to even; what is too large for fp16 becomes its largest
 * number. */
#ifndef LAB_COMM_NUMBER_FORMAT_H
#define LAB_COMM_NUMBER_FORMAT_H

#include "lab/base/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct NumberFormat {
    size_t bytes; /* of an element */
    void (*encode)(void *to, const real *from, int64_t n);
    void (*decode)(real *to, const void *from, int64_t n);
} NumberFormat;

extern const NumberFormat format_real; /* exact */
extern const NumberFormat format_bf16;
extern const NumberFormat format_fp16;

#endif
