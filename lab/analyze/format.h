/* Numbers as a person reads them in sentences and tables. All results live in the arena. */
#ifndef LAB_ANALYZE_FORMAT_H
#define LAB_ANALYZE_FORMAT_H

#include "lab/base/arena.h"

/* Three significant digits, thousands grouped with commas: "0.0123", "3.1", "1,250,000"; "-" when
 * not finite. */
const char *format_number(double x, Arena *arena);
/* Whole numbers exactly: "2,048". */
const char *format_count(double x, Arena *arena);
/* Three digits with a unit that fits: "35 us", "2.81 ms", "4.2 s". */
const char *format_seconds(double seconds, Arena *arena);
/* A fraction as "85 %". */
const char *format_percent(double fraction, Arena *arena);
/* "1 run", "3 runs", "1,000 runs". */
const char *format_plural(double n, const char *noun, Arena *arena);
/* "a", "a and b", "a, b and c". */
const char *format_list(const char *const *items, int n, Arena *arena);

#endif
