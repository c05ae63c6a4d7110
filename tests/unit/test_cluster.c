/* Clusters: what a description may say, what is taken from a calibration instead, and the committed
 * ones. */
#include "lab/analyze/cluster.h"
#include "lab/analyze/network_fit.h"
#include "lab/comm/collective.h"
#include "tests/unit/fixture_store.h"

static const char whole[] =
    "{\"cluster\": \"lab\", \"nodes\": 4, \"ranks_per_node\": 8, \"cores_per_node\": 16,"
    "\"memory\": {\"wait_s\": 1e-6, \"core_bytes_per_s\": 1e10, \"bytes_per_s\": 8e10,"
    "\"message_latency_s\": 5e-7, \"message_bytes_per_s\": 4e9},"
    "\"link\": {\"latency_s\": 2e-5, \"overhead_s\": 2e-6, \"bytes_per_s\": 1e9}}";

static Json *parse(const char *text, Arena *arena) {
    Json *json;
    assert_ok(json_parse(&json, text, strlen(text), "lab.json", arena));
    return json;
}

static void test_cluster__reads_and_writes_the_same(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Cluster a, b;
    assert_ok(cluster_read(&a, parse(whole, arena), arena));
    assert_int_equal(a.nodes, 4);
    assert_true(a.net.link_bytes_per_s == 1e9 && a.net.wait_s == 1e-6 && a.core_speed == 1);
    assert_true(isnan(a.jitter) && a.overlap == 1);
    assert_int_equal(cluster_ranks(&a, 1), 8);
    assert_int_equal(cluster_ranks(&a, 4), 4);
    assert_ok(cluster_read(&b, cluster_write(&a, arena), arena));
    assert_memory_equal(&a.net, &b.net, sizeof a.net);
    assert_true(isnan(b.jitter));
    arena_end(arena);
}

