/* Known answers and first-principle checks of the small base modules. */
#include "lab/base/clock.h"
#include "lab/base/hash.h"
#include "lab/base/io.h"
#include "lab/base/param.h"
#include "lab/base/rng.h"
#include "lab/base/stats.h"
#include "lab/base/text.h"
#include "lab/base/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void test_hash__matches_fips_vectors(void **state) {
    (void)state;
    char hex[HASH_ROOM];
    hash_of("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_of("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    Hash hash = hash_new(); /* a million a's, fed in odd pieces */
    char block[977];
    memset(block, 'a', sizeof block);
    for (size_t left = 1000000; left > 0;) {
        size_t n = left < sizeof block ? left : sizeof block;
        hash_add(&hash, block, n);
        left -= n;
    }
    hash_hex(&hash, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_hash__every_length_agrees_with_pieces(void **state) {
    (void)state;
    char bytes[200], whole[HASH_ROOM], pieces[HASH_ROOM];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    for (size_t n = 0; n < sizeof bytes; n++) {
        hash_of(bytes, n, whole);
        Hash hash = hash_new();
        hash_add(&hash, bytes, n / 3);
        hash_add(&hash, bytes + n / 3, n - n / 3);
        hash_hex(&hash, pieces);
        assert_string_equal(whole, pieces);
    }
}

/* Known-answer vectors of the Random123 distribution. */
static void test_rng__matches_random123_vectors(void **state) {
    (void)state;
    uint32_t out[4], zero[4] = {0}, ones[4] = {~0u, ~0u, ~0u, ~0u};
    rng_block(out, zero, zero);
    assert_int_equal(out[0], 0x6627e8d5);
    assert_int_equal(out[1], 0xe169c58d);
    assert_int_equal(out[2], 0xbc57ac4c);
    assert_int_equal(out[3], 0x9b00dbd8);
    rng_block(out, ones, ones);
    assert_int_equal(out[0], 0x408f276d);
    assert_int_equal(out[1], 0x41c83b0e);
    assert_int_equal(out[2], 0xa20bc7c6);
    assert_int_equal(out[3], 0x6d5451fd);
}

static void test_rng__moments_and_bounds(void **state) {
    (void)state;
    enum { N = 200000 };
    Rng rng = rng_new(3, RNG_TEST, 5);
    double sum = 0, square = 0, fourth = 0;
    for (int i = 0; i < N; i++) {
        double x = rng_normal(&rng);
        sum += x;
        square += x * x;
        fourth += x * x * x * x;
    }
    assert_true(fabs(sum / N) < 4 / sqrt(N));
    assert_true(fabs(square / N - 1) < 4 * sqrt(2.0 / N));
    assert_true(fabs(fourth / N - 3) < 4 * sqrt(96.0 / N));
    int seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 9600, 10400);
    Rng a = rng_new(1, RNG_TEST, 1), b = rng_new(1, RNG_TEST, 2), c = rng_new(2, RNG_TEST, 1);
    uint32_t word = rng_word(&a);
    assert_int_not_equal(word, rng_word(&b));
    assert_int_not_equal(word, rng_word(&c));
}

/* The definition, recursively. */
static double tree(const double *x, int64_t first, int level, int64_t n) {
    if (first >= n)
        return 0;
    if (level == 0)
        return x[first];
    int64_t half = (int64_t)1 << (level - 1);
    double left = tree(x, first, level - 1, n);
    return first + half >= n ? left : left + tree(x, first + half, level - 1, n);
}

static void test_vec__tree_sum_is_the_canonical_tree(void **state) {
    (void)state;
    double x[300];
    Rng rng = rng_new(9, RNG_TEST, 0);
    for (int i = 0; i < 300; i++)
        x[i] = rng_normal(&rng) * pow(10, rng_below(&rng, 16));
    for (int n = 0; n <= 300; n++)
        assert_true(vec_tree_sum(x, n) == tree(x, 0, 9, n));
}

static void test_vec__sumsq_agrees_and_is_sliceable(void **state) {
    (void)state;
    enum { N = 3 * VEC_CHUNK + 77 };
    float *x = malloc(sizeof *x * N);
    double chunk[4], direct = 0;
    Rng rng = rng_new(9, RNG_TEST, 1);
    for (int i = 0; i < N; i++) {
        x[i] = (float)rng_normal(&rng);
        direct += (double)x[i] * (double)x[i];
    }
    for (int c = 0; c < 4; c++)
        chunk[c] = vec_chunk_sumsq(x + c * VEC_CHUNK, c < 3 ? VEC_CHUNK : 77);
    assert_true(vec_sumsq(x, N) == vec_tree_sum(chunk, 4));
    assert_true(fabs(vec_sumsq(x, N) / direct - 1) < 1e-12);
    double scaled = vec_chunk_scale_sumsq(x, x, 0.5f, 100);
    assert_true(scaled == vec_chunk_sumsq(x, 100));
    free(x);
}

static void test_stats__known_values(void **state) {
    (void)state;
    double x[] = {5, 1, 4, 2, 3};
    assert_true(stats_median(x, 5) == 3);
    assert_true(stats_median(x, 4) == 3);
    assert_true(stats_quantile(x, 5, 0.25) == 2);
    assert_true(x[0] == 5);
    assert_true(fabs(stats_sd(x, 5) - sqrt(2.5)) < 1e-15);
    assert_true(fabs(stats_t_quantile(0.95, 10) - 2.228138852) < 1e-8);
    assert_true(fabs(stats_t_quantile(0.90, 1) - 6.313751515) < 1e-7);
    assert_true(fabs(stats_chi2_tail(18.307038053, 10) - 0.05) < 1e-9);
    assert_true(fabs(stats_chi2_tail(2.0, 2) - exp(-1)) < 1e-12);
    assert_true(isnan(stats_median(x, 0)));
}

static void test_text__nearest_counts_a_swap_as_one(void **state) {
    (void)state;
    const char *names[] = {"momentum", "lars", "lamb", "sgd"};
    assert_string_equal(text_nearest("lamp", names, 4), "lamb");
    assert_string_equal(text_nearest("mometnum", names, 4), "momentum");
    assert_string_equal(text_nearest("sdg", names, 4), "sgd");
    assert_null(text_nearest("polynomial", names, 4));
    assert_true(text_is_name("mnist_batch-size.1"));
    assert_false(text_is_name("../x"));
    assert_false(text_is_name("a..b"));
    assert_false(text_is_name("Upper"));
    assert_false(text_is_name(""));
}

typedef struct Sample {
    double rate;
    int64_t count;
    bool flag;
    int mode;
    ParamCounts widths;
} Sample;

static const char *const modes[] = {"scale", "clip", NULL};
static const Param sample_rows[] = {
    PARAM(NUMBER, Sample, rate, "0.9", 0, 1, "1", "a rate"),
    PARAM(COUNT, Sample, count, NULL, 1, 100, "1", "a count"),
    PARAM(FLAG, Sample, flag, "false", 0, 0, "1", "a flag"),
    PARAM_FROM(Sample, mode, "\"scale\"", modes, "a mode"),
    PARAM(COUNTS, Sample, widths, "[3]", 1, 10, "1", "some widths"),
    PARAM_END,
};

static Error *read_sample(Sample *out, const char *text, Arena *arena) {
    Json *object;
    PASS(json_parse(&object, text, strlen(text), "s.json", arena));
    return param_read(out, sample_rows, object, NULL, arena);
}

static void test_param__reads_defaults_and_values(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Sample sample;
    assert_null(
        read_sample(&sample, "{\"count\": 7, \"mode\": \"clip\", \"widths\": [1, 2]}", arena));
    assert_true(sample.rate == 0.9 && sample.count == 7 && !sample.flag && sample.mode == 1);
    assert_int_equal(sample.widths.n, 2);
    Json *out = json_object(arena);
    param_write(out, sample_rows, &sample, arena);
    assert_string_equal(
        json_canonical(out, arena),
        "{\"count\":7,\"flag\":false,\"mode\":\"clip\",\"rate\":0.9,\"widths\":[1,2]}");
    arena_end(arena);
}

static void test_param__errors_name_path_range_and_nearest(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"{}", "lacks the required setting 'count'"},
        {"{\"count\": 0}", "1 to 100"},
        {"{\"count\": 1.5}", "integer"},
        {"{\"count\": \"3\"}", "a text"},
        {"{\"count\": 1, \"raet\": 1}", "did you mean 'rate'"},
        {"{\"count\": 1, \"rate\": 2}", "0 to 1"},
        {"{\"count\": 1, \"flag\": 1}", "true or false"},
        {"{\"count\": 1, \"mode\": \"clipp\"}", "did you mean 'clip'"},
        {"{\"count\": 1, \"widths\": [11]}", "widths[0]"},
        {"[]", "an object"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Arena *arena = arena_new();
        Sample sample;
        Error *error = read_sample(&sample, bad[i][0], arena);
        assert_non_null(error);
        if (!strstr(error_text(error), bad[i][1]))
            error_print(error, stderr);
        assert_non_null(strstr(error_text(error), bad[i][1]));
        error_end(error);
        arena_end(arena);
    }
}

