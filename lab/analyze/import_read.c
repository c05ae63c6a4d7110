/* JSON lines into runs. */
#include "lab/analyze/import.h"

#include "lab/base/io.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

typedef struct Key {
    const char *name, *alias;
    double least;
    bool whole; /* a count */
} Key;

static const Key keys[IMPORT_N] = {
    [IMPORT_GLOBAL_BATCH] = {"global_batch", NULL, 1, true},
    [IMPORT_SEED] = {"seed", NULL, 0, true},
    [IMPORT_STEP] = {"step", NULL, 1, true},
    [IMPORT_EXAMPLES] = {"examples", NULL, 1, true},
    [IMPORT_LR] = {"lr", NULL, 0, false},
    [IMPORT_TRAIN_LOSS] = {"train_loss", "loss", -INFINITY, false},
    [IMPORT_VALID_LOSS] = {"valid_loss", NULL, -INFINITY, false},
    [IMPORT_VALID_ACCURACY] = {"valid_accuracy", "accuracy", 0, false},
    [IMPORT_TEST_LOSS] = {"test_loss", NULL, -INFINITY, false},
    [IMPORT_TEST_ACCURACY] = {"test_accuracy", NULL, 0, false},
    [IMPORT_VALID_TOP5] = {"valid_top5", NULL, 0, false},
    [IMPORT_TEST_TOP5] = {"test_top5", NULL, 0, false},
    [IMPORT_SECONDS] = {"seconds", NULL, 0, false},
    [IMPORT_GRAD_SQNORM] = {"grad_sqnorm", NULL, 0, false},
    [IMPORT_SHARD_SQNORM] = {"shard_sqnorm", NULL, 0, false},
    [IMPORT_MINI_BATCH] = {"mini_batch", NULL, 1, true},
    [IMPORT_N_TRAIN] = {"n_train", NULL, 1, true},
    [IMPORT_REPLICAS] = {"replicas", NULL, 1, true},
    [IMPORT_N_WEIGHTS] = {"n_weights", NULL, 1, true},
};
static const char *const texts[] = {"optimizer", "model", "dataset"};
#define N_TEXTS 3

/* Where a message points to. */
typedef struct Place {
    const char *path;
    int line;
} Place;

/* NaN and Infinity, which Python writes and JSON does not know, become null; inside quotes they
 * stay. */
static const char *without_nan(const char *line, Arena *arena) {
    static const char *const words[] = {"-Infinity", "Infinity", "NaN"};
    Text out = text_new(arena);
    bool quoted = false;
    for (const char *at = line; *at;) {
        const char *word = NULL;
        for (int i = 0; i < 3 && !quoted && !word; i++)
            word = strncmp(at, words[i], strlen(words[i])) == 0 ? words[i] : NULL;
        if (word) {
            text_add(&out, "null");
            at += strlen(word);
            continue;
        }
        if (quoted && *at == '\\' && at[1])
            text_add_n(&out, at++, 1);
        else if (*at == '"')
            quoted = !quoted;
        text_add_n(&out, at++, 1);
    }
    return out.data;
}

static int field_of(const char *key) {
    for (int f = 0; f < IMPORT_N; f++)
        if (strcmp(key, keys[f].name) == 0 || (keys[f].alias && strcmp(key, keys[f].alias) == 0))
            return f;
    return -1;
}

static Error *unknown(const char *key, Place place) {
    const char *names[2 * IMPORT_N + N_TEXTS + 1];
    int n = 0;
    for (int f = 0; f < IMPORT_N; f++) {
        names[n++] = keys[f].name;
        if (keys[f].alias)
            names[n++] = keys[f].alias;
    }
    for (int i = 0; i < N_TEXTS; i++)
        names[n++] = texts[i];
    names[n++] = "settings";
    const char *near = text_nearest(key, names, n);
    Error *error =
        error_new(CODE_USAGE, "'%s' line %d: there is no key '%s'", place.path, place.line, key);
    return near ? error_hint(error, "did you mean '%s'?", near)
                : error_hint(error,
                             "what else tells runs apart goes into \"settings\": {\"%s\": ...}",
                             key);
}

