/* quadratic_critical RESULTS_FOLDER: a study of the noisy quadratic against what is known exactly.
 *
 * The risk's expectation follows from second-moment recursions (shared/specs/methods.md 6, after
 * Zhang et al. 2019, arXiv 1907.04164), so S(B), the fewest steps in which any constant learning
 * rate brings it to the target, is a number. This computes S(B) at the study's batch sizes, fits
 * it with the same hyperbola as the study, and sets both beside each other: steps (medians of the
 * study) and critical batch. Exit code 1 when a critical batch is off by more than 15 %.
 *
 * The study may hold plain gradient descent and heavy ball, without weight decay and dampening. */
#include "lab/analyze/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOLERANCE 0.15

typedef struct Quadratic {
    int dim;
    double *h;                   /* (dim) curvatures */
    double *A, *V, *C;           /* (dim) E th^2, E v^2, E th v */
    double noise, start, target; /* c_i = noise h_i; th_i(0) */
} Quadratic;

/* The moments one step on, in a loop that compilers turn into vectors. */
static void advance(Quadratic *q, double lr, double beta, double batch) {
    double *restrict A = q->A, *restrict V = q->V, *restrict C = q->C;
    const double *restrict h = q->h;
    double noise = q->noise / batch;
    for (int i = 0; i < q->dim; i++) {
        double v = beta * beta * V[i] + 2 * beta * h[i] * C[i] + h[i] * h[i] * A[i] + noise * h[i];
        double drift = beta * C[i] + h[i] * A[i];
        A[i] += lr * lr * v - 2 * lr * drift;
        C[i] = drift - lr * v;
        V[i] = v;
    }
}

static double risk_of(const Quadratic *q) {
    double sum[4] = {0};
    for (int i = 0; i < q->dim; i++)
        sum[i & 3] += 0.5 * q->h[i] * q->A[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* First step at which the expected risk is at most the target; cap + 1 when it takes longer. */
static int64_t steps_needed(Quadratic *q, double lr, double beta, double batch, int64_t cap) {
    for (int i = 0; i < q->dim; i++) {
        q->A[i] = q->start * q->start;
        q->V[i] = q->C[i] = 0;
    }
    for (int64_t t = 1; t <= cap; t++) {
        advance(q, lr, beta, batch);
        double risk = risk_of(q);
        if (risk <= q->target)
            return t;
        if (!(risk < 1e9))
            break;
    }
    return cap + 1;
}

/* S(B) and the learning rate that attains it. From `lr`, at which the target is reached within
 * `cap` steps, up and down by 3 % until it takes a fifth longer than the best: steps against the
 * rate have one minimum, between too slow and too noisy (or unstable). */
static int64_t fewest_steps(Quadratic *q, double beta, double batch, int64_t cap, double *lr) {
    double start = *lr;
    int64_t best = steps_needed(q, start, beta, batch, cap);
    for (int up = 0; up < 2; up++) {
        double factor = up ? 1.03 : 1 / 1.03;
        int64_t steps = best;
        for (double x = start * factor; 5 * steps <= 6 * best + 5; x *= factor) {
            steps = steps_needed(q, x, beta, batch, 6 * best / 5 + 1);
            if (steps < best) {
                best = steps;
                *lr = x;
            }
        }
    }
    return best;
}

/* ---- the study beside it */

static double setting(const Cell *cell, const char *name, double otherwise) {
    const Json *value = json_get(cell->first->config, name);
    return value && value->kind == JSON_NUMBER ? value->number : otherwise;
}

static Quadratic quadratic_of(const Cell *cell, Arena *arena) {
    Quadratic q = {.dim = (int)setting(cell, "model.dim", 0),
                   .noise = setting(cell, "model.noise", NAN),
                   .start = setting(cell, "model.init", NAN),
                   .target = setting(cell, "stop.target", NAN)};
    q.h = ARENA_ARRAY(arena, double, q.dim);
    q.A = ARENA_ARRAY(arena, double, q.dim);
    q.V = ARENA_ARRAY(arena, double, q.dim);
    q.C = ARENA_ARRAY(arena, double, q.dim);
    for (int i = 0; i < q.dim; i++)
        q.h[i] = pow(i + 1, -setting(cell, "model.power", NAN));
    return q;
}

static bool is_ours(const Cell *cell) {
    const Json *model = json_get(cell->first->config, "model.name");
    return model && model->kind == JSON_TEXT && strcmp(model->text, "noisy_quadratic") == 0 &&
           setting(cell, "optimizer.weight_decay", 0) == 0 &&
           setting(cell, "optimizer.dampening", 0) == 0;
}

/* One line of the study; false when its critical batch is off. */
static bool line_check(const Critical *critical, Arena *arena) {
    const Line *line = critical->line;
    double *batch = ARENA_ARRAY(arena, double, line->n),
           *examples = ARENA_ARRAY(arena, double, line->n);
    printf("%s\n%10s %12s %12s %8s %12s %12s\n", line->label, "B", "exact steps", "study", "ratio",
           "exact lr", "study's lr");
    for (int i = 0; i < line->n; i++) {
        const Cell *cell = line->cell[i];
        if (!is_ours(cell)) {
            printf("not a noisy quadratic without decay and dampening\n");
            return false;
        }
        Quadratic q = quadratic_of(cell, arena);
        double lr = setting(cell, "lr.base", NAN);
        int64_t steps =
            fewest_steps(&q, setting(cell, "optimizer.momentum", 0), (double)cell->global_batch,
                         2 * cell->first->header.total_steps, &lr);
        batch[i] = (double)cell->global_batch;
        examples[i] = batch[i] * (double)steps;
        printf("%10.0f %12lld %12.0f %8.3f %12.4g %12.4g\n", batch[i], (long long)steps,
               cell->steps.median, cell->steps.median / (double)steps, lr,
               setting(cell, "lr.base", NAN));
    }
    Hyperbola exact = hyperbola_fit(batch, examples, line->n, HYPERBOLA_LOG, 0, arena);
    double ratio = critical->fit.b_crit / exact.b_crit;
    printf("critical batch: exact %.1f (E_min %.0f, S_min %.1f), study %.1f (%.1f to %.1f), "
           "ratio %.3f\n\n",
           exact.b_crit, exact.e_min, exact.s_min, critical->fit.b_crit,
           critical->fit.b_crit_in.low, critical->fit.b_crit_in.high, ratio);
    return fabs(ratio - 1) <= TOLERANCE;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: quadratic_critical RESULTS_FOLDER\n");
        return CODE_USAGE;
    }
    Arena *arena = arena_new();
    Results *results;
    Error *error = results_load(&results, argv[1], arena);
    if (error) {
        error_print(error, stderr);
        return error_code(error);
    }
    bool good = results->criticals.n > 0;
    for (int i = 0; i < results->criticals.n; i++)
        good = line_check(&results->criticals.critical[i], arena) && good;
    printf("%s\n", good ? "within 15 % of the exact critical batch" : "off by more than 15 %");
    arena_end(arena);
    return good ? CODE_OK : CODE_INTERNAL;
}
