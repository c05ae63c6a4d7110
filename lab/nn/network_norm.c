/* Batch norm over a mini-batch (Ioffe and Szegedy 2015), so over a ghost batch when the global
 * batch is larger (Hoffer et al. 2017). Running variances are the unbiased ones, as in PyTorch. */
#include "lab/nn/network_node.h"

#include <assert.h>

typedef struct NormPlan {
    int64_t gain; /* offset in the flat weights: gains, then offsets */
    int64_t stat; /* place in the running statistics: means, then variances */
    int channels;
    double unbias; /* m / (m - 1) for m values a channel */
    const Operation *forward, *data;
} NormPlan;

typedef struct NormState {
    Bound *forward, *data;
    float *mean, *variance; /* (channels) */
} NormState;

static const NodeType node_norm;

int network_norm(Network *net, int from, const char *name, NormLayer layer) {
    Extent extent = network_extent(net, from);
    NormPlan *plan = ARENA_NEW(net->arena, NormPlan);
    int64_t shape[] = {extent.channels};
    plan->channels = extent.channels;
    plan->gain = network_segment(net, arena_print(net->arena, "%s.gain", name), 1, shape,
                                 (Init){0, layer.gain});
    network_segment(net, arena_print(net->arena, "%s.offset", name), 1, shape, (Init){0, 0});
    plan->stat = net->n_stats;
    net->n_stats += 2 * extent.channels;
    double values = (double)net->n * extent.height * extent.width;
    plan->unbias = values / (values - 1);
    Operation *op = operation_norm(net->with, net->tensor[from].layout, layer.epsilon, layer.relu,
                                   net->training);
    plan->forward = network_operation(net, op);
    if (net->training)
        plan->data =
            network_operation(net, operation_norm_data(net->with, op, layer.epsilon, layer.relu));
    int out = network_tensor(net, extent, net->tensor[from].layout);
    network_node(net, &node_norm, name, plan, 1, &from, out);
    return out;
}

void network_init_running(const Model *model, float *running) {
    const Network *net = ((const NetworkPlan *)model->plan)->training;
    for (int i = 0; i < net->n_nodes; i++) {
        if (net->node[i].type != &node_norm)
            continue;
        const NormPlan *plan = net->node[i].plan;
        for (int c = 0; c < plan->channels; c++) {
            running[plan->stat + c] = 0;
            running[plan->stat + plan->channels + c] = 1;
        }
    }
}

static void *bind(const Work *work, const Node *node, Carve *from, Arena *arena) {
    const NormPlan *plan = node->plan;
    size_t channels = (size_t)plan->channels;
    const Layout *kept = operation_layout(plan->forward, ARG_KEPT);
    NormState *state = ARENA_NEW(arena, NormState);
    state->mean = carve(from, channels, sizeof(float));
    state->variance = carve(from, channels, sizeof(float));
    void *memory = kept ? carve(from, layout_bytes(kept), 1) : NULL;
    if (!from->base)
        return NULL;
    const float *x = work->value[node->in[0]];
    state->forward = work_bound(work, plan->forward, arena);
    bound_set(state->forward, ARG_SRC, x);
    bound_set(state->forward, ARG_DST, work->value[node->out]);
    if (!work->net->training)
        return state;
    state->data = work_bound(work, plan->data, arena);
    bound_set(state->data, ARG_SRC, x);
    bound_set(state->data, ARG_DIFF_DST, work_delta(work, node->delta));
    bound_set(state->data, ARG_DIFF_SRC, work_delta(work, node->delta_in[0]));
    Bound *both[] = {state->forward, state->data};
    for (int i = 0; i < 2; i++) {
        bound_set(both[i], ARG_MEAN, state->mean);
        bound_set(both[i], ARG_VARIANCE, state->variance);
        if (kept)
            bound_set(both[i], ARG_KEPT, memory);
    }
    return state;
}

static void give_statistics(const NormPlan *plan, const NormState *state, double *stats) {
    for (int c = 0; c < plan->channels; c++) {
        stats[plan->stat + c] = (double)state->mean[c];
        stats[plan->stat + plan->channels + c] = plan->unbias * (double)state->variance[c];
    }
}

static void forward(Work *work, const Node *node, void *memory) {
    const NormPlan *plan = node->plan;
    NormState *state = memory;
    const ModelPass *pass = work->pass;
    if (!work->net->training) {
        assert(pass->running);
        bound_set(state->forward, ARG_MEAN, pass->running + plan->stat);
        bound_set(state->forward, ARG_VARIANCE, pass->running + plan->stat + plan->channels);
    }
    bound_set(state->forward, ARG_WEIGHTS, pass->weights + plan->gain);
    bound_run(state->forward);
    if (work->net->training && pass->stats)
        give_statistics(plan, state, pass->stats);
}

static void backward(Work *work, const Node *node, void *memory) {
    const NormPlan *plan = node->plan;
    NormState *state = memory;
    bound_set(state->data, ARG_WEIGHTS, work->pass->weights + plan->gain);
    bound_set(state->data, ARG_DIFF_WEIGHTS, work->pass->grad_sum + plan->gain);
    bound_run(state->data);
}

static const NodeType node_norm = {bind, forward, backward};
