#include "lab/base/vec.h"

#include <stdbool.h>

enum { LANES = 16 };

/* The canonical tree as a binary counter: partial[l] is a finished node of level l that waits for
 * its right sibling. */
typedef struct TreeSum {
    double partial[64];
    uint64_t have; /* bit l: partial[l] is in use */
} TreeSum;

static void tree_see(TreeSum *tree, double node) {
    int level = 0;
    for (; tree->have >> level & 1; level++) {
        node = tree->partial[level] + node;
        tree->have &= ~((uint64_t)1 << level);
    }
    tree->partial[level] = node;
    tree->have |= (uint64_t)1 << level;
}

/* Cut nodes climb until they meet a left partner. */
static double tree_total(const TreeSum *tree) {
    double sum = 0;
    bool first = true;
    for (int level = 0; level < 64; level++) {
        if (tree->have >> level & 1) {
            sum = first ? tree->partial[level] : tree->partial[level] + sum;
            first = false;
        }
    }
    return sum;
}

double vec_tree_sum(const double *x, int64_t n) {
    TreeSum tree;
    tree.have = 0; /* the partial sums need no clearing */
    for (int64_t i = 0; i < n; i++)
        tree_see(&tree, x[i]);
    return tree_total(&tree);
}

int64_t vec_chunks(int64_t n) {
    return (n + VEC_CHUNK - 1) / VEC_CHUNK;
}

static double lanes_sum(const double lane[LANES]) {
    double a[LANES];
    for (int j = 0; j < LANES; j++)
        a[j] = lane[j];
    for (int width = LANES / 2; width >= 1; width /= 2)
        for (int j = 0; j < width; j++)
            a[j] = a[2 * j] + a[2 * j + 1];
    return a[0];
}

VEC_CLONES
double vec_chunk_sumsq(const float *x, int64_t n) {
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += (double)x[i + j] * (double)x[i + j];
    for (int j = 0; i < n; i++, j++)
        lane[j] += (double)x[i] * (double)x[i];
    return lanes_sum(lane);
}

VEC_CLONES
double vec_chunk_scale_sumsq(float *to, const float *from, float factor, int64_t n) {
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float scaled = from[i + j] * factor;
            to[i + j] = scaled;
            lane[j] += (double)scaled * (double)scaled;
        }
    for (int j = 0; i < n; i++, j++) {
        float scaled = from[i] * factor;
        to[i] = scaled;
        lane[j] += (double)scaled * (double)scaled;
    }
    return lanes_sum(lane);
}

double vec_sumsq(const float *x, int64_t n) {
    if (n <= VEC_CHUNK)
        return vec_chunk_sumsq(x, n);
    TreeSum tree;
    tree.have = 0;
    for (int64_t at = 0; at < n; at += VEC_CHUNK)
        tree_see(&tree, vec_chunk_sumsq(x + at, n - at < VEC_CHUNK ? n - at : VEC_CHUNK));
    return tree_total(&tree);
}

VEC_CLONES
static double chunk_product_sumsq(const float *x, const float *y, int64_t n) {
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            double product = (double)x[i + j] * (double)y[i + j];
            lane[j] += product * product;
        }
    for (int j = 0; i < n; i++, j++) {
        double product = (double)x[i] * (double)y[i];
        lane[j] += product * product;
    }
    return lanes_sum(lane);
}

VEC_CLONES
static double chunk_dot(const float *x, const float *y, int64_t n) {
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += (double)x[i + j] * (double)y[i + j];
    for (int j = 0; i < n; i++, j++)
        lane[j] += (double)x[i] * (double)y[i];
    return lanes_sum(lane);
}

static double sum_chunks(double (*chunk)(const float *, const float *, int64_t), const float *x,
                         const float *y, int64_t n) {
    TreeSum tree;
    tree.have = 0;
    for (int64_t at = 0; at < n; at += VEC_CHUNK)
        tree_see(&tree, chunk(x + at, y + at, n - at < VEC_CHUNK ? n - at : VEC_CHUNK));
    return tree_total(&tree);
}

double vec_product_sumsq(const float *x, const float *y, int64_t n) {
    return sum_chunks(chunk_product_sumsq, x, y, n);
}

double vec_dot(const float *x, const float *y, int64_t n) {
    return sum_chunks(chunk_dot, x, y, n);
}

VEC_CLONES
void vec_add(float *to, const float *from, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        to[i] += from[i];
}

VEC_CLONES
void vec_sum(float *to, const float *a, const float *b, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        to[i] = a[i] + b[i];
}

VEC_CLONES
void vec_scale(float *x, float factor, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        x[i] *= factor;
}

VEC_CLONES
void vec_toward(float *x, const float *to, float share, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        x[i] += share * (to[i] - x[i]);
}
