/* Cost: the seconds of a sum over replicas on a network of nodes, by formula (Thakur, Rabenseifner,
 * Gropp 2005; Hockney's latency and rate, with LogP's overhead for messages under way at once).
 * Pure: nothing is sent. Each collective brings its own (collective.h). */
#ifndef LAB_COMM_COST_H
#define LAB_COMM_COST_H

#include <stdint.h>

/* Ranks of a node share its memory, and its link to all other nodes. All rates in bytes a second.
 */
typedef struct Network {
    double wait_s;             /* two ranks of a node wait for each other; m ranks: m/2 times */
    double core_bytes_per_s;   /* memory traffic (read and written) of one rank alone */
    double node_bytes_per_s;   /* of all ranks of a node together */
    double inside_s;           /* latency of a message inside a node */
    double inside_bytes_per_s; /* of one such message */
    double latency_s;          /* of a message between nodes */
    double overhead_s;         /* of each further message under way at the same time */
    double link_bytes_per_s;   /* of a node, each way */
} Network;

/* One sum over `replicas` ranks, `ranks_per_node` of them on every node but the last. */
typedef struct CostCase {
    int replicas, ranks_per_node;
    int64_t n_shards; /* of the step, S >= replicas: which nodes of the tree ranks are left with */
    double bytes;     /* of one vector */
} CostCase;

int cost_ranks(const CostCase *of); /* of a full node: at most ranks_per_node */
int cost_nodes(const CostCase *of);

/* ---- parts that formulas are made of; `ranks` of every node do it at once */

/* Each moves `traffic` bytes from or to memory. */
double cost_memory_s(const Network *net, double traffic, int ranks);
/* Each adds a vector of `bytes` to another. */
double cost_add_s(const Network *net, double bytes, int ranks);
/* Each sends and receives a message of `bytes`, inside the node or to another one. */
double cost_inside_s(const Network *net, double bytes, int ranks);
double cost_between_s(const Network *net, double bytes, int ranks);
/* A sum of a few numbers, which only costs latency. */
double cost_short_s(const Network *net, const CostCase *of);

/* Maximal canonical nodes of the tree over S shards that cover [first, last): what a block of
 * shards leaves behind. */
int cost_tree_nodes(int64_t first, int64_t last, int64_t n_shards);

/* ---- algorithms that know nothing of nodes */
double cost_ring_s(const Network *net, const CostCase *of);
double cost_halving_s(const Network *net, const CostCase *of);
double cost_doubling_s(const Network *net, const CostCase *of);

#endif
