#include "lab/analyze/tuned.h"

#include "lab/analyze/format.h"
#include "lab/base/param.h"
#include "lab/base/text.h"
#include "optim/schedule.h"

#include <math.h>
#include <string.h>

#define SCAN 200 /* batches of noise B_n that are tried before the search is refined */

const char *lr_rule_name(LrRule rule) {
    static const char *const names[RULE_N] = {"constant",    "square root", "linear",
                                              "a power law", "saturating",  "Surge"};
    return names[rule];
}

/* ---- rules: log rate = log_scale + form(B) */

static double form(LrRule rule, double shape, double batch) {
    switch (rule) {
    case RULE_SQRT:
        return 0.5 * log(batch);
    case RULE_LINEAR:
        return log(batch);
    case RULE_POWER:
        return shape * log(batch);
    case RULE_SATURATES:
        return -log1p(shape / batch);
    case RULE_SURGE:
        return -log(0.5 * (sqrt(shape / batch) + sqrt(batch / shape)));
    default:
        return 0;
    }
}

static bool has_shape(LrRule rule) {
    return rule >= RULE_POWER;
}

typedef struct LrData {
    const double *batch, *rate, *sd;
    int n;
    double precision; /* sum of 1 / sd^2 */
} LrData;

/* Weights have mean 1, so that residuals keep their unit. */
static double weight_of(const LrData *data, int i) {
    return data->n / (data->sd[i] * data->sd[i] * data->precision);
}

/* Residuals at the best scale. */
static double rss_at(double *log_scale, LrRule rule, double shape, const LrData *data) {
    double mean = 0, rss = 0;
    for (int i = 0; i < data->n; i++)
        mean +=
            weight_of(data, i) * (log(data->rate[i]) - form(rule, shape, data->batch[i])) / data->n;
    for (int i = 0; i < data->n; i++) {
        double off = log(data->rate[i]) - mean - form(rule, shape, data->batch[i]);
        rss += weight_of(data, i) * off * off;
    }
    *log_scale = mean;
    return rss;
}

/* The shape of least residuals between `low` and `high`: a scan, then thirds around the best. */
static double best_shape(LrRule rule, double low, double high, const LrData *data) {
    double best = low, least = INFINITY, step = (high - low) / SCAN, scale;
    bool by_log = rule != RULE_POWER;
    for (int i = 0; i <= SCAN; i++) {
        double at = low + i * step, rss = rss_at(&scale, rule, by_log ? exp(at) : at, data);
        if (rss < least) {
            least = rss;
            best = at;
        }
    }
    double a = best - step, b = best + step;
    for (int i = 0; i < 60; i++) {
        double p = a + (b - a) / 3, q = b - (b - a) / 3;
        bool left = rss_at(&scale, rule, by_log ? exp(p) : p, data) <
                    rss_at(&scale, rule, by_log ? exp(q) : q, data);
        *(left ? &b : &a) = left ? q : p;
    }
    return by_log ? exp(0.5 * (a + b)) : 0.5 * (a + b);
}

/* Rates are never known to better than a percent, so a perfect fit is not infinitely good. */
static double aicc_of(double rss, int n, int k) {
    return n * log(rss / n + 1e-4) + 2 * k + 2.0 * k * (k + 1) / (n - k - 1);
}

LrFit lr_fit(LrRule rule, const double *batch, const double *rate, const double *sd, int n) {
    LrFit out = {.shape = NAN, .aicc = INFINITY};
    LrData data = {batch, rate, sd, n, 0};
    int k = 2 + has_shape(rule); /* scale, spread, shape */
    if (n < k + 2)
        return out;
    double low = INFINITY, high = 0;
    for (int i = 0; i < n; i++) {
        low = fmin(low, batch[i]);
        high = fmax(high, batch[i]);
        data.precision += 1 / (sd[i] * sd[i]);
    }
    if (rule == RULE_POWER)
        out.shape = best_shape(rule, -4, 4, &data);
    else if (has_shape(rule))
        out.shape = best_shape(rule, log(low / 1000), log(high * 1000), &data);
    out.fitted = true;
    out.rss = rss_at(&out.log_scale, rule, out.shape, &data);
    out.aicc = aicc_of(out.rss, n, k);
    return out;
}

double lr_fit_at(LrRule rule, const LrFit *fit, double batch) {
    return exp(fit->log_scale + form(rule, fit->shape, batch));
}

/* ---- points */

