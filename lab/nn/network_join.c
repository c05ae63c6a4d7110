/* Where a residual block's two paths meet. The delta of the sum is that of both paths, so there is
 * nothing to do backward. */
#include "lab/nn/network_node.h"

#include "lab/base/vec.h"

VEC_CLONES
static void add_relu(float *restrict sum, const float *restrict a, const float *restrict b,
                     int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        float z = a[i] + b[i];
        sum[i] = z < 0.0F ? 0.0F : z; /* NaN stays */
    }
}

static void forward(Work *work, const Node *node, void *memory) {
    (void)memory;
    const Layout *layout = work->net->tensor[node->out].layout;
    add_relu(work->value[node->out], work->value[node->in[0]], work->value[node->in[1]],
             (int64_t)(layout_bytes(layout) / sizeof(float)));
}

static const NodeType node_add = {NULL, forward, NULL};

int network_add(Network *net, int a, int b, const char *name) {
    const Layout *layout = net->tensor[a].layout;
    int in[] = {a, network_relayout(net, b, layout)};
    int out = network_tensor(net, network_extent(net, a), layout);
    net->tensor[out].rectified = true;
    network_node(net, &node_add, name, NULL, 2, in, out);
    return out;
}
