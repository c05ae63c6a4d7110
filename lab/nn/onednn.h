/* Convolution and pooling by oneDNN in the memory layouts that it likes best. This file
 * and gemm.c are the only ones that know oneDNN.
 *
 * An Operation is one of its primitives with all shapes fixed; it is read-only and shared by
 * threads. A thread runs it through a Bound, which joins it with that thread's memory. Everything
 * here is made with the OpenMP maximum at 1 (platform.md 0: primitives made with more have other
 * bits), and run with it at 1. A shape that oneDNN refuses is a bug of the caller. */
#ifndef LAB_NN_ONEDNN_H
#define LAB_NN_ONEDNN_H

#include "lab/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Onednn Onednn;       /* the library as one model uses it */
typedef struct Layout Layout;       /* extents of a tensor and how it lies in memory, float32 */
typedef struct Operation Operation; /* a primitive of fixed shapes */
typedef struct Bound Bound;         /* an operation with one thread's memory */

/* What an operation reads and writes. */
typedef enum {
    ARG_SRC,
    ARG_WEIGHTS,
    ARG_BIAS,
    ARG_DST,
    ARG_DIFF_SRC,
    ARG_DIFF_WEIGHTS,
    ARG_DIFF_BIAS,
    ARG_DIFF_DST,
    ARG_KEPT,    /* what the forward operation leaves for the backward one */
    ARG_SCRATCH, /* free after each run */
    ARG_N
} Arg;

/* Everything made from it ends with `arena`. */
Onednn *onednn_new(Arena *arena);

/* Dense row-major, (dims[0], dims[1], ...). */
const Layout *layout_plain(Onednn *with, int n_dims, const int64_t *dims);
bool layout_same(const Layout *a, const Layout *b);
size_t layout_bytes(const Layout *layout); /* padding included; 0 for NULL */

/* Where value (i, c, p) of a tensor (n, channels, height, width) lies, p counting pixels:
 * i image + c / block group + p pixel + c % block. The last block may be padded with zeros. */
typedef struct Blocks {
    int block;
    int64_t image, group, pixel;
} Blocks;
bool layout_blocks(Blocks *out, const Layout *layout); /* false: it lies in another way */

/* (n, in, height, width) * (out, in, kernel, kernel) -> (n, out, ...). */
typedef struct ConvShape {
    int n, in, height, width;
    int out, kernel, stride, pad;
    bool bias;
    bool relu; /* of the forward operation only */
} ConvShape;

/* Rows or columns of a convolution's or pooling's output. */
int onednn_extent(int in, int kernel, int stride, int pad);

/* The layout of the output is oneDNN's choice; every other argument is in the layout that it has
 * elsewhere: `src`, the forward operation's output, weights plain. Where oneDNN's fast kernels want
 * others, the operation copies. */
Operation *operation_conv(Onednn *with, ConvShape shape, const Layout *src);
Operation *operation_conv_data(Onednn *with, ConvShape shape, const Operation *forward);
Operation *operation_conv_weights(Onednn *with, ConvShape shape, const Operation *forward);

/* Windows of rows x columns without padding over (n, channels, height, width). */
typedef struct PoolShape {
    int n, channels, height, width;
    int rows, columns, stride;
    bool max; /* else mean */
} PoolShape;

Operation *operation_pool(Onednn *with, PoolShape shape, const Layout *src, bool training);
Operation *operation_pool_data(Onednn *with, PoolShape shape, const Operation *forward);

/* The same tensor in another layout. */
Operation *operation_reorder(Onednn *with, const Layout *from, const Layout *to);

/* NULL: the operation has no such argument. */
const Layout *operation_layout(const Operation *operation, Arg arg);
/* Bytes of memory for copies in other layouts, used only while it runs. */
size_t operation_room(const Operation *operation);

/* Ends with `arena`, before the operation. Every argument that it has must be set before a run.
 * room: operation_room bytes, aligned to 64. */
Bound *bound_new(const Operation *operation, void *room, Arena *arena);
void bound_set(Bound *bound, Arg arg, const void *data); /* outputs are written nevertheless */
void bound_run(Bound *bound);

#endif
