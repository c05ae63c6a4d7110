#include "lab/nn/onednn.h"

#include <assert.h>
#include <oneapi/dnnl/dnnl.h>
#include <string.h>

struct Onednn {
    Arena *arena;
    dnnl_engine_t engine;
    dnnl_primitive_attr_t plain, relu; /* scratch is the caller's; relu: applied to the output */
};

struct Layout {
    dnnl_memory_desc_t desc;
};

struct Operation {
    const Onednn *with;
    dnnl_primitive_desc_t desc;
    const Layout *layout[ARG_N];     /* as the primitive has it */
    const Operation *reorder[ARG_N]; /* from or to what it is outside; NULL: the same */
};

struct Bound {
    const Operation *operation;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    int n;
    dnnl_exec_arg_t arg[ARG_N];
    dnnl_memory_t memory[ARG_N]; /* the same by Arg; NULL: not an argument */
    Bound *reorder[ARG_N];
};

static void must(dnnl_status_t status) {
    assert(status == dnnl_success);
    (void)status;
}

/* ---- the library */

static void onednn_end(void *what) {
    Onednn *with = what;
    must(dnnl_primitive_attr_destroy(with->plain));
    must(dnnl_primitive_attr_destroy(with->relu));
    must(dnnl_engine_destroy(with->engine));
}

Onednn *onednn_new(Arena *arena) {
    Onednn *with = ARENA_NEW(arena, Onednn);
    with->arena = arena;
    must(dnnl_engine_create(&with->engine, dnnl_cpu, 0));
    must(dnnl_primitive_attr_create(&with->plain));
    must(dnnl_primitive_attr_create(&with->relu));
    must(dnnl_primitive_attr_set_scratchpad_mode(with->plain, dnnl_scratchpad_mode_user));
    must(dnnl_primitive_attr_set_scratchpad_mode(with->relu, dnnl_scratchpad_mode_user));
    dnnl_post_ops_t after;
    must(dnnl_post_ops_create(&after));
    must(dnnl_post_ops_append_eltwise(after, 1.0F, dnnl_eltwise_relu, 0.0F, 0.0F));
    must(dnnl_primitive_attr_set_post_ops(with->relu, after));
    must(dnnl_post_ops_destroy(after));
    arena_at_end(arena, onednn_end, with);
    return with;
}

/* ---- layouts */

static const Layout *layout_of(const Onednn *with, const dnnl_memory_desc_t *desc) {
    Layout *layout = ARENA_NEW(with->arena, Layout);
    layout->desc = *desc;
    return layout;
}

static dnnl_memory_desc_t describe(int n_dims, const int64_t *dims, bool any) {
    static const dnnl_format_tag_t plain[] = {0, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd};
    assert(n_dims >= 1 && n_dims <= 4);
    dnnl_memory_desc_t desc;
    must(dnnl_memory_desc_init_by_tag(&desc, n_dims, dims, dnnl_f32,
                                      any ? dnnl_format_tag_any : plain[n_dims]));
    return desc;
}

const Layout *layout_plain(Onednn *with, int n_dims, const int64_t *dims) {
    dnnl_memory_desc_t desc = describe(n_dims, dims, false);
    return layout_of(with, &desc);
}

bool layout_same(const Layout *a, const Layout *b) {
    return dnnl_memory_desc_equal(&a->desc, &b->desc);
}

size_t layout_bytes(const Layout *layout) {
    return layout ? dnnl_memory_desc_get_size(&layout->desc) : 0;
}

bool layout_blocks(Blocks *out, const Layout *layout) {
    const dnnl_memory_desc_t *desc = &layout->desc;
    const dnnl_blocking_desc_t *blocking = &desc->format_desc.blocking;
    if (desc->ndims != 4 || desc->format_kind != dnnl_blocked || desc->offset0 != 0 ||
        blocking->strides[2] != blocking->strides[3] * desc->dims[3])
        return false;
    *out = (Blocks){1, blocking->strides[0], blocking->strides[1], blocking->strides[3]};
    if (blocking->inner_nblks == 1 && blocking->inner_idxs[0] == 1)
        out->block = (int)blocking->inner_blks[0];
    else if (blocking->inner_nblks != 0)
        return false;
    else if (blocking->strides[1] == 1 && blocking->strides[3] == desc->dims[1])
        out->block = (int)desc->dims[1]; /* all channels of a pixel side by side: one group */
    return true;
}

