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

/* One tensor at step t (from 1); a and b are its state, (n) each, zero before the first step. */
typedef struct WitnessTensor {
    int t;
    double lr, lr_last, all_norm; /* |g| of all tensors */
    int64_t n;
    bool decay, adapt;
    double *restrict w;
    const double *restrict g;
    double *restrict a, *restrict b;
} WitnessTensor;

typedef struct Witness {
    const char *name, *settings; /* of the optimizer under test: its other settings, as JSON */
    void (*step)(struct Witness o, WitnessTensor x);
    double momentum, decay, eta, eps;
    bool nesterov;
    int form; /* what else differs, read by `step` */
} Witness;

static inline double witness_norm(const double *x, int64_t n) {
    double sum[8] = {0}; /* eight, so that an addition need not wait for the last one */
    for (int64_t i = 0; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            sum[j] += x[i + j] * x[i + j];
    for (int64_t i = n - n % 8; i < n; i++)
        sum[0] += x[i] * x[i];
    return sqrt(sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7]);
}

/* form 0: torch, 1: torch with dampening 0.5, 2: average, 3: Caffe, 4: Caffe corrected */
static inline void witness_momentum(Witness o, WitnessTensor x) {
    double mu = o.momentum, correction = o.form == 4 && x.lr_last > 0 ? x.lr / x.lr_last : 1;
    for (int64_t i = 0; i < x.n; i++) {
        double d = x.g[i] + (x.decay ? o.decay * x.w[i] : 0), *u = &x.a[i];
        if (o.form >= 3) {
            *u = mu * correction * *u + x.lr * d;
            x.w[i] -= o.nesterov ? mu * *u + x.lr * d : *u;
            continue;
        }
        if (o.form == 1 && x.t > 1)
            d *= 0.5;
        else if (o.form == 2)
            d *= 1 - mu;
        *u = mu * *u + d;
        x.w[i] -= x.lr * (o.nesterov ? d + mu * *u : *u);
    }
}

/* form 0: decay by lr, 1: the paper's with alpha 0.2 */
static inline void witness_sgdw(Witness o, WitnessTensor x) {
    for (int64_t i = 0; i < x.n; i++) {
        double old = x.w[i], shrink = x.decay ? o.decay * (o.form ? x.lr / 0.2 : x.lr) : 0;
        x.a[i] = o.momentum * x.a[i] + (o.form ? x.lr : 1) * x.g[i];
        x.w[i] = old - (o.form ? 1 : x.lr) * x.a[i] - shrink * old;
    }
}

/* form 0: default, 1: lr outside, 2: sum, 3: gradient only with 1 - momentum, 4: clip outside, 5:
 * on the momentum; 3 and 4 adapt every tensor */
static inline void witness_lars(Witness o, WitnessTensor x) {
    double lam = x.decay ? o.decay : 0, mu = o.momentum, sum = 0;
    bool adapt = x.adapt || o.form == 3 || o.form == 4;
    for (int64_t i = 0; i < x.n; i++) {
        double d = x.g[i] + lam * x.w[i];
        if (o.form == 5)
            d = x.a[i] = mu * x.a[i] + d;
        sum += d * d;
    }
    double n_w = witness_norm(x.w, x.n), n_g = witness_norm(x.g, x.n), below = n_g + lam * n_w;
    if (o.form == 2 || o.form == 5)
        below = sqrt(sum);
    if (o.form == 3)
        below = n_g;
    double trust = adapt && n_w > 0 && n_g > 0 ? o.eta * n_w / (below + o.eps) : 1;
    if (o.form == 3)
        trust *= 1 - mu;
    if (o.form == 4)
        trust = fmin(trust / x.lr, 1);
    bool outside = o.form == 1 || o.form == 4;
    for (int64_t i = 0; i < x.n; i++) {
        if (o.form == 5) {
            x.w[i] -= x.lr * trust * x.a[i];
            continue;
        }
        double d = (outside ? 1 : x.lr) * trust * (x.g[i] + lam * x.w[i]);
        x.a[i] = mu * x.a[i] + d;
        x.w[i] -= (outside ? x.lr : 1) * (o.nesterov ? mu * x.a[i] + d : x.a[i]);
    }
}

/* form 0: adam, 1: adamw, 2: eps-hat, 3: eps inside, 4: without bias correction */
static inline void witness_adam(Witness o, WitnessTensor x) {
    double c1 = o.form == 4 ? 1 : 1 - pow(0.9, x.t), c2 = o.form == 4 ? 1 : 1 - pow(0.999, x.t);
    for (int64_t i = 0; i < x.n; i++) {
        double old = x.w[i], lam = x.decay ? o.decay : 0,
               d = x.g[i] + (o.form == 1 ? 0 : lam * old);
        double m = x.a[i] = 0.9 * x.a[i] + 0.1 * d, v = x.b[i] = 0.999 * x.b[i] + 0.001 * d * d;
        double step = m / c1 / (sqrt(v / c2) + o.eps);
        if (o.form == 2)
            step = sqrt(c2) / c1 * m / (sqrt(v) + o.eps);
        if (o.form == 3)
            step = m / c1 / sqrt(v / c2 + o.eps);
        x.w[i] = old - x.lr * step - (o.form == 1 ? x.lr * lam * old : 0);
    }
}

