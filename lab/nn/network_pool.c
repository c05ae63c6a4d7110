/* Pooling, and copies into another layout: one operation forward, one backward. */
#include "lab/nn/network_node.h"

typedef struct PoolPlan {
    const Operation *forward, *data;
} PoolPlan;

typedef struct PoolState {
    Bound *forward, *data;
} PoolState;

static void *bind_pool(const Work *work, const Node *node, Carve *from, Arena *arena) {
    const PoolPlan *plan = node->plan;
    PoolState *state = ARENA_NEW(arena, PoolState);
    const Layout *kept = operation_layout(plan->forward, ARG_KEPT);
    void *memory = kept ? carve(from, layout_bytes(kept), 1) : NULL;
    if (!from->base)
        return NULL;
    state->forward = work_bound(work, plan->forward, arena);
    bound_set(state->forward, ARG_SRC, work->value[node->in[0]]);
    bound_set(state->forward, ARG_DST, work->value[node->out]);
    if (kept)
        bound_set(state->forward, ARG_KEPT, memory);
    if (!work->net->training)
        return state;
    state->data = work_bound(work, plan->data, arena);
    bound_set(state->data, ARG_DIFF_DST, work_delta(work, node->delta));
    bound_set(state->data, ARG_DIFF_SRC, work_delta(work, node->delta_in[0]));
    if (kept)
        bound_set(state->data, ARG_KEPT, memory);
    return state;
}

static void forward(Work *work, const Node *node, void *memory) {
    (void)work, (void)node;
    bound_run(((PoolState *)memory)->forward);
}

static void backward(Work *work, const Node *node, void *memory) {
    (void)work, (void)node;
    bound_run(((PoolState *)memory)->data);
}

const NodeType node_max_pool = {bind_pool, forward, backward};
static const NodeType node_mean_pool = {bind_pool, forward, backward};

static int pool(Network *net, int from, const char *name, const NodeType *type, PoolShape shape) {
    PoolPlan *plan = ARENA_NEW(net->arena, PoolPlan);
    Operation *op = operation_pool(net->with, shape, net->tensor[from].layout, net->training);
    plan->forward = network_operation(net, op);
    if (net->training)
        plan->data = network_operation(net, operation_pool_data(net->with, shape, op));
    Extent extent = {shape.channels, onednn_extent(shape.height, shape.rows, shape.stride, 0),
                     onednn_extent(shape.width, shape.columns, shape.stride, 0)};
    int out = network_tensor(net, extent, operation_layout(op, ARG_DST));
    network_node(net, type, name, plan, 1, &from, out);
    return out;
}

int network_max_pool(Network *net, int from, const char *name, int size, int stride) {
    Extent in = network_extent(net, from);
    return pool(net, from, name, &node_max_pool,
                (PoolShape){net->n, in.channels, in.height, in.width, size, size, stride, true});
}

int network_mean_pool(Network *net, int from, const char *name) {
    Extent in = network_extent(net, from);
    return pool(
        net, from, name, &node_mean_pool,
        (PoolShape){net->n, in.channels, in.height, in.width, in.height, in.width, 1, false});
}

/* ---- another layout */

static void *bind_copy(const Work *work, const Node *node, Carve *from, Arena *arena) {
    const PoolPlan *plan = node->plan;
    if (!from->base)
        return NULL;
    PoolState *state = ARENA_NEW(arena, PoolState);
    state->forward = work_bound(work, plan->forward, arena);
    bound_set(state->forward, ARG_SRC, work->value[node->in[0]]);
    bound_set(state->forward, ARG_DST, work->value[node->out]);
    if (!work->net->training)
        return state;
    state->data = work_bound(work, plan->data, arena);
    bound_set(state->data, ARG_SRC, work_delta(work, node->delta));
    bound_set(state->data, ARG_DST, work_delta(work, node->delta_in[0]));
    return state;
}

static const NodeType node_copy = {bind_copy, forward, backward};

int network_relayout(Network *net, int tensor, const Layout *layout) {
    const Layout *own = net->tensor[tensor].layout;
    if (layout_same(own, layout))
        return tensor;
    PoolPlan *plan = ARENA_NEW(net->arena, PoolPlan);
    plan->forward = network_operation(net, operation_reorder(net->with, own, layout));
    plan->data = network_operation(net, operation_reorder(net->with, layout, own));
    int out = network_tensor(net, network_extent(net, tensor), layout);
    network_node(net, &node_copy, "layout", plan, 1, &tensor, out);
    return out;
}
