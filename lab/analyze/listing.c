#include "lab/analyze/listing.h"

#include "lab/analyze/noise_interval.h"

#include <math.h>
#include <string.h>

static const TableColumn run_columns[] = {
    {"run_id", NULL},
    {"trial_id", NULL},
    {"mode", NULL},
    {"outcome", NULL},
    {"optimizer", NULL},
    {"model", NULL},
    {"dataset", NULL},
    {"collective", NULL},
    {"global_batch", "examples"},
    {"mini_batch", "examples"},
    {"seed", "1"},
    {"replicas", "1"},
    {"threads", "1"},
    {"hosts", "1"},
    {"label", NULL},
    {"oversubscribed", "flag"},
    {"alone", "flag"},
    {"steps_run", "steps"},
    {"resumed_from", "steps"},
    {"steps_to_target", "steps"},
    {"examples_to_target", "examples"},
    {"seconds_to_target", "s"},
    {"final_valid_accuracy", "1"},
    {"best_valid_accuracy", "1"},
    {"final_test_accuracy", "1"},
    {"test_accuracy_at_best_valid", "1"},
    {"final_valid_loss", "nat"},
    {"step", "s"},
    {"rate", "examples/s"},
    {"trajectory_sha256", NULL},
    {"weights_sha256", NULL},
    {"end_utc", NULL},
};

static void add_identity(Table *out, const RunRecord *run) {
    const RunHeader *header = &run->header;
    table_text(out, header->run_id);
    table_text(out, header->trial_id);
    table_text(out, header->mode == RUN_FULL ? "full" : "verify");
    table_text(out, outcome_name(run->summary.outcome));
    table_text(out, header->optimizer);
    table_text(out, header->model);
    table_text(out, header->dataset);
    table_text(out, header->collective);
    table_number(out, (double)header->global_batch);
    table_number(out, (double)header->mini_batch);
    table_number(out, (double)header->seed);
    table_number(out, header->replicas);
    table_number(out, header->threads);
    table_number(out, header->hosts);
    table_text(out, run_label(header));
    table_number(out, header->oversubscribed);
    table_number(out, header->alone);
    table_number(out, (double)run->summary.steps_run);
    table_number(out, (double)header->resumed_from);
}

static void add_summary(Table *out, const RunRecord *run, Arena *arena) {
    const RunSummary *summary = &run->summary;
    table_number(out, summary->steps_to_target);
    table_number(out, summary->examples_to_target);
    table_number(out, summary->seconds_to_target);
    table_number(out, summary->final_valid_accuracy);
    table_number(out, summary->best_valid_accuracy);
    table_number(out, summary->final_test_accuracy);
    table_number(out, summary->test_accuracy_at_best_valid);
    table_number(out, summary->final_valid_loss);
    double step_s = timing_step_s(run, arena);
    table_number(out, step_s);
    table_number(out, (double)run->header.global_batch / step_s);
    table_text(out, run->trajectory_sha256);
    table_text(out, run->weights_sha256);
    table_text(out, run->end_utc);
}

Table *listing_runs(const Results *results, Arena *arena) {
    Table *out = table_new("runs", run_columns, sizeof run_columns / sizeof *run_columns, arena);
    for (int i = 0; i < results->n_runs; i++) {
        add_identity(out, &results->runs[i]);
        add_summary(out, &results->runs[i], arena);
    }
    return out;
}

static const TableColumn cell_columns[] = {
    {"series", NULL},
    {"optimizer", NULL},
    {"global_batch", "examples"},
    {"mini_batch", "examples"},
    {"trials", "1"},
    {"reached", "1"},
    {"missed", "1"},
    {"diverged", "1"},
    {"failed", "1"},
    {"interrupted", "1"},
    {"steps_median", "steps"},
    {"steps_low", "steps"},
    {"steps_high", "steps"},
    {"examples_median", "examples"},
    {"examples_low", "examples"},
    {"examples_high", "examples"},
    {"seconds_median", "s"},
    {"best_valid_accuracy", "1"},
    {"test_accuracy_at_best_valid", "1"},
    {"final_valid_loss", "nat"},
    {"noise_scale", "examples"},
    {"noise_scale_low", "examples"},
    {"noise_scale_high", "examples"},
    {"fastest_layout_replicas", "1"},
    {"fastest_layout_step", "s"},
    {"fastest_layout_seconds_to_target", "s"},
};

