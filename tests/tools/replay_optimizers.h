/* Optimizer traces: weights, slots and ratios after every step, from the kernels that training
 * uses, in double. */
#ifndef TESTS_TOOLS_REPLAY_OPTIMIZERS_H
#define TESTS_TOOLS_REPLAY_OPTIMIZERS_H

#include "tests/tools/replay_methods.h"

enum { REPLAY_MAX_TENSORS = 64 };

typedef struct ReplayTrace {
    Segment segments[REPLAY_MAX_TENSORS];
    OptimLayer layers[REPLAY_MAX_TENSORS];
    int n_segments;
    int64_t n;
    real *w, *g; /* (n) */
    Optim *optim;
} ReplayTrace;

/* Numbers in a value, nested lists counted through; -1 when there is anything else. */
static inline int64_t replay_count(const Json *value) {
    if (value->kind == JSON_NUMBER)
        return 1;
    if (value->kind != JSON_ARRAY)
        return -1;
    int64_t n = 0;
    JSON_EACH (child, value) {
        int64_t more = replay_count(child);
        if (more < 0)
            return -1;
        n += more;
    }
    return n;
}

static inline real *replay_copy(real *to, const Json *value) {
    if (value->kind == JSON_NUMBER)
        *to++ = value->number;
    else
        JSON_EACH (child, value)
            to = replay_copy(to, child);
    return to;
}

/* The numbers of a tensor of `object`; NULL with the reason noted when they are not `n`. */
static inline real *replay_tensor(Replay *replay, const Json *object, const Segment *segment) {
    const Json *tensor = object ? json_find(object, segment->name) : NULL;
    if (!tensor || replay_count(tensor) != segment->n) {
        replay_malformed(replay, tensor ? "wrong size of tensor" : "there is no tensor",
                         segment->name);
        return NULL;
    }
    real *x = ARENA_ARRAY(replay->arena, real, segment->n + 1);
    replay_copy(x, tensor);
    return x;
}

/* Fills the flat vector. */
static inline void replay_fill(Replay *replay, const ReplayTrace *trace, real *to,
                               const Json *object) {
    for (int s = 0; s < trace->n_segments; s++) {
        const Segment *segment = &trace->segments[s];
        const real *x = replay_tensor(replay, object, segment);
        if (x && segment->n > 0)
            memcpy(to + segment->offset, x, (size_t)segment->n * sizeof *x);
    }
}

static inline void replay_vector(Replay *replay, const ReplayTrace *trace, const real *got,
                                 const Json *object) {
    for (int s = 0; s < trace->n_segments; s++) {
        const Segment *segment = &trace->segments[s];
        const real *x = replay_tensor(replay, object, segment), *y = got + segment->offset;
        double scale = 0;
        for (int64_t i = 0; x && i < segment->n; i++)
            scale = fmax(scale, fabs(x[i]));
        for (int64_t i = 0; x && i < segment->n; i++)
            replay_compare(replay, y[i], x[i], scale);
    }
}

static inline bool replay_lists(const Json *list, const char *name) {
    if (list)
        JSON_EACH (item, list)
            if (item->kind == JSON_TEXT && strcmp(item->text, name) == 0)
                return true;
    return false;
}

static inline void replay_set_up(Replay *replay, ReplayTrace *trace, const ReplayMethod *method,
                                 const Json *object) {
    const Json *init = json_find(object, "init");
    *trace = (ReplayTrace){0};
    if (!init || init->kind != JSON_OBJECT || init->n > REPLAY_MAX_TENSORS) {
        replay_malformed(replay, "no tensors, or too many, in", "init");
        return;
    }
    JSON_EACH (tensor, init) {
        bool included = !replay_lists(json_find(object, "excluded"), tensor->key);
        int64_t n = replay_count(tensor);
        if (n < 0) {
            replay_malformed(replay, "not numbers:", tensor->key);
            return;
        }
        trace->segments[trace->n_segments++] = (Segment){.name = tensor->key,
                                                         .offset = trace->n,
                                                         .n = n,
                                                         .n_dims = included ? 2 : 1,
                                                         .shape = {n, 1},
                                                         .decay = included,
                                                         .adapt = included};
        trace->n += n;
    }
    trace->w = ARENA_ARRAY(replay->arena, real, trace->n + 1);
    trace->g = ARENA_ARRAY(replay->arena, real, trace->n + 1);
    replay_fill(replay, trace, trace->w, init);
    trace->optim = optim_new(method->type, method->settings, trace->segments, trace->n_segments,
                             replay->arena);
}

/* ---- what a step says */

