/* A network played message by message: ranks that copy, add and wait, links that carry one byte
 * after the other, a memory of which each of a node's ranks has an even share. Knows the
 * collectives' messages, and no formula of theirs. Steps are played in order; inside a step whoever
 * is ready first goes first. */
#ifndef TESTS_UNIT_NETWORK_WITNESS_H
#define TESTS_UNIT_NETWORK_WITNESS_H

#include "lab/base/arena.h"
#include "lab/comm/cost.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct World {
    const Network *net;
    int ranks, per_node, nodes;
    double *clock;    /* (ranks) when each is free */
    double *next;     /* (ranks) after this step */
    double *out, *in; /* (nodes) when each direction of its link is free */
    int *order;       /* (ranks) */
    int *on, *n_on;   /* (nodes, per_node), (nodes) messages on a link */
    double *ready;    /* (ranks) when what comes is there */
    double *sent;     /* (ranks) when it has left */
} World;

static inline World world_new(const Network *net, int ranks, int per_node, Arena *arena) {
    World w = {.net = net, .ranks = ranks, .per_node = per_node};
    w.nodes = (ranks + per_node - 1) / per_node;
    w.clock = ARENA_ARRAY(arena, double, ranks);
    w.next = ARENA_ARRAY(arena, double, ranks);
    w.out = ARENA_ARRAY(arena, double, w.nodes);
    w.in = ARENA_ARRAY(arena, double, w.nodes);
    w.order = ARENA_ARRAY(arena, int, ranks);
    w.on = ARENA_ARRAY(arena, int, w.nodes *per_node);
    w.n_on = ARENA_ARRAY(arena, int, w.nodes);
    w.ready = ARENA_ARRAY(arena, double, ranks);
    w.sent = ARENA_ARRAY(arena, double, ranks);
    for (int r = 0; r < ranks; r++)
        w.order[r] = r;
    return w;
}

/* ranks by when they are free; nearly sorted from step to step, so insertion is quick */
static inline void world_sort(World *w) {
    for (int i = 1; i < w->ranks; i++) {
        int rank = w->order[i], j = i;
        for (; j > 0 && w->clock[w->order[j - 1]] > w->clock[rank]; j--)
            w->order[j] = w->order[j - 1];
        w->order[j] = rank;
    }
}

static inline double world_end(const World *w) {
    double end = 0;
    for (int r = 0; r < w->ranks; r++)
        end = fmax(end, w->clock[r]);
    return end;
}

/* A server that is free at *server works for `seconds` from `ready` on; returns when it is done. */
static inline double serve(double *server, double ready, double seconds) {
    return *server = fmax(*server, ready) + seconds;
}

/* A rank's share of its node's memory, bytes a second. */
static inline double share(const World *w) {
    int busy = w->per_node < w->ranks ? w->per_node : w->ranks;
    return w->net->node_bytes_per_s / busy;
}

/* The rank moves bytes to or from its node's memory. */
static inline double traffic(const World *w, double ready, double bytes) {
    return ready + bytes / fmin(share(w), w->net->core_bytes_per_s);
}

/* A message to another node that is begun at `ready`, when nobody else of the node sends: when the
 * receiver has it whole. */
static inline double message(World *w, int from, int to, double bytes, double ready) {
    double carry = bytes / w->net->link_bytes_per_s;
    double begin = serve(&w->out[from / w->per_node], ready, carry) - carry;
    return serve(&w->in[to / w->per_node], begin + w->net->latency_s, carry);
}

/* Messages that share a link get even parts of its rate while they are under way: done[i] of
 * message i, which begins at ready[i] (n, in order of ready). */
static inline void share_link(double *done, const double *ready, const double *bytes, int n,
                              double rate) {
    double left[256], now = 0;
    int begun = 0, n_left = n, under_way = 0;
    while (n_left > 0) {
        int first = -1; /* of those under way, the one with least to go */
        for (int i = 0; i < begun; i++)
            if (left[i] >= 0 && (first < 0 || left[i] < left[first]))
                first = i;
        double end = first < 0 ? INFINITY : now + left[first] * under_way / rate;
        bool begins = begun < n && ready[begun] < end;
        double to = begins ? fmax(now, ready[begun]) : end;
        for (int i = 0; i < begun; i++)
            if (left[i] >= 0)
                left[i] = fmax(0, left[i] - (to - now) * rate / under_way);
        now = to;
        if (begins) {
            left[begun] = bytes[begun];
            begun++;
            under_way++;
        } else {
            done[first] = now;
            left[first] = -1;
            under_way--;
            n_left--;
        }
    }
}

/* Messages of one step that leave (`out`) or enter each node, no more than it has ranks:
 * there[sender] becomes the later of itself and the end of the way over that link. */