typedef struct Ended {
    char *order, letter;
} Ended;

static void note_end(void *what) {
    const Ended *one = what;
    one->order[strlen(one->order)] = one->letter;
}

/* Large and small, before and after other blocks: zeroes, aligned, nobody else's. */
static void test_arena__late_memory_is_like_any_other(void **state) {
    (void)state;
    static const size_t sizes[] = {100, 1 << 16, (1 << 20) + 8};
    for (int before = 0; before < 2; before++) {
        Arena *arena = arena_new();
        char *first = before ? arena_alloc(arena, 100) : NULL, *late[3];
        for (int i = 0; i < 3; i++) {
            late[i] = arena_alloc_late(arena, sizes[i]);
            assert_int_equal((uintptr_t)late[i] % 64, 0);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(late[i][k], 0);
            memset(late[i], 1 + i, sizes[i]);
        }
        char *last = arena_alloc(arena, 100);
        assert_true(!before || last - first < 1 << 16); /* the block with room is still used */
        memset(last, 9, 100);
        for (int i = 0; i < 3; i++)
            assert_true(late[i][0] == 1 + i && late[i][sizes[i] - 1] == 1 + i);
        arena_end(arena);
    }
}

static void test_arena__ends_what_was_made_latest_first(void **state) {
    (void)state;
    char order[4] = "";
    Arena *arena = arena_new();
    for (char letter = 'a'; letter <= 'c'; letter++) {
        Ended *one = ARENA_NEW(arena, Ended); /* still there when it ends */
        *one = (Ended){order, letter};
        arena_at_end(arena, note_end, one);
    }
    assert_string_equal(order, "");
    arena_end(arena);
    assert_string_equal(order, "cba");
}

