#include "lab/sweep/tuning.h"

#include <string.h>

Error *tuning_read(Tuning *out, const Job *job, Arena *arena) {
    const Experiment *experiment = job->experiment;
    const Search *search = experiment->search;
    (void)arena;
    if (!search)
        return error_hint(error_new(CODE_USAGE, "'%s' has no search", experiment->file),
                          "tuning needs one: `batchlab explain search`; or use the target without "
                          "-tuning");
    if (experiment->n_cells != 1)
        return error_hint(
            error_new(CODE_USAGE, "a tuning job tunes one cell, but the sweep has %d",
                      experiment->n_cells),
            "choose one: sweep={} and trial.global_batch=256, or let one allocation tune them all");
    const SweepCell *cell = &experiment->cells[0];
    int64_t parallel = job->site->parallel ? job->site->parallel : TUNING_PARALLEL;
    *out = (Tuning){.search = search,
                    .cell = cell,
                    .metric = goal_metric_names[cell->goal.metric],
                    .maximize = cell->goal.maximize,
                    .grid = strcmp(search->algorithm->kind.name, "grid") == 0,
                    .trials = cell->n_points,
                    .parallel = parallel < cell->n_points ? parallel : cell->n_points};
    return NULL;
}

Job tuning_job(const Job *job, const Tuning *tuning, Arena *arena) {
    const char *const tail[] = {
        "--tell", tuning->metric, "search=null",
        arena_print(arena, "seeds=[%llu]",
                    (unsigned long long)job->experiment->trials[tuning->cell->trial[0]].seed)};
    Job point = *job;
    point.word = ARENA_ARRAY(arena, const char *, job->n_words + 4);
    point.n_words = 0;
    for (int i = 0; i < job->n_words; i++)
        if (strcmp(job->word[i], "--config") == 0)
            i++; /* the service's values make another config */
        else
            point.word[point.n_words++] = job->word[i];
    for (int i = 0; i < 4; i++)
        point.word[point.n_words++] = tail[i];
    return point;
}

static Error *check_choice(const Json *values, bool *numbers) {
    *numbers = true;
    JSON_EACH (value, values) {
        *numbers = *numbers && value->kind == JSON_NUMBER;
        if (value->kind != JSON_NUMBER && value->kind != JSON_TEXT)
            return error_hint(json_error(value, "is %s, but a service tunes texts and numbers",
                                         json_kind_name(value->kind)),
                              "sweep it, or let one allocation tune it");
    }
    return NULL;
}

static void insert(Json *list, double x, Arena *arena) {
    Json *last = list->last;
    if (!last || x > last->number)
        json_add(list, NULL, json_number(x, arena), arena);
}

/* Smallest number above `floor`; false: none. */
static bool next_above(double *out, const Json *values, const Json *floor) {
    bool found = false;
    JSON_EACH (value, values)
        if ((!floor || value->number > floor->number) && (!found || value->number < *out)) {
            *out = value->number;
            found = true;
        }
    return found;
}

Error *tuning_values(const Json **out, bool *numbers, const Tuning *tuning, int index,
                     Arena *arena) {
    const Space *space = &tuning->cell->space;
    const SearchAxis *axis = &space->axis[index];
    Json *list = json_array(arena);
    int64_t levels = space->levels[index];
    *out = NULL;
    *numbers = true;
    if (axis->scale == SCALE_CHOICE) {
        double x = 0;
        PASS(check_choice(axis->values, numbers));
        *out = *numbers ? list : axis->values;
        while (*numbers && next_above(&x, axis->values, list->last))
            insert(list, x, arena);
    } else if (tuning->grid) {
        *out = list;
        for (int64_t i = 0; i < levels; i++)
            insert(list,
                   search_axis_value(axis, levels > 1 ? (double)i / (double)(levels - 1) : 0.5),
                   arena);
    }
    return NULL;
}
