/* The optimizers once more, as plain loops over whole tensors in double: what the kernels of either
 * precision are held against. No chunks, no spans, nothing shared with optim/. */
#ifndef TESTS_UNIT_OPTIM_WITNESS_H
#define TESTS_UNIT_OPTIM_WITNESS_H

#include "lab/base/rng.h"
#include "lab/base/segment.h"
#include "optim/optim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Witness {
    const char *name, *settings; /* of the optimizer under test, as JSON */
    double momentum, decay, eta, eps;
    bool nesterov;
} Witness;

/* The first row of a name is its default form. */
static const Witness witnesses[] = {
    {"sgd", "{\"name\": \"sgd\"}", .decay = 0},
    {"sgd", "{\"name\": \"sgd\", \"weight_decay\": 0.01}", .decay = 0.01},
    {"momentum", "{\"name\": \"momentum\"}", .momentum = 0.9, .decay = 1e-4},
    {"momentum", "{\"name\": \"momentum\", \"momentum\": 0.5, \"nesterov\": true}", .momentum = 0.5,
     .decay = 1e-4, .nesterov = true},
    {"lars", "{\"name\": \"lars\"}", .momentum = 0.9, .decay = 1e-4, .eta = 1e-3},
    {"lars", "{\"name\": \"lars\", \"nesterov\": true, \"eps\": 0.01}", .momentum = 0.9,
     .decay = 1e-4, .eta = 1e-3, .eps = 0.01, .nesterov = true},
    {"lamb", "{\"name\": \"lamb\"}", .decay = 0.01, .eps = 1e-6},
};
#define N_WITNESSES ((int)(sizeof witnesses / sizeof witnesses[0]))