static void test_io__write_aside_read_back_and_lock(void **state) {
    (void)state;
    Arena *arena = arena_new();
    char folder[] = "/tmp/batchlab-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *deep = arena_print(arena, "%s/a/b", folder);
    assert_null(io_folder(deep));
    const char *path = arena_print(arena, "%s/x", deep);
    assert_null(io_write(path, "hello", 5));
    char *text;
    size_t n;
    assert_null(io_read(&text, &n, path, arena));
    assert_int_equal(n, 5);
    assert_string_equal(text, "hello");
    Error *error = io_read(&text, &n, arena_print(arena, "%s/none", deep), arena);
    assert_int_equal(error_code(error), CODE_MISSING);
    error_end(error);
    IoLock *mine, *other;
    const char *lock_path = arena_print(arena, "%s/lock", deep);
    assert_null(io_lock(&mine, lock_path, false, 0, arena));
    assert_non_null(mine);
    assert_null(io_lock(&other, lock_path, true, 0, arena));
    assert_null(other); /* held */
    assert_null(io_lock_share(mine));
    assert_null(io_lock(&other, lock_path, true, 0, arena));
    assert_non_null(other); /* shared */
    io_unlock(mine);
    io_unlock(other);
    pid_t child = fork(); /* a killed holder leaves no lock behind */
    if (child == 0) {
        if (io_lock(&mine, lock_path, false, 0, arena) == NULL && mine)
            raise(SIGKILL);
        _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    assert_null(io_lock(&mine, lock_path, false, 2, arena));
    assert_non_null(mine);
    io_unlock(mine);
    assert_int_equal(system(arena_print(arena, "rm -r %s", folder)), 0);
    arena_end(arena);
}

static void test_error__chain_reads_as_documented(void **state) {
    (void)state;
    Error *error = error_hint(error_new(CODE_USAGE, "there is no optimizer '%s'", "lamp"),
                              "did you mean 'lamb'?");
    error =
        error_wrap(error, "cannot continue: reading trial.optimizer of 'experiments/mnist.json'");
    assert_string_equal(
        error_text(error),
        "batchlab: cannot continue: reading trial.optimizer of 'experiments/mnist.json'\n"
        "  because there is no optimizer 'lamp'\n"
        "  hint: did you mean 'lamb'?");
    assert_int_equal(error_code(error), CODE_USAGE);
    error_end(error);
}

static void test_base__utc_is_read_back(void **state) {
    (void)state;
    char now[CLOCK_UTC_ROOM];
    clock_utc(now);
    assert_true(fabs(clock_utc_read(now) - (double)time(NULL)) <= 2);
    assert_true(clock_utc_read("1970-01-02T00:00:01Z") == 86401);
    assert_true(clock_utc_read("2026-11-21T20:28:10Z") == 1795292890);
    assert_true(isnan(clock_utc_read("2026-11-21")) && isnan(clock_utc_read("")));
    assert_true(isnan(clock_utc_read("2026-11-21T20:28:10Z.")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash__matches_fips_vectors),
        cmocka_unit_test(test_hash__every_length_agrees_with_pieces),
        cmocka_unit_test(test_rng__matches_random123_vectors),
        cmocka_unit_test(test_rng__moments_and_bounds),
        cmocka_unit_test(test_vec__tree_sum_is_the_canonical_tree),
        cmocka_unit_test(test_vec__sumsq_agrees_and_is_sliceable),
        cmocka_unit_test(test_stats__known_values),
        cmocka_unit_test(test_text__nearest_counts_a_swap_as_one),
        cmocka_unit_test(test_param__reads_defaults_and_values),
        cmocka_unit_test(test_param__errors_name_path_range_and_nearest),
        cmocka_unit_test(test_arena__late_memory_is_like_any_other),
        cmocka_unit_test(test_arena__ends_what_was_made_latest_first),
        cmocka_unit_test(test_io__write_aside_read_back_and_lock),
        cmocka_unit_test(test_error__chain_reads_as_documented),
        cmocka_unit_test(test_base__utc_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
