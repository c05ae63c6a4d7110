#include "lab/analyze/fit_table.h"

#include "lab/analyze/format.h"
#include "lab/analyze/sheet.h"
#include "lab/base/text.h"

#include <assert.h>
#include <math.h>

static Error *check_positive(const Sheet *sheet, const double *x, const char *name) {
    for (int r = 0; r < sheet->n_rows; r++)
        if (x[r] <= 0)
            return error_hint(
                error_new(CODE_USAGE, "'%s' line %d: %s is %g, which is not above 0", sheet->path,
                          sheet->line[r], name, x[r]),
                "batches and examples are counts; write NaN for a run that missed the target");
    return NULL;
}

/* Did some run at this batch miss? */
static bool missed_at(double at, const double *batch, const double *examples, int n) {
    for (int i = 0; i < n; i++)
        if (batch[i] == at && isnan(examples[i]))
            return true;
    return false;
}

/* "B = 1,024 (2 of 5)" for every batch with a miss; NULL when there is none. */
static const char *misses(const double *batch, const double *examples, int n, Arena *arena) {
    const char **item = ARENA_ARRAY(arena, const char *, n + 1);
    int n_items = 0;
    for (int i = 0; i < n; i++) {
        int runs = 0, lost = 0;
        bool first = true;
        for (int j = 0; j < n; j++) {
            runs += batch[j] == batch[i];
            lost += batch[j] == batch[i] && isnan(examples[j]);
            first &= j >= i || batch[j] != batch[i];
        }
        if (first && lost)
            item[n_items++] =
                arena_print(arena, "%s (%d of %d)", format_number(batch[i], arena), lost, runs);
    }
    return n_items ? format_list(item, n_items, arena) : NULL;
}

Hyperbola fit_censored(int *n_batches, const double *batch, const double *examples, int n,
                       HyperbolaWeights weights, Arena *arena) {
    double *b = ARENA_ARRAY(arena, double, n + 1), *e = ARENA_ARRAY(arena, double, n + 1);
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (missed_at(batch[i], batch, examples, n))
            continue;
        b[kept] = batch[i];
        e[kept++] = examples[i];
    }
    *n_batches = hyperbola_batches(b, kept, arena);
    if (*n_batches < 3)
        return (Hyperbola){.b_crit = NAN};
    Hyperbola out = hyperbola_fit(b, e, kept, weights, 0, arena);
    const char *lost = misses(batch, examples, n, arena);
    assert(out.n_warnings < HYPERBOLA_WARNINGS);
    if (lost)
        out.warning[out.n_warnings++] =
            arena_print(arena,
                        "runs missed the target at batch %s: these batches are not in the fit, "
                        "which says nothing about them",
                        lost);
    return out;
}

Error *fit_table(Hyperbola *out, const char *path, HyperbolaWeights weights, Arena *arena) {
    Sheet sheet;
    double *batch, *examples;
    Error *error = sheet_load(&sheet, path, arena);
    if (error)
        return error_code(error) == CODE_USAGE
                   ? error
                   : error_hint(
                         error_wrap(error, "reading the table '%s'", path),
                         "give a text file with the columns global_batch and examples_to_target");
    PASS(sheet_column(&batch, &sheet, "global_batch", false));
    PASS(sheet_column(&examples, &sheet, "examples_to_target", true));
    PASS(check_positive(&sheet, batch, "global_batch"));
    PASS(check_positive(&sheet, examples, "examples_to_target"));
    int n_batches;
    *out = fit_censored(&n_batches, batch, examples, sheet.n_rows, weights, arena);
    if (n_batches < 3)
        return error_hint(
            error_new(CODE_USAGE,
                      "'%s' has %d global batch%s at which every run reached the target (%d row%s)",
                      path, n_batches, n_batches == 1 ? "" : "es", sheet.n_rows,
                      sheet.n_rows == 1 ? "" : "s"),
            "two unknowns and their error need at least 3 different batches; 7 around the critical "
            "batch are good");
    return NULL;
}

/* Names and values of everything that is told as a number. */
#define N_NUMBERS 14
static void numbers(const char *name[N_NUMBERS], double value[N_NUMBERS], const Hyperbola *fit) {
    const char *const names[N_NUMBERS] = {
        "E_min",     "E_min_lo",  "E_min_hi", "S_min",    "S_min_lo", "S_min_hi", "B_crit",
        "B_crit_lo", "B_crit_hi", "R2",       "residual", "points",   "batches",  "seeds"};
    const double values[N_NUMBERS] = {fit->e_min,     fit->e_min_in.low,  fit->e_min_in.high,
                                      fit->s_min,     fit->s_min_in.low,  fit->s_min_in.high,
                                      fit->b_crit,    fit->b_crit_in.low, fit->b_crit_in.high,
                                      fit->r2,        fit->residual,      fit->n,
                                      fit->n_batches, fit->n_seeds};
    for (int i = 0; i < N_NUMBERS; i++) {
        name[i] = names[i];
        value[i] = values[i];
    }
}

Json *fit_json(const Hyperbola *fit, Arena *arena) {
    const char *name[N_NUMBERS];
    double value[N_NUMBERS];
    numbers(name, value, fit);
    Json *out = json_object(arena);
    for (int i = 0; i < N_NUMBERS; i++)
        json_add_number(out, name[i], value[i], arena);
    json_add_text(out, "weights", fit->weights == HYPERBOLA_LOG ? "log" : "none", arena);
    json_add_number(out, "confidence", HYPERBOLA_CONFIDENCE, arena);
    if (fit->unidentified)
        json_add_text(out, "unidentified", fit->unidentified, arena);
    Json *warnings = json_add(out, "warnings", json_array(arena), arena);
    for (int i = 0; i < fit->n_warnings; i++)
        json_add(warnings, NULL, json_text(fit->warning[i], arena), arena);
    return out;
}

const char *fit_text(const Hyperbola *fit, Arena *arena) {
    const char *name[N_NUMBERS];
    double value[N_NUMBERS];
    numbers(name, value, fit);
    Text out = text_new(arena);
    for (int i = 0; i < N_NUMBERS; i++)
        if (isfinite(value[i]))
            text_add(&out, "%-10s %.6g\n", name[i], value[i]);
        else
            text_add(&out, "%-10s unknown\n", name[i]);
    if (fit->unidentified)
        text_add(&out, "unidentified: %s\n", fit->unidentified);
    for (int i = 0; i < fit->n_warnings; i++)
        text_add(&out, "warning: %s\n", fit->warning[i]);
    return out.data;
}
