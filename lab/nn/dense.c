#include "lab/nn/dense.h"

#include "lab/base/vec.h"
#include "lab/nn/carve.h"
#include "lab/nn/gemm.h"
#include "lab/nn/init.h"
#include "lab/nn/loss.h"

#include <assert.h>
#include <string.h>

typedef struct DenseLayer {
    int n_in, n_out;
    int64_t weight, bias; /* offsets in the flat weights; segments 2l and 2l + 1 */
    const Activation *activation;
} DenseLayer;

typedef struct DenseStack {
    int n_layers;
    int widest;       /* largest n_out */
    int64_t heaviest; /* largest n_out n_in */
    DenseLayer layer[];
} DenseStack;

static void layer_declare(Model *model, Segment *segments, DenseStack *stack, int l, Arena *arena) {
    DenseLayer *layer = &stack->layer[l];
    int64_t n = (int64_t)layer->n_out * layer->n_in;
    layer->weight = model->n_weights;
    layer->bias = layer->weight + n;
    segments[2 * l] = (Segment){
        .name = arena_print(arena, "layer%d.weight", l + 1),
        .offset = layer->weight,
        .n = n,
        .n_dims = 2,
        .shape = {layer->n_out, layer->n_in},
        .decay = true,
        .adapt = true,
    };
    segments[2 * l + 1] = (Segment){
        .name = arena_print(arena, "layer%d.bias", l + 1),
        .offset = layer->bias,
        .n = layer->n_out,
        .n_dims = 1,
        .shape = {layer->n_out},
    };
    model->n_weights = layer->bias + layer->n_out;
    /* Forward, weight gradient and, but for the first layer, gradient of the input: 2 per
     * multiply-add. */
    model->flops_per_example += (double)n * (l > 0 ? 6 : 4);
    if (layer->n_out > stack->widest)
        stack->widest = layer->n_out;
    if (n > stack->heaviest)
        stack->heaviest = n;
}

static Error *check_input(const Model *model) {
    const char *hint =
        "use a labelled dataset such as 'glyphs' or 'mnist'; `batchlab list` shows all";
    if (model->n_features < 1)
        return error_hint(error_new(CODE_USAGE, "the dataset's examples carry no features"), "%s",
                          hint);
    if (model->n_classes < 2)
        return error_hint(error_new(CODE_USAGE,
                                    "the dataset has %d classes, but at least 2 are needed",
                                    model->n_classes),
                          "%s", hint);
    if (model->n_labels > 1)
        return error_hint(error_new(CODE_USAGE,
                                    "the dataset has %d labels an example, one a position, but "
                                    "this model has one output",
                                    model->n_labels),
                          "use the model 'transformer' for texts");
    return NULL;
}

static Error *check_size(const Model *model, ParamCounts hidden) {
    double n_weights = 0, n_in = model->n_features;
    for (int l = 0; l <= hidden.n; l++) {
        double n_out = (double)(l < hidden.n ? hidden.value[l] : model->n_classes);
        n_weights += n_out * (n_in + 1);
        n_in = n_out;
    }
    if (n_weights < 0x1p31)
        return NULL;
    return error_hint(error_new(CODE_USAGE,
                                "'hidden' asks for %.3g weights, but at most 2^31 are possible",
                                n_weights),
                      "\"hidden\": [512, 512] is usual for images of 28x28");
}

Error *dense_make(Model *model, ParamCounts hidden, const Activation *activation, Arena *arena) {
    PASS(check_input(model));
    PASS(check_size(model, hidden));
    int n_layers = hidden.n + 1;
    DenseStack *stack = arena_alloc(arena, sizeof *stack + (size_t)n_layers * sizeof(DenseLayer));
    Segment *segments = ARENA_ARRAY(arena, Segment, 2 * n_layers);
    stack->n_layers = n_layers;
    int n_in = model->n_features;
    for (int l = 0; l < n_layers; l++) {
        bool last = l == n_layers - 1;
        int n_out = last ? model->n_classes : (int)hidden.value[l];
        stack->layer[l] = (DenseLayer){n_in, n_out, 0, 0, last ? &activation_identity : activation};
        layer_declare(model, segments, stack, l, arena);
        n_in = n_out;
    }
    model->n_segments = 2 * n_layers;
    model->segments = segments;
    model->noise_unit = NOISE_UNIT_EXAMPLE;
    model->plan = stack;
    return NULL;
}