static double number_at(const Json *config, const char *path, double otherwise) {
    const Json *value = json_get(config, path);
    return value && value->kind == JSON_NUMBER ? value->number : otherwise;
}

/* What the scaling rule multiplies the base rate by at this batch; 1 of rules that follow noise. */
static double scaling_factor(const Cell *cell, Arena *arena) {
    const Json *config = cell->first->config, *object = json_get(config, "lr.scaling"),
               *name = object ? json_find(object, "name") : NULL;
    double batch = (double)cell->global_batch, base = number_at(config, "lr.base_batch", batch);
    for (int i = 0; name && name->kind == JSON_TEXT && i < SCALING_N; i++) {
        const ScalingType *type = (const ScalingType *)scaling_table[i];
        if (strcmp(type->kind.name, name->text) != 0)
            continue;
        static const char *const others[] = {"name", NULL};
        void *settings = arena_alloc(arena, type->kind.settings_bytes + 1);
        Error *error = type->kind.params
                           ? param_read(settings, type->kind.params, object, others, arena)
                           : NULL;
        if (!error)
            return type->factor(settings, batch / base);
        error_end(error); /* settings of another version: the rate before scaling, then */
    }
    return 1;
}

/* Does a rate of the response lie at an end of the axis? */
static bool at_edge(const SearchCell *search, int axis, const Response *response) {
    for (int e = 0; e < search->n_edges; e++)
        if (search->edge[e].axis == axis)
            return true;
    double place = search_axis_place(&search->axis[axis], exp(response->optimum));
    return place < SEARCH_EDGE || place > 1 - SEARCH_EDGE;
}

/* False: no learning rate was searched here, or no point can be used. */
static bool tuned_point(TunedPoint *out, const Cell *cell, Arena *arena) {
    const SearchCell *search = cell->search;
    int axis = search ? search_axis_of(search, "lr.base") : -1;
    if (axis < 0 || !search->winner || search->axis[axis].scale == SCALE_CHOICE ||
        !(search->axis[axis].min > 0))
        return false;
    double *x = ARENA_ARRAY(arena, double, search->n_points + 1),
           *cost = ARENA_ARRAY(arena, double, search->n_points + 1);
    for (int p = 0; p < search->n_points; p++) {
        const SearchPoint *point = &search->point[p];
        const Json *value = search_value(point, &search->axis[axis]);
        bool ended = search_can_win(&point->run->summary);
        x[p] = log(value && value->kind == JSON_NUMBER ? value->number : NAN);
        cost[p] = ended ? search_cost(search, point->run) : NAN;
    }
    Response response = response_fit(x, cost, search->n_points, log(search->axis[axis].min),
                                     log(search->axis[axis].max));
    if (isnan(response.best))
        return false;
    double factor = scaling_factor(cell, arena);
    double momentum = number_at(search->winner->run->config, "optimizer.momentum", NAN);
    *out = (TunedPoint){
        .cell = cell,
        .batch = (double)cell->global_batch,
        .winner = factor * search_value(search->winner, &search->axis[axis])->number,
        .optimum = factor * exp(response.optimum),
        .in = {factor * exp(response.in.low), factor * exp(response.in.high)},
        .curved = response.curved,
        .edge = at_edge(search, axis, &response),
    };
    out->effective = momentum < 1 ? out->optimum / (1 - momentum) : NAN;
    return true;
}

static void fit_rules(TunedLine *out, Arena *arena) {
    double *batch = ARENA_ARRAY(arena, double, out->n + 1),
           *rate = ARENA_ARRAY(arena, double, out->n + 1),
           *sd = ARENA_ARRAY(arena, double, out->n + 1);
    for (int i = 0; i < out->n; i++) {
        const TunedPoint *point = &out->point[i];
        if (point->edge)
            continue;
        batch[out->n_fitted] = point->batch;
        rate[out->n_fitted] = point->optimum;
        sd[out->n_fitted++] = fmax(0.05, log(point->in.high / point->in.low));
    }
    out->best = -1;
    for (int r = 0; r < RULE_N; r++) {
        out->fit[r] = lr_fit((LrRule)r, batch, rate, sd, out->n_fitted);
        if (out->fit[r].fitted && (out->best < 0 || out->fit[r].aicc < out->fit[out->best].aicc))
            out->best = r;
    }
    out->told = true;
    for (int r = 0; r < RULE_N; r++)
        if (out->best >= 0 && r != out->best &&
            out->fit[r].aicc < out->fit[out->best].aicc + TUNED_CLOSE)
            out->told = false;
    if (out->best < 0)
        out->missing = arena_print(
            arena, "%s away from the edges of the range, and telling rules apart takes 4",
            out->n_fitted == 1
                ? "only 1 batch has its optimum"
                : arena_print(arena, "only %d batches have their optimum", out->n_fitted));
}

