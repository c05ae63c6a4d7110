/* Dense layers on top, by the committed table of products, with dropout (Srivastava et al. 2014).
 */
#include "lab/nn/network_node.h"

#include "lab/base/rng.h"
#include "lab/base/vec.h"
#include "lab/nn/activation.h"
#include "lab/nn/gemm.h"

#include <string.h>

typedef struct DensePlan {
    int n_in, n_out;
    int64_t weight, bias; /* offsets in the flat weights */
    const Activation *activation;
    double dropout;
    int index; /* of the layer, for its random numbers */
} DensePlan;

typedef struct DenseState {
    float *keep; /* (n, n_out) 0, or 1 / (1 - dropout); NULL: no dropout */
} DenseState;

static void *bind(const Work *work, const Node *node, Carve *from, Arena *arena) {
    const DensePlan *plan = node->plan;
    DenseState *state = ARENA_NEW(arena, DenseState);
    if (plan->dropout > 0 && work->net->training)
        state->keep = carve(from, (size_t)work->net->n * (size_t)plan->n_out, sizeof(float));
    return state;
}

/* Which outputs stay is a function of seed, step, shard, layer and place in the shard. */
static void draw(const DensePlan *plan, const Shard *shard, float *keep) {
    uint64_t index =
        (uint64_t)shard->step << 32 | (uint64_t)shard->index << 8 | (uint64_t)(plan->index & 0xff);
    Rng rng = rng_new(shard->seed, RNG_DROPOUT, index);
    uint32_t least = (uint32_t)(plan->dropout * 0x1p32);
    float scale = (float)(1 / (1 - plan->dropout));
    int64_t n = (int64_t)shard->n * plan->n_out;
    for (int64_t i = 0; i < n; i++)
        keep[i] = rng_word(&rng) >= least ? scale : 0.0F;
}

VEC_CLONES
static void multiply(float *restrict x, const float *restrict by, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        x[i] *= by[i];
}

static void forward(Work *work, const Node *node, void *memory) {
    const DensePlan *plan = node->plan;
    const DenseState *state = memory;
    const float *weights = work->pass->weights;
    float *h = work->value[node->out];
    int n = work->shard->n;
    gemm(false, true, n, plan->n_out, plan->n_in, work->value[node->in[0]], weights + plan->weight,
         h, false);
    plan->activation->forward(h, NULL, weights + plan->bias, n, plan->n_out);
    if (!state->keep)
        return;
    draw(plan, work->shard, state->keep);
    multiply(h, state->keep, (int64_t)n * plan->n_out);
}

static void backward(Work *work, const Node *node, void *memory) {
    const DensePlan *plan = node->plan;
    const DenseState *state = memory;
    const ModelPass *pass = work->pass;
    const float *x = work->value[node->in[0]];
    float *delta = work_delta(work, node->delta), *below = work_delta(work, node->delta_in[0]);
    int n = work->shard->n;
    if (state->keep)
        multiply(delta, state->keep, (int64_t)n * plan->n_out);
    activation_delta(plan->activation, delta, work->value[node->out], pass->grad_sum + plan->bias,
                     NULL, n, plan->n_out);
    gemm(true, false, plan->n_out, plan->n_in, n, delta, x, pass->grad_sum + plan->weight, false);
    gemm(false, false, n, plan->n_in, plan->n_out, delta, pass->weights + plan->weight, below,
         false);
    memset(below + (size_t)n * (size_t)plan->n_in, 0,
           sizeof *below * (size_t)(work->net->n - n) * (size_t)plan->n_in);
}

static const NodeType node_dense = {bind, forward, backward};

int network_dense(Network *net, int from, const char *name, DenseLayer layer) {
    Extent in = network_extent(net, from);
    int64_t dims[] = {net->n, in.channels, in.height, in.width};
    from = network_relayout(net, from, layout_plain(net->with, 4, dims));
    DensePlan *plan = ARENA_NEW(net->arena, DensePlan);
    plan->n_in = in.channels * in.height * in.width;
    plan->n_out = layer.out;
    plan->activation = layer.relu ? &activation_relu : &activation_identity;
    plan->dropout = layer.dropout;
    plan->index = net->n_nodes;
    int64_t shape[] = {plan->n_out, plan->n_in};
    plan->weight = network_segment(net, arena_print(net->arena, "%s.weight", name), 2, shape,
                                   (Init){layer.variance, 0});
    plan->bias =
        network_segment(net, arena_print(net->arena, "%s.bias", name), 1, shape, (Init){0, 0});
    net->flops_per_example += 6.0 * plan->n_out * plan->n_in;
    Extent extent = {plan->n_out, 1, 1};
    int64_t out_dims[] = {net->n, plan->n_out, 1, 1};
    int out = network_tensor(net, extent, layout_plain(net->with, 4, out_dims));
    network_node(net, &node_dense, name, plan, 1, &from, out);
    return out;
}
