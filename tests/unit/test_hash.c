/* Hashes of blocks side by side are those of one block after the other. */
#include "lab/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 37 * HASH_BLOCK + 5 };

/* From the definition, through hex digits. */
static void expected_of(char out[HASH_ROOM], const uint8_t *bytes, size_t n) {
    Hash list = hash_new();
    for (size_t at = 0; at < n; at += HASH_BLOCK) {
        char hex[HASH_ROOM];
        uint8_t raw[32];
        hash_of(bytes + at, n - at < HASH_BLOCK ? n - at : HASH_BLOCK, hex);
        for (int i = 0; i < 32; i++) {
            unsigned byte;
            assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
            raw[i] = (uint8_t)byte;
        }
        hash_add(&list, raw, sizeof raw);
    }
    hash_hex(&list, out);
}

static void test_hash__blocks_side_by_side_are_blocks_in_turn(void **state) {
    (void)state;
    static const size_t sizes[] = {0,
                                   1,
                                   HASH_BLOCK - 1,
                                   HASH_BLOCK,
                                   15 * HASH_BLOCK + 9,
                                   16 * HASH_BLOCK,
                                   17 * HASH_BLOCK,
                                   32 * HASH_BLOCK - 1,
                                   MOST};
    uint8_t bytes[MOST];
    for (size_t i = 0; i < MOST; i++)
        bytes[i] = (uint8_t)(i * i / 7 + i / HASH_BLOCK * 31);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char expected[HASH_ROOM], got[HASH_ROOM], pieces[HASH_ROOM];
        expected_of(expected, bytes, sizes[i]);
        Hash hash = hash_new();
        hash_add_blocks(&hash, bytes, sizes[i]);
        hash_hex(&hash, got);
        assert_string_equal(got, expected);
        size_t first = sizes[i] / 2 / HASH_BLOCK * HASH_BLOCK;
        hash = hash_new();
        hash_add_blocks(&hash, bytes, first);
        hash_add_blocks(&hash, bytes + first, sizes[i] - first);
        hash_hex(&hash, pieces);
        assert_string_equal(pieces, expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash__blocks_side_by_side_are_blocks_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
