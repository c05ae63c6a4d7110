/* Batch norm over a mini-batch (Ioffe and Szegedy 2015), so over a ghost batch when the global
 * batch is larger (Hoffer et al. 2017). Running variances are the unbiased ones, as in PyTorch. */
#include "lab/nn/batch_norm.h"
#include "lab/nn/network_node.h"

#include <assert.h>
#include <math.h>

typedef struct NormPlan {
    int64_t gain; /* offset in the flat weights: gains, then offsets */
    int64_t stat; /* place in the running statistics: means, then variances */
    NormGrid grid;
    bool relu;
    double epsilon;
} NormPlan;

typedef struct NormState {
    float *mean, *scale; /* (channels) */
} NormState;

static const NodeType node_norm;

/* Rows of NORM_LANES floats, as batch_norm.h has them. */
static bool is_gridded(NormGrid *out, const Layout *layout, Extent extent, int n) {
    Blocks blocks;
    int64_t pixels = (int64_t)extent.height * extent.width;
    if (!layout_blocks(&blocks, layout))
        return false;
    *out = (NormGrid){.n = n,
                      .channels = extent.channels,
                      .block = blocks.block,
                      .image = blocks.image,
                      .group = blocks.group};
    if (blocks.pixel == blocks.block && NORM_LANES % blocks.block == 0) { /* one behind the other */
        out->row = NORM_LANES;
        out->rows = pixels * blocks.block / NORM_LANES;
        out->tail = (int)(pixels * blocks.block % NORM_LANES);
        return true;
    }
    if (blocks.block % NORM_LANES != 0)
        return false;
    out->block = NORM_LANES; /* all channels of a pixel side by side */
    out->group = NORM_LANES;
    out->row = blocks.pixel;
    out->rows = pixels;
    return true;
}

int network_norm(Network *net, int from, const char *name, NormLayer layer) {
    Extent extent = network_extent(net, from);
    NormPlan *plan = ARENA_NEW(net->arena, NormPlan);
    int64_t shape[] = {extent.channels};
    plan->relu = layer.relu;
    plan->epsilon = layer.epsilon;
    plan->gain = network_segment(net, arena_print(net->arena, "%s.gain", name), 1, shape,
                                 (Init){0, layer.gain});
    network_segment(net, arena_print(net->arena, "%s.offset", name), 1, shape, (Init){0, 0});
    plan->stat = net->n_stats;
    net->n_stats += 2 * extent.channels;
    if (!is_gridded(&plan->grid, net->tensor[from].layout, extent, net->n)) {
        int64_t dims[] = {net->n, extent.channels, extent.height, extent.width};
        from = network_relayout(net, from, layout_plain(net->with, 4, dims));
        bool gridded = is_gridded(&plan->grid, net->tensor[from].layout, extent, net->n);
        assert(gridded);
        (void)gridded;
    }
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
        for (int c = 0; c < plan->grid.channels; c++) {
            running[plan->stat + c] = 0;
            running[plan->stat + plan->grid.channels + c] = 1;
        }
    }
}

static void *bind(const Work *work, const Node *node, Carve *from, Arena *arena) {
    (void)work;
    const NormPlan *plan = node->plan;
    NormState *state = ARENA_NEW(arena, NormState);
    state->mean = carve(from, (size_t)plan->grid.channels, sizeof(float));
    state->scale = carve(from, (size_t)plan->grid.channels, sizeof(float));
    return state;
}

static NormChannels channels_of(const NormPlan *plan, const NormState *state,
                                const ModelPass *pass) {
    const float *gain = pass->weights + plan->gain;
    return (NormChannels){.gain = gain,
                          .offset = gain + plan->grid.channels,
                          .mean = state->mean,
                          .scale = state->scale,
                          .stats = pass->stats ? pass->stats + plan->stat : NULL,
                          .stride = plan->grid.channels};
}

static void take_running(const NormPlan *plan, const NormState *state, const float *running) {
    for (int c = 0; c < plan->grid.channels; c++) {
        double variance = (double)running[plan->stat + plan->grid.channels + c];
        state->mean[c] = running[plan->stat + c];
        state->scale[c] = (float)(1 / sqrt(variance + plan->epsilon));
    }
}

static void forward(Work *work, const Node *node, void *memory) {
    const NormPlan *plan = node->plan;
    const ModelPass *pass = work->pass;
    const float *x = work->value[node->in[0]];
    NormChannels channels = channels_of(plan, memory, pass);
    if (work->net->training)
        batch_norm_measure(&plan->grid, x, plan->epsilon, &channels);
    else
        take_running(plan, memory, pass->running);
    batch_norm_apply(&plan->grid, work->value[node->out], x, plan->relu, &channels);
}

static void backward(Work *work, const Node *node, void *memory) {
    const NormPlan *plan = node->plan;
    NormChannels channels = channels_of(plan, memory, work->pass);
    float *grad = work->pass->grad_sum + plan->gain;
    batch_norm_backward(&plan->grid, work_delta(work, node->delta_in[0]), grad,
                        grad + plan->grid.channels, work->value[node->in[0]],
                        work_delta(work, node->delta), plan->relu, &channels);
}

static const NodeType node_norm = {bind, forward, backward};
