#include "lab/base/error.h"

#include "lab/base/arena.h"
#include "lab/base/text.h"

#include <assert.h>

struct Error {
    int code;
    const char *message;
    const char *hint;
    Error *cause;
    Arena *arena; /* this link's own; ended with the chain */
};

static Error *link_new(int code, const char *format, va_list args) {
    Arena *arena = arena_new();
    Error *error = ARENA_NEW(arena, Error);
    error->code = code;
    error->message = arena_vprint(arena, format, args);
    error->arena = arena;
    return error;
}

Error *error_new(int code, const char *format, ...) {
    assert(code != CODE_OK);
    va_list args;
    va_start(args, format);
    Error *error = link_new(code, format, args);
    va_end(args);
    return error;
}

Error *error_hint(Error *error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    error->hint = arena_vprint(error->arena, format, args);
    va_end(args);
    return error;
}

Error *error_wrap(Error *cause, const char *format, ...) {
    va_list args;
    va_start(args, format);
    Error *error = link_new(cause->code, format, args);
    va_end(args);
    error->cause = cause;
    return error;
}

int error_code(const Error *error) {
    return error->code;
}

const char *error_root(const Error *error) {
    while (error->cause)
        error = error->cause;
    return error->message;
}

const char *error_text(Error *error) {
    Text text = text_new(error->arena);
    text_add(&text, "batchlab: %s", error->message);
    for (const Error *link = error->cause; link; link = link->cause)
        text_add(&text, "\n  because %s", link->message);
    for (const Error *link = error; link; link = link->cause)
        if (link->hint)
            text_add(&text, "\n  hint: %s", link->hint);
    return text.data;
}

void error_print(Error *error, FILE *out) {
    fprintf(out, "%s\n", error_text(error));
    fflush(out);
}

void error_end(Error *error) {
    while (error) {
        Error *cause = error->cause;
        arena_end(error->arena);
        error = cause;
    }
}