static inline void links(const World *w, double *there, const int *to, const double *bytes,
                         bool out) {
    memset(w->n_on, 0, sizeof *w->n_on * (size_t)w->nodes);
    for (int i = 0; i < w->ranks; i++) {
        int from = w->order[i], a = from / w->per_node, b = to[from] / w->per_node;
        int node = out ? a : b;
        if (to[from] >= 0 && a != b)
            w->on[node * w->per_node + w->n_on[node]++] = from;
    }
    for (int node = 0; node < w->nodes; node++) {
        const int *sender = w->on + node * w->per_node;
        double done[256], ready[256], size[256];
        for (int i = 0; i < w->n_on[node]; i++) {
            ready[i] = w->clock[sender[i]];
            size[i] = bytes[sender[i]];
        }
        share_link(done, ready, size, w->n_on[node], w->net->link_bytes_per_s);
        for (int i = 0; i < w->n_on[node]; i++)
            there[sender[i]] = fmax(there[sender[i]], done[i]);
    }
}

/* Everyone sends `bytes[r]` to to[r] (-1: nobody) and goes on when it has sent, has received, and
 * has added (`add`: what came). Copies inside a node take both processors' time. */
static inline void exchange(World *w, const int *to, const double *bytes, bool add) {
    const Network *net = w->net;
    double *sent = w->sent;
    world_sort(w);
    memcpy(w->next, w->clock, sizeof *w->clock * (size_t)w->ranks);
    memset(sent, 0, sizeof *sent * (size_t)w->ranks);
    links(w, sent, to, bytes, true);
    links(w, sent, to, bytes, false);
    for (int from = 0; from < w->ranks; from++) {
        if (to[from] < 0)
            continue;
        bool inside = from / w->per_node == to[from] / w->per_node;
        double copy = inside ? bytes[from] / net->inside_bytes_per_s : 0;
        w->next[from] += copy;
        w->next[to[from]] += copy;
        w->ready[to[from]] =
            inside ? w->clock[from] + net->inside_s + fmax(4 * bytes[from] / share(w), copy)
                   : sent[from] + net->latency_s;
    }
    for (int i = 0; i < w->ranks; i++)
        if (to[i] >= 0) {
            w->next[i] = fmax(w->next[i], sent[i]);
            w->next[to[i]] = fmax(w->next[to[i]], w->ready[to[i]]);
        }
    for (int i = 0; i < w->ranks && add; i++)
        if (to[i] >= 0)
            w->next[to[i]] = traffic(w, w->next[to[i]], 3 * bytes[i]);
    double *swap = w->clock;
    w->clock = w->next;
    w->next = swap;
}

/* ---- the collectives' messages; a vector of `bytes` */

static inline double play_ring(World *w, double bytes, Arena *arena) {
    int *to = ARENA_ARRAY(arena, int, w->ranks);
    double *part = ARENA_ARRAY(arena, double, w->ranks);
    for (int r = 0; r < w->ranks; r++) {
        to[r] = (r + 1) % w->ranks;
        part[r] = bytes / w->ranks;
    }
    for (int step = 0; step < 2 * (w->ranks - 1); step++)
        exchange(w, to, part, step < w->ranks - 1);
    return world_end(w);
}

/* Ranks beyond a power of two: of the first 2 extra ones the even sit out. */
static inline int sits_at(int place, int extra) {
    return place < extra ? 2 * place + 1 : place + extra;
}

static inline void play_extra(World *w, int extra, double bytes, bool back, Arena *arena) {
    int *to = ARENA_ARRAY(arena, int, w->ranks);
    double *all = ARENA_ARRAY(arena, double, w->ranks);
    for (int r = 0; r < w->ranks; r++) {
        bool sends = r < 2 * extra && r % 2 == (back ? 1 : 0);
        to[r] = sends ? (back ? r - 1 : r + 1) : -1;
        all[r] = bytes;
    }
    exchange(w, to, all, !back);
}

static inline double play_halving(World *w, double bytes, Arena *arena) {
    int power = 1;
    while (2 * power <= w->ranks)
        power *= 2;
    int extra = w->ranks - power, *to = ARENA_ARRAY(arena, int, w->ranks);
    double *part = ARENA_ARRAY(arena, double, w->ranks), size = bytes;
    play_extra(w, extra, bytes, false, arena);
    for (int way = 0; way < 2; way++)
        for (int d = way ? power / 2 : 1; way ? d >= 1 : d < power; d = way ? d / 2 : d * 2) {
            size = way ? size : size / 2;
            for (int r = 0; r < w->ranks; r++)
                to[r] = -1;
            for (int place = 0; place < power; place++) {
                to[sits_at(place, extra)] = sits_at(place ^ d, extra);
                part[sits_at(place, extra)] = size;
            }
            exchange(w, to, part, way == 0);
            size = way ? size * 2 : size;
        }
    play_extra(w, extra, bytes, true, arena);
    return world_end(w);
}

