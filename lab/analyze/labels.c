#include "lab/analyze/labels.h"

#include "lab/base/text.h"

#include <stdlib.h>
#include <string.h>

/* One leaf of a config: ("lr.scaling", "linear"). */
typedef struct Leaf {
    const char *key, *value;
} Leaf;

typedef struct Leaves {
    int n, room;
    Leaf *leaf; /* by key */
} Leaves;

static void leaves_add(Leaves *leaves, Leaf leaf, Arena *arena) {
    if (leaves->n == leaves->room) {
        int room = leaves->room ? 2 * leaves->room : 32;
        Leaf *more = ARENA_ARRAY(arena, Leaf, room);
        if (leaves->n)
            memcpy(more, leaves->leaf, sizeof(Leaf) * (size_t)leaves->n);
        leaves->leaf = more;
        leaves->room = room;
    }
    leaves->leaf[leaves->n++] = leaf;
}

/* Depth is bounded by the reader's 64 levels. */
static void flatten(Leaves *leaves, const Json *value, const char *key, Arena *arena) {
    if (value->kind == JSON_OBJECT) {
        JSON_EACH (child, value) {
            flatten(leaves, child, *key ? arena_print(arena, "%s.%s", key, child->key) : child->key,
                    arena);
        }
        return;
    }
    const char *text = value->kind == JSON_TEXT   ? value->text
                       : value->kind == JSON_NULL ? "none"
                                                  : json_canonical(value, arena);
    leaves_add(leaves, (Leaf){key, text}, arena);
}

static int by_key(const void *a, const void *b) {
    return strcmp(((const Leaf *)a)->key, ((const Leaf *)b)->key);
}

/* Does a setting belong to an axis of the search? Its winner's value is a result, not a name. */
static bool is_searched(const char *key, const SearchCell *search) {
    for (int a = 0; search && a < search->search.n_axes; a++) {
        size_t n = strlen(search->axis[a].name);
        if (strncmp(key, search->axis[a].name, n) == 0 && (key[n] == 0 || key[n] == '.'))
            return true;
    }
    return false;
}

static Leaves leaves_of(const Cell *cell, Arena *arena) {
    Leaves all = {0}, leaves = {0};
    flatten(&all, cell->first->config, "", arena);
    for (int i = 0; i < all.n; i++)
        if (!is_searched(all.leaf[i].key, cell->search))
            leaves_add(&leaves, all.leaf[i], arena);
    if (leaves.n)
        qsort(leaves.leaf, (size_t)leaves.n, sizeof(Leaf), by_key);
    return leaves;
}

static bool contains(const Leaves *keys, const char *key) {
    for (int i = 0; i < keys->n; i++)
        if (strcmp(keys->leaf[i].key, key) == 0)
            return true;
    return false;
}

/* The name of the object that a key stands in ("model.name" for "model.hidden"); NULL when it has
 * none, or the key is the name itself. */
static const char *name_beside(const Leaves *leaves, const char *key) {
    const char *dot = strrchr(key, '.');
    if (!dot || strcmp(dot, ".name") == 0)
        return NULL;
    for (int i = 0; i < leaves->n; i++)
        if (strncmp(leaves->leaf[i].key, key, (size_t)(dot - key)) == 0 &&
            strcmp(leaves->leaf[i].key + (dot - key), ".name") == 0)
            return leaves->leaf[i].value;
    return NULL;
}

/* Settings of two kinds differ because the kinds do, and the kinds' names say so. */
static bool named_apart(const Leaves *a, const Leaves *b, const char *key) {
    const char *one = name_beside(a, key), *other = name_beside(b, key);
    return one && other && strcmp(one, other) != 0;
}

/* Adds the keys in which `a` and `b` differ; both are sorted, so one walk does. */
static void differences(Leaves *varying, const Leaves *a, const Leaves *b, Arena *arena) {
    int i = 0, j = 0;
    while (i < a->n || j < b->n) {
        int order = i == a->n ? 1 : j == b->n ? -1 : strcmp(a->leaf[i].key, b->leaf[j].key);
        const char *key = order <= 0 ? a->leaf[i].key : b->leaf[j].key;
        bool differ = order != 0 || strcmp(a->leaf[i].value, b->leaf[j].value) != 0;
        if (differ && !contains(varying, key) && !named_apart(a, b, key))
            leaves_add(varying, (Leaf){key, NULL}, arena);
        i += order <= 0;
        j += order >= 0;
    }
}

