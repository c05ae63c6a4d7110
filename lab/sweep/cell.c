#include "lab/sweep/cell.h"

#include "lab/base/text.h"

#include <string.h>

/* "momentum" of "optimizer": "momentum" or {"name": "momentum", ...}; NULL when it says none. */
static const char *optimizer_of(const Json *object) {
    const Json *optimizer = json_find(object, "optimizer");
    if (optimizer && optimizer->kind == JSON_OBJECT)
        optimizer = json_find(optimizer, "name");
    return optimizer && optimizer->kind == JSON_TEXT ? optimizer->text : NULL;
}

static bool below(const char *name, const char *object) {
    size_t n = strlen(object);
    return strncmp(name, object, n) == 0 && (name[n] == '\0' || name[n] == '.');
}

/* The sweep may set what holds an axis (an optimizer), but not the axis itself. */
static Error *check_sweep(const Space *space, const Json *object, const Expansion *expansion) {
    for (int i = 0; i < space->n_axes; i++) {
        const char *name = space->axis[i].name;
        const Json *swept = expand_inside(expansion, name), *own = json_get(object, name);
        if (!swept && own && strncmp(own->path, "sweep.", 6) == 0)
            swept = own;
        if (swept)
            return error_hint(json_error(space->where[i], "is set by %s too", swept->path),
                              "search it or sweep it, not both");
    }
    return NULL;
}

Error *cell_new(SweepCell *out, const Search *search, Json *object, const Expansion *expansion,
                Arena *arena) {
    const char *optimizer = optimizer_of(object);
    TrialSettings settings;
    *out = (SweepCell){.search = search};
    if (!optimizer) /* says what is wrong */
        return trial_read(&settings, object, arena);
    const Kind *kind;
    PASS(kind_find(&kind, optim_table, OPTIM_N, optimizer, "optimizer",
                   json_find(object, "optimizer")));
    PASS(search_space(&out->space, search, optimizer, arena));
    PASS(check_sweep(&out->space, object, expansion));
    PASS(space_fits(&out->space, (const OptimType *)kind));
    PASS(space_begin(object, &out->space, arena));
    PASS(trial_read(&settings, object, arena));
    PASS(space_check(&out->space, &settings, arena));
    int64_t n = search->algorithm->counts_levels ? space_points(&out->space) : search->trials;
    if (n > SEARCH_MAX_TRIALS)
        return error_hint(
            json_error(search->where, "would make more than %d points a cell", SEARCH_MAX_TRIALS),
            "fewer points on its axes");
    out->n_points = (int)n;
    out->trial = ARENA_ARRAY(arena, int, n);
    return NULL;
}

static void values_of(const Json *value[SEARCH_MAX_AXES], const SweepCell *cell, int point,
                      Arena *arena) {
    space_point(value, &cell->space, cell->search->algorithm, (uint64_t)cell->search->seed, point,
                arena);
}

Error *cell_point(Json **out, const SweepCell *cell, const Json *object, int point, Arena *arena) {
    const Json *value[SEARCH_MAX_AXES];
    values_of(value, cell, point, arena);
    *out = json_copy(object, arena);
    for (int i = 0; i < cell->space.n_axes; i++)
        PASS(space_set(*out, &cell->space.axis[i], value[i], arena));
    return NULL;
}

Error *cell_blame(Error *error, const SweepCell *cell, int point, Arena *arena) {
    if (!error)
        return NULL;
    const Json *value[SEARCH_MAX_AXES];
    values_of(value, cell, point, arena);
    Text text = text_new(arena);
    for (int i = 0; i < cell->space.n_axes; i++)
        text_add(&text, "%strial.%s = %s", i ? ", " : "", cell->space.axis[i].name,
                 json_canonical(value[i], arena));
    return error_wrap(error, "in the search's point %d with %s", point, text.data);
}

void cell_identify(SweepCell *cell, const TrialSettings *settings, const char *data_sha256,
                   Arena *arena) {
    Json *whole = json_object(arena), *config = trial_write(settings, arena);
    for (int i = 0; i < cell->space.n_axes; i++)
        error_end(json_set(config, cell->space.axis[i].name, json_null(arena), arena));
    error_end(json_set(config, "dataset.path", json_null(arena), arena)); /* where, not what */
    json_add(whole, "trial", config, arena);
    json_add_text(whole, "data", data_sha256, arena);
    const char *text = json_canonical(whole, arena);
    char hex[HASH_ROOM];
    hash_of(text, strlen(text), hex);
    memcpy(cell->id, hex, SEARCH_CELL_ROOM - 1);
    cell->id[SEARCH_CELL_ROOM - 1] = '\0';
}

/* Axes of `space` that the object lacks, at their first value. */
static Error *complete(Json *object, const Json *space, Arena *arena) {
    JSON_EACH (axis, space) {
        const Json *values = json_find(axis, "values"),
                   *first = values ? values->first : json_find(axis, "min");
        if (!first || below(axis->key, "optimizer") || json_get(object, axis->key))
            continue;
        Json *value = json_copy(first, arena);
        value->path = values ? first->path : axis->path;
        PASS(json_set(object, axis->key, value, arena));
    }
    return NULL;
}

Error *cell_complete(Json *object, const Search *search, Arena *arena) {
    if (search->space)
        PASS(complete(object, search->space, arena));
    for (const Json *own = search->spaces ? search->spaces->first : NULL; own; own = own->next)
        PASS(complete(object, own, arena));
    return NULL;
}