void dense_init(const Model *model, uint64_t seed, float *weights) {
    const DenseStack *stack = model->plan;
    for (int l = 0; l < stack->n_layers; l++) {
        const DenseLayer *layer = &stack->layer[l];
        double variance = layer->activation->rectifies ? init_he(layer->n_in)
                                                       : init_glorot(layer->n_in, layer->n_out);
        init_normal(weights, model->segments, 2 * l, seed, variance);
        init_constant(weights, &model->segments[2 * l + 1], 0.0F);
    }
}

/* What one layer keeps from forward for backward. */
typedef struct LayerWork {
    float *h;        /* (n, n_out) output */
    float *slope;    /* (n, n_out) derivative of the activation, or NULL */
    double *x_sumsq; /* (n) |input|^2 of each example */
} LayerWork;

typedef struct DenseWork {
    LayerWork *layer; /* (n_layers) */
    float *delta[2];  /* (n, widest): dL/d(output) of the layer at hand and of the one below */
    float *column;    /* (widest) one shard's bias gradient */
    float *
        scratch; /* (heaviest) one shard's weight gradient, where gemm cannot accumulate; or NULL */
    double *row_loss;    /* (n) */
    double *delta_sumsq; /* (n) */
} DenseWork;

/* Lays the workspace of a shard of n examples out; returns its bytes. The pieces never grow when n
 * shrinks. */
static size_t work_lay(DenseWork *work, void *base, const DenseStack *stack, int n_examples) {
    Carve from = {base, 0};
    size_t n = (size_t)n_examples, widest = (size_t)stack->widest;
    work->layer = carve(&from, (size_t)stack->n_layers, sizeof *work->layer);
    for (int l = 0; l < stack->n_layers; l++) {
        size_t n_out = (size_t)stack->layer[l].n_out;
        LayerWork layer;
        layer.h = carve(&from, n * n_out, sizeof *layer.h);
        layer.slope = stack->layer[l].activation->keeps_slope
                          ? carve(&from, n * n_out, sizeof *layer.slope)
                          : NULL;
        layer.x_sumsq = carve(&from, n, sizeof *layer.x_sumsq);
        if (base)
            work->layer[l] = layer;
    }
    work->delta[0] = carve(&from, n * widest, sizeof(float));
    work->delta[1] = carve(&from, n * widest, sizeof(float));
    work->column = carve(&from, widest, sizeof(float));
    bool too_deep = n_examples > GEMM_MAX_ACCUMULATE;
    work->scratch = too_deep ? carve(&from, (size_t)stack->heaviest, sizeof(float)) : NULL;
    work->row_loss = carve(&from, n, sizeof(double));
    work->delta_sumsq = carve(&from, n, sizeof(double));
    return from.used;
}

size_t dense_workspace_bytes(const Model *model, int max_examples) {
    DenseWork work;
    return work_lay(&work, NULL, model->plan, max_examples);
}

static const float *layer_input(const DenseWork *work, const Shard *shard, int l) {
    return l == 0 ? shard->x : work->layer[l - 1].h;
}

/* Adds the bias and applies the activation row by row; with `next_sumsq` (n) also |output|^2 of
 * each row, while the row is in the nearest cache. */
static void activate(const DenseLayer *layer, const LayerWork *mine, const float *bias,
                     bool keep_slope, double *next_sumsq, int n) {
    int64_t width = layer->n_out;
    for (int i = 0; i < n; i++) {
        float *row = mine->h + i * width,
              *slope = keep_slope && mine->slope ? mine->slope + i * width : NULL;
        layer->activation->forward(row, slope, bias, 1, layer->n_out);
        if (next_sumsq)
            next_sumsq[i] = vec_sumsq(row, width);
    }
}