/* ---- operations */

static void operation_end(void *what) {
    must(dnnl_primitive_desc_destroy(((Operation *)what)->desc));
}

static const struct {
    dnnl_query_t query;
    int index, number;
    bool output;
} args[ARG_N] = {
    [ARG_SRC] = {dnnl_query_src_md, 0, DNNL_ARG_SRC, false},
    [ARG_WEIGHTS] = {dnnl_query_weights_md, 0, DNNL_ARG_WEIGHTS, false},
    [ARG_BIAS] = {dnnl_query_weights_md, 1, DNNL_ARG_BIAS, false},
    [ARG_DST] = {dnnl_query_dst_md, 0, DNNL_ARG_DST, true},
    [ARG_DIFF_SRC] = {dnnl_query_diff_src_md, 0, DNNL_ARG_DIFF_SRC, true},
    [ARG_DIFF_WEIGHTS] = {dnnl_query_diff_weights_md, 0, DNNL_ARG_DIFF_WEIGHTS, true},
    [ARG_DIFF_BIAS] = {dnnl_query_diff_weights_md, 1, DNNL_ARG_DIFF_BIAS, true},
    [ARG_DIFF_DST] = {dnnl_query_diff_dst_md, 0, DNNL_ARG_DIFF_DST, false},
    [ARG_KEPT] = {dnnl_query_workspace_md, 0, DNNL_ARG_WORKSPACE, true},
    [ARG_SCRATCH] = {dnnl_query_scratchpad_md, 0, DNNL_ARG_SCRATCHPAD, true},
};

/* Takes `desc` over; the layouts of its arguments are those it answers queries with. */
static Operation *operation_from(const Onednn *with, dnnl_primitive_desc_t desc) {
    Operation *operation = ARENA_NEW(with->arena, Operation);
    operation->with = with;
    operation->desc = desc;
    arena_at_end(with->arena, operation_end, operation);
    for (int i = 0; i < ARG_N; i++) {
        const dnnl_memory_desc_t *layout =
            dnnl_primitive_desc_query_md(desc, args[i].query, args[i].index);
        if (layout && dnnl_memory_desc_get_size(layout) > 0)
            operation->layout[i] = layout_of(with, layout);
    }
    return operation;
}

/* `forward` is the hint that backward primitives want, else NULL. */
static Operation *operation_new(const Onednn *with, const_dnnl_op_desc_t op, bool relu,
                                const Operation *forward) {
    dnnl_primitive_desc_t desc;
    must(dnnl_primitive_desc_create(&desc, op, relu ? with->relu : with->plain, with->engine,
                                    forward ? forward->desc : NULL));
    return operation_from(with, desc);
}

/* The argument is in `layout` outside. */
static void adapt(Onednn *with, Operation *operation, Arg arg, const Layout *layout) {
    const Layout *own = operation->layout[arg];
    if (layout_same(own, layout))
        return;
    Operation *reorder = args[arg].output ? operation_reorder(with, own, layout)
                                          : operation_reorder(with, layout, own);
    assert(!reorder->layout[ARG_SCRATCH]);
    operation->reorder[arg] = reorder;
}

const Layout *operation_layout(const Operation *operation, Arg arg) {
    const Operation *reorder = operation->reorder[arg];
    if (!reorder)
        return operation->layout[arg];
    return reorder->layout[args[arg].output ? ARG_DST : ARG_SRC];
}

static size_t room_of(const Operation *operation, int arg) {
    return operation->reorder[arg] ? (layout_bytes(operation->layout[arg]) + 63) / 64 * 64 : 0;
}

size_t operation_room(const Operation *operation) {
    size_t bytes = 0;
    for (int i = 0; i < ARG_N; i++)
        bytes += room_of(operation, i);
    return bytes;
}

int onednn_extent(int in, int kernel, int stride, int pad) {
    return (in + 2 * pad - kernel) / stride + 1;
}

/* ---- convolution */

typedef enum { CONV_FORWARD, CONV_DATA, CONV_WEIGHTS } ConvKind;