/* The description with one piece of text replaced. */
static void refused(const char *from, const char *to, const char *says) {
    Arena *arena = arena_new();
    const char *at = strstr(whole, from);
    assert_non_null(at);
    const char *text =
        arena_print(arena, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
    Cluster cluster;
    Error *error = cluster_read(&cluster, parse(text, arena), arena);
    if (!error)
        fail_msg("'%s' is taken", to);
    assert_int_equal(error_code(error), CODE_USAGE);
    if (!strstr(error_text(error), says))
        fail_msg("'%s' is not in: %s", says, error_text(error));
    error_end(error);
    arena_end(arena);
}

static void test_cluster__says_what_is_wrong_and_where(void **state) {
    (void)state;
    refused("\"nodes\": 4", "\"nodse\": 4", "did you mean 'nodes'");
    refused("\"nodes\": 4", "\"nodes\": 0", "legal: 1 to 65536");
    refused("\"nodes\": 4", "\"nodes\": \"four\"", "should be an integer");
    refused("\"ranks_per_node\": 8", "\"ranks_per_node\": 17", "more than the 16 cores");
    refused("1e9}", "-1}", "link.bytes_per_s");
    refused("\"wait_s\": 1e-6,", "", "memory");
    refused(",\"link\"", ",\"overlap\": 0.5,\"link\"", "overlap");
    refused(",\"link\": {\"latency_s\": 2e-5, \"overhead_s\": 2e-6, \"bytes_per_s\": 1e9}", "",
            "nothing of its link");
}

static void test_cluster__every_committed_one_is_good(void **state) {
    (void)state;
    Arena *arena = arena_new();
    char **names;
    int n;
    const char *folder = SOURCE_DIR "/experiments/clusters";
    assert_ok(io_list(&names, &n, folder, arena));
    assert_true(n >= 3);
    for (int i = 0; i < n; i++) {
        Json *json;
        Cluster cluster;
        assert_ok(json_load(&json, arena_print(arena, "%s/%s", folder, names[i]), arena));
        bool measured = json_find(json, "memory") == NULL; /* waits for a calibration */
        Error *error = cluster_read(&cluster, json, arena);
        assert_true((error != NULL) == measured);
        if (error)
            error_end(error);
        assert_string_equal(arena_print(arena, "%s.json", cluster.cluster), names[i]);
    }
    arena_end(arena);
}

/* ---- calibrations */

static const SumTime sums[] = {{"tree", 2, 1, 4096, 4e-6, "now"},
                               {"tree", 2, 1, 1 << 20, 3e-4, "now"},
                               {"tree", 2, 1, 1 << 22, 1.6e-3, "now"},
                               {"ring", 2, 1, 1 << 20, 9, "now"}};
static const MessageTime messages[] = {
    {"inside a host", 2, 1, 4, 1, 6e-7, "now"},
    {"inside a host", 2, 1, 8 << 20, 1, 2e-3, "now"},
    {"between hosts", 2, 2, 4, 1, 3e-5, "now"},
    {"between hosts", 2, 2, 4, 32, 3e-5 + 31 * 2e-6, "now"},
    {"between hosts", 2, 2, 8 << 20, 1, 3e-5 + (8 << 20) / 1e8, "now"},
    {"between hosts, both ways", 2, 2, 4 << 20, 1, 3e-5 + (4 << 20) / 6e7, "now"}};
static const MemoryRate rates[] = {{1, 9e9, "now"}, {2, 1.4e10, "now"}};

static Calibration measured(int n_messages, Arena *arena) {
    Calibration out = {.host = "lab", .provenance = "{}"};
    calibration_put(&out, CALIBRATION_SUMS, sums, 4, arena);
    calibration_put(&out, CALIBRATION_MESSAGES, messages, n_messages, arena);
    calibration_put(&out, CALIBRATION_MEMORY, rates, 2, arena);
    return out;
}

/* Whatever was measured on two ranks is what the tree's formula says for two ranks. */
static void test_network__costs_what_was_measured(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Calibration calibration = measured(5, arena);
    for (int i = 1; i < 3; i++) {
        Network net = {0};
        double bytes = (double)sums[i].bytes;
        assert_true(network_fit_memory(&net, &calibration, 2, bytes));
        double s = ((const CollectiveType *)collective_table[COLLECTIVE_ID_tree])
                       ->cost(&net, &(CostCase){2, 2, 8, bytes});
        assert_true(fabs(s / sums[i].seconds - 1) < 1e-9);
    }
    Network net = {0};
    assert_true(network_fit_memory(&net, &calibration, 2, 1 << 21)); /* in between: log-log */
    double s = ((const CollectiveType *)collective_table[COLLECTIVE_ID_tree])
                   ->cost(&net, &(CostCase){2, 2, 8, 1 << 21});
    assert_true(fabs(s / sqrt(3e-4 * 1.6e-3) - 1) < 1e-9);
    assert_true(network_fit_link(&net, &calibration));
    assert_true(fabs(net.latency_s / 3e-5 - 1) < 1e-9 && fabs(net.overhead_s / 2e-6 - 1) < 1e-9);
    assert_true(fabs(net.link_bytes_per_s / 1e8 - 1) < 1e-9);
    calibration = measured(6, arena); /* slower when both send: sums always do */
    assert_true(network_fit_link(&net, &calibration));
    assert_true(fabs(net.link_bytes_per_s / 6e7 - 1) < 1e-9);
    calibration = measured(2, arena);
    assert_false(network_fit_link(&net, &calibration));
    calibration.n[CALIBRATION_SUMS] = 0;
    assert_false(network_fit_memory(&net, &calibration, 2, 1 << 21));
    arena_end(arena);
}

static void test_cluster__takes_what_it_leaves_out_from_a_calibration(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena), *path = arena_print(arena, "%s/lab.h5", folder);
    Cluster cluster;
    Error *error = cluster_load(&cluster, "two_cores", path, 1 << 20, arena);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_USAGE);
    assert_non_null(strstr(error_text(error), "batchlab bench comm"));
    error_end(error);
    Calibration calibration = measured(2, arena);
    assert_ok(calibration_write(&calibration, path));
    assert_ok(cluster_load(&cluster, "two_cores", path, 1 << 20, arena));
    assert_true(cluster.net.wait_s == 2e-6);
    assert_non_null(strstr(cluster.memory_from, "'lab'"));
    error = cluster_load(&cluster, "two_coers", path, 1 << 20, arena);
    assert_int_equal(error_code(error), CODE_MISSING);
    assert_non_null(strstr(error_text(error), "did you mean 'two_cores'"));
    error_end(error);
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cluster__reads_and_writes_the_same),
        cmocka_unit_test(test_cluster__says_what_is_wrong_and_where),
        cmocka_unit_test(test_cluster__every_committed_one_is_good),
        cmocka_unit_test(test_network__costs_what_was_measured),
        cmocka_unit_test(test_cluster__takes_what_it_leaves_out_from_a_calibration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
