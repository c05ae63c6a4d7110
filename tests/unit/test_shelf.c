/* Datasets on a shelf: one process loads, others read the same memory. */
#include "lab/data/shelf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a kind that counts how often it is loaded, of any size and content */

typedef struct {
    int *n_loads;
    int width;
    enum { MADE_PIXELS, MADE_VALUES, MADE_TEXT, MADE_NOTHING } what;
    bool fails;
} MadeUp;

enum { ROWS = 6, ALL_LABELS = 3 };

static Error *load_made_up(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    const MadeUp *set = settings;
    (void)paths;
    if (set->fails)
        return error_new(CODE_IO, "it cannot be read");
    if (set->n_loads)
        ++*set->n_loads;
    *out = (Dataset){.n = {3, 2, 1}, .best_loss = 0.25};
    int64_t n = (int64_t)ROWS * set->width;
    if (set->what == MADE_NOTHING)
        return NULL;
    uint8_t *bytes = arena_alloc(arena, (size_t)n + 8);
    float *values = set->what == MADE_VALUES ? ARENA_ARRAY(arena, float, n) : NULL;
    int32_t *labels = ARENA_ARRAY(arena, int32_t, ROWS);
    for (int64_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i % 251);
    for (int64_t i = 0; i < n && values; i++)
        values[i] = (float)i / 3;
    for (int i = 0; i < ROWS; i++)
        labels[i] = i % ALL_LABELS;
    out->n_features = set->width;
    out->n_classes = ALL_LABELS;
    out->shape[0] = out->shape[1] = 1;
    out->shape[2] = set->width;
    out->values = values;
    out->pixels = set->what == MADE_PIXELS ? bytes : NULL;
    out->labels = set->what == MADE_TEXT ? NULL : labels;
    if (set->what == MADE_TEXT) {
        out->text = bytes;
        out->text_bytes = n + 1;
        out->n_labels = set->width;
        out->n_classes = 251;
        for (int s = 0; s < SPLIT_N; s++)
            out->stride[s] = set->width;
        out->begin[SPLIT_VALID] = 3 * set->width;
        out->begin[SPLIT_TEST] = 5 * set->width;
    }
    return NULL;
}

static const DatasetType made_up = {
    .kind = {.name = "made_up"}, .probe = load_made_up, .load = load_made_up};

static Error *put(Dataset *out, Shelf *shelf, const char *key, const MadeUp *set, Arena *arena) {
    return shelf_load(out, shelf, key, &made_up, set, NULL, arena);
}

/* Every example of every split, through the function that training uses. */
static bool same_examples(const Dataset *a, const Dataset *b, Arena *arena) {
    size_t n_x = (size_t)a->n_features + 1, n_y = (size_t)a->n_labels + 1;
    float *x[2] = {ARENA_ARRAY(arena, float, n_x), ARENA_ARRAY(arena, float, n_x)};
    int32_t *y[2] = {ARENA_ARRAY(arena, int32_t, n_y), ARENA_ARRAY(arena, int32_t, n_y)};
    for (Split s = 0; s < SPLIT_N; s++)
        for (int64_t i = 0; i < a->n[s]; i++) {
            dataset_gather(a, s, &i, 1, x[0], y[0]);
            dataset_gather(b, s, &i, 1, x[1], y[1]);
            if (memcmp(x[0], x[1], n_x * sizeof **x) != 0 ||
                memcmp(y[0], y[1], n_y * sizeof **y) != 0)
                return false;
        }
    return a->type == b->type && a->best_loss == b->best_loss && strcmp(a->sha256, b->sha256) == 0;
}

/* In a child: what the place gives, without a single load. */
static int look_up(const char *place, const char *key, const MadeUp *set, const Dataset *wanted) {
    Arena *arena = arena_new();
    int n_loads = 0;
    MadeUp counted = *set;
    counted.n_loads = &n_loads;
    Dataset found;
    char passed_on[SHELF_PLACE_ROOM];
    Shelf *shelf = shelf_new(place, arena);
    Error *error = put(&found, shelf, key, &counted, arena);
    shelf_place(shelf, passed_on);
    int bad = error != NULL || n_loads > 0 || !same_examples(&found, wanted, arena) ||
              strcmp(passed_on, place) != 0;
    arena_end(arena);
    return bad;
}

