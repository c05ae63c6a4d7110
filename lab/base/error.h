/* Errors: a chain of causes, an exit code, a hint. Made where something goes wrong, wrapped with
 * context on the way up, printed once. */
#ifndef LAB_BASE_ERROR_H
#define LAB_BASE_ERROR_H

#include <stdio.h>

/* Exit codes of the program (DESIGN 6). */
enum {
    CODE_OK = 0,
    CODE_INTERNAL = 1,
    CODE_USAGE = 2,       /* usage or bad config */
    CODE_CHECK = 3,       /* check failed */
    CODE_SOME_FAILED = 4, /* some trials failed */
    CODE_CLAIMED = 5,     /* what remains is claimed by other live processes */
    CODE_MISSING = 66,    /* input missing */
    CODE_IO = 74,         /* I/O error or disk full */
    CODE_STOPPED = 85,    /* stopped on request */
};

typedef struct Error Error;

/* A new error; the caller owns it and ends it with error_end, or passes it on. */
Error *error_new(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a hint (replaces an earlier one of the same error) and returns the error. */
Error *error_hint(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A new error caused by `cause`, with its exit code. */
Error *error_wrap(Error *cause, const char *format, ...) __attribute__((format(printf, 2, 3)));

int error_code(const Error *error);

/* Message of the innermost cause. */
const char *error_root(const Error *error);

/* The whole chain as text, in the form
 *   batchlab: MESSAGE
 *     because MESSAGE
 *     hint: HINT
 * valid until the error ends. */
const char *error_text(Error *error);

void error_print(Error *error, FILE *out);
void error_end(Error *error);

/* Returns from the calling function with the wrapped error when `call` fails. */
#define TRY(call, ...)                                                                             \
    do {                                                                                           \
        Error *try_error_ = (call);                                                                \
        if (try_error_)                                                                            \
            return error_wrap(try_error_, __VA_ARGS__);                                            \
    } while (0)

/* The same without adding context. */
#define PASS(call)                                                                                 \
    do {                                                                                           \
        Error *pass_error_ = (call);                                                               \
        if (pass_error_)                                                                           \
            return pass_error_;                                                                    \
    } while (0)

#endif
