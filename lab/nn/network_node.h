/* Internal to the files lab/nn/network*.c: the graph, and one thread's memory for it. */
#ifndef LAB_NN_NETWORK_NODE_H
#define LAB_NN_NETWORK_NODE_H

#include "lab/nn/carve.h"
#include "lab/nn/network.h"
#include "lab/nn/onednn.h"

enum { NETWORK_MAX = 1024, NODE_MAX_IN = 2 };

typedef struct Tensor {
    Extent extent;
    const Layout *layout; /* (n, channels, height, width) */
    /* Its delta arrives without the slope of the rectifier that made it: value > 0. */
    bool rectified;
    int n_readers;
    int n_parts, part[NODE_MAX_IN]; /* slots whose sum is the delta; while slots are dealt */
} Tensor;

typedef struct Node Node;
typedef struct Work Work;

typedef struct NodeType {
    /* The node's own pieces of the workspace, and its operations bound to one thread's memory.
     * While `from` only measures, the result is not used. */
    void *(*bind)(const Work *work, const Node *node, Carve *from, Arena *arena);
    void (*forward)(Work *work, const Node *node, void *state);
    /* Gradients of its weights, and deltas of its inputs from the one of its output. NULL: the
     * output's delta is that of every input. */
    void (*backward)(Work *work, const Node *node, void *state);
} NodeType;

struct Node {
    const NodeType *type;
    const char *name;
    const void *plan; /* the type's own */
    int n_in, in[NODE_MAX_IN], out;
    int first_segment; /* its segments begin there, and end where the next node's begin */
    /* Slots: where the delta of `out` is gathered, from what; deltas of the inputs, -1: not needed.
     */
    int delta, n_parts, part[NODE_MAX_IN], delta_in[NODE_MAX_IN];
};

extern const NodeType node_max_pool;

typedef struct Init {
    double variance; /* 0: constant */
    float value;
} Init;

struct Network {
    Arena *arena;
    Onednn *with;
    int n; /* examples */
    bool training;
    Tensor tensor[NETWORK_MAX];
    Node node[NETWORK_MAX];
    Segment segment[NETWORK_MAX];
    Init init[NETWORK_MAX];
    size_t slot_bytes[NETWORK_MAX]; /* deltas: as many as are alive at once */
    int slot_users[NETWORK_MAX];
    int n_tensors, n_nodes, n_segments, n_slots;
    int n_segments_dealt; /* that belong to a node already */
    int64_t n_weights, n_stats;
    size_t scratch_bytes, room_bytes; /* of the hungriest operation */
    double flops_per_example;
};

/* What model->plan points to. */
typedef struct NetworkPlan {
    Network *training, *evaluation;
} NetworkPlan;

/* A network as one thread has it. */
struct Work {
    const Network *net;
    float **value; /* (n_tensors) each in its tensor's layout */
    float **slot;  /* (n_slots) */
    void **state;  /* (n_nodes) */
    void *scratch, *room;
    double *row_loss;   /* (n) */
    const Shard *shard; /* of the pass at hand; n may be less than the network's */
    ModelPass *pass;
};

/* The slot of the logits' delta: the loss leaves it in their place. */
enum { SLOT_LOGITS = -2, SLOT_NONE = -1 };
float *work_delta(const Work *work, int slot);

/* ---- building */

int network_tensor(Network *net, Extent extent, const Layout *layout);
Node *network_node(Network *net, const NodeType *type, const char *name, const void *plan, int n_in,
                   const int *in, int out);
/* Declares a tensor of weights; `rank` < 2: neither decays nor adapts. Returns its offset. */
int64_t network_segment(Network *net, const char *name, int rank, const int64_t *shape, Init init);
/* Counts what the operation needs while it runs. */
Operation *network_operation(Network *net, Operation *operation);
/* The tensor in `layout`: itself, or a copy. */
int network_relayout(Network *net, int tensor, const Layout *layout);
/* Deals the slots, last layer first; the graph is complete. */
void network_deal_slots(Network *net);

/* ---- binding: an operation with the memory that it needs while it runs */
Bound *work_bound(const Work *work, const Operation *operation, Arena *arena);

#endif
