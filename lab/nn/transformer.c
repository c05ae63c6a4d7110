#include "lab/nn/transformer.h"

#include "lab/nn/init.h"

#include <string.h>

/* Tokens that are passed together: large enough for the products' full speed, small enough that a
 * block's activations stay in the nearer caches. */
enum { CHUNK_TOKENS = 512, MLP_FACTOR = 4 };

typedef struct TransformerSettings {
    int64_t width, depth, heads;
    double dropout;
} TransformerSettings;

static const Param params[] = {
    PARAM(COUNT, TransformerSettings, width, "128", 1, 16384, "1",
          "numbers a position; a multiple of heads"),
    PARAM(COUNT, TransformerSettings, depth, "4", 1, 256, "1", "blocks"),
    PARAM(COUNT, TransformerSettings, heads, "4", 1, 256, "1", "attention heads"),
    PARAM(NUMBER, TransformerSettings, dropout, "0", 0, 0.9, "1",
          "share of embeddings, attention probabilities and block outputs dropped in training"),
    PARAM_END,
};

/* Rows and columns of a block's tensor, in widths; columns 0: a vector. */
typedef struct TensorShape {
    const char *name;
    int rows, columns;
} TensorShape;

static const TensorShape block_shape[BLOCK_TENSORS] = {
    [BLOCK_NORM1_GAIN] = {"norm1.gain", 1, 0},
    [BLOCK_NORM1_SHIFT] = {"norm1.shift", 1, 0},
    [BLOCK_QKV] = {"attention.qkv.weight", 3, 1},
    [BLOCK_QKV_BIAS] = {"attention.qkv.bias", 3, 0},
    [BLOCK_OUT] = {"attention.out.weight", 1, 1},
    [BLOCK_OUT_BIAS] = {"attention.out.bias", 1, 0},
    [BLOCK_NORM2_GAIN] = {"norm2.gain", 1, 0},
    [BLOCK_NORM2_SHIFT] = {"norm2.shift", 1, 0},
    [BLOCK_UP] = {"mlp.up.weight", MLP_FACTOR, 1},
    [BLOCK_UP_BIAS] = {"mlp.up.bias", MLP_FACTOR, 0},
    [BLOCK_DOWN] = {"mlp.down.weight", 1, MLP_FACTOR},
    [BLOCK_DOWN_BIAS] = {"mlp.down.bias", 1, 0},
};

static Error *check_input(const Model *model, const TransformerSettings *settings) {
    if (model->n_labels < 2 || model->n_labels != model->n_features)
        return error_hint(
            error_new(CODE_USAGE, "its examples are no texts, with a label for every position"),
            "use the dataset 'text' or 'markov'");
    if (settings->width % settings->heads != 0)
        return error_hint(error_new(CODE_USAGE, "width %lld is no multiple of heads %lld",
                                    (long long)settings->width, (long long)settings->heads),
                          "for example width 128 and heads 4");
    double width = (double)settings->width;
    double n_weights = (double)settings->depth * width * (12 * width + 13) +
                       width * (2.0 * model->n_classes + model->n_features + 2);
    if (n_weights < 0x1p31)
        return NULL;
    return error_hint(error_new(CODE_USAGE,
                                "'width' and 'depth' ask for %.3g weights, but at most 2^31 are "
                                "possible",
                                n_weights),
                      "width 128 and depth 4 suit a text of a megabyte");
}

/* Vectors do not decay and do not adapt; embeddings adapt but do not decay, as in minGPT. */
static int64_t declare(Model *model, Segment *segments, const char *name, int64_t rows,
                       int64_t columns, bool decay) {
    int64_t at = model->n_weights, n = columns ? rows * columns : rows;
    segments[model->n_segments++] = (Segment){.name = name,
                                              .offset = at,
                                              .n = n,
                                              .n_dims = columns ? 2 : 1,
                                              .shape = {rows, columns},
                                              .decay = decay && columns,
                                              .adapt = columns > 0};
    model->n_weights += n;
    return at;
}

static void declare_block(Model *model, Segment *segments, Transformer *net, int l, Arena *arena) {
    for (int i = 0; i < BLOCK_TENSORS; i++) {
        const TensorShape *shape = &block_shape[i];
        net->block[l][i] =
            declare(model, segments, arena_print(arena, "block%d.%s", l + 1, shape->name),
                    (int64_t)shape->rows * net->width, (int64_t)shape->columns * net->width, true);
    }
}

