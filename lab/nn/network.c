/* A network's passes, and what one thread needs for them. */
#include "lab/nn/network_node.h"

#include "lab/base/clock.h"
#include "lab/base/vec.h"
#include "lab/nn/init.h"
#include "lab/nn/loss.h"

#include <assert.h>
#include <string.h>

/* Examples of one evaluation pass: small enough for the caches, a divisor of MODEL_EVAL_EXAMPLES.
 */
enum { EVAL_EXAMPLES = 32 };
_Static_assert(MODEL_EVAL_EXAMPLES % EVAL_EXAMPLES == 0, "whole passes");

/* At the start of a prepared workspace; both share the rest of it. */
typedef struct WorkHead {
    Work *training, *evaluation;
} WorkHead;
_Static_assert(sizeof(WorkHead) <= MODEL_WORKSPACE_HEAD, "survives between passes");

/* ---- making */

Error *network_check_input(const Model *model, int least) {
    const int *shape = model->shape;
    if (shape[0] < 1 || shape[1] < least || shape[2] < least)
        return error_hint(
            error_new(CODE_USAGE,
                      "the dataset's examples are (%d channels, %d x %d), but images of at least "
                      "%d x %d are needed",
                      shape[0], shape[1], shape[2], least, least),
            "use images such as 'glyphs' or 'mnist', or a model for plain features such as 'mlp'");
    if (model->n_classes < 2)
        return error_hint(error_new(CODE_USAGE,
                                    "the dataset has %d classes, but at least 2 are needed",
                                    model->n_classes),
                          "use a labelled dataset such as 'glyphs' or 'mnist'");
    return NULL;
}

static Network *build_for(Model *model, NetworkBuild *build, Onednn *with, int n, bool training,
                          Arena *arena) {
    Network *net = ARENA_NEW(arena, Network);
    net->arena = arena;
    net->with = with;
    net->n = n;
    net->training = training;
    Extent extent = {model->shape[0], model->shape[1], model->shape[2]};
    int64_t dims[] = {n, extent.channels, extent.height, extent.width};
    network_tensor(net, extent, layout_plain(with, 4, dims));
    build(net, model);
    assert(network_extent(net, net->n_tensors - 1).channels == model->n_classes);
    if (training)
        network_deal_slots(net);
    return net;
}

void network_make(Model *model, NetworkBuild *build, Arena *arena) {
    Onednn *with = onednn_new(arena);
    NetworkPlan *plan = ARENA_NEW(arena, NetworkPlan);
    Network *net = build_for(model, build, with, model->mini_batch, true, arena);
    plan->training = net;
    plan->evaluation = build_for(model, build, with, EVAL_EXAMPLES, false, arena);
    assert(plan->evaluation->n_weights == net->n_weights);
    const char **names = ARENA_ARRAY(arena, const char *, net->n_nodes);
    for (int i = 0; i < net->n_nodes; i++)
        names[i] = net->node[i].name;
    model->n_layers = net->n_nodes;
    model->layers = names;
    model->n_segments = net->n_segments;
    model->segments = net->segment;
    model->n_weights = net->n_weights;
    model->n_stats = net->n_stats;
    model->coupled = net->n_stats > 0;
    model->noise_unit = NOISE_UNIT_SHARD;
    model->flops_per_example = net->flops_per_example;
    model->plan = plan;
}

void network_init(const Model *model, uint64_t seed, float *weights) {
    const Network *net = ((const NetworkPlan *)model->plan)->training;
    for (int i = 0; i < net->n_segments; i++)
        if (net->init[i].variance > 0)
            init_normal(weights, net->segment, i, seed, net->init[i].variance);
        else
            init_constant(weights, &net->segment[i], net->init[i].value);
}

/* ---- one thread's memory */

float *work_delta(const Work *work, int slot) {
    assert(slot != SLOT_NONE);
    return slot == SLOT_LOGITS ? work->value[work->net->n_tensors - 1] : work->slot[slot];
}

Bound *work_bound(const Work *work, const Operation *operation, Arena *arena) {
    Bound *bound = bound_new(operation, work->room, arena);
    if (operation_layout(operation, ARG_SCRATCH))
        bound_set(bound, ARG_SCRATCH, work->scratch);
    return bound;
}

/* Lays a workspace out behind its head; returns its bytes. `base` NULL: only measures, and `arena`
 * still holds the lists. */
static size_t work_lay(Work *work, const Network *net, char *base, Arena *arena) {
    Carve from = {base, MODEL_WORKSPACE_HEAD};
    *work = (Work){.net = net};
    work->value = ARENA_ARRAY(arena, float *, net->n_tensors);
    work->slot = ARENA_ARRAY(arena, float *, net->n_slots);
    work->state = ARENA_ARRAY(arena, void *, net->n_nodes);
    for (int i = 0; i < net->n_tensors; i++)
        work->value[i] = carve(&from, layout_bytes(net->tensor[i].layout), 1);
    for (int i = 0; i < net->n_slots; i++)
        work->slot[i] = carve(&from, net->slot_bytes[i], 1);
    work->scratch = carve(&from, net->scratch_bytes, 1);
    work->room = carve(&from, net->room_bytes, 1);
    work->row_loss = carve(&from, (size_t)net->n, sizeof(double));
    for (int i = 0; i < net->n_nodes; i++)
        if (net->node[i].type->bind)
            work->state[i] = net->node[i].type->bind(work, &net->node[i], &from, arena);
    return from.used;
}

