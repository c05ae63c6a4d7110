/* Convolution. The optimizer's weights are plain (out, in, kernel, kernel): each pass copies them
 * into the layouts that the operations want, and the gradient back. */
#include "lab/nn/network_node.h"

typedef struct ConvPlan {
    ConvShape shape;
    int64_t weight, bias;                              /* offsets in the flat weights */
    const Operation *forward, *data, *weights;         /* data NULL: the input wants no delta */
    const Operation *load_forward, *load_data, *store; /* NULL: plain already */
} ConvPlan;

typedef struct ConvState {
    Bound *forward, *data, *weights, *load_forward, *load_data, *store;
} ConvState;

/* From `plain` to what `operation` wants, or back; NULL when they are the same. */
static const Operation *reorder(Network *net, const Layout *plain, const Operation *operation,
                                Arg arg) {
    const Layout *wanted = operation_layout(operation, arg);
    if (layout_same(plain, wanted))
        return NULL;
    bool out = arg == ARG_DIFF_WEIGHTS;
    return network_operation(
        net, operation_reorder(net->with, out ? wanted : plain, out ? plain : wanted));
}

/* Declares the weights; the plan lacks only the operations. */
static ConvPlan *declare(Network *net, int from, const char *name, ConvLayer layer) {
    Extent in = network_extent(net, from);
    ConvPlan *plan = ARENA_NEW(net->arena, ConvPlan);
    plan->shape = (ConvShape){net->n,       in.channels,  in.height, in.width,   layer.out,
                              layer.kernel, layer.stride, layer.pad, layer.bias, layer.relu};
    int64_t shape[] = {layer.out, in.channels, layer.kernel, layer.kernel};
    plan->weight = network_segment(net, arena_print(net->arena, "%s.weight", name), 4, shape,
                                   (Init){layer.variance, 0});
    if (layer.bias)
        plan->bias =
            network_segment(net, arena_print(net->arena, "%s.bias", name), 1, shape, (Init){0, 0});
    return plan;
}

static const NodeType node_conv;

int network_conv(Network *net, int from, const char *name, ConvLayer layer) {
    ConvPlan *plan = declare(net, from, name, layer);
    const ConvShape *s = &plan->shape;
    int64_t shape[] = {s->out, s->in, s->kernel, s->kernel};
    const Layout *plain = layout_plain(net->with, 4, shape);
    Operation *op = operation_conv(net->with, *s, net->tensor[from].layout);
    plan->forward = network_operation(net, op);
    plan->load_forward = reorder(net, plain, op, ARG_WEIGHTS);
    if (net->training) {
        plan->weights = network_operation(net, operation_conv_weights(net->with, *s, op));
        plan->store = reorder(net, plain, plan->weights, ARG_DIFF_WEIGHTS);
    }
    if (net->training && from != NETWORK_INPUT) {
        plan->data = network_operation(net, operation_conv_data(net->with, *s, op));
        plan->load_data = reorder(net, plain, plan->data, ARG_WEIGHTS);
    }
    Extent extent = {s->out, onednn_extent(s->height, s->kernel, s->stride, s->pad),
                     onednn_extent(s->width, s->kernel, s->stride, s->pad)};
    net->flops_per_example += (from == NETWORK_INPUT ? 4.0 : 6.0) * s->out * s->in * s->kernel *
                              s->kernel * extent.height * extent.width;
    int out = network_tensor(net, extent, operation_layout(op, ARG_DST));
    net->tensor[out].rectified = layer.relu;
    network_node(net, &node_conv, name, plan, 1, &from, out);
    return out;
}

/* Joins `reorder`'s side `inner` with `operation`'s argument `arg` through a piece of memory. */
static Bound *join(const Work *work, Bound *operation, Arg arg, const Operation *reorder, Arg inner,
                   Carve *from, Arena *arena) {
    void *memory = reorder ? carve(from, layout_bytes(operation_layout(reorder, inner)), 1) : NULL;
    if (!memory)
        return NULL;
    Bound *bound = work_bound(work, reorder, arena);
    bound_set(bound, inner, memory);
    bound_set(operation, arg, memory);
    return bound;
}

static void bind_backward(ConvState *state, const Work *work, const Node *node, Carve *from,
                          Arena *arena) {
    const ConvPlan *plan = node->plan;
    const float *x = work->value[node->in[0]];
    if (from->base) {
        state->weights = work_bound(work, plan->weights, arena);
        bound_set(state->weights, ARG_SRC, x);
        bound_set(state->weights, ARG_DIFF_DST, work_delta(work, node->delta));
    }
    state->store = join(work, state->weights, ARG_DIFF_WEIGHTS, plan->store, ARG_SRC, from, arena);
    if (!plan->data)
        return;
    if (from->base) {
        state->data = work_bound(work, plan->data, arena);
        bound_set(state->data, ARG_DIFF_SRC, work_delta(work, node->delta_in[0]));
        bound_set(state->data, ARG_DIFF_DST, work_delta(work, node->delta));
    }
    state->load_data = join(work, state->data, ARG_WEIGHTS, plan->load_data, ARG_DST, from, arena);
}

static void *bind(const Work *work, const Node *node, Carve *from, Arena *arena) {
    const ConvPlan *plan = node->plan;
    ConvState *state = ARENA_NEW(arena, ConvState);
    if (from->base) {
        state->forward = work_bound(work, plan->forward, arena);
        bound_set(state->forward, ARG_SRC, work->value[node->in[0]]);
        bound_set(state->forward, ARG_DST, work->value[node->out]);
    }
    state->load_forward =
        join(work, state->forward, ARG_WEIGHTS, plan->load_forward, ARG_DST, from, arena);
    if (work->net->training)
        bind_backward(state, work, node, from, arena);
    return state;
}

/* Gives `operation` the plain weights, through `load` where it wants another layout. */
static void give_weights(Bound *operation, Bound *load, const float *weights) {
    if (!load) {
        bound_set(operation, ARG_WEIGHTS, weights);
        return;
    }
    bound_set(load, ARG_SRC, weights);
    bound_run(load);
}

static void forward(Work *work, const Node *node, void *memory) {
    const ConvPlan *plan = node->plan;
    ConvState *state = memory;
    const float *weights = work->pass->weights;
    give_weights(state->forward, state->load_forward, weights + plan->weight);
    if (plan->shape.bias)
        bound_set(state->forward, ARG_BIAS, weights + plan->bias);
    bound_run(state->forward);
}

static void backward(Work *work, const Node *node, void *memory) {
    const ConvPlan *plan = node->plan;
    ConvState *state = memory;
    float *grad = work->pass->grad_sum;
    if (plan->shape.bias)
        bound_set(state->weights, ARG_DIFF_BIAS, grad + plan->bias);
    bound_set(state->store ? state->store : state->weights,
              state->store ? ARG_DST : ARG_DIFF_WEIGHTS, grad + plan->weight);
    bound_run(state->weights);
    if (state->store)
        bound_run(state->store);
    if (!plan->data)
        return;
    give_weights(state->data, state->load_data, work->pass->weights + plan->weight);
    bound_run(state->data);
}

static const NodeType node_conv = {bind, forward, backward};
