#include "lab/comm/cost.h"

#include <math.h>

int cost_ranks(const CostCase *of) {
    return of->replicas < of->ranks_per_node ? of->replicas : of->ranks_per_node;
}

int cost_nodes(const CostCase *of) {
    return (of->replicas + of->ranks_per_node - 1) / of->ranks_per_node;
}

double cost_memory_s(const Network *net, double traffic, int ranks) {
    return fmax(traffic / net->core_bytes_per_s, ranks * traffic / net->node_bytes_per_s);
}

double cost_add_s(const Network *net, double bytes, int ranks) {
    return cost_memory_s(net, 3 * bytes, ranks); /* two are read, one is written */
}

/* A message is copied into a place that both see and out of it: four bytes of traffic each. */
static double hop_s(const Network *net, double bytes, int ranks) {
    return net->inside_s +
           fmax(bytes / net->inside_bytes_per_s, ranks * 4 * bytes / net->node_bytes_per_s);
}

/* Here every rank is sender and receiver, so its processor copies twice. */
double cost_inside_s(const Network *net, double bytes, int ranks) {
    return fmax(2 * bytes / net->inside_bytes_per_s, hop_s(net, bytes, ranks));
}

double cost_between_s(const Network *net, double bytes, int ranks) {
    return net->latency_s + ranks * bytes / net->link_bytes_per_s;
}

static int rounds(int n) { /* ceil(lg n) */
    int k = 0;
    while (1 << k < n)
        k++;
    return k;
}

double cost_short_s(const Network *net, const CostCase *of) {
    return rounds(cost_ranks(of)) * net->inside_s + rounds(cost_nodes(of)) * net->latency_s;
}

int cost_tree_nodes(int64_t first, int64_t last, int64_t n_shards) {
    int n = 0;
    for (int64_t at = first, size; at < last; at += size, n++)
        for (size = 1; at % (2 * size) == 0 && at + size < last &&
                       (at + 2 * size <= last || last == n_shards);)
            size *= 2;
    return n;
}

/* R - 1 steps each way, n/R bytes a step. A step waits for the left neighbour's last one, so a
 * chain of steps runs around the ring, and meets the slow hop between nodes once in m; meanwhile
 * every rank copies, and every link carries, a message in every step. The last of them is the end.
 */
double cost_ring_s(const Network *net, const CostCase *of) {
    int m = cost_ranks(of), p = of->replicas;
    double part = of->bytes / p, steps = 2.0 * (p - 1), adds = (p - 1) * cost_add_s(net, part, m);
    double inside = m > 1 ? hop_s(net, part, m) : 0;
    double copies = m > 1 ? steps * 2 * part / net->inside_bytes_per_s + adds : 0;
    if (cost_nodes(of) == 1)
        return fmax(steps * inside + adds, copies);
    double across = cost_between_s(net, part, 1);
    double chain = steps / m * across + steps * (m - 1) / m * inside + adds;
    double link = net->latency_s + steps * part / net->link_bytes_per_s + adds;
    return fmax(fmax(chain, copies), link);
}

/* Ranks at a distance of `distance`, a power of two, exchange `bytes`. Whole pairs of blocks on a
 * node stay inside; a node that cuts through a pair sends what it cuts over its link. */
static double exchange_s(const Network *net, const CostCase *of, int distance, double bytes) {
    int m = cost_ranks(of);
    if (cost_nodes(of) == 1 || m % (2 * distance) == 0)
        return cost_inside_s(net, bytes, m);
    return cost_between_s(net, bytes, distance < m ? distance : m);
}

static int power_below(int p) { /* largest power of two up to p */
    int power = 1;
    while (2 * power <= p)
        power *= 2;
    return power;
}

/* Ranks beyond a power of two hand all they have to their neighbour first, and get it back. */
static double extra_s(const Network *net, const CostCase *of) {
    if (power_below(of->replicas) == of->replicas)
        return 0;
    return 2 * exchange_s(net, of, 1, of->bytes) + cost_add_s(net, of->bytes, cost_ranks(of));
}

double cost_halving_s(const Network *net, const CostCase *of) {
    int power = power_below(of->replicas), m = cost_ranks(of);
    double bytes = of->bytes / 2, sum = extra_s(net, of);
    for (int distance = 1; distance < power; distance *= 2, bytes /= 2)
        sum += 2 * exchange_s(net, of, distance, bytes) + cost_add_s(net, bytes, m);
    return sum;
}

double cost_doubling_s(const Network *net, const CostCase *of) {
    int power = power_below(of->replicas), m = cost_ranks(of);
    double sum = extra_s(net, of);
    for (int distance = 1; distance < power; distance *= 2)
        sum += exchange_s(net, of, distance, of->bytes) + cost_add_s(net, of->bytes, m);
    return sum;
}