static Error *read_number(ImportRow *row, int field, const Json *value, Place place) {
    const Key *key = &keys[field];
    bool loss = field == IMPORT_TRAIN_LOSS || field == IMPORT_VALID_LOSS;
    row->has_loss |= loss;
    if (value->kind == JSON_NULL && !key->whole)
        return NULL;
    bool share = field == IMPORT_VALID_ACCURACY || field == IMPORT_TEST_ACCURACY ||
                 field == IMPORT_VALID_TOP5 || field == IMPORT_TEST_TOP5;
    if (value->kind != JSON_NUMBER || value->number < key->least ||
        (key->whole && value->number != floor(value->number)) || (share && value->number > 1))
        return error_hint(error_new(CODE_USAGE, "'%s' line %d: %s must be %s%s", place.path,
                                    place.line, value->key,
                                    share        ? "a fraction from 0 to 1"
                                    : key->whole ? "a whole number"
                                                 : "a number",
                                    share || isinf(key->least) ? ""
                                    : key->least > 0           ? " above 0"
                                                               : " of at least 0"),
                          share ? "an accuracy of 97.5 %% is 0.975"
                                : "write it plainly, such as \"%s\": 256",
                          value->key);
    row->value[field] = value->number;
    return NULL;
}

static Error *read_key(ImportRun *run, ImportRow *row, const Json *value, Place place) {
    const char **text[N_TEXTS] = {&run->optimizer, &run->model, &run->dataset};
    int field = field_of(value->key);
    if (field >= 0)
        return read_number(row, field, value, place);
    for (int i = 0; i < N_TEXTS; i++)
        if (strcmp(value->key, texts[i]) == 0) {
            if (value->kind != JSON_TEXT || !text_is_name(value->text))
                return error_hint(error_new(CODE_USAGE, "'%s' line %d: %s must be a name",
                                            place.path, place.line, texts[i]),
                                  "lower case letters, digits, _ - and . such as \"resnet50\"");
            *text[i] = value->text;
            return NULL;
        }
    if (strcmp(value->key, "settings") != 0)
        return unknown(value->key, place);
    if (value->kind != JSON_OBJECT)
        return error_hint(error_new(CODE_USAGE, "'%s' line %d: settings must be an object",
                                    place.path, place.line),
                          "\"settings\": {\"momentum\": 0.9}");
    run->settings = value;
    return NULL;
}

/* A row of its own: what it says of its run, and its numbers. */
static Error *read_line(ImportRun *run, ImportRow *row, const char *line, Place place,
                        Arena *scratch) {
    Json *object;
    const char *text = without_nan(line, scratch);
    TRY(json_parse(&object, text, strlen(text), NULL, scratch), "reading '%s' line %d", place.path,
        place.line);
    if (object->kind != JSON_OBJECT)
        return error_hint(
            error_new(CODE_USAGE, "'%s' line %d is no JSON object", place.path, place.line),
            "one object a line, such as {\"step\": 100, \"global_batch\": 256, \"seed\": 0, "
            "\"loss\": 1.2}");
    *run = (ImportRun){.optimizer = "unknown", .model = "unknown", .dataset = "unknown"};
    row->has_loss = false;
    for (int f = 0; f < IMPORT_N; f++)
        row->value[f] = NAN;
    JSON_EACH (value, object)
        PASS(read_key(run, row, value, place));
    double *v = row->value;
    if (isnan(v[IMPORT_GLOBAL_BATCH]) || (isnan(v[IMPORT_STEP]) && isnan(v[IMPORT_EXAMPLES])))
        return error_hint(
            error_new(CODE_USAGE, "'%s' line %d lacks %s", place.path, place.line,
                      isnan(v[IMPORT_GLOBAL_BATCH]) ? "global_batch" : "step or examples"),
            "every line says its global_batch and how far it is");
    if (isnan(v[IMPORT_STEP]))
        v[IMPORT_STEP] = fmax(1, rint(v[IMPORT_EXAMPLES] / v[IMPORT_GLOBAL_BATCH]));
    if (isnan(v[IMPORT_EXAMPLES]))
        v[IMPORT_EXAMPLES] = v[IMPORT_STEP] * v[IMPORT_GLOBAL_BATCH];
    run->global_batch = v[IMPORT_GLOBAL_BATCH];
    run->seed = isnan(v[IMPORT_SEED]) ? 0 : v[IMPORT_SEED];
    return NULL;
}

