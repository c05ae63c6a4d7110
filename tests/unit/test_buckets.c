#include "lab/comm/buckets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Sizes in floats; negative: a vector. */
static int segments_make(Segment *out, const int64_t *sizes, int n) {
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
        int64_t size = sizes[i] < 0 ? -sizes[i] : sizes[i];
        out[i] = (Segment){.offset = at, .n = size, .n_dims = sizes[i] < 0 ? 1 : 2};
        at += size;
    }
    return n;
}

#define CUT(bytes, ...)                                                                            \
    const int64_t sizes[] = {__VA_ARGS__};                                                         \
    enum { N = sizeof sizes / sizeof *sizes };                                                     \
    Segment segments[N];                                                                           \
    Bucket out[N];                                                                                 \
    int n = buckets_cut(out, segments, segments_make(segments, sizes, N), bytes)

static void assert_bucket(Bucket bucket, int first, int64_t from, int64_t to) {
    assert_int_equal(bucket.first, first);
    assert_int_equal(bucket.part.first, from);
    assert_int_equal(bucket.part.last, to);
}

static void test_buckets__are_cut_before_matrices_from_the_end(void **state) {
    (void)state;
    CUT(1, 12, -3, 6, -2, 4, -2);
    assert_int_equal(n, 3);
    assert_bucket(out[0], 4, 23, 29);
    assert_bucket(out[1], 2, 15, 23);
    assert_bucket(out[2], 0, 0, 15);
}

static void test_buckets__are_as_large_as_asked_but_for_the_last_one(void **state) {
    (void)state;
    CUT(4 * 14, 12, -3, 6, -2, 4, -2); /* 14 floats: two layers of the three */
    assert_int_equal(n, 2);
    assert_bucket(out[0], 2, 15, 29);
    assert_bucket(out[1], 0, 0, 15);
}

static void test_buckets__of_one_tensor_or_of_vectors_are_one(void **state) {
    (void)state;
    {
        CUT(1, 100);
        assert_int_equal(n, 1);
        assert_bucket(out[0], 0, 0, 100);
    }
    {
        CUT(1, -3, -4, -5);
        assert_int_equal(n, 1);
        assert_bucket(out[0], 0, 0, 12);
    }
}

/* Norms before a matrix are finished after it: they go with the bucket in front. */
static void test_buckets__vectors_before_a_matrix_stay_in_front(void **state) {
    (void)state;
    CUT(1, 8, -2, -2, 9, -3);
    assert_int_equal(n, 2);
    assert_bucket(out[0], 3, 12, 24);
    assert_bucket(out[1], 0, 0, 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets__are_cut_before_matrices_from_the_end),
        cmocka_unit_test(test_buckets__are_as_large_as_asked_but_for_the_last_one),
        cmocka_unit_test(test_buckets__of_one_tensor_or_of_vectors_are_one),
        cmocka_unit_test(test_buckets__vectors_before_a_matrix_stay_in_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
