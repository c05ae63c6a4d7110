#include "lab/sweep/tuning.h"
#include "lab/sweep/vertex.h"

#include <string.h>

static const char *scale_name(SearchScale scale) {
    return scale == SCALE_LOG           ? "UNIT_LOG_SCALE"
           : scale == SCALE_REVERSE_LOG ? "UNIT_REVERSE_LOG_SCALE"
                                        : "UNIT_LINEAR_SCALE";
}

static void add_range(Json *parameter, const SearchAxis *axis, Arena *arena) {
    Json *range = json_add(parameter, axis->whole ? "integerValueSpec" : "doubleValueSpec",
                           json_object(arena), arena);
    json_add_number(range, "minValue", axis->min, arena);
    json_add_number(range, "maxValue", axis->max, arena);
}

/* The service hands a value over as --NAME=VALUE, so the name is the setting's. */
static Error *add_parameter(Json *parameters, const Tuning *tuning, int index, Arena *arena) {
    const SearchAxis *axis = &tuning->cell->space.axis[index];
    Json *parameter = json_add(parameters, NULL, json_object(arena), arena);
    const Json *values = NULL;
    bool numbers = true;
    PASS(tuning_values(&values, &numbers, tuning, index, arena));
    json_add_text(parameter, "parameterId", arena_print(arena, "trial.%s", axis->name), arena);
    if (!values)
        add_range(parameter, axis, arena);
    else
        json_add(json_add(parameter, numbers ? "discreteValueSpec" : "categoricalValueSpec",
                          json_object(arena), arena),
                 "values", json_copy(values, arena), arena);
    if (numbers)
        json_add_text(parameter, "scaleType", scale_name(axis->scale), arena);
    return NULL;
}

static const char *algorithm_name(const Tuning *tuning, const VertexSettings *vertex) {
    return vertex->bayesian ? "ALGORITHM_UNSPECIFIED"
           : tuning->grid   ? "GRID_SEARCH"
                            : "RANDOM_SEARCH";
}

static Error *add_study(Json *object, const Tuning *tuning, const VertexSettings *vertex,
                        Arena *arena) {
    Json *study = json_add(object, "studySpec", json_object(arena), arena);
    Json *metrics = json_add(study, "metrics", json_array(arena), arena);
    Json *metric = json_add(metrics, NULL, json_object(arena), arena);
    json_add_text(metric, "metricId", tuning->metric, arena);
    json_add_text(metric, "goal", tuning->maximize ? "MAXIMIZE" : "MINIMIZE", arena);
    Json *parameters = json_add(study, "parameters", json_array(arena), arena);
    for (int i = 0; i < tuning->cell->space.n_axes; i++)
        PASS(add_parameter(parameters, tuning, i, arena));
    json_add_text(study, "algorithm", algorithm_name(tuning, vertex), arena);
    /* what a run tells is its best evaluation */
    json_add_text(study, "measurementSelectionType", "BEST_MEASUREMENT", arena);
    return NULL;
}

static Error *vertex_tuning_object(Json **out, const Job *job, Arena *arena) {
    Tuning tuning;
    PASS(tuning_read(&tuning, job, arena));
    Job point = tuning_job(job, &tuning, arena);
    *out = vertex_head(job, arena);
    PASS(add_study(*out, &tuning, job->settings, arena));
    json_add_number(*out, "maxTrialCount", (double)tuning.trials, arena);
    json_add_number(*out, "parallelTrialCount", (double)tuning.parallel, arena);
    json_add(*out, "trialJobSpec", vertex_job_spec(&point, arena), arena);
    return NULL;
}

/* ---- what the service refuses */

static const char *const value_specs[] = {"doubleValueSpec", "integerValueSpec",
                                          "discreteValueSpec", "categoricalValueSpec"};

static Error *check_values(const Json *values) {
    JSON_EACH (value, values)
        if (value->next && value->next->number - value->number < 1e-10)
            return error_hint(json_error(value->next, "is not above the value before it"),
                              "discrete values increase, by 1e-10 at least");
    return NULL;
}

static Error *check_range(const Json *range, bool log) {
    const Json *min = json_find(range, "minValue"), *max = json_find(range, "maxValue");
    if (min->number > max->number)
        return error_hint(json_error(min, "is above maxValue"), "minValue is the smaller one");
    if (log && min->number <= 0)
        return error_hint(json_error(min, "is not above 0, but the scale is logarithmic"),
                          "a log scale begins above 0, for example at 1e-4");
    return NULL;
}

static Error *check_parameter(const Json *parameter, bool grid) {
    const Json *spec = NULL, *scale = json_find(parameter, "scaleType");
    int kind = 0, n = 0;
    for (int i = 0; i < 4; i++)
        if (json_find(parameter, value_specs[i])) {
            spec = json_find(parameter, value_specs[i]);
            kind = i;
            n++;
        }
    if (n != 1)
        return error_hint(json_error(parameter, "has %d value specs", n),
                          "exactly one of doubleValueSpec, integerValueSpec, discreteValueSpec, "
                          "categoricalValueSpec");
    if (kind == 0 && grid)
        return error_hint(json_error(spec, "cannot be searched on a grid"),
                          "GRID_SEARCH takes integer, discrete and categorical values: list the "
                          "points in a discreteValueSpec");
    if (kind == 3 && scale)
        return error_hint(json_error(scale, "is for numbers, but the values are categories"),
                          "leave scaleType out");
    if (kind == 2)
        return check_values(json_find(spec, "values"));
    return kind < 2 ? check_range(spec, scale && strcmp(scale->text, "UNIT_LINEAR_SCALE") != 0)
                    : NULL;
}

static Error *vertex_tuning_rules(const Json *object, Arena *arena) {
    (void)arena;
    const Json *algorithm = json_get(object, "studySpec.algorithm"),
               *parallel = json_find(object, "parallelTrialCount");
    bool grid = algorithm && strcmp(algorithm->text, "GRID_SEARCH") == 0;
    JSON_EACH (parameter, json_get(object, "studySpec.parameters"))
        PASS(check_parameter(parameter, grid));
    if (parallel->number > json_find(object, "maxTrialCount")->number)
        return error_hint(json_error(parallel, "is above maxTrialCount"),
                          "no more at a time than there are in all");
    return vertex_check_pools(object, "trialJobSpec.workerPoolSpecs");
}

static Error *tuning_hand_in(const char *words[TARGET_MAX_WORDS], const Job *job, const char *file,
                             Arena *arena) {
    return vertex_hand_in(words, "hp-tuning-jobs", job, file, arena);
}

TARGET_TYPE(vertex_tuning) = {
    .kind = {.name = "vertex-tuning",
             .summary = "a HyperparameterTuningJob of Vertex AI from the experiment's search",
             .detail = "One cell. Axes, scales, goal and number of trials come from `search`; the "
                       "algorithm is\n"
                       "RANDOM_SEARCH (halton, random), GRID_SEARCH, or the service's own with "
                       "vertex.bayesian. The primary\n"
                       "replica writes the metric of a trial when it ends; one that missed the "
                       "target has none.",
             .reference = "cloud.google.com/vertex-ai/docs/training/using-hyperparameter-tuning",
             .settings_bytes = sizeof(VertexSettings),
             .params = vertex_rows},
    .section = "vertex",
    .container = true,
    .tunes = true,
    .results = vertex_results,
    .object = vertex_tuning_object,
    .rules = vertex_tuning_rules,
    .hand_in = tuning_hand_in,
};
