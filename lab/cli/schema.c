#include "lab/cli/schema.h"

#include "lab/cli/schema_rows.h"
#include "lab/sweep/experiment.h"

#include <string.h>

/* ---- parts of the trial */

static Json *kinds(const Kind *const *table, int n, const char *what, Arena *arena) {
    Json *schema = json_object(arena), *bare = json_array(arena);
    json_add_text(schema, "description", what, arena);
    Json *list = json_add(schema, "oneOf", json_array(arena), arena);
    for (int i = 0; i < n; i++) {
        json_add(list, NULL, schema_kind(table[i], arena), arena);
        if (schema_all_optional(table[i]->params))
            json_add(bare, NULL, json_text(table[i]->name, arena), arena);
    }
    Json *name = json_add(list, NULL, json_object(arena), arena);
    json_add_text(name, "description", "a name alone: all settings at their defaults", arena);
    json_add(name, "enum", bare, arena);
    return schema;
}

static Json *mini_batch(Arena *arena) {
    Json *schema = json_object(arena);
    json_add_text(schema, "description",
                  "examples of one forward and backward pass; divides global_batch; auto: the "
                  "largest power of two up to 128 "
                  "that divides it and leaves at least four shards",
                  arena);
    Json *choices = json_add(schema, "oneOf", json_array(arena), arena);
    Json *word = json_add(choices, NULL, json_object(arena), arena),
         *count = json_add(choices, NULL, json_object(arena), arena);
    json_add_text(word, "const", "auto", arena);
    json_add_text(count, "type", "integer", arena);
    json_add_number(count, "minimum", 1, arena);
    json_add_number(count, "maximum", TRIAL_MAX_MINI_BATCH, arena);
    json_add_text(schema, "default", "auto", arena);
    return schema;
}

static Json *lr(Arena *arena) {
    Json *schema = schema_object(
        "learning rate: base * scaling(global_batch / base_batch) * warmup * schedule", arena);
    schema_add_rows(schema, lr_rows(), arena);
    Json *settings = schema_settings(schema);
    Json *warmup = json_add(settings, "warmup",
                            schema_object("rise to the scaled rate; one length", arena), arena);
    schema_add_rows(warmup, lr_warmup_rows(), arena);
    Json *lengths = json_add(warmup, "oneOf", json_array(arena), arena);
    for (const char *const *length = lr_warmup_lengths(); *length; length++) {
        Json *one = json_add(lengths, NULL, json_object(arena), arena);
        json_add(json_add(one, "required", json_array(arena), arena), NULL,
                 json_text(*length, arena), arena);
    }
    json_add(settings, "scaling",
             kinds(scaling_table, SCALING_N, "how the rate grows with the global batch", arena),
             arena);
    json_add(settings, "schedule",
             kinds(schedule_table, SCHEDULE_N, "what follows the warmup", arena), arena);
    return schema;
}

static Json *stop(Arena *arena) {
    Json *schema = schema_object("when a trial ends: at its target, or at the smallest budget, "
                                 "which is also the schedule's horizon",
                                 arena);
    TrialRows rows = trial_rows();
    schema_add_rows(schema, rows.target, arena);
    schema_add_rows(schema, rows.stop, arena);
    Json *together = json_add(schema, "dependencies", json_object(arena), arena);
    static const char *const pair[] = {"metric", "target"};
    for (int i = 0; i < 2; i++)
        json_add(json_add(together, pair[i], json_array(arena), arena), NULL,
                 json_text(pair[1 - i], arena), arena);
    static const char *const budgets[] = {"epochs", "examples", "steps"};
    Json *any = json_add(schema, "anyOf", json_array(arena), arena);
    for (int i = 0; i < 3; i++) {
        Json *one = json_add(any, NULL, json_object(arena), arena);
        json_add(json_add(one, "required", json_array(arena), arena), NULL,
                 json_text(budgets[i], arena), arena);
        Json *above = json_add(json_add(one, "properties", json_object(arena), arena), budgets[i],
                               json_object(arena), arena);
        json_add_number(above, "exclusiveMinimum", 0, arena);
    }
    return schema;
}