static size_t bytes_of(const Network *net) {
    Arena *scratch = arena_new();
    Work work;
    size_t bytes = work_lay(&work, net, NULL, scratch);
    arena_end(scratch);
    return bytes;
}

size_t network_workspace_bytes(const Model *model, int max_examples) {
    (void)max_examples; /* evaluation goes in passes of its own size */
    const NetworkPlan *plan = model->plan;
    size_t training = bytes_of(plan->training), evaluation = bytes_of(plan->evaluation);
    return training > evaluation ? training : evaluation;
}

void network_prepare(const Model *model, void *workspace, Arena *arena) {
    const NetworkPlan *plan = model->plan;
    WorkHead *head = workspace;
    head->training = ARENA_NEW(arena, Work);
    head->evaluation = ARENA_NEW(arena, Work);
    work_lay(head->training, plan->training, workspace, arena);
    work_lay(head->evaluation, plan->evaluation, workspace, arena);
}

/* ---- passes */

/* Rows that the shard does not have are zero: finite, and without a gradient. */
static void load(Work *work, const float *x, int n) {
    const Network *net = work->net;
    Extent extent = network_extent(net, NETWORK_INPUT);
    size_t row =
        sizeof(float) * (size_t)extent.channels * (size_t)extent.height * (size_t)extent.width;
    char *to = (char *)work->value[NETWORK_INPUT];
    memcpy(to, x, row * (size_t)n);
    memset(to + row * (size_t)n, 0, row * (size_t)(net->n - n));
}

static void timed(Work *work, int i, double start_s) {
    if (work->pass->layer_s)
        work->pass->layer_s[i] += clock_s() - start_s;
}

static void forward(Work *work) {
    const Network *net = work->net;
    load(work, work->shard->x, work->shard->n);
    for (int i = 0; i < net->n_nodes; i++) {
        double start_s = work->pass->layer_s ? clock_s() : 0;
        net->node[i].type->forward(work, &net->node[i], work->state[i]);
        timed(work, i, start_s);
    }
}

VEC_CLONES
static void add_slopes(float *delta, const float *a, const float *b, const float *value,
                       int64_t n) {
    for (int64_t i = 0; i < n; i++)
        delta[i] = value[i] <= 0.0F ? 0.0F : a[i] + b[i];
}

VEC_CLONES
static void take_slopes(float *delta, const float *a, const float *value, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        delta[i] = value[i] <= 0.0F ? 0.0F : a[i];
}

VEC_CLONES
static void add(float *delta, const float *a, const float *b, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        delta[i] = a[i] + b[i];
}

/* The delta of a node's output, from the layers that read it. */
static void gather(const Work *work, const Node *node) {
    const Tensor *out = &work->net->tensor[node->out];
    if (node->n_parts == 1 && !out->rectified)
        return;
    int64_t n = (int64_t)(layout_bytes(out->layout) / sizeof(float));
    float *delta = work_delta(work, node->delta), *a = work_delta(work, node->part[0]);
    const float *value = work->value[node->out];
    if (node->n_parts == 1)
        take_slopes(delta, a, value, n);
    else if (out->rectified)
        add_slopes(delta, a, work_delta(work, node->part[1]), value, n);
    else
        add(delta, a, work_delta(work, node->part[1]), n);
}

static void backward(Work *work) {
    const Network *net = work->net;
    for (int i = net->n_nodes - 1; i >= 0; i--) {
        const Node *node = &net->node[i];
        double start_s = work->pass->layer_s ? clock_s() : 0;
        gather(work, node);
        if (node->type->backward)
            node->type->backward(work, node, work->state[i]);
        timed(work, i, start_s);
        if (work->pass->done)
            work->pass->done(work->pass->done_self, node->first_segment);
    }
}

static void take_loss(Work *work, const Model *model) {
    const Network *net = work->net;
    ModelPass *pass = work->pass;
    float *logits = work->value[net->n_tensors - 1];
    int n = work->shard->n, classes = model->n_classes;
    int64_t n_correct;
    if (!pass->grad_sum)
        pass->n_top5 += loss_top5(logits, work->shard->y, n, classes);
    pass->loss_sum += loss_cross_entropy(
        logits, work->row_loss, work->shard->y, n, classes,
        loss_target(pass->label_smoothing, pass->smooth_others, classes), &n_correct);
    pass->n_correct += n_correct;
    memset(logits + (size_t)n * (size_t)classes, 0,
           sizeof *logits * (size_t)(net->n - n) * (size_t)classes);
}

static void evaluate(Work *work, const Model *model, const Shard *shard) {
    int64_t row = model->n_features;
    for (int first = 0; first < shard->n; first += work->net->n) {
        Shard part = *shard;
        part.n = shard->n - first < work->net->n ? shard->n - first : work->net->n;
        part.x += first * row;
        part.y += first;
        work->shard = &part;
        forward(work);
        take_loss(work, model);
    }
}

void network_pass(const Model *model, const Shard *shard, ModelPass *pass) {
    const WorkHead *head = pass->workspace;
    pass->loss_sum = 0;
    pass->n_correct = pass->n_top5 = 0;
    Work *work = pass->grad_sum ? head->training : head->evaluation;
    work->pass = pass;
    if (!pass->grad_sum) {
        evaluate(work, model, shard);
        return;
    }
    assert(model->coupled ? shard->n == work->net->n : shard->n <= work->net->n);
    assert(!pass->accumulate && !pass->example_sumsq);
    work->shard = shard;
    forward(work);
    take_loss(work, model);
    backward(work);
}