/* Two operations a multiply-add, three products a matrix; attention has two products of which the
 * lower triangle is needed. */
static double count_flops(const Transformer *net) {
    double width = net->width, tokens = net->context, pairs = tokens * (tokens + 1) / 2;
    double matrices = net->depth * 12.0 * width * width + (double)net->n_classes * width;
    return 6 * (tokens * matrices + net->depth * 2.0 * pairs * width);
}

static Error *make(Model *model, Arena *arena) {
    const TransformerSettings *settings = model->settings;
    PASS(check_input(model, settings));
    Transformer *net = ARENA_NEW(arena, Transformer);
    *net = (Transformer){.width = (int)settings->width,
                         .depth = (int)settings->depth,
                         .heads = (int)settings->heads,
                         .context = model->n_features,
                         .n_classes = model->n_classes,
                         .dropout = settings->dropout};
    net->chunk = net->context < CHUNK_TOKENS ? CHUNK_TOKENS / net->context : 1;
    net->block = arena_alloc(arena, sizeof *net->block * (size_t)net->depth);
    int n_segments = TENSORS_BEFORE + BLOCK_TENSORS * net->depth + TENSORS_AFTER;
    Segment *segments = ARENA_ARRAY(arena, Segment, n_segments);
    net->token = declare(model, segments, "embedding.token", net->n_classes, net->width, false);
    net->position = declare(model, segments, "embedding.position", net->context, net->width, false);
    for (int l = 0; l < net->depth; l++)
        declare_block(model, segments, net, l, arena);
    net->final_gain = declare(model, segments, "norm.gain", net->width, 0, false);
    net->final_shift = declare(model, segments, "norm.shift", net->width, 0, false);
    net->head = declare(model, segments, "head.weight", net->n_classes, net->width, true);
    model->segments = segments;
    model->noise_unit = NOISE_UNIT_SHARD;
    model->flops_per_example = count_flops(net);
    model->plan = net;
    return NULL;
}

/* GPT-2: N(0, 0.02^2), the projections that add to the residual sum 1 / sqrt(2 depth) of that. */
static void init(const Model *model, uint64_t seed, float *weights) {
    const Transformer *net = model->plan;
    const double variance = 0.02 * 0.02;
    for (int i = 0; i < model->n_segments; i++) {
        const Segment *segment = &model->segments[i];
        int tensor = (i - TENSORS_BEFORE) % BLOCK_TENSORS;
        bool in_block = i >= TENSORS_BEFORE && i < model->n_segments - TENSORS_AFTER;
        bool residual = in_block && (tensor == BLOCK_OUT || tensor == BLOCK_DOWN);
        if (segment->n_dims == 2)
            init_normal(weights, model->segments, i, seed,
                        residual ? variance / (2.0 * net->depth) : variance);
        else
            init_constant(weights, segment, strstr(segment->name, ".gain") ? 1.0F : 0.0F);
    }
}

MODEL_TYPE(transformer) = {
    .kind =
        {
            .name = "transformer",
            .summary = "decoder over bytes: causal attention, learned positions, pre-norm",
            .detail =
                "x = token[byte] + position[t]; in each block x += W_o attention(W_qkv norm(x))\n"
                "and x += W_down gelu(W_up norm(x)), the MLP four widths wide, gelu exact; then\n"
                "logits = W_head norm(x). The head is a matrix of its own, not the embedding.\n"
                "The context is that of the dataset. The loss of an example is the mean over its\n"
                "positions of -log softmax(logits)[next byte], in nat.\n"
                "Weights start from N(0, 0.02^2), W_o and W_down from 1 / sqrt(2 depth) of that;\n"
                "biases and shifts from 0, gains from 1. Biases, norms and both embeddings do not\n"
                "decay; biases and norms do not adapt. Gradient noise is that of whole shards.",
            .reference = "Vaswani et al. 2017, arXiv 1706.03762; Radford et al. 2019 (GPT-2); "
                         "Xiong et al. 2020, arXiv 2002.04745",
            .settings_bytes = sizeof(TransformerSettings),
            .params = params,
        },
    .make = make,
    .init = init,
    .workspace_bytes = transformer_workspace_bytes,
    .pass = transformer_pass,
};