static Json *layer_rules(Arena *arena) {
    Json *rule = schema_object("one rule; later ones win", arena);
    static const char *const keys[] = {"match", "decay", "adapt"};
    static const char *const types[] = {"string", "boolean", "boolean"};
    for (int i = 0; i < 3; i++)
        json_add_text(json_add(schema_settings(rule), keys[i], json_object(arena), arena), "type",
                      types[i], arena);
    schema_require(rule, "match", arena);
    Json *list = json_object(arena);
    json_add_text(list, "type", "array", arena);
    json_add_text(list, "description",
                  "which tensors decay and adapt, by shell pattern of their names", arena);
    json_add(list, "items", rule, arena);
    return list;
}

static Json *trial(Arena *arena) {
    Json *schema = schema_object("what is learned: everything that the numbers depend on; "
                                 "complete, the sweep replaces values in it",
                                 arena);
    TrialRows rows = trial_rows();
    Json *settings = schema_settings(schema);
    json_add(settings, "dataset", kinds(dataset_table, DATASET_N, "the examples", arena), arena);
    json_add(settings, "model", kinds(model_table, MODEL_N, "the network", arena), arena);
    schema_add_rows(schema, rows.counts, arena);
    json_add(settings, "mini_batch", mini_batch(arena), arena);
    json_add(settings, "batch_schedule",
             kinds(batch_schedule_table, BATCH_SCHEDULE_N,
                   "how global_batch changes during a trial", arena),
             arena);
    json_add(settings, "compression",
             kinds(compression_table, COMPRESSION_N,
                   "how gradients of workers are exchanged: the mean over fewer bytes", arena),
             arena);
    json_add(settings, "optimizer", kinds(optim_table, OPTIM_N, "the update rule", arena), arena);
    json_add(settings, "lr", lr(arena), arena);
    json_add(settings, "stop", stop(arena), arena);
    for (int i = 0; i < rows.n_sections; i++) {
        const TrialSection *section = &rows.sections[i];
        Json *object = json_add(settings, section->key, schema_object(section->help, arena), arena);
        schema_add_rows(object, section->rows, arena);
    }
    json_add(settings, "layers", layer_rules(arena), arena);
    schema_add_rows(schema, rows.isa, arena);
    static const char *const needed[] = {"dataset", "model", "optimizer", "lr", "stop"};
    for (int i = 0; i < 5; i++)
        schema_require(schema, needed[i], arena);
    return schema;
}

/* ---- beside the trial */

static Json *sweep(const Json *trial_schema, Arena *arena) {
    Json *schema = schema_object(
        "lists of values for dotted names below trial; the sweep is the product of its lists",
        arena);
    schema_add_axes(schema_settings(schema), trial_schema, "", "#/properties/trial", arena);
    Json *zip = json_add(schema_settings(schema), "zip", json_object(arena), arena);
    json_add_text(zip, "description", "each object holds lists of equal length that move together",
                  arena);
    json_add_text(zip, "type", "array", arena);
    Json *item = json_add(zip, "items", json_object(arena), arena);
    Json *as_here = json_add(json_add(item, "allOf", json_array(arena), arena), NULL,
                             json_object(arena), arena);
    json_add_text(as_here, "$ref", "#/properties/sweep", arena);
    json_add_flag(json_add(item, "properties", json_object(arena), arena), "zip", false, arena);
    json_add_number(item, "minProperties", 1, arena);
    return schema;
}

/* One axis: a range, or a list of values. */
static Json *search_axis(Arena *arena) {
    Json *axis = json_object(arena);
    Json *forms = json_add(axis, "oneOf", json_array(arena), arena);
    Json *range = json_add(forms, NULL, schema_object("a range", arena), arena);
    schema_add_rows(range, space_axis_rows(), arena);
    Json *choice = json_add(forms, NULL, schema_object("a choice", arena), arena);
    Json *values = json_add(schema_settings(choice), "values", json_object(arena), arena);
    json_add_text(values, "type", "array", arena);
    json_add_number(values, "minItems", 1, arena);
    json_add_flag(values, "uniqueItems", true, arena);
    schema_require(choice, "values", arena);
    return axis;
}

