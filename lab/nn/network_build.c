/* The graph: tensors, segments of weights, and which memory the deltas share. */
#include "lab/nn/network_node.h"

#include <assert.h>

Extent network_extent(const Network *net, int tensor) {
    return net->tensor[tensor].extent;
}

int network_tensor(Network *net, Extent extent, const Layout *layout) {
    assert(net->n_tensors < NETWORK_MAX);
    net->tensor[net->n_tensors] = (Tensor){.extent = extent, .layout = layout};
    return net->n_tensors++;
}

Node *network_node(Network *net, const NodeType *type, const char *name, const void *plan, int n_in,
                   const int *in, int out) {
    assert(net->n_nodes < NETWORK_MAX && n_in <= NODE_MAX_IN);
    Node *node = &net->node[net->n_nodes++];
    *node = (Node){.type = type,
                   .name = arena_copy(net->arena, name),
                   .plan = plan,
                   .n_in = n_in,
                   .out = out,
                   .first_segment = net->n_segments_dealt};
    net->n_segments_dealt = net->n_segments; /* declared since the node before */
    for (int i = 0; i < n_in; i++) {
        node->in[i] = in[i];
        net->tensor[in[i]].n_readers++;
    }
    return node;
}

int64_t network_segment(Network *net, const char *name, int rank, const int64_t *shape, Init init) {
    assert(net->n_segments < NETWORK_MAX);
    Segment *segment = &net->segment[net->n_segments];
    *segment = (Segment){.name = arena_copy(net->arena, name),
                         .offset = net->n_weights,
                         .n = 1,
                         .n_dims = rank,
                         .decay = rank > 1,
                         .adapt = rank > 1};
    for (int i = 0; i < rank; i++) {
        segment->shape[i] = shape[i];
        segment->n *= shape[i];
    }
    net->init[net->n_segments++] = init;
    net->n_weights += segment->n;
    return segment->offset;
}

Operation *network_operation(Network *net, Operation *operation) {
    size_t bytes = layout_bytes(operation_layout(operation, ARG_SCRATCH));
    net->scratch_bytes = bytes > net->scratch_bytes ? bytes : net->scratch_bytes;
    bytes = operation_room(operation);
    net->room_bytes = bytes > net->room_bytes ? bytes : net->room_bytes;
    return operation;
}

/* ---- slots */

static int slot_take(Network *net, size_t bytes) {
    int slot = 0;
    while (slot < net->n_slots && net->slot_users[slot] > 0)
        slot++;
    assert(slot < NETWORK_MAX);
    if (slot == net->n_slots)
        net->n_slots++;
    net->slot_users[slot] = 1;
    if (bytes > net->slot_bytes[slot])
        net->slot_bytes[slot] = bytes;
    return slot;
}

static void slot_leave(Network *net, int slot) {
    if (slot >= 0)
        net->slot_users[slot]--;
}

/* Where the delta of node's output comes together: one of its parts unless somebody else still
 * reads that. */
static void gather_into(Network *net, Node *node, Tensor *out) {
    node->n_parts = out->n_parts;
    node->delta = out->part[0];
    for (int i = 0; i < out->n_parts; i++)
        node->part[i] = out->part[i];
    if (out->n_parts == 1 && !out->rectified)
        return; /* as it is */
    int own = SLOT_NONE;
    for (int i = 0; i < out->n_parts; i++)
        if (out->part[i] >= 0 && net->slot_users[out->part[i]] == 1)
            own = out->part[i];
    node->delta = own != SLOT_NONE ? own : slot_take(net, layout_bytes(out->layout));
    for (int i = 0; i < out->n_parts; i++)
        if (out->part[i] != node->delta)
            slot_leave(net, out->part[i]);
}

static void add_part(Tensor *tensor, int slot) {
    assert(tensor->n_parts < NODE_MAX_IN);
    tensor->part[tensor->n_parts++] = slot;
}

/* max(0, .) and a maximum can change places, so the slope is taken where there are fewer values. */
static void move_slopes(Network *net) {
    for (int i = 0; i < net->n_nodes; i++) {
        Node *node = &net->node[i];
        Tensor *in = &net->tensor[node->in[0]];
        if (node->type == &node_max_pool && in->rectified && in->n_readers == 1) {
            in->rectified = false;
            net->tensor[node->out].rectified = true;
        }
    }
}

void network_deal_slots(Network *net) {
    move_slopes(net);
    add_part(&net->tensor[net->n_tensors - 1], SLOT_LOGITS);
    for (int i = net->n_nodes - 1; i >= 0; i--) {
        Node *node = &net->node[i];
        gather_into(net, node, &net->tensor[node->out]);
        for (int j = 0; j < node->n_in; j++) {
            Tensor *in = &net->tensor[node->in[j]];
            node->delta_in[j] = SLOT_NONE;
            if (node->in[j] == NETWORK_INPUT)
                continue;
            if (node->type->backward) {
                node->delta_in[j] = slot_take(net, layout_bytes(in->layout));
            } else {
                node->delta_in[j] = node->delta;
                net->slot_users[node->delta]++;
            }
            add_part(in, node->delta_in[j]);
        }
        slot_leave(net, node->delta);
    }
}