/* src and dst NULL: oneDNN chooses. */
static Operation *conv_make(Onednn *with, ConvKind kind, ConvShape shape, const Layout *src,
                            const Layout *dst, const Operation *forward) {
    int k = shape.kernel, rows = onednn_extent(shape.height, k, shape.stride, shape.pad),
        columns = onednn_extent(shape.width, k, shape.stride, shape.pad);
    dnnl_dims_t in = {shape.n, shape.in, shape.height, shape.width},
                out = {shape.n, shape.out, rows, columns};
    dnnl_memory_desc_t x = src ? src->desc : describe(4, in, true),
                       y = dst ? dst->desc : describe(4, out, true),
                       w = describe(4, (dnnl_dims_t){shape.out, shape.in, k, k}, true),
                       b = describe(1, (dnnl_dims_t){shape.out}, false);
    dnnl_dims_t stride = {shape.stride, shape.stride}, pad = {shape.pad, shape.pad};
    dnnl_convolution_desc_t op;
    dnnl_memory_desc_t *bias = shape.bias ? &b : NULL;
    if (kind == CONV_FORWARD)
        must(dnnl_convolution_forward_desc_init(&op, dnnl_forward_training, dnnl_convolution_direct,
                                                &x, &w, bias, &y, stride, pad, pad));
    else if (kind == CONV_DATA)
        must(dnnl_convolution_backward_data_desc_init(&op, dnnl_convolution_direct, &x, &w, &y,
                                                      stride, pad, pad));
    else
        must(dnnl_convolution_backward_weights_desc_init(&op, dnnl_convolution_direct, &x, &w, bias,
                                                         &y, stride, pad, pad));
    return operation_new(with, &op, kind == CONV_FORWARD && shape.relu, forward);
}

/* Made for the instruction set; the others are plain loops, and loops around products. */
static bool is_fast(const Operation *operation) {
    const char *name = NULL;
    must(dnnl_primitive_desc_query(operation->desc, dnnl_query_impl_info_str, 0, (void *)&name));
    return strstr(name, "ref") == NULL && strstr(name, "gemm") == NULL;
}

/* In the given layouts when a fast kernel takes them, else in those of one that is fast. */
static Operation *conv_choose(Onednn *with, ConvKind kind, ConvShape shape, const Layout *src,
                              const Layout *dst, const Operation *forward) {
    Operation *given = conv_make(with, kind, shape, src, dst, forward);
    if (is_fast(given))
        return given;
    Operation *free_choice = conv_make(with, kind, shape, NULL, NULL, forward);
    return is_fast(free_choice) ? free_choice : given;
}

static const Layout *conv_plain(Onednn *with, ConvShape shape) {
    return layout_plain(with, 4, (int64_t[]){shape.out, shape.in, shape.kernel, shape.kernel});
}

Operation *operation_conv(Onednn *with, ConvShape shape, const Layout *src) {
    Operation *conv = conv_choose(with, CONV_FORWARD, shape, src, NULL, NULL);
    adapt(with, conv, ARG_SRC, src);
    adapt(with, conv, ARG_WEIGHTS, conv_plain(with, shape));
    return conv;
}

Operation *operation_conv_data(Onednn *with, ConvShape shape, const Operation *forward) {
    const Layout *src = operation_layout(forward, ARG_SRC),
                 *dst = operation_layout(forward, ARG_DST);
    Operation *conv = conv_choose(with, CONV_DATA, shape, src, dst, forward);
    adapt(with, conv, ARG_DIFF_SRC, src);
    adapt(with, conv, ARG_DIFF_DST, dst);
    adapt(with, conv, ARG_WEIGHTS, conv_plain(with, shape));
    return conv;
}

Operation *operation_conv_weights(Onednn *with, ConvShape shape, const Operation *forward) {
    const Layout *src = operation_layout(forward, ARG_SRC),
                 *dst = operation_layout(forward, ARG_DST);
    Operation *conv = conv_choose(with, CONV_WEIGHTS, shape, src, dst, forward);
    adapt(with, conv, ARG_SRC, src);
    adapt(with, conv, ARG_DIFF_DST, dst);
    adapt(with, conv, ARG_DIFF_WEIGHTS, conv_plain(with, shape));
    return conv;
}

/* ---- pooling */

