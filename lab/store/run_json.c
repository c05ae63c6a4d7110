#include "lab/store/run_json.h"

#include "lab/store/journal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum { FIELD_TEXT, FIELD_INT64, FIELD_INT, FIELD_DOUBLE, FIELD_FLAG, FIELD_SEED } FieldType;

/* One member of a struct that stands in JSON under its own name. */
typedef struct Field {
    const char *key;
    FieldType type;
    size_t offset;
} Field;

#define HEADER(type, field)                                                                        \
    { #field, FIELD_##type, offsetof(RunHeader, field) }
#define SUMMARY(type, field)                                                                       \
    { #field, FIELD_##type, offsetof(RunSummary, field) }
#define FIELDS_END                                                                                 \
    { NULL, FIELD_TEXT, 0 }

static const Field header_fields[] = {
    HEADER(TEXT, experiment),
    HEADER(TEXT, question),
    HEADER(TEXT, run_id),
    HEADER(TEXT, trial_id),
    HEADER(TEXT, config),
    HEADER(TEXT, model),
    HEADER(TEXT, dataset),
    HEADER(TEXT, optimizer),
    HEADER(TEXT, collective),
    HEADER(TEXT, noise_unit),
    HEADER(INT64, global_batch),
    HEADER(INT64, mini_batch),
    HEADER(INT64, n_weights),
    HEADER(INT64, n_train),
    HEADER(INT64, total_steps),
    HEADER(SEED, seed),
    HEADER(DOUBLE, flops_per_example),
    HEADER(DOUBLE, best_loss),
    HEADER(INT, replicas),
    HEADER(INT, threads),
    HEADER(INT, hosts),
    HEADER(INT64, bucket_kib),
    HEADER(TEXT, label),
    HEADER(INT64, verify_steps),
    HEADER(INT64, resumed_from),
    HEADER(FLAG, oversubscribed),
    HEADER(FLAG, alone),
    HEADER(FLAG, canonical),
    HEADER(DOUBLE, target),
    HEADER(TEXT, metric),
    HEADER(TEXT, search),
    FIELDS_END,
};

static const Field summary_fields[] = {
    SUMMARY(INT64, steps_run),
    SUMMARY(DOUBLE, steps_to_target),
    SUMMARY(DOUBLE, examples_to_target),
    SUMMARY(DOUBLE, seconds_to_target),
    SUMMARY(DOUBLE, final_valid_accuracy),
    SUMMARY(DOUBLE, best_valid_accuracy),
    SUMMARY(DOUBLE, final_test_accuracy),
    SUMMARY(DOUBLE, test_accuracy_at_best_valid),
    SUMMARY(DOUBLE, final_valid_loss),
    SUMMARY(DOUBLE, best_valid_loss),
    SUMMARY(INT64, timed_out),
    SUMMARY(INT64, pruned_at_step),
    FIELDS_END,
};

/* ---- writing */

/* What JSON numbers do not carry stands as text: infinities (the loss of a diverged run), -0, whole
 * numbers that our reader would refuse. */
static Json *double_json(double value, Arena *arena) {
    if (isnan(value))
        return json_null(arena);
    if (fabs(value) >= 0x1p53 || (value == 0 && signbit(value)))
        return json_text(arena_print(arena, "%.17g", value), arena);
    return json_number(value, arena);
}

/* Whole numbers from 2^53 on do not survive as JSON numbers: those stand as text. */
static Json *whole_json(int64_t value, Arena *arena) {
    if (value <= -(1ll << 53) || value >= 1ll << 53)
        return json_text(arena_print(arena, "%lld", (long long)value), arena);
    return json_number((double)value, arena);
}

static Json *seed_json(uint64_t seed, Arena *arena) {
    if (seed >= 1ull << 53)
        return json_text(arena_print(arena, "%llu", (unsigned long long)seed), arena);
    return json_number((double)seed, arena);
}

static Json *field_json(const Field *field, const void *from, Arena *arena) {
    const void *at = (const char *)from + field->offset;
    switch (field->type) {
    case FIELD_TEXT: {
        const char *text = *(const char *const *)at;
        return text ? json_text(text, arena) : json_null(arena);
    }
    case FIELD_INT64:
        return whole_json(*(const int64_t *)at, arena);
    case FIELD_INT:
        return json_number(*(const int *)at, arena);
    case FIELD_DOUBLE:
        return double_json(*(const double *)at, arena);
    case FIELD_FLAG:
        return json_flag(*(const bool *)at, arena);
    case FIELD_SEED:
        return seed_json(*(const uint64_t *)at, arena);
    }
    return json_null(arena);
}

static void write_fields(Json *object, const Field *fields, const void *from, Arena *arena) {
    for (; fields->key; fields++)
        json_add(object, fields->key, field_json(fields, from, arena), arena);
}

static Json *columns_json(Arena *arena) {
    Json *columns = json_object(arena);
    for (SchemaGroup group = 0; group < GROUP_N; group++)
        json_add(columns, schema_group_name(group), journal_columns_write(group, arena), arena);
    return columns;
}

Json *run_json_header(const RunHeader *header, Arena *arena) {
    Json *object = json_object(arena);
    json_add_number(object, "schema_version", SCHEMA_VERSION, arena);
    write_fields(object, header_fields, header, arena);
    json_add_text(object, "mode", header->mode == RUN_VERIFY ? "verify" : "full", arena);
    Json *names = json_add(object, "layer_names", json_array(arena), arena);
    for (int i = 0; i < header->n_layers; i++)
        json_add(names, NULL, json_text(header->layer_names[i], arena), arena);
    json_add(object, "columns", columns_json(arena), arena);
    Json *provenance =
        header->provenance ? json_copy(header->provenance, arena) : json_object(arena);
    json_add(object, "provenance", provenance, arena);
    return object;
}

Json *run_json_final(const RunRecord *run, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "outcome", outcome_name(run->summary.outcome), arena);
    write_fields(object, summary_fields, &run->summary, arena);
    json_add_text(object, "weights_sha256", run->weights_sha256, arena);
    json_add_text(object, "trajectory_sha256", run->trajectory_sha256, arena);
    json_add_text(object, "end_utc", run->end_utc, arena);
    return object;
}

/* ---- reading */

static bool is_text(const Json *value) {
    return value && value->kind == JSON_TEXT;
}

static bool is_number(const Json *value) {
    return value && value->kind == JSON_NUMBER;
}

static double read_double(const Json *value) {
    if (is_text(value))
        return strtod(value->text, NULL);
    return is_number(value) ? value->number : NAN;
}

static int64_t read_whole(const Json *value) {
    if (is_text(value))
        return strtoll(value->text, NULL, 10);
    return is_number(value) && fabs(value->number) <= 0x1p53 ? (int64_t)value->number : 0;
}

static uint64_t read_seed(const Json *value) {
    if (is_text(value))
        return strtoull(value->text, NULL, 10);
    return (uint64_t)read_whole(value);
}

static void read_field(void *to, const Field *field, const Json *value, Arena *arena) {
    void *at = (char *)to + field->offset;
    switch (field->type) {
    case FIELD_TEXT:
        *(const char **)at = is_text(value) ? arena_copy(arena, value->text) : NULL;
        break;
    case FIELD_INT64:
        *(int64_t *)at = read_whole(value);
        break;
    case FIELD_INT: {
        int64_t whole = read_whole(value);
        *(int *)at = llabs(whole) <= 1 << 30 ? (int)whole : 0;
        break;
    }
    case FIELD_DOUBLE:
        *(double *)at = read_double(value);
        break;
    case FIELD_FLAG:
        *(bool *)at = value && value->kind == JSON_BOOL && value->flag;
        break;
    case FIELD_SEED:
        *(uint64_t *)at = read_seed(value);
        break;
    }
}

static void read_fields(void *to, const Field *fields, const Json *object, Arena *arena) {
    for (; fields->key; fields++)
        read_field(to, fields, json_find(object, fields->key), arena);
}

static Error *read_layer_names(RunHeader *out, const Json *names, Arena *arena) {
    if (names == NULL || names->kind != JSON_ARRAY)
        return NULL;
    const char **list = ARENA_ARRAY(arena, const char *, names->n);
    JSON_EACH (name, names) {
        if (!is_text(name))
            return json_error(name, "must be a text");
        list[out->n_layers++] = arena_copy(arena, name->text);
    }
    out->layer_names = list;
    return NULL;
}

Error *run_json_read_header(RunHeader *out, const Json *object, Arena *arena) {
    *out = (RunHeader){0};
    if (object->kind != JSON_OBJECT || !is_text(json_find(object, "run_id")))
        return json_error(object, "is not the header of a run: 'run_id' is missing");
    read_fields(out, header_fields, object, arena);
    const Json *mode = json_find(object, "mode");
    out->mode = is_text(mode) && strcmp(mode->text, "verify") == 0 ? RUN_VERIFY : RUN_FULL;
    PASS(read_layer_names(out, json_find(object, "layer_names"), arena));
    const Json *provenance = json_find(object, "provenance");
    out->provenance = provenance && provenance->kind == JSON_OBJECT ? json_copy(provenance, arena)
                                                                    : json_object(arena);
    return NULL;
}

static Error *read_outcome(Outcome *out, const Json *value, const Json *object) {
    for (Outcome outcome = 0; is_text(value) && outcome < OUTCOME_N; outcome++)
        if (strcmp(value->text, outcome_name(outcome)) == 0) {
            *out = outcome;
            return NULL;
        }
    return json_error(value ? value : object, "is not a known outcome");
}

static void read_short(char *to, size_t room, const Json *value) {
    snprintf(to, room, "%s", is_text(value) ? value->text : "none");
}

Error *run_json_read_final(RunRecord *out, const Json *object) {
    PASS(read_outcome(&out->summary.outcome, json_find(object, "outcome"), object));
    read_fields(&out->summary, summary_fields, object, NULL); /* no texts: no arena */
    read_short(out->weights_sha256, HASH_ROOM, json_find(object, "weights_sha256"));
    read_short(out->trajectory_sha256, HASH_ROOM, json_find(object, "trajectory_sha256"));
    read_short(out->end_utc, sizeof out->end_utc, json_find(object, "end_utc"));
    return NULL;
}
