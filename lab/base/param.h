/* Param: one setting as a table row. The row gives the parser, the default, the legal range, the
 * help text, the resolved JSON (and so the HDF5 attribute and the trial id). */
#ifndef LAB_BASE_PARAM_H
#define LAB_BASE_PARAM_H

#include "lab/base/json.h"

typedef enum {
    PARAM_NUMBER,  /* double */
    PARAM_COUNT,   /* int64_t */
    PARAM_FLAG,    /* bool */
    PARAM_TEXT,    /* const char * (NULL allowed when the default is null) */
    PARAM_CHOICE,  /* int: index into `choices` */
    PARAM_COUNTS,  /* ParamCounts: a list of int64_t */
    PARAM_NUMBERS, /* ParamNumbers: a list of double */
} ParamKind;

typedef struct ParamCounts {
    int n;
    const int64_t *value;
} ParamCounts;

typedef struct ParamNumbers {
    int n;
    const double *value;
} ParamNumbers;

typedef struct Param {
    const char *key;
    ParamKind kind;
    size_t offset;        /* of the field in the settings struct */
    const char *standard; /* default as JSON text; NULL: required */
    double min,
        max; /* legal range of numbers and counts (list: of each element), both ends included */
    const char *unit; /* "1", "examples", "s", ... */
    const char *help;
    const char *const *choices; /* NULL-terminated, for PARAM_CHOICE */
} Param;

/* Rows: PARAM(NUMBER, MomentumSettings, momentum, "0.9", 0, 1, "1", "decay of the velocity"); the
 * last row is PARAM_END. */
#define PARAM(kind, Settings, field, standard, min, max, unit, help)                               \
    { #field, PARAM_##kind, offsetof(Settings, field), standard, min, max, unit, help, NULL }
#define PARAM_FROM(Settings, field, standard, choices, help)                                       \
    { #field, PARAM_CHOICE, offsetof(Settings, field), standard, 0, 0, "1", help, choices }
#define PARAM_END                                                                                  \
    { NULL, PARAM_NUMBER, 0, NULL, 0, 0, NULL, NULL, NULL }

/* Fills `settings` from `object` (defaults where a key is absent; `object` NULL: all defaults).
 * Every key must be a row or stand in `others` (NULL-terminated, NULL when there are none). Errors
 * (code 2): unknown key with the nearest name, wrong type, out of range with the legal range; each
 * names file, line and path. */
Error *param_read(void *settings, const Param *rows, const Json *object, const char *const *others,
                  Arena *arena);

/* Appends every row with its current value to `object`. */
void param_write(Json *object, const Param *rows, const void *settings, Arena *arena);

/* "0.9 (0 <= momentum <= 1)" for help pages and messages. */
const char *param_range(const Param *row, Arena *arena);

#endif
