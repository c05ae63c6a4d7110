#include "lab/sweep/sagemaker.h"
#include "lab/sweep/tuning.h"

#include "lab/base/text.h"

#include <string.h>

static const char *scaling_name(SearchScale scale) {
    return scale == SCALE_LOG           ? "Logarithmic"
           : scale == SCALE_REVERSE_LOG ? "ReverseLogarithmic"
                                        : "Linear";
}

static const char *number_text(double x, Arena *arena) {
    char room[JSON_NUMBER_ROOM];
    return arena_copy(arena, json_number_text(x, room));
}

static void add_range(Json *ranges, const SearchAxis *axis, const char *name, Arena *arena) {
    const char *key = axis->whole ? "IntegerParameterRanges" : "ContinuousParameterRanges";
    Json *list = (Json *)json_find(ranges, key);
    Json *range = json_add(list, NULL, json_object(arena), arena);
    json_add_text(range, "Name", name, arena);
    json_add_text(range, "MinValue", number_text(axis->min, arena), arena);
    json_add_text(range, "MaxValue", number_text(axis->max, arena), arena);
    json_add_text(range, "ScalingType", scaling_name(axis->scale), arena);
}

/* Values are texts; those of a grid are categories too. */
static Error *add_ranges(Json *ranges, const Tuning *tuning, Arena *arena) {
    const Space *space = &tuning->cell->space;
    const char *const kinds[] = {"IntegerParameterRanges", "ContinuousParameterRanges",
                                 "CategoricalParameterRanges"};
    for (int i = 0; i < 3; i++)
        json_add(ranges, kinds[i], json_array(arena), arena);
    for (int i = 0; i < space->n_axes; i++) {
        const char *name = arena_print(arena, "trial.%s", space->axis[i].name);
        const Json *values = NULL;
        bool numbers;
        PASS(tuning_values(&values, &numbers, tuning, i, arena));
        if (!values) {
            add_range(ranges, &space->axis[i], name, arena);
            continue;
        }
        Json *category =
            json_add((Json *)json_find(ranges, kinds[2]), NULL, json_object(arena), arena);
        json_add_text(category, "Name", name, arena);
        Json *texts = json_add(category, "Values", json_array(arena), arena);
        JSON_EACH (value, values)
            emit_add(texts, numbers ? number_text(value->number, arena) : value->text, arena);
    }
    return NULL;
}

static void add_config(Json *config, const Tuning *tuning, const SagemakerSettings *sagemaker,
                       Arena *arena) {
    json_add_text(config, "Strategy",
                  sagemaker->bayesian ? "Bayesian"
                  : tuning->grid      ? "Grid"
                                      : "Random",
                  arena);
    Json *objective =
        json_add(config, "HyperParameterTuningJobObjective", json_object(arena), arena);
    json_add_text(objective, "Type", tuning->maximize ? "Maximize" : "Minimize", arena);
    json_add_text(objective, "MetricName", tuning->metric, arena);
    Json *limits = json_add(config, "ResourceLimits", json_object(arena), arena);
    if (!tuning->grid || sagemaker->bayesian) /* a grid has as many as it has points */
        json_add_number(limits, "MaxNumberOfTrainingJobs", (double)tuning->trials, arena);
    json_add_number(limits, "MaxParallelTrainingJobs", (double)tuning->parallel, arena);
}

/* The entry point of a tuning job's container gets no arguments: they are a hyperparameter that
 * never changes, as a JSON list. */
static void add_definition(Json *definition, const Job *point, const Tuning *tuning, Arena *arena) {
    Json *fixed = json_add(definition, "StaticHyperParameters", json_object(arena), arena);
    json_add_text(fixed, "batchlab", json_canonical(emit_entry(point, "sagemaker", arena), arena),
                  arena);
    Json *algorithm = json_add(definition, "AlgorithmSpecification", json_object(arena), arena);
    json_add_text(algorithm, "TrainingInputMode", "File", arena);
    json_add_text(algorithm, "TrainingImage", point->site->image, arena);
    Json *metrics = json_add(algorithm, "MetricDefinitions", json_array(arena), arena);
    Json *metric = json_add(metrics, NULL, json_object(arena), arena);
    json_add_text(metric, "Name", tuning->metric, arena);
    json_add_text(metric, "Regex",
                  arena_print(arena, "batchlab: %s = ([0-9.eE+-]+)", tuning->metric), arena);
    sagemaker_add_job(definition, point, arena);
}

