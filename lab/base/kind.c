#include "lab/base/kind.h"

#include "lab/base/text.h"

#include <assert.h>
#include <string.h>

enum { MAX_KINDS = 128 };

Error *kind_find(const Kind **out, const Kind *const *table, int n, const char *name,
                 const char *what, const Json *where) {
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

static Error *find_preset(const Preset **out, const Kind *kind, const Json *name) {
    const char *names[MAX_KINDS];
    int n = 0;
    if (name->kind != JSON_TEXT)
        return error_hint(json_error(name, "is %s, but should be the name of a preset",
                                     json_kind_name(name->kind)),
                          "`batchlab explain %s` shows all", kind->name);
    for (; kind->presets[n].name; n++) {
        names[n] = kind->presets[n].name;
        if (strcmp(names[n], name->text) == 0) {
            *out = &kind->presets[n];
            return NULL;
        }
    }
    const char *near = text_nearest(name->text, names, n);
    return error_hint(
        json_error(name, "is '%s', but '%s' has no such preset", name->text, kind->name),
        "did you mean '%s'? `batchlab explain %s` shows all", near ? near : names[0], kind->name);
}

/* The object with its preset's settings where it gives none of its own. */
static Error *with_preset(const Json **out, const Json *object, const Kind *kind, Arena *arena) {
    const Json *name = kind->presets ? json_find(object, "preset") : NULL;
    *out = object;
    if (!name)
        return NULL;
    const Preset *preset = NULL;
    PASS(find_preset(&preset, kind, name));
    Json *settings, *whole = json_copy(object, arena);
    TRY(json_parse(&settings, preset->settings, strlen(preset->settings), preset->name, arena),
        "the preset '%s' of '%s'", preset->name, kind->name);
    JSON_EACH (setting, settings)
        if (!json_find(object, setting->key))
            json_add(whole, setting->key, json_copy(setting, arena), arena);
    *out = whole;
    return NULL;
}

Error *kind_read(const Kind **out, void **settings, const Json *object, const Kind *const *table,
                 int n, const char *what, const char *const *others, Arena *arena) {
    const Json *name = object->kind == JSON_OBJECT ? json_find(object, "name") : object;
    if (!name)
        return error_hint(json_error(object, "lacks the setting 'name'"),
                          "{\"name\": \"%s\", ...}; `batchlab list %ss` shows all", table[0]->name,
                          what);
    if (name->kind != JSON_TEXT)
        return error_hint(json_error(name, "is %s, but should be the name of a %s",
                                     json_kind_name(name->kind), what),
                          "`batchlab list %ss` shows all", what);
    PASS(kind_find(out, table, n, name->text, what, name));
    *settings = arena_alloc(arena, (*out)->settings_bytes);
    const char *known[16] = {"name", (*out)->presets ? "preset" : NULL};
    int n_known = (*out)->presets ? 2 : 1;
    for (; others && *others; others++) {
        assert(n_known < 15);
        known[n_known++] = *others;
    }
    const Json *given = object->kind == JSON_OBJECT ? object : NULL;
    if (given)
        PASS(with_preset(&given, object, *out, arena));
    return param_read(*settings, (*out)->params, given, known, arena);
}

Json *kind_write(const Kind *kind, const void *settings, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "name", kind->name, arena);
    param_write(object, kind->params, settings, arena);
    return object;
}