/* form 0: default, 1: decay outside and every tensor adapted, 2: L2, 3: correction in the step,
 * ratio 0.01 to 0.3, 4: clipped to norm 2, |w| at most 3 */
static inline void witness_lamb(Witness o, WitnessTensor x) {
    double *u = calloc((size_t)x.n + 1, sizeof *u), lam = x.decay ? o.decay : 0;
    double c1 = 1 - pow(0.9, x.t), c2 = 1 - pow(0.999, x.t), n_w;
    for (int64_t i = 0; i < x.n && o.form == 1; i++)
        x.w[i] -= x.lr * lam * x.w[i];
    for (int64_t i = 0; i < x.n; i++) {
        double d =
            x.g[i] / (o.form == 4 ? fmax(1, x.all_norm / 2) : 1) + (o.form == 2 ? lam * x.w[i] : 0);
        double m = x.a[i] = 0.9 * x.a[i] + 0.1 * d, v = x.b[i] = 0.999 * x.b[i] + 0.001 * d * d;
        u[i] = o.form == 3 ? m / (sqrt(v) + o.eps) : m / c1 / (sqrt(v / c2) + o.eps);
        u[i] += o.form == 1 || o.form == 2 ? 0 : lam * x.w[i];
    }
    double n_u = witness_norm(u, x.n), ratio = 1;
    n_w = witness_norm(x.w, x.n);
    if ((x.adapt || o.form == 1) && n_w > 0 && n_u > 0)
        ratio = (o.form == 4 ? fmin(n_w, 3) : n_w) / n_u;
    if (o.form == 3 && x.adapt && n_w > 0 && n_u > 0)
        ratio = fmax(0.01, fmin(0.3, ratio));
    for (int64_t i = 0; i < x.n; i++)
        x.w[i] -= x.lr * (o.form == 3 ? sqrt(c2) / c1 : 1) * ratio * u[i];
    free(u);
}

/* form 0: apex, 1: MXNet */
static inline void witness_lans(Witness o, WitnessTensor x) {
    double *um = calloc(2 * (size_t)x.n + 1, sizeof *um), *ug = um + x.n,
           lam = x.decay ? o.decay : 0;
    double c1 = 1 - pow(0.9, x.t), c2 = 1 - pow(0.999, x.t), n_g = witness_norm(x.g, x.n);
    for (int64_t i = 0; i < x.n; i++) {
        double q = n_g > 0 ? x.g[i] / (n_g + (o.form ? 0 : o.eps)) : 0;
        double m = x.a[i] = 0.9 * x.a[i] + 0.1 * q, v = x.b[i] = 0.999 * x.b[i] + 0.001 * q * q;
        um[i] = m / c1 / (sqrt(v / c2) + o.eps) + lam * x.w[i];
        ug[i] = q / (sqrt(v / c2) + o.eps) + lam * x.w[i];
    }
    double n_w = witness_norm(x.w, x.n), n_m = witness_norm(um, x.n);
    double s_m = x.lr * 0.9 * (n_w > 0 && n_m > 0 ? n_w / n_m : 1);
    for (int64_t i = 0; i < x.n && o.form; i++)
        ug[i] -= lam * s_m * um[i]; /* the decay of the moved weight */
    double n_u = witness_norm(ug, x.n), s_g = x.lr * 0.1 * (n_w > 0 && n_u > 0 ? n_w / n_u : 1);
    for (int64_t i = 0; i < x.n; i++)
        x.w[i] -= s_m * um[i] + s_g * ug[i];
    free(um);
}

static inline void witness_lion(Witness o, WitnessTensor x) {
    for (int64_t i = 0; i < x.n; i++) {
        double c = 0.9 * x.a[i] + 0.1 * x.g[i];
        x.a[i] = 0.99 * x.a[i] + 0.01 * x.g[i];
        x.w[i] -= x.lr * ((c > 0 ? 1 : c < 0 ? -1 : 0) + (x.decay ? o.decay * x.w[i] : 0));
    }
}

#define LARS witness_lars, .momentum = 0.9, .decay = 1e-4, .eta = 1e-3