Tuned tuned_make(const Lines *lines, Arena *arena) {
    Tuned out = {.line = ARENA_ARRAY(arena, TunedLine, lines->n + 1)};
    for (int l = 0; l < lines->n; l++) {
        const Line *line = &lines->line[l];
        TunedLine *tuned = &out.line[out.n++];
        *tuned = (TunedLine){.line = line, .point = ARENA_ARRAY(arena, TunedPoint, line->n + 1)};
        for (int i = 0; i < line->n; i++)
            tuned->n += tuned_point(&tuned->point[tuned->n], line->cell[i], arena);
        fit_rules(tuned, arena);
    }
    return out;
}

/* ---- words and tables */

const char *lr_fit_text(LrRule rule, const LrFit *fit, Arena *arena) {
    const char *scale = format_number(exp(fit->log_scale), arena);
    switch (rule) {
    case RULE_SQRT:
        return arena_print(arena, "lr = %s sqrt(B)", scale);
    case RULE_LINEAR:
        return arena_print(arena, "lr = %s B", scale);
    case RULE_POWER:
        return arena_print(arena, "lr = %s B^%.2f", scale, fit->shape);
    case RULE_SATURATES:
        return arena_print(arena, "lr = %s / (1 + %s / B)", scale,
                           format_number(fit->shape, arena));
    case RULE_SURGE:
        return arena_print(arena, "lr = %s at most, at B = %s, and less on both sides of it", scale,
                           format_number(fit->shape, arena));
    default:
        return arena_print(arena, "lr = %s", scale);
    }
}

static const TableColumn columns[] = {
    {"series", NULL}, {"rule", NULL},     {"scale", "1"},  {"shape", "1"},     {"residual", "1"},
    {"AICc", "1"},    {"AICc_more", "1"}, {"points", "1"}, {"chosen", "flag"},
};

Table *tuned_fits(const Tuned *tuned, Arena *arena) {
    Table *out = table_new("tuned_lr_fits", columns, sizeof columns / sizeof *columns, arena);
    for (int l = 0; l < tuned->n; l++) {
        const TunedLine *line = &tuned->line[l];
        for (int r = 0; r < RULE_N && line->best >= 0; r++) {
            const LrFit *fit = &line->fit[r];
            table_text(out, line->line->label);
            table_text(out, lr_rule_name((LrRule)r));
            table_number(out, fit->fitted ? exp(fit->log_scale) : NAN);
            table_number(out, fit->shape);
            table_number(out, fit->fitted ? sqrt(fit->rss / line->n_fitted) : NAN);
            table_number(out, fit->fitted ? fit->aicc : NAN);
            table_number(out, fit->fitted ? fit->aicc - line->fit[line->best].aicc : NAN);
            table_number(out, line->n_fitted);
            table_number(out, r == line->best);
        }
    }
    return out;
}

/* "linear (lr = 0.0012 B)", and what it cannot be told from. */
static void add_rule(Text *text, const TunedLine *line, Arena *arena) {
    const LrFit *best = &line->fit[line->best];
    text_add(text, " By AICc it is %s: %s", lr_rule_name((LrRule)line->best),
             lr_fit_text((LrRule)line->best, best, arena));
    const char *rival[RULE_N];
    int n = 0;
    for (int r = 0; r < RULE_N; r++)
        if (r != line->best && line->fit[r].aicc < best->aicc + TUNED_CLOSE)
            rival[n++] = lr_rule_name((LrRule)r);
    if (n)
        text_add(text, " (not told from %s)", format_list(rival, n, arena));
    text_add(text, ".");
}

const char *tuned_sentence(const TunedLine *line, Arena *arena) {
    if (line->n == 0)
        return NULL;
    Text text = text_new(arena);
    const TunedPoint *first = &line->point[0], *last = &line->point[line->n - 1];
    text_add(&text, "%s, tuned: lr %s at B = %s", line->line->label,
             format_number(first->optimum, arena), format_count(first->batch, arena));
    if (last != first)
        text_add(&text, ", %s at B = %s", format_number(last->optimum, arena),
                 format_count(last->batch, arena));
    text_add(&text, ".");
    if (line->best >= 0)
        add_rule(&text, line, arena);
    return text.data;
}