const Timing *listing_fastest(const Results *results, const Cell *cell, Arena *arena) {
    const char *work = timing_work(cell->first, arena);
    const Timing *best = NULL;
    for (int i = 0; i < results->timings.n; i++) {
        const Timing *timing = &results->timings.timing[i];
        if (timing->global_batch != cell->global_batch || timing->oversubscribed ||
            strcmp(timing->work, work) != 0)
            continue;
        if (!best || timing->step_s < best->step_s)
            best = timing;
    }
    return best;
}

static void add_spread(Table *out, const Spread *spread) {
    table_number(out, spread->median);
    table_number(out, spread->low);
    table_number(out, spread->high);
}

static void add_cell(Table *out, const Results *results, const Cell *cell, Arena *arena) {
    const Series *series = &results->cells->series[cell->series];
    table_text(out, series->label);
    table_text(out, series->optimizer);
    table_number(out, (double)cell->global_batch);
    table_number(out, (double)cell->mini_batch);
    table_number(out, cell->n_trials);
    for (int o = 0; o < OUTCOME_N; o++)
        table_number(out, cell->n_of[o]);
    add_spread(out, &cell->steps);
    add_spread(out, &cell->examples);
    table_number(out, cell->seconds.median);
    table_number(out, cell->best_accuracy.median);
    table_number(out, cell->test_accuracy.median);
    table_number(out, cell->final_loss.median);
    NoiseInterval noise = noise_interval_of(cell, NOISE_PLAIN, arena);
    table_number(out, noise.scale);
    table_number(out, noise.in.low);
    table_number(out, noise.in.high);
    const Timing *fastest = listing_fastest(results, cell, arena);
    table_number(out, fastest ? (double)fastest->replicas : NAN);
    table_number(out, fastest ? fastest->step_s : NAN);
    table_number(out, fastest ? fastest->step_s * cell->steps.median : NAN);
}

Table *listing_cells(const Results *results, Arena *arena) {
    Table *out =
        table_new("cells", cell_columns, sizeof cell_columns / sizeof *cell_columns, arena);
    for (int i = 0; i < results->cells->n_cells; i++)
        add_cell(out, results, &results->cells->cells[i], arena);
    return out;
}

static const TableColumn disagreement_columns[] = {
    {"trial_id", NULL},
    {"step", "steps"},
    {"run_id", NULL},
    {"majority_run_id", NULL},
};

Table *listing_disagreements(const Results *results, Arena *arena) {
    Table *out = table_new("disagreements", disagreement_columns,
                           sizeof disagreement_columns / sizeof *disagreement_columns, arena);
    for (int i = 0; i < results->invariance.n_disagreements; i++) {
        const Disagreement *d = &results->invariance.disagreements[i];
        table_text(out, d->run->header.trial_id);
        table_number(out, (double)d->step);
        table_text(out, d->run->header.run_id);
        table_text(out, d->other->header.run_id);
    }
    return out;
}

Json *listing_json(const Table *table, Arena *arena) {
    Json *list = json_array(arena);
    int n = table_rows(table);
    for (int r = 0; r < n; r++) {
        Json *object = json_add(list, NULL, json_object(arena), arena);
        for (int c = 0; c < table->n_columns; c++) {
            const TableColumn *column = &table->columns[c];
            TableValue value = table_at(table, r, c);
            if (value.text)
                json_add_text(object, column->name, value.text, arena);
            else if (column->unit && strcmp(column->unit, "flag") == 0)
                json_add_flag(object, column->name, value.number != 0, arena);
            else
                json_add_number(object, column->name, value.number, arena);
        }
    }
    return list;
}