/* The first row of a name is its default form. */
static const Witness witnesses[] = {
    {"sgd", "", witness_momentum, .decay = 0},
    {"sgd", "\"weight_decay\": 0.01", witness_momentum, .decay = 0.01},
    {"momentum", "", witness_momentum, .momentum = 0.9, .decay = 1e-4},
    {"momentum", "\"momentum\": 0.5, \"nesterov\": true", witness_momentum, .momentum = 0.5,
     .decay = 1e-4, .nesterov = true},
    {"momentum", "\"dampening\": 0.5", witness_momentum, .momentum = 0.9, .decay = 1e-4, .form = 1},
    {"momentum", "\"form\": \"ema\"", witness_momentum, .momentum = 0.9, .decay = 1e-4, .form = 2},
    {"momentum", "\"form\": \"caffe\", \"nesterov\": true", witness_momentum, .momentum = 0.9,
     .decay = 1e-4, .nesterov = true, .form = 3},
    {"momentum", "\"preset\": \"goyal\"", witness_momentum, .momentum = 0.9, .decay = 1e-4,
     .form = 4},
    {"sgdw", "", witness_sgdw, .momentum = 0.9, .decay = 1e-4},
    {"sgdw", "\"preset\": \"paper\", \"alpha\": 0.2", witness_sgdw, .momentum = 0.9, .decay = 1e-4,
     .form = 1},
    {"adam", "", witness_adam, .eps = 1e-8},
    {"adam", "\"weight_decay\": 0.01", witness_adam, .decay = 0.01, .eps = 1e-8},
    {"adam", "\"preset\": \"keras\"", witness_adam, .eps = 1e-7, .form = 2},
    {"adam", "\"eps_placement\": \"inside\"", witness_adam, .eps = 1e-8, .form = 3},
    {"adam", "\"bias_correction\": false", witness_adam, .eps = 1e-8, .form = 4},
    {"adamw", "", witness_adam, .decay = 0.01, .eps = 1e-8, .form = 1},
    {"lars", "", LARS},
    {"lars", "\"nesterov\": true, \"eps\": 0.01", LARS, .eps = 0.01, .nesterov = true},
    {"lars", "\"lr_placement\": \"outside\", \"nesterov\": true", LARS, .nesterov = true,
     .form = 1},
    {"lars", "\"preset\": \"simclr\"", LARS, .form = 2},
    {"lars", "\"preset\": \"nvcaffe-0.17\"", LARS, .form = 3},
    {"lars", "\"lr_placement\": \"outside\", \"mode\": \"clip\", \"skip\": \"none\"", LARS,
     .form = 4},
    {"lars", "\"preset\": \"simclr-late\"", LARS, .form = 5},
    {"lamb", "", witness_lamb, .decay = 0.01, .eps = 1e-6},
    {"lamb", "\"preset\": \"keras\"", witness_lamb, .decay = 0.01, .eps = 1e-6, .form = 1},
    {"lamb", "\"decay\": \"l2\"", witness_lamb, .decay = 0.01, .eps = 1e-6, .form = 2},
    {"lamb", "\"bias_in_step\": true, \"ratio_min\": 0.01, \"ratio_max\": 0.3", witness_lamb,
     .decay = 0.01, .eps = 1e-6, .form = 3},
    {"lamb", "\"max_grad_norm\": 2, \"phi_max\": 3", witness_lamb, .decay = 0.01, .eps = 1e-6,
     .form = 4},
    {"lans", "", witness_lans, .decay = 0.01, .eps = 1e-6},
    {"lans", "\"preset\": \"mxnet\"", witness_lans, .decay = 0.01, .eps = 1e-6, .form = 1},
    {"lion", "", witness_lion, .decay = 0},
    {"lion", "\"weight_decay\": 0.1", witness_lion, .decay = 0.1},
};
#define N_WITNESSES ((int)(sizeof witnesses / sizeof witnesses[0]))

/* The settings whole, for reading and for messages. */
static inline const char *witness_settings(const Witness *o, Arena *arena) {
    return arena_print(arena, "{\"name\": \"%s\"%s%s}", o->name, *o->settings ? ", " : "",
                       o->settings);
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
    const char *text = witness_settings(o, arena);
    Error *error = json_parse(&object, text, strlen(text), "witness", arena);
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
    double lr_last = 0;
    for (int t = 1; t <= n_steps; t++) {
        for (int64_t i = 0; i < problem->n; i++)
            gg[i] = (double)(g[i] = (real)problem->noise[i + t]);
        double lr = type->lr * (t % 7 + 1) / 8, all_norm = witness_norm(gg, problem->n);
        for (int s = 0; s < problem->n_segments; s++) {
            const Segment *segment = &problem->segments[s];
            int64_t at = segment->offset;
            WitnessTensor x = {.t = t,
                               .lr = lr,
                               .lr_last = t == 1 ? lr : lr_last,
                               .all_norm = all_norm,
                               .n = segment->n,
                               .decay = segment->decay,
                               .adapt = segment->adapt,
                               .w = ww + at,
                               .g = gg + at,
                               .a = state + at,
                               .b = state + problem->n + at};
            layers[s].grad_sumsq = pow(witness_norm(gg + at, segment->n), 2);
            o->step(*o, x);
        }
        lr_last = lr;
        optim_step(optim, lr, w, g, layers, 1);
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