static int status_of(pid_t child) {
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_shelf__another_process_finds_what_is_there(void **state) {
    (void)state;
    for (int what = MADE_PIXELS; what <= MADE_NOTHING; what++) {
        Arena *arena = arena_new();
        int n_loads = 0;
        MadeUp set = {.n_loads = &n_loads, .width = 3000, .what = what};
        Dataset plain, put_up;
        char place[SHELF_PLACE_ROOM];
        Shelf *shelf = shelf_new(NULL, arena);
        assert_null(dataset_load(&plain, &made_up, &set, NULL, arena));
        assert_null(put(&put_up, shelf, "key", &set, arena));
        assert_int_equal(n_loads, 2);
        shelf_place(shelf, place);
        pid_t child = fork();
        if (child == 0)
            _exit(look_up(place, "key", &set, &plain));
        assert_int_equal(status_of(child), 0);
        assert_true(same_examples(&put_up, &plain, arena));
        arena_end(arena);
    }
}

static void test_shelf__loads_itself_where_nothing_is_found(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset data;
    int n_loads = 0;
    MadeUp set = {.n_loads = &n_loads, .width = 10};
    char place[SHELF_PLACE_ROOM], own[SHELF_PLACE_ROOM];
    Shelf *shelf = shelf_new("", arena);
    assert_null(put(&data, shelf, "key", &set, arena));
    shelf_place(shelf, place);
    const char *const elsewhere[] = {"1-0123456789abcdef", "999999999-0123456789abcdef", "junk",
                                     arena_print(arena, "%ld-0123456789abcdef", (long)getpid()),
                                     place}; /* has no "other key" */
    int n = (int)(sizeof elsewhere / sizeof *elsewhere);
    for (int i = 0; i < n; i++) {
        Shelf *other = shelf_new(elsewhere[i], arena);
        assert_null(put(&data, other, "other key", &set, arena));
        assert_int_equal(n_loads, 2 + i);
        shelf_place(other, own); /* its own, so that others need not load it again */
        assert_string_not_equal(own, elsewhere[i]);
    }
    arena_end(arena);
}

static void test_shelf__loads_once_what_is_asked_twice(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset first, again, other;
    int n_loads = 0;
    MadeUp set = {.n_loads = &n_loads, .width = 10};
    Shelf *shelf = shelf_new(NULL, arena);
    assert_null(put(&first, shelf, "key", &set, arena));
    assert_null(put(&again, shelf, "key", &set, arena));
    assert_int_equal(n_loads, 1);
    assert_ptr_equal(first.pixels, again.pixels);
    assert_null(put(&other, shelf, "other", &set, arena));
    assert_int_equal(n_loads, 2);
    assert_ptr_not_equal(first.pixels, other.pixels);
    assert_null(put(&other, NULL, "key", &set, arena)); /* no shelf: its own */
    assert_int_equal(n_loads, 3);
    arena_end(arena);
}

static void test_shelf__a_load_that_fails_leaves_nothing(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset data;
    int n_loads = 0;
    MadeUp set = {.n_loads = &n_loads, .width = 10, .fails = true};
    Shelf *shelf = shelf_new(NULL, arena);
    Error *error = put(&data, shelf, "key", &set, arena);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_IO);
    error_end(error);
    set.fails = false;
    assert_null(put(&data, shelf, "key", &set, arena));
    assert_int_equal(n_loads, 1);
    arena_end(arena);
}

/* A descriptor of this process whose link contains `name`. */
static int find_descriptor(const char *name) {
    char path[64], link[256];
    for (int fd = 0; fd < 256; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, link, sizeof link - 1);
        link[n > 0 ? n : 0] = '\0';
        if (strstr(link, name))
            return fd;
    }
    return -1;
}

static void test_shelf__content_is_read_only_and_keeps_its_length(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset data;
    MadeUp set = {.width = 10};
    char place[SHELF_PLACE_ROOM];
    Shelf *shelf = shelf_new(NULL, arena);
    assert_null(put(&data, shelf, "key", &set, arena));
    shelf_place(shelf, place);
    int fd = find_descriptor(strchr(place, '-') + 1);
    if (fd < 0) { /* no such files here: the other tests hold all the same */
        arena_end(arena);
        skip();
    }
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(errno, EPERM);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile uint8_t *)(uintptr_t)data.pixels = 1;
        _exit(0);
    }
    assert_true(WIFSIGNALED(status_of(child)));
    arena_end(arena);
    assert_int_equal(find_descriptor(strchr(place, '-') + 1), -1);
}

/* Peak of this process since it began, bytes; 0: unknown. */
static double peak_bytes(void) {
    char line[128];
    double kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %lf kB", &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    return 1024 * kilobytes;
}

static int load_large(const MadeUp *set, double bytes) {
    Arena *arena = arena_new();
    Dataset data;
    double before = peak_bytes();
    Error *error = put(&data, shelf_new(NULL, arena), "key", set, arena);
    double grown = peak_bytes() - before;
    int bad = error != NULL || grown < 0.9 * bytes || grown > 1.4 * bytes;
    if (bad)
        fprintf(stderr, "%.0f MB of data grew the process by %.0f MB\n", bytes / 1e6, grown / 1e6);
    arena_end(arena);
    return bad;
}

static void test_shelf__memory_never_holds_the_data_twice(void **state) {
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    skip(); /* its shadow counts, too */
#endif
    MadeUp set = {.width = 8000000, .what = MADE_PIXELS};
    pid_t child = fork();
    if (child == 0)
        _exit(load_large(&set, (double)ROWS * set.width));
    assert_int_equal(status_of(child), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shelf__another_process_finds_what_is_there),
        cmocka_unit_test(test_shelf__loads_itself_where_nothing_is_found),
        cmocka_unit_test(test_shelf__loads_once_what_is_asked_twice),
        cmocka_unit_test(test_shelf__a_load_that_fails_leaves_nothing),
        cmocka_unit_test(test_shelf__content_is_read_only_and_keeps_its_length),
        cmocka_unit_test(test_shelf__memory_never_holds_the_data_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