/* Axes by the names that a sweep knows, as far as a search may set them. */
static Json *search_space_schema(const Json *sweep_schema, const char *pointer, Arena *arena) {
    Json *space = schema_object("axes by dotted name below trial", arena);
    JSON_EACH (axis, schema_settings(sweep_schema))
        if (strcmp(axis->key, "zip") != 0 && !space_refusal(axis->key)) {
            Json *one = json_add(schema_settings(space), axis->key, json_object(arena), arena);
            json_add_text(one, "$ref", pointer, arena);
        }
    return space;
}

static Json *search_spaces(Arena *arena) {
    Json *spaces = schema_object("axes of one optimizer: they replace those of space or are added; "
                                 "null takes one away",
                                 arena);
    for (int i = 0; i < OPTIM_N; i++) {
        Json *own =
            json_add(schema_settings(spaces), optim_table[i]->name, json_object(arena), arena);
        json_add_text(own, "type", "object", arena);
        json_add_text(json_add(own, "propertyNames", json_object(arena), arena), "pattern",
                      "^[a-z_0-9]+(\\.[a-z_0-9]+)+$", arena);
        Json *any = json_add(json_add(own, "additionalProperties", json_object(arena), arena),
                             "anyOf", json_array(arena), arena);
        json_add_text(json_add(any, NULL, json_object(arena), arena), "type", "null", arena);
        json_add_text(json_add(any, NULL, json_object(arena), arena), "$ref",
                      "#/definitions/search_axis", arena);
    }
    return spaces;
}

static Json *search(const Json *sweep_schema, Arena *arena) {
    Json *schema =
        schema_object("tuning inside every cell of the sweep: `batchlab explain search`", arena);
    Json *settings = schema_settings(schema);
    Json *algorithm = json_add(settings, "algorithm", json_object(arena), arena);
    Json *names = json_add(algorithm, "enum", json_array(arena), arena);
    for (int i = 0; i < SEARCH_N; i++)
        json_add(names, NULL, json_text(search_table[i]->name, arena), arena);
    json_add_text(algorithm, "default", "halton", arena);
    schema_add_rows(schema, search_rows(), arena);
    json_add(settings, "space",
             search_space_schema(sweep_schema, "#/definitions/search_axis", arena), arena);
    json_add(settings, "spaces", search_spaces(arena), arena);
    Json *goal = json_add(settings, "goal", schema_object("what ranks points", arena), arena);
    schema_add_rows(goal, search_goal_rows(), arena);
    Json *prune = json_add(settings, "prune",
                           schema_object("points that look bad half-way stop there", arena), arena);
    schema_add_rows(prune, prune_rows(), arena);
    Json *any = json_add(schema, "anyOf", json_array(arena), arena);
    static const char *const either[] = {"space", "spaces"};
    for (int i = 0; i < 2; i++)
        json_add(json_add(json_add(any, NULL, json_object(arena), arena), "required",
                          json_array(arena), arena),
                 NULL, json_text(either[i], arena), arena);
    return schema;
}

