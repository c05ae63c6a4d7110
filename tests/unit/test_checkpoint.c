/* The file of a checkpoint: what was written comes back, and nothing else is taken for it. */
#include "lab/train/checkpoint.h"
#include "lab/base/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct State {
    int64_t step;
    double pair[2];
    float weights[37];
    uint64_t words[3];
} State;

static int arrays_of(StateArray out[8], State *state) {
    out[0] = (StateArray){"step", STATE_INT64, 1, &state->step};
    out[1] = (StateArray){"pair", STATE_DOUBLE, 2, state->pair};
    out[2] = (StateArray){"empty", STATE_DOUBLE, 0, NULL};
    out[3] = (StateArray){"weights", STATE_FLOAT, 37, state->weights};
    out[4] = (StateArray){"words", STATE_WORDS, 3, state->words};
    return 5;
}

static const char *written(State *state, Arena *arena) {
    char *path = arena_copy(arena, "/tmp/batchlab-checkpoint-XXXXXX");
    close(mkstemp(path));
    *state = (State){INT64_MIN, {-0.0, 5e-324}, {0}, {1, UINT64_MAX, 0x7ff8000000000001}};
    for (int i = 0; i < 37; i++)
        state->weights[i] = (float)i / 3;
    StateArray arrays[8];
    int n = arrays_of(arrays, state);
    assert_null(checkpoint_write(path, 1234, "{\"trial_id\":\"x\"}", arrays, n));
    return path;
}

static void expect_error(Error *error, const char *word) {
    assert_non_null(error);
    if (!strstr(error_text(error), word))
        fail_msg("'%s' does not say '%s'", error_text(error), word);
    error_end(error);
}

static void test_checkpoint__comes_back_bit_for_bit(void **state) {
    (void)state;
    Arena *arena = arena_new();
    State before, after = {0};
    const char *path = written(&before, arena);
    Checkpoint checkpoint;
    assert_null(checkpoint_check(&checkpoint, path, arena));
    assert_int_equal(checkpoint.step, 1234);
    assert_string_equal(checkpoint.text, "{\"trial_id\":\"x\"}");
    StateArray arrays[8];
    int n = arrays_of(arrays, &after);
    StateArray swapped = arrays[0]; /* found by name, not by place */
    arrays[0] = arrays[3];
    arrays[3] = swapped;
    assert_null(checkpoint_read(path, arrays, n));
    assert_memory_equal(&before, &after, sizeof before);
    unlink(path);
    arena_end(arena);
}

/* Any bit anywhere, any end too early, anything behind. */
static void test_checkpoint__damage_is_seen(void **state) {
    (void)state;
    Arena *arena = arena_new();
    State before;
    const char *path = written(&before, arena);
    char *bytes;
    size_t n;
    assert_null(io_read(&bytes, &n, path, arena));
    Checkpoint checkpoint;
    for (size_t i = 0; i < n; i++) {
        bytes[i] ^= (char)(1 << i % 8);
        assert_null(io_write(path, bytes, n));
        Error *error = checkpoint_check(&checkpoint, path, arena);
        if (!error)
            fail_msg("byte %zu of %zu may change", i, n);
        error_end(error);
        bytes[i] ^= (char)(1 << i % 8);
    }
    for (size_t size = 0; size < n; size += 7) {
        assert_null(io_write(path, bytes, size));
        expect_error(checkpoint_check(&checkpoint, path, arena), path);
    }
    char *longer = arena_alloc(arena, n + 1);
    memcpy(longer, bytes, n);
    assert_null(io_write(path, longer, n + 1));
    expect_error(checkpoint_check(&checkpoint, path, arena), "damaged");
    assert_null(io_write(path, bytes, n));
    assert_null(checkpoint_check(&checkpoint, path, arena));
    bytes[8]++; /* the version stands behind the magic word */
    assert_null(io_write(path, bytes, n));
    expect_error(checkpoint_check(&checkpoint, path, arena), "another version");
    unlink(path);
    expect_error(checkpoint_check(&checkpoint, path, arena), "cannot read");
    arena_end(arena);
}

static void test_checkpoint__another_program_s_state_is_refused(void **state) {
    (void)state;
    Arena *arena = arena_new();
    State before, after = {0};
    const char *path = written(&before, arena);
    StateArray arrays[8];
    int n = arrays_of(arrays, &after);
    expect_error(checkpoint_read(path, arrays, n - 1), "holds 'words'");
    arrays[n] = (StateArray){"more", STATE_DOUBLE, 1, &after.pair[0]};
    expect_error(checkpoint_read(path, arrays, n + 1), "lacks 'more'");
    arrays[3].n = 36;
    expect_error(checkpoint_read(path, arrays, n), "'weights'");
    arrays[3] = (StateArray){"weights", STATE_DOUBLE, 37, arrays[3].data};
    expect_error(checkpoint_read(path, arrays, n), "'weights'");
    unlink(path);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoint__comes_back_bit_for_bit),
        cmocka_unit_test(test_checkpoint__damage_is_seen),
        cmocka_unit_test(test_checkpoint__another_program_s_state_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