static Error *sagemaker_tuning_object(Json **out, const Job *job, Arena *arena) {
    Tuning tuning;
    PASS(tuning_read(&tuning, job, arena));
    Job point = tuning_job(job, &tuning, arena);
    Json *object = json_object(arena);
    json_add_text(object, "HyperParameterTuningJobName", job->name, arena);
    Json *config = json_add(object, "HyperParameterTuningJobConfig", json_object(arena), arena);
    add_config(config, &tuning, job->settings, arena);
    Json *ranges = json_add(config, "ParameterRanges", json_object(arena), arena);
    PASS(add_ranges(ranges, &tuning, arena));
    json_add_text(config, "TrainingJobEarlyStoppingType", "Off", arena);
    Json *definition = json_add(object, "TrainingJobDefinition", json_object(arena), arena);
    add_definition(definition, &point, &tuning, arena);
    *out = object;
    return NULL;
}

/* ---- what the service refuses */

static Error *check_range(const Json *range) {
    const Json *min = json_find(range, "MinValue"), *scale = json_find(range, "ScalingType");
    double low = 0, high = 0;
    Json *number;
    Arena *scratch = arena_new();
    const Json *const ends[] = {min, json_find(range, "MaxValue")};
    Error *error = NULL;
    for (int i = 0; i < 2 && !error; i++) {
        error = json_parse(&number, ends[i]->text, strlen(ends[i]->text), NULL, scratch);
        if (error)
            error = error_hint(error_wrap(error, "%s is no number", ends[i]->path),
                               "a number as a text, such as \"0.01\"");
        else
            *(i ? &high : &low) = number->number;
    }
    arena_end(scratch);
    PASS(error);
    if (low >= high)
        return error_hint(json_error(min, "is not below MaxValue"), "MinValue is the smaller one");
    if (scale && strcmp(scale->text, "Logarithmic") == 0 && low <= 0)
        return error_hint(json_error(min, "is not above 0, but the scale is logarithmic"),
                          "a log scale begins above 0, for example at \"0.0001\"");
    return NULL;
}

static Error *sagemaker_tuning_rules(const Json *object, Arena *arena) {
    (void)arena;
    const Json *config = json_find(object, "HyperParameterTuningJobConfig"),
               *ranges = json_find(config, "ParameterRanges"),
               *most = json_get(config, "ResourceLimits.MaxNumberOfTrainingJobs"),
               *parallel = json_get(config, "ResourceLimits.MaxParallelTrainingJobs");
    bool grid = strcmp(json_find(config, "Strategy")->text, "Grid") == 0;
    JSON_EACH (list, ranges) {
        bool numbers = strcmp(list->key, "CategoricalParameterRanges") != 0;
        if (numbers && grid && list->n > 0)
            return error_hint(json_error(list, "cannot be searched on a grid"),
                              "Strategy Grid takes categorical ranges alone: list the points");
        for (const Json *range = list->first; range && numbers; range = range->next)
            PASS(check_range(range));
    }
    if (most && parallel->number > most->number)
        return error_hint(json_error(parallel, "is above MaxNumberOfTrainingJobs"),
                          "no more at a time than there are in all");
    return sagemaker_check_job(json_find(object, "TrainingJobDefinition"));
}

static Error *tuning_hand_in(const char *words[TARGET_MAX_WORDS], const Job *job, const char *file,
                             Arena *arena) {
    return sagemaker_hand_in(words, "create-hyper-parameter-tuning-job",
                             "HyperParameterTuningJobArn", job, file, arena);
}

TARGET_TYPE(sagemaker_tuning) = {
    .kind = {.name = "sagemaker-tuning",
             .summary = "SageMaker's CreateHyperParameterTuningJob from the experiment's search",
             .detail = "One cell. Axes, scales, goal and number of trials come from `search`; the "
                       "strategy is Random\n"
                       "(halton, random), Grid, or Bayesian with sagemaker.bayesian. A trial tells "
                       "its metric in its log\n"
                       "when it ends; one that missed the target tells none.",
             .reference = "docs.aws.amazon.com/sagemaker/latest/APIReference",
             .settings_bytes = sizeof(SagemakerSettings),
             .params = sagemaker_rows},
    .section = "sagemaker",
    .container = true,
    .tunes = true,
    .results = sagemaker_results,
    .object = sagemaker_tuning_object,
    .rules = sagemaker_tuning_rules,
    .hand_in = tuning_hand_in,
};