static const char *identity_of(const ImportRun *run, Arena *arena) {
    return arena_print(arena, "%s %s %s %.0f %.0f %s", run->optimizer, run->model, run->dataset,
                       run->global_batch, run->seed,
                       run->settings ? json_canonical(run->settings, arena) : "");
}

/* The run of a row, made when it is the first; the last one is tried first. */
static ImportRun *find(ImportRuns *runs, const ImportRun *like, Arena *scratch, Arena *arena) {
    const char *identity = identity_of(like, scratch);
    for (int i = runs->n - 1; i >= 0; i--)
        if (strcmp(runs->run[i].identity, identity) == 0)
            return &runs->run[i];
    if (runs->n == runs->room) {
        runs->room = runs->room ? 2 * runs->room : 16;
        ImportRun *more = ARENA_ARRAY(arena, ImportRun, runs->room);
        if (runs->n)
            memcpy(more, runs->run, sizeof *more * (size_t)runs->n);
        runs->run = more;
    }
    ImportRun *run = &runs->run[runs->n++];
    *run = *like;
    run->identity = arena_copy(arena, identity);
    run->optimizer = arena_copy(arena, like->optimizer);
    run->model = arena_copy(arena, like->model);
    run->dataset = arena_copy(arena, like->dataset);
    run->settings = NULL;
    if (like->settings) { /* read again: a copy would share its texts with the line */
        const char *text = arena_copy(arena, json_canonical(like->settings, scratch));
        Json *settings = NULL;
        error_end(json_parse(&settings, text, strlen(text), NULL, arena));
        run->settings = settings;
    }
    return run;
}

static Error *add_row(ImportRun *run, const ImportRow *row, Place place, Arena *arena) {
    if (run->n && row->value[IMPORT_STEP] <= run->row[run->n - 1].value[IMPORT_STEP])
        return error_hint(error_new(CODE_USAGE,
                                    "'%s' line %d: step %.0f comes after step %.0f of the same run",
                                    place.path, place.line, row->value[IMPORT_STEP],
                                    run->row[run->n - 1].value[IMPORT_STEP]),
                          "two runs of the same settings need different seeds; one line a step");
    if (run->n == run->room) {
        run->room = run->room ? 2 * run->room : 64;
        ImportRow *more = ARENA_ARRAY(arena, ImportRow, run->room);
        if (run->n)
            memcpy(more, run->row, sizeof *more * (size_t)run->n);
        run->row = more;
    }
    run->row[run->n++] = *row;
    return NULL;
}

static Error *take_line(ImportRuns *out, const char *line, Place place, Arena *scratch,
                        Arena *arena) {
    ImportRun like;
    ImportRow row;
    PASS(read_line(&like, &row, line, place, scratch));
    return add_row(find(out, &like, scratch, arena), &row, place, arena);
}

Error *import_read(ImportRuns *out, const char *path, Arena *arena) {
    char *text;
    size_t n;
    TRY(io_read(&text, &n, path, arena), "importing '%s'", path);
    *out = (ImportRuns){0};
    Place place = {path, 0};
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        place.line++;
        if (line[strspn(line, " \t\r")] == '\0')
            continue;
        Arena *scratch = arena_new();
        Error *error = take_line(out, line, place, scratch, arena);
        arena_end(scratch);
        PASS(error);
    }
    if (out->n == 0)
        return error_hint(error_new(CODE_USAGE, "'%s' holds no row", path),
                          "one JSON object a line");
    return NULL;
}