static inline double witness_norm(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static inline void witness_momentum(const Witness *o, double lr, int64_t n, double lam, double *w,
                                    const double *g, double *u) {
    for (int64_t i = 0; i < n; i++) {
        double d = g[i] + lam * w[i];
        u[i] = o->momentum * u[i] + d;
        w[i] = w[i] - lr * (o->nesterov ? d + o->momentum * u[i] : u[i]);
    }
}

static inline void witness_lars(const Witness *o, double lr, int64_t n, double lam, bool adapt,
                                double *w, const double *g, double *v) {
    double n_w = witness_norm(w, n), n_g = witness_norm(g, n);
    double trust = adapt && n_w > 0 && n_g > 0 ? o->eta * n_w / (n_g + lam * n_w + o->eps) : 1;
    for (int64_t i = 0; i < n; i++) {
        double d = lr * trust * (g[i] + lam * w[i]);
        v[i] = o->momentum * v[i] + d;
        w[i] = w[i] - (o->nesterov ? o->momentum * v[i] + d : v[i]);
    }
}

static inline void witness_lamb(const Witness *o, double lr, int t, int64_t n, double lam,
                                bool adapt, double *w, const double *g, double *m, double *v) {
    double *u = calloc((size_t)n + 1, sizeof *u);
    double c1 = 1 - pow(0.9, t), c2 = 1 - pow(0.999, t);
    for (int64_t i = 0; i < n; i++) {
        m[i] = 0.9 * m[i] + 0.1 * g[i];
        v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
        u[i] = m[i] / c1 / (sqrt(v[i] / c2) + o->eps) + lam * w[i];
    }
    double n_w = witness_norm(w, n), n_u = witness_norm(u, n);
    double ratio = adapt && n_w > 0 && n_u > 0 ? n_w / n_u : 1;
    for (int64_t i = 0; i < n; i++)
        w[i] -= lr * ratio * u[i];
    free(u);
}

/* Step t (from 1) of one tensor; state is (2, n). */
static inline void witness_step(const Witness *o, double lr, int t, const Segment *segment,
                                double *w, const double *g, double *state) {
    double lam = segment->decay ? o->decay : 0;
    if (strcmp(o->name, "lamb") == 0)
        witness_lamb(o, lr, t, segment->n, lam, segment->adapt, w, g, state, state + segment->n);
    else if (strcmp(o->name, "lars") == 0)
        witness_lars(o, lr, segment->n, lam, segment->adapt, w, g, state);
    else
        witness_momentum(o, lr, segment->n, lam, w, g, state);
}

/* A random problem: tensors of the given sizes, with all four settings of their flags. Gradients
 * are noise that does not depend on the weights, so that rounding is not amplified by feedback. */
typedef struct Problem {
    Segment segments[8];
    int n_segments;
    int64_t n;
    float *start, *noise; /* (n), (n + 101): the gradient of step t is noise + t */
} Problem;

static inline Problem problem_make(const int64_t *sizes, int n_sizes, uint64_t seed, Arena *arena) {
    Problem problem = {.n_segments = n_sizes};
    for (int s = 0; s < n_sizes; s++) {
        problem.segments[s] = (Segment){.name = "tensor",
                                        .offset = problem.n,
                                        .n = sizes[s],
                                        .n_dims = 1,
                                        .shape = {sizes[s]},
                                        .decay = s % 2 == 0,
                                        .adapt = s % 4 < 2};
        problem.n += sizes[s];
    }
    problem.start = ARENA_ARRAY(arena, float, problem.n);
    problem.noise = ARENA_ARRAY(arena, float, problem.n + 101);
    Rng rng = rng_new(seed, RNG_TEST, 0);
    for (int64_t i = 0; i < problem.n; i++)
        problem.start[i] = (float)(rng_uniform(&rng) - 0.5);
    for (int64_t i = 0; i < problem.n + 101; i++)
        problem.noise[i] = (float)(rng_uniform(&rng) - 0.4);
    return problem;
}

/* Runs optimizer and witness side by side for `n_steps` with a changing lr; returns the largest
 * relative difference of any tensor: |kernel - witness| / |witness|. */
static inline double witness_distance(const Witness *o, const Problem *problem, int n_steps,
                                      Arena *arena) {
    Json *object;
    Error *error = json_parse(&object, o->settings, strlen(o->settings), "witness", arena);
    const Kind *kind;
    void *settings;
    if (!error)
        error = kind_read(&kind, &settings, object, optim_table, OPTIM_N, "optimizer", NULL, arena);
    if (error) {
        error_print(error, stderr);
        abort();
    }
    const OptimType *type = (const OptimType *)kind;
    Optim *optim = optim_new(type, settings, problem->segments, problem->n_segments, arena);
    real *w = ARENA_ARRAY(arena, real, problem->n), *g = ARENA_ARRAY(arena, real, problem->n);
    double *ww = ARENA_ARRAY(arena, double, problem->n),
           *gg = ARENA_ARRAY(arena, double, problem->n);
    double *state = ARENA_ARRAY(arena, double, 2 * problem->n);
    OptimLayer *layers = ARENA_ARRAY(arena, OptimLayer, problem->n_segments);
    for (int64_t i = 0; i < problem->n; i++)
        ww[i] = (double)(w[i] = (real)problem->start[i]);
    for (int t = 1; t <= n_steps; t++) {
        for (int64_t i = 0; i < problem->n; i++)
            gg[i] = (double)(g[i] = (real)problem->noise[i + t]);
        double lr = type->lr * (t % 7 + 1) / 8;
        for (int s = 0; s < problem->n_segments; s++) {
            const Segment *segment = &problem->segments[s];
            layers[s].grad_sumsq = pow(witness_norm(gg + segment->offset, segment->n), 2);
            witness_step(o, lr, t, segment, ww + segment->offset, gg + segment->offset,
                         state + 2 * segment->offset);
        }
        optim_step(optim, lr, w, g, layers, 2);
    }
    double worst = 0;
    for (int s = 0; s < problem->n_segments; s++) {
        int64_t at = problem->segments[s].offset, n = problem->segments[s].n;
        for (int64_t i = at; i < at + n; i++)
            gg[i] = (double)w[i] - ww[i];
        double distance = witness_norm(gg + at, n) / witness_norm(ww + at, n);
        if (n > 0 && !(distance <= worst))
            worst = distance;
    }
    return worst;
}

#endif