static void forward(const DenseStack *stack, const DenseWork *work, const Shard *shard,
                    const ModelPass *pass) {
    bool norms = pass->example_sumsq != NULL;
    if (norms) /* before the product: the gathered rows are still near */
        for (int i = 0; i < shard->n; i++)
            work->layer[0].x_sumsq[i] =
                vec_sumsq(shard->x + (int64_t)i * stack->layer[0].n_in, stack->layer[0].n_in);
    for (int l = 0; l < stack->n_layers; l++) {
        const DenseLayer *layer = &stack->layer[l];
        LayerWork *mine = &work->layer[l];
        gemm(false, true, shard->n, layer->n_out, layer->n_in, layer_input(work, shard, l),
             pass->weights + layer->weight, mine->h, false);
        activate(layer, mine, pass->weights + layer->bias, pass->grad_sum != NULL,
                 norms && l + 1 < stack->n_layers ? work->layer[l + 1].x_sumsq : NULL, shard->n);
    }
}

/* grad_sum [+]= the shard's gradient of layer l, with the bits of a separate add. */
static void layer_gradient(const DenseStack *stack, const DenseWork *work, int l,
                           const float *delta, const Shard *shard, ModelPass *pass) {
    const DenseLayer *layer = &stack->layer[l];
    const float *x = layer_input(work, shard, l);
    float *weight = pass->grad_sum + layer->weight, *bias = pass->grad_sum + layer->bias;
    bool apart = pass->accumulate && work->scratch;
    gemm(true, false, layer->n_out, layer->n_in, shard->n, delta, x, apart ? work->scratch : weight,
         pass->accumulate && !apart);
    if (apart)
        vec_add(weight, work->scratch, (int64_t)layer->n_out * layer->n_in);
    if (pass->accumulate)
        vec_add(bias, work->column, layer->n_out);
    else
        memcpy(bias, work->column, (size_t)layer->n_out * sizeof *bias);
}

/* |dW_i|^2 = |x_i|^2 |delta_i|^2 and |db_i|^2 = |delta_i|^2 (optimizers.md 12.2). */
static void layer_sumsq(const DenseWork *work, int l, int n, double *example_sumsq) {
    double weight = 0, bias = 0;
    for (int i = 0; i < n; i++) {
        weight += work->layer[l].x_sumsq[i] * work->delta_sumsq[i];
        bias += work->delta_sumsq[i];
    }
    example_sumsq[2 * l] = weight;
    example_sumsq[2 * l + 1] = bias;
}

static void backward(const DenseStack *stack, const DenseWork *work, const Shard *shard,
                     ModelPass *pass) {
    int top = stack->n_layers - 1;
    float *delta = work->layer[top].h; /* the loss left dL/d(logits) there */
    for (int l = top; l >= 0; l--) {
        const DenseLayer *layer = &stack->layer[l];
        const LayerWork *mine = &work->layer[l];
        activation_delta(layer->activation, delta, mine->slope ? mine->slope : mine->h,
                         work->column, pass->example_sumsq ? work->delta_sumsq : NULL, shard->n,
                         layer->n_out);
        layer_gradient(stack, work, l, delta, shard, pass);
        if (pass->done)
            pass->done(pass->done_self, 2 * l);
        if (pass->example_sumsq)
            layer_sumsq(work, l, shard->n, pass->example_sumsq);
        if (l == 0)
            return;
        float *below = work->delta[l % 2];
        gemm(false, false, shard->n, layer->n_in, layer->n_out, delta,
             pass->weights + layer->weight, below, false);
        delta = below;
    }
}

void dense_pass(const Model *model, const Shard *shard, ModelPass *pass) {
    const DenseStack *stack = model->plan;
    DenseWork work;
    work_lay(&work, pass->workspace, stack, shard->n);
    forward(stack, &work, shard, pass);
    const LayerWork *top = &work.layer[stack->n_layers - 1];
    if (!pass->grad_sum)
        pass->n_top5 = loss_top5(top->h, shard->y, shard->n, model->n_classes);
    pass->loss_sum = loss_cross_entropy(
        top->h, work.row_loss, shard->y, shard->n, model->n_classes,
        loss_target(pass->label_smoothing, pass->smooth_others, model->n_classes),
        &pass->n_correct);
    if (pass->grad_sum)
        backward(stack, &work, shard, pass);
}