static inline void replay_state(Replay *replay, const ReplayTrace *trace, const Json *state) {
    const Optim *optim = trace->optim;
    int n_slots = optim->type->n_slots, slot = 0;
    JSON_EACH (item, state) {
        if (strcmp(item->key, "prev_lr") == 0)
            replay_number(replay, optim->lr_last, item);
        else if (item->kind != JSON_OBJECT || slot >= n_slots ||
                 (n_slots == 2 && strcmp(item->key, slot == 0 ? "m" : "v") != 0))
            replay_unsupported(replay, "state", item->key);
        else
            replay_vector(replay, trace, optim->slots[slot++], item);
    }
    if (slot > 0 && slot < n_slots)
        replay_unsupported(replay, "a part of the state of", optim->type->kind.name);
}

/* A ratio under the name that the reference gives it; null where it has none. */
static inline void replay_ratio(Replay *replay, const ReplayTrace *trace, int s, double lr,
                                const Json *item) {
    double trust = trace->layers[s].trust;
    if (item->kind == JSON_NULL)
        return;
    if (strcmp(item->key, "trust") == 0 || strcmp(item->key, "ratio") == 0 ||
        strcmp(item->key, "adaptive_lr") == 0 || strcmp(item->key, "ratio_m") == 0)
        replay_number(replay, trust, item);
    else if (strcmp(item->key, "ratio_g") == 0)
        replay_number(replay, trace->optim->ratios2[s], item);
    else if (strcmp(item->key, "local_rate") == 0)
        replay_number(replay, lr * trust, item);
    else
        replay_unsupported(replay, "info", item->key);
}

static inline void replay_info(Replay *replay, const ReplayTrace *trace, double lr,
                               const Json *info) {
    double sumsq = 0;
    for (int s = 0; s < trace->n_segments; s++)
        sumsq += trace->layers[s].grad_sumsq;
    JSON_EACH (item, info) {
        int s = 0;
        while (s < trace->n_segments && strcmp(trace->segments[s].name, item->key) != 0)
            s++;
        if (s < trace->n_segments && item->kind == JSON_OBJECT)
            JSON_EACH (ratio, item)
                replay_ratio(replay, trace, s, lr, ratio);
        else if (strcmp(item->key, "grad_norm") == 0)
            replay_number(replay, sqrt(sumsq), item);
        else if (strcmp(item->key, "divisor") == 0)
            replay_number(replay, 1 / trace->optim->grad_factor, item);
        else
            replay_unsupported(replay, "info", item->key);
    }
}

static inline void replay_step(Replay *replay, ReplayTrace *trace, double lr,
                               const Json *expected) {
    for (int s = 0; s < trace->n_segments; s++) {
        double sum = 0;
        for (int64_t i = 0; i < trace->segments[s].n; i++)
            sum +=
                trace->g[trace->segments[s].offset + i] * trace->g[trace->segments[s].offset + i];
        trace->layers[s] = (OptimLayer){.grad_sumsq = sum};
    }
    optim_step(trace->optim, lr, trace->w, trace->g, trace->layers, 1);
    const Json *state = json_find(expected, "state"), *info = json_find(expected, "info");
    replay_vector(replay, trace, trace->w, json_find(expected, "params"));
    if (state)
        replay_state(replay, trace, state);
    if (info)
        replay_info(replay, trace, lr, info);
}

/* Steps as many as there are; longer grads and lrs are cut. */
static inline void replay_trace(Replay *replay, const Json *object) {
    const Json *hyper = json_find(object, "hyper"), *steps = json_find(object, "steps");
    const Json *grads = json_find(object, "grads"), *lrs = json_find(object, "lrs");
    ReplayMethod method = {0};
    ReplayTrace trace;
    if (!hyper || hyper->kind != JSON_OBJECT || !steps || !grads || !lrs) {
        replay_malformed(replay, "one of hyper, steps, grads, lrs is missing in", replay->name);
        return;
    }
    replay_method(replay, &method, hyper);
    if (!replay_is_open(replay))
        return;
    replay_set_up(replay, &trace, &method, object);
    const Json *grad = grads->first, *lr = lrs->first;
    JSON_EACH (expected, steps) {
        if (!grad || !lr || lr->kind != JSON_NUMBER)
            replay_malformed(replay, "fewer grads or lrs than steps in", replay->name);
        if (!replay_is_open(replay))
            return;
        const Json *said = json_find(expected, "lr");
        if (said)
            replay_number(replay, lr->number, said);
        replay_fill(replay, &trace, trace.g, grad);
        if (replay_is_open(replay))
            replay_step(replay, &trace, lr->number * method.lr_factor, expected);
        grad = grad->next, lr = lr->next;
    }
}

static inline void replay_optimizers(Replay *replay, const Json *list) {
    JSON_EACH (object, list) {
        const Json *name = json_find(object, "name");
        replay_begin(replay, "optimizers", name && name->kind == JSON_TEXT ? name->text : "?");
        replay_trace(replay, object);
        replay_end(replay);
    }
}

#endif
