#include "lab/comm/tree.h"

#include "lab/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { MOST = 33 };

/* The definition: node (level, index) as a bracketed expression. */
static const char *define(int level, int64_t index, int64_t n, Arena *arena) {
    if (level == 0)
        return arena_print(arena, "%lld", (long long)index);
    const char *left = define(level - 1, 2 * index, n, arena);
    if ((2 * index + 1) << (level - 1) >= n)
        return left;
    return arena_print(arena, "(%s+%s)", left, define(level - 1, 2 * index + 1, n, arena));
}

typedef struct List {
    TreeNode node[TREE_MAX_NODES];
    int n;
} List;

static void push(List *list, TreeNode node, int64_t n_shards, Arena *arena) {
    while (list->n > 0 && tree_siblings(list->node[list->n - 1], node, n_shards)) {
        TreeNode left = list->node[--list->n];
        left.data = arena_print(arena, "(%s+%s)", (char *)left.data, (char *)node.data);
        node = tree_parent(left);
    }
    list->node[list->n++] = node;
}

/* Blocks pre-added alone, then joined pairwise as the binomial collective does it: for every S and every number of parts the
 * bracketing is the definition's. */
static void test_tree__bracketing_is_the_same_for_every_number_of_parts(void **state) {
    (void)state;
    for (int64_t n = 1; n <= MOST; n++) {
        Arena *arena = arena_new();
        int level = 0;
        while ((int64_t)1 << level < n)
            level++;
        const char *wanted = define(level, 0, n, arena);
        for (int parts = 1; parts <= n; parts++) {
            List list[MOST] = {0};
            for (int part = 0; part < parts; part++) {
                int64_t first, last;
                tree_block(n, parts, part, &first, &last);
                assert_true(last > first);
                for (int64_t shard = first; shard < last; shard++)
                    push(&list[part], (TreeNode){.index = shard, .data = arena_print(arena, "%lld", (long long)shard)}, n, arena);
            }
            for (int step = 1; step < parts; step *= 2)
                for (int part = 0; part + step < parts; part += 2 * step)
                    for (int i = 0; i < list[part + step].n; i++)
                        push(&list[part], list[part + step].node[i], n, arena);
            assert_int_equal(list[0].n, 1);
            assert_string_equal(list[0].node[0].data, wanted);
        }
        arena_end(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree__bracketing_is_the_same_for_every_number_of_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
