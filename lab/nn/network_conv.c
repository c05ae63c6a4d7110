/* Convolution. */
#include "lab/nn/network_node.h"

typedef struct ConvPlan {
    ConvShape shape;
    int64_t weight, bias;                      /* offsets in the flat weights */
    const Operation *forward, *data, *weights; /* data NULL: the input wants no delta */
} ConvPlan;

typedef struct ConvState {
    Bound *forward, *data, *weights;
} ConvState;

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
    Operation *op = operation_conv(net->with, *s, net->tensor[from].layout);
    plan->forward = network_operation(net, op);
    if (net->training)
        plan->weights = network_operation(net, operation_conv_weights(net->with, *s, op));
    if (net->training && from != NETWORK_INPUT)
        plan->data = network_operation(net, operation_conv_data(net->with, *s, op));
    Extent extent = {s->out, onednn_extent(s->height, s->kernel, s->stride, s->pad),
                     onednn_extent(s->width, s->kernel, s->stride, s->pad)};
    net->flops_per_example += (from == NETWORK_INPUT ? 4.0 : 6.0) * s->out * s->in * s->kernel *
                              s->kernel * extent.height * extent.width;
    int out = network_tensor(net, extent, operation_layout(op, ARG_DST));
    net->tensor[out].rectified = layer.relu;
    network_node(net, &node_conv, name, plan, 1, &from, out);
    return out;
}

static void *bind(const Work *work, const Node *node, Carve *from, Arena *arena) {
    const ConvPlan *plan = node->plan;
    if (!from->base)
        return NULL;
    ConvState *state = ARENA_NEW(arena, ConvState);
    const float *x = work->value[node->in[0]];
    state->forward = work_bound(work, plan->forward, arena);
    bound_set(state->forward, ARG_SRC, x);
    bound_set(state->forward, ARG_DST, work->value[node->out]);
    if (!work->net->training)
        return state;
    state->weights = work_bound(work, plan->weights, arena);
    bound_set(state->weights, ARG_SRC, x);
    bound_set(state->weights, ARG_DIFF_DST, work_delta(work, node->delta));
    if (!plan->data)
        return state;
    state->data = work_bound(work, plan->data, arena);
    bound_set(state->data, ARG_DIFF_SRC, work_delta(work, node->delta_in[0]));
    bound_set(state->data, ARG_DIFF_DST, work_delta(work, node->delta));
    return state;
}

static void forward(Work *work, const Node *node, void *memory) {
    const ConvPlan *plan = node->plan;
    ConvState *state = memory;
    const float *weights = work->pass->weights;
    bound_set(state->forward, ARG_WEIGHTS, weights + plan->weight);
    if (plan->shape.bias)
        bound_set(state->forward, ARG_BIAS, weights + plan->bias);
    bound_run(state->forward);
}

static void backward(Work *work, const Node *node, void *memory) {
    const ConvPlan *plan = node->plan;
    ConvState *state = memory;
    const ModelPass *pass = work->pass;
    if (plan->shape.bias)
        bound_set(state->weights, ARG_DIFF_BIAS, pass->grad_sum + plan->bias);
    bound_set(state->weights, ARG_DIFF_WEIGHTS, pass->grad_sum + plan->weight);
    bound_run(state->weights);
    if (!plan->data)
        return;
    bound_set(state->data, ARG_WEIGHTS, pass->weights + plan->weight);
    bound_run(state->data);
}

static const NodeType node_conv = {bind, forward, backward};
