/* The cost of collectives: closed forms on small networks, and the same collectives played message
 * by message on large ones. */
#include "lab/comm/collective.h"
#include "tests/unit/network_witness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

static const Network slow = {1e-6, 1e10, 8e10, 1e-6, 4e9, 3e-5, 2e-6, 1.1e9};
static const Network fast = {1e-6, 1.2e10, 2e11, 5e-7, 5e9, 2e-6, 3e-7, 1.2e10};

static const CollectiveType *named(const char *name) {
    for (int i = 0; i < COLLECTIVE_N; i++)
        if (strcmp(collective_table[i]->name, name) == 0)
            return (const CollectiveType *)collective_table[i];
    fail_msg("no collective '%s'", name);
    return NULL;
}

static void near(double x, double expected) {
    if (!(fabs(x / expected - 1) < 1e-12))
        fail_msg("%.17g instead of %.17g", x, expected);
}

/* One rank a node, latency a, rate 1/b, and additions at three bytes of traffic a byte: the table
 * of Thakur, Rabenseifner, Gropp 2005. */
static void test_cost__is_the_published_one_without_nodes(void **state) {
    (void)state;
    for (int p = 2; p <= 1024; p *= 2) {
        double n = 3e6, a = slow.latency_s, b = 1 / slow.link_bytes_per_s;
        double g = 3 / slow.core_bytes_per_s, lg = log2(p), q = p - 1;
        CostCase of = {p, 1, p, n};
        near(cost_ring_s(&slow, &of), 2 * q * a + 2 * n * q / p * b + n * q / p * g);
        near(cost_halving_s(&slow, &of), 2 * lg * a + 2 * n * q / p * b + n * q / p * g);
        near(cost_doubling_s(&slow, &of), lg * (a + n * b + n * g));
        near(named("hierarchical")->cost(&slow, &of),
             lg * a +
                 fmin(2 * q * a + 2 * n * q / p * b + n * q / p * g, lg * (a + n * b + n * g)));
    }
}

static void test_cost__every_collective_has_one(void **state) {
    (void)state;
    for (int i = 0; i < COLLECTIVE_N; i++) {
        const CollectiveType *type = (const CollectiveType *)collective_table[i];
        assert_non_null(type->cost);
        double last = 0;
        assert_true(type->cost(&fast, &(CostCase){1, 8, 64, 1e6}) == 0);
        for (double bytes = 1e4; bytes <= 1e9; bytes *= 10) { /* more bytes never cost less */
            double s = type->cost(&fast, &(CostCase){64, 8, 64, bytes});
            assert_true(s > last && isfinite(s));
            last = s;
        }
    }
}

/* Two ranks of a node: two waits, and each reads and writes its half of everything. */
static void test_cost__tree_inside_a_node_is_waits_and_memory(void **state) {
    (void)state;
    const Network net = {1e-6, 1e10, 1.5e10, 1e-6, 4e9, 1, 1, 1};
    double n = 4e6, expected = 2e-6 + 2 * (3 * n / 2) / 1.5e10;
    near(named("tree")->cost(&net, &(CostCase){2, 2, 8, n}), expected);
    /* six shards: ranks hold {0,1,2} and {3,4,5}, two nodes of the tree each */
    expected = 2e-6 + 2 * (5 * n / 2) / 1.5e10;
    near(named("tree")->cost(&net, &(CostCase){2, 2, 6, n}), expected);
}

static void test_cost__nodes_that_a_block_leaves(void **state) {
    (void)state;
    for (int64_t n = 1; n <= 40; n++)
        for (int64_t first = 0; first < n; first++)
            for (int64_t last = first + 1; last <= n; last++)
                assert_int_equal(cost_tree_nodes(first, last, n), covering(first, last, n));
}

/* ---- against the witness */

typedef struct Case {
    int ranks, per_node;
    double bytes;
    int shards_a_rank; /* 3: blocks are no nodes of the tree */
} Case;

static const Case cases[] = {
    {64, 8, 1e5, 4},     {64, 8, 4e6, 1},    {64, 1, 4e6, 4},
    {64, 16, 1e8, 3},    {256, 32, 4e3, 4},  {256, 32, 4e6, 4},
    {512, 8, 1e8, 3},    {1024, 64, 4e6, 2}, {1024, 16, 1e8, 4},
    {2048, 128, 1e8, 4}, {4096, 64, 4e6, 4}, {4096, 64, 4e8, 1},
    {96, 32, 4e6, 4},    {384, 64, 1e8, 2},  {4096, 32, 1e5, 4},
    {512, 1, 1e5, 2}, /* many short messages */
};

static double worst(double worst, const char *name, const Case *of, double cost, double played) {
    double error = fabs(cost / played - 1);
    if (error > 0.1)
        fail_msg("%s, %d ranks, %d a node, %.0f bytes, %d shards a rank: %.3e s by formula, %.3e s "
                 "played",
                 name, of->ranks, of->per_node, of->bytes, of->shards_a_rank, cost, played);
    return fmax(worst, error);
}

static double against_play(double error, const Network *net, const Case *of) {
    Arena *arena = arena_new();
    CostCase cost = {of->ranks, of->per_node, (int64_t)of->shards_a_rank * of->ranks, of->bytes};
    World w = world_new(net, of->ranks, of->per_node, arena);
    bool quick = of->ranks <= 1024 || (of->ranks == 2048 && net == &fast); /* R^2 messages */
    if (quick)
        error = worst(error, "ring", of, cost_ring_s(net, &cost), play_ring(&w, of->bytes, arena));
    w = world_new(net, of->ranks, of->per_node, arena);
    error =
        worst(error, "halving", of, cost_halving_s(net, &cost), play_halving(&w, of->bytes, arena));
    w = world_new(net, of->ranks, of->per_node, arena);
    error = worst(error, "tree", of, named("tree")->cost(net, &cost),
                  play_tree(&w, of->bytes, cost.n_shards, of->bytes > 16384, arena));
    w = world_new(net, of->ranks, of->per_node, arena);
    double ring = play_hierarchical(&w, of->bytes, true, arena);
    w = world_new(net, of->ranks, of->per_node, arena);
    bool power = (w.nodes & (w.nodes - 1)) == 0;
    double doubling = power ? play_hierarchical(&w, of->bytes, false, arena) : INFINITY;
    double formula = named("hierarchical")->cost(net, &cost) - cost_short_s(net, &cost);
    error = power ? worst(error, "hierarchical", of, formula, fmin(ring, doubling)) : error;
    arena_end(arena);
    return error;
}

/* The sanitizers, ten times slower, get by with less. */
#ifdef __SANITIZE_ADDRESS__
#define MOST_RANKS 512
#else
#define MOST_RANKS 4096
#endif

static void test_cost__agrees_with_messages_played_one_by_one(void **state) {
    (void)state;
    double error = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].ranks > MOST_RANKS)
            continue;
        error = against_play(error, &slow, &cases[i]);
        error = against_play(error, &fast, &cases[i]);
    }
    print_message("64 to %d ranks: formulas and messages differ by at most %.1f %%\n", MOST_RANKS,
                  100 * error);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost__is_the_published_one_without_nodes),
        cmocka_unit_test(test_cost__every_collective_has_one),
        cmocka_unit_test(test_cost__tree_inside_a_node_is_waits_and_memory),
        cmocka_unit_test(test_cost__nodes_that_a_block_leaves),
        cmocka_unit_test(test_cost__agrees_with_messages_played_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
