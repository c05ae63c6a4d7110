#include "lab/base/kind.h"

#include "lab/base/text.h"

#include <assert.h>
#include <string.h>

enum { MAX_KINDS = 128 };

Error *kind_find(const Kind **out, const Kind *const *table, int n, const char *name, const char *what,
                 const Json *where) {
    assert(n <= MAX_KINDS);
    const char *names[MAX_KINDS];
    for (int i = 0; i < n; i++) {
        names[i] = table[i]->name;
        if (strcmp(table[i]->name, name) == 0) {
            *out = table[i];
            return NULL;
        }
    }
    const char *near = text_nearest(name, names, n);
    Error *error = where ? json_error(where, "is '%s', but there is no %s '%s'", name, what, name)
                         : error_new(CODE_USAGE, "there is no %s '%s'", what, name);
    if (near)
        return error_hint(error, "did you mean '%s'? `batchlab list %ss` shows all", near, what);
    return error_hint(error, "`batchlab list %ss` shows all", what);
}

Error *kind_read(const Kind **out, void **settings, const Json *object, const Kind *const *table, int n,
                 const char *what, const char *const *others, Arena *arena) {
    const Json *name = object->kind == JSON_OBJECT ? json_find(object, "name") : object;
    if (!name)
        return error_hint(json_error(object, "lacks the setting 'name'"),
                          "{\"name\": \"%s\", ...}; `batchlab list %ss` shows all", table[0]->name, what);
    if (name->kind != JSON_TEXT)
        return error_hint(json_error(name, "is %s, but should be the name of a %s",
                                     json_kind_name(name->kind), what),
                          "`batchlab list %ss` shows all", what);
    PASS(kind_find(out, table, n, name->text, what, name));
    *settings = arena_alloc(arena, (*out)->settings_bytes);
    const char *known[16] = {"name"};
    int n_known = 1;
    for (; others && *others; others++) {
        assert(n_known < 15);
        known[n_known++] = *others;
    }
    return param_read(*settings, (*out)->params, object->kind == JSON_OBJECT ? object : NULL, known, arena);
}

Json *kind_write(const Kind *kind, const void *settings, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "name", kind->name, arena);
    param_write(object, kind->params, settings, arena);
    return object;
}