/* Parts go round inside each node, sums of a part go round among its owners on all nodes, or
 * double, whichever ends first; then round inside once more. Whole nodes. */
static inline double play_hierarchical(World *w, double bytes, bool ring, Arena *arena) {
    int m = w->per_node, *to = ARENA_ARRAY(arena, int, w->ranks);
    double *part = ARENA_ARRAY(arena, double, w->ranks);
    int rounds = ring ? 2 * (w->nodes - 1) : 0;
    for (int d = 1; !ring && d < w->nodes; d *= 2)
        rounds++;
    for (int step = 0; step < 2 * (m - 1) + rounds; step++) {
        bool across = step >= m - 1 && step < m - 1 + rounds;
        int round = step - (m - 1);
        for (int r = 0; r < w->ranks; r++) {
            int node = r / m, place = r % m;
            int other = ring || !across ? (node + 1) % w->nodes : node ^ (1 << round);
            to[r] = across ? other * m + place : node * m + (place + 1) % m;
            part[r] = across && ring ? bytes / m / w->nodes : bytes / m;
        }
        bool add = step < m - 1 || (across && (!ring || round < w->nodes - 1));
        exchange(w, to, part, add);
    }
    return world_end(w);
}

/* Nodes of the canonical tree that cover [first, last), found from the root down. */
static inline int cover(int64_t low, int64_t size, int64_t first, int64_t last, int64_t n) {
    int64_t high = low + size < n ? low + size : n;
    if (low >= n || high <= first || low >= last)
        return 0;
    if (first <= low && high <= last)
        return 1;
    return cover(low, size / 2, first, last, n) + cover(low + size / 2, size / 2, first, last, n);
}

static inline int covering(int64_t first, int64_t last, int64_t n) {
    int64_t size = 1;
    while (size < n)
        size *= 2;
    return cover(0, size, first, last, n);
}

/* The ranks of each node come to one counter, one after the other. */
static inline void gate(World *w) {
    world_sort(w);
    for (int node = 0; node < w->nodes; node++) {
        double open = 0;
        int first = node * w->per_node;
        int last = first + w->per_node < w->ranks ? first + w->per_node : w->ranks;
        if (last - first == 1)
            continue;
        for (int i = 0; i < w->ranks; i++)
            if (w->order[i] >= first && w->order[i] < last)
                serve(&open, w->clock[w->order[i]], w->net->wait_s / 2);
        for (int r = first; r < last; r++)
            w->clock[r] = open;
    }
}

/* Every node's first rank sends `messages[node]` of `bytes` to each other one's. */
static inline void all_to_all(World *w, const int *messages, double bytes) {
    double o = w->net->overhead_s, *sent = w->ready, *seen = w->next;
    for (int n = 0; n < w->nodes; n++) {
        sent[n] = w->clock[n * w->per_node];
        seen[n] = 0;
    }
    for (int step = 1; step < w->nodes; step++)
        for (int n = 0; n < w->nodes; n++) {
            int to = (n + step) % w->nodes;
            for (int i = 0; i < messages[n]; i++) {
                double there = message(w, n * w->per_node, to * w->per_node, bytes, sent[n]);
                sent[n] += 2 * o; /* this one is begun, one that came is taken in */
                seen[to] = fmax(seen[to], there);
            }
        }
    for (int n = 0; n < w->nodes; n++)
        w->clock[n * w->per_node] = fmax(sent[n], seen[n]);
}

/* Memory on each node, then its first rank for it, then memory again. n_shards in blocks. */
static inline double play_tree(World *w, double bytes, int64_t n_shards, bool parts, Arena *arena) {
    int *here = ARENA_ARRAY(arena, int, w->nodes), *one = ARENA_ARRAY(arena, int, w->nodes),
        all = 0;
    gate(w);
    for (int node = 0; node < w->nodes; node++) {
        int first = node * w->per_node, posted = 0;
        int last = first + w->per_node < w->ranks ? first + w->per_node : w->ranks;
        for (int r = first; r < last; r++)
            posted += covering(n_shards * r / w->ranks, n_shards * (r + 1) / w->ranks, n_shards);
        here[node] = covering(n_shards * first / w->ranks, n_shards * last / w->ranks, n_shards);
        one[node] = 1;
        all += here[node];
        for (int r = first; r < last && last - first > 1; r++)
            w->clock[r] = traffic(w, w->clock[r], (posted + here[node]) * bytes / (last - first));
    }
    gate(w);
    if (w->nodes > 1) {
        double piece = parts ? bytes / w->nodes : bytes;
        all_to_all(w, here, piece);
        for (int n = 0; n < w->nodes; n++)
            w->clock[n * w->per_node] += (all + 1) * piece / w->net->core_bytes_per_s; /* alone */
        if (parts)
            all_to_all(w, one, piece);
        gate(w);
    }
    return world_end(w);
}

#endif