Operation *operation_pool(Onednn *with, PoolShape shape, const Layout *src, bool training) {
    int rows = onednn_extent(shape.height, shape.rows, shape.stride, 0),
        columns = onednn_extent(shape.width, shape.columns, shape.stride, 0);
    dnnl_memory_desc_t dst =
        describe(4, (dnnl_dims_t){shape.n, shape.channels, rows, columns}, true);
    dnnl_dims_t stride = {shape.stride, shape.stride}, size = {shape.rows, shape.columns},
                pad = {0};
    dnnl_pooling_desc_t op;
    must(dnnl_pooling_forward_desc_init(
        &op, training ? dnnl_forward_training : dnnl_forward_inference,
        shape.max ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding, &src->desc, &dst, stride,
        size, pad, pad));
    return operation_new(with, &op, false, NULL);
}

Operation *operation_pool_data(Onednn *with, PoolShape shape, const Operation *forward) {
    dnnl_dims_t stride = {shape.stride, shape.stride}, size = {shape.rows, shape.columns},
                pad = {0};
    dnnl_pooling_desc_t op;
    must(dnnl_pooling_backward_desc_init(
        &op, shape.max ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding,
        &forward->layout[ARG_SRC]->desc, &forward->layout[ARG_DST]->desc, stride, size, pad, pad));
    return operation_new(with, &op, false, forward);
}

/* ---- reorder */

Operation *operation_reorder(Onednn *with, const Layout *from, const Layout *to) {
    dnnl_primitive_desc_t desc;
    must(dnnl_reorder_primitive_desc_create(&desc, &from->desc, with->engine, &to->desc,
                                            with->engine, with->plain));
    return operation_from(with, desc);
}

/* ---- bound */

static void bound_end(void *what) {
    Bound *bound = what;
    for (int i = 0; i < bound->n; i++)
        must(dnnl_memory_destroy(bound->arg[i].memory));
    must(dnnl_primitive_destroy(bound->primitive));
    must(dnnl_stream_destroy(bound->stream));
}

static Bound *bound_plain(const Operation *operation, Arena *arena) {
    Bound *bound = ARENA_NEW(arena, Bound);
    bound->operation = operation;
    dnnl_engine_t engine = operation->with->engine;
    must(dnnl_stream_create(&bound->stream, engine, dnnl_stream_default_flags));
    must(dnnl_primitive_create(&bound->primitive, operation->desc));
    for (int i = 0; i < ARG_N; i++) {
        if (!operation->layout[i])
            continue;
        dnnl_exec_arg_t *arg = &bound->arg[bound->n++];
        arg->arg = args[i].number;
        must(dnnl_memory_create(&arg->memory, &operation->layout[i]->desc, engine,
                                DNNL_MEMORY_NONE));
        bound->memory[i] = arg->memory;
    }
    arena_at_end(arena, bound_end, bound);
    return bound;
}

static void set_own(Bound *bound, int arg, const void *data) {
    assert(bound->memory[arg] && data);
    must(dnnl_memory_set_data_handle(bound->memory[arg], (void *)data));
}

Bound *bound_new(const Operation *operation, void *room, Arena *arena) {
    Bound *bound = bound_plain(operation, arena);
    char *at = room;
    for (int i = 0; i < ARG_N; i++) {
        if (!operation->reorder[i])
            continue;
        bound->reorder[i] = bound_plain(operation->reorder[i], arena);
        set_own(bound->reorder[i], args[i].output ? ARG_SRC : ARG_DST, at);
        set_own(bound, i, at);
        at += room_of(operation, i);
    }
    return bound;
}

void bound_set(Bound *bound, Arg arg, const void *data) {
    if (bound->reorder[arg])
        set_own(bound->reorder[arg], args[arg].output ? ARG_DST : ARG_SRC, data);
    else
        set_own(bound, arg, data);
}

static void execute(Bound *bound) {
    must(dnnl_primitive_execute(bound->primitive, bound->stream, bound->n, bound->arg));
}

void bound_run(Bound *bound) {
    for (int i = 0; i < ARG_N; i++)
        if (bound->reorder[i] && !args[i].output)
            execute(bound->reorder[i]);
    execute(bound);
    for (int i = 0; i < ARG_N; i++)
        if (bound->reorder[i] && args[i].output)
            execute(bound->reorder[i]);
}