/* "lr.base" -> "lr", "lr.scaling.name" -> "scaling", "lr.warmup.epochs" -> "warmup epochs". */
static const char *short_key(const char *key, Arena *arena) {
    if (strcmp(key, "lr.base") == 0)
        return "lr";
    if (strncmp(key, "lr.warmup.", 10) == 0)
        return arena_print(arena, "warmup %s", key + 10);
    const char *dot = strrchr(key, '.');
    if (!dot || strcmp(dot, ".name") != 0)
        return dot ? dot + 1 : key;
    return short_key(arena_copy_n(arena, key, (size_t)(dot - key)), arena);
}

static const char *label_of(const char *optimizer, const Leaves *own, const Leaves *varying,
                            Arena *arena) {
    Text text = text_new(arena);
    text_add(&text, "%s", optimizer);
    for (int i = 0; i < own->n; i++)
        if (contains(varying, own->leaf[i].key))
            text_add(&text, ", %s %s", short_key(own->leaf[i].key, arena), own->leaf[i].value);
    return text.data;
}

typedef struct Ref {
    int64_t global_batch;
    int index;
} Ref;

static int by_batch(const void *a, const void *b) {
    const Ref *x = a, *y = b;
    int order = (x->global_batch > y->global_batch) - (x->global_batch < y->global_batch);
    return order ? order : x->index - y->index;
}

/* Labels of the cells [first, end), all of one optimizer and all searched or all not: between a
 * search and a sweep beside it too much differs to tell. */
static void label_family(const char **labels, const Cell *cells, const Leaves *leaves,
                         const char *name, int first, int end, Arena *arena) {
    Ref *refs = ARENA_ARRAY(arena, Ref, end - first + 1);
    for (int i = first; i < end; i++)
        refs[i - first] = (Ref){cells[i].global_batch, i};
    qsort(refs, (size_t)(end - first), sizeof *refs, by_batch);
    Leaves varying = {0};
    for (int i = 1; i < end - first; i++)
        for (int j = i; j-- > 0 && refs[j].global_batch == refs[i].global_batch;)
            differences(&varying, &leaves[refs[j].index], &leaves[refs[i].index], arena);
    for (int i = first; i < end; i++)
        labels[i] = label_of(name, &leaves[i], &varying, arena);
}

const char **labels_make(const Cell *cells, int n_cells, Arena *arena) {
    const char **labels = ARENA_ARRAY(arena, const char *, n_cells + 1);
    Leaves *leaves = ARENA_ARRAY(arena, Leaves, n_cells + 1);
    for (int i = 0; i < n_cells; i++)
        leaves[i] = leaves_of(&cells[i], arena);
    for (int first = 0, searched, end; first < n_cells; first = end) {
        const char *name = cells[first].first->header.optimizer;
        for (end = first + 1; end < n_cells; end++)
            if (strcmp(name, cells[end].first->header.optimizer) != 0)
                break;
        for (searched = first; searched < end && !cells[searched].search;)
            searched++;
        label_family(labels, cells, leaves, name, first, searched, arena);
        if (searched > first)
            name = arena_print(arena, "%s, tuned", name);
        label_family(labels, cells, leaves, name, searched, end, arena);
    }
    return labels;
}

const char *label_fit(const char *label, int width, Arena *arena) {
    int n = 0;
    const char *cut = label;
    for (const char *c = label; *c; c++) {
        if (((unsigned char)*c & 0xc0) == 0x80)
            continue; /* inside a character of several bytes */
        if (n == width - 1)
            cut = c;
        n++;
    }
    if (n <= width)
        return label;
    return arena_print(arena, "%.*s\xe2\x80\xa6", (int)(cut - label), label);
}