static Json *seeds(Arena *arena) {
    Json *schema = json_object(arena);
    json_add_text(schema, "description",
                  "a count n (seeds 0 to n-1), a list, or a span such as 1000..1004; seeds from "
                  "2^53 on as texts",
                  arena);
    json_add_number(schema, "default", 1, arena);
    Json *choices = json_add(schema, "oneOf", json_array(arena), arena);
    Json *count = json_add(choices, NULL, json_object(arena), arena),
         *list = json_add(choices, NULL, json_object(arena), arena),
         *span = json_add(choices, NULL, json_object(arena), arena);
    json_add_text(span, "type", "string", arena);
    json_add_text(span, "pattern", "^[0-9]+\\.\\.[0-9]+$", arena);
    json_add_text(count, "type", "integer", arena);
    json_add_number(count, "minimum", 1, arena);
    json_add_number(count, "maximum", EXPERIMENT_MAX_SEEDS, arena);
    json_add_text(list, "type", "array", arena);
    json_add_number(list, "minItems", 1, arena);
    json_add_number(list, "maxItems", EXPERIMENT_MAX_SEEDS, arena);
    json_add_flag(list, "uniqueItems", true, arena);
    Json *seed = json_add(json_add(list, "items", json_object(arena), arena), "oneOf",
                          json_array(arena), arena);
    Json *number = json_add(seed, NULL, json_object(arena), arena),
         *text = json_add(seed, NULL, json_object(arena), arena);
    json_add_text(number, "type", "integer", arena);
    json_add_number(number, "minimum", 0, arena);
    json_add_text(text, "type", "string", arena);
    json_add_text(text, "pattern", "^[0-9]+$", arena);
    return schema;
}

static Json *layouts(Arena *arena) {
    Json *schema =
        schema_object("on what trials are carried out; changes no result, only seconds", arena);
    schema_add_rows(schema, experiment_layout_count_rows(), arena);
    for (Json *counts = schema_settings(schema)->first; counts; counts = counts->next)
        schema_allow_single(counts, arena);
    schema_add_rows(schema, experiment_layout_rows(), arena);
    Json *collective = json_add(schema_settings(schema), "collective", json_object(arena), arena);
    json_add_text(collective, "description", "how gradients are summed over replicas", arena);
    Json *names = json_add(collective, "enum", json_array(arena), arena);
    for (int i = 0; i < COLLECTIVE_N; i++)
        json_add(names, NULL, json_text(collective_table[i]->name, arena), arena);
    json_add_text(collective, "default", "tree", arena);
    return schema;
}

static Json *branch(Arena *arena) {
    Json *schema = schema_object("branched training: branches with larger batches off every trial "
                                 "of the sweep",
                                 arena);
    schema_add_rows(schema, branches_rows, arena);
    schema_add_rows(schema, branch_rule_rows, arena);
    Json *one = json_add(schema, "oneOf", json_array(arena), arena);
    static const char *const points[] = {"at_examples", "at_frac"};
    for (int i = 0; i < 2; i++)
        json_add(json_add(json_add(one, NULL, json_object(arena), arena), "required",
                          json_array(arena), arena),
                 NULL, json_text(points[i], arena), arena);
    return schema;
}

Json *schema_make(Arena *arena) {
    Json *schema = json_object(arena);
    json_add_text(schema, "$schema", "http://json-schema.org/draft-07/schema#", arena);
    json_add_text(schema, "$comment",
                  "made by `batchlab list --schema` from the settings rows; do not edit", arena);
    json_add_text(schema, "title", "batchlab experiment", arena);
    Json *body = schema_object("one experiment: a trial, what is swept, seeds, layouts", arena);
    json_add_text(json_add(schema_settings(body), "$schema", json_object(arena), arena), "type",
                  "string", arena);
    schema_add_rows(body, experiment_rows(), arena);
    Json *name = (Json *)json_find(schema_settings(body), "experiment");
    json_add_text(name, "pattern", "^(?!.*\\.\\.)[a-z0-9][a-z0-9._-]{0,62}$", arena);
    Json *whole = json_add(schema_settings(body), "trial", trial(arena), arena);
    Json *axes = json_add(schema_settings(body), "sweep", sweep(whole, arena), arena);
    json_add(schema_settings(body), "search", search(axes, arena), arena);
    Json *definitions = json_add(schema, "definitions", json_object(arena), arena);
    json_add(definitions, "search_axis", search_axis(arena), arena);
    json_add(schema_settings(body), "seeds", seeds(arena), arena);
    json_add(schema_settings(body), "layouts", layouts(arena), arena);
    json_add(schema_settings(body), "branch", branch(arena), arena);
    schema_require(body, "trial", arena);
    for (Json *part = body->first, *next; part; part = next) {
        next = part->next;
        part->next = NULL;
        json_add(schema, part->key, part, arena);
    }
    return schema;
}
