#include "lab/nn/init.h"
#include "lab/nn/network.h"

#include <stddef.h>
#include <stdio.h>

typedef struct SimpleCnnSettings {
    ParamCounts channels;
    int64_t kernel, dense;
    double dropout;
} SimpleCnnSettings;

static const Param params[] = {
    PARAM(COUNTS, SimpleCnnSettings, channels, "[32, 64]", 1, 4096, "1",
          "channels of the convolutions, each followed by a 2x2 max pooling; at least one"),
    PARAM(COUNT, SimpleCnnSettings, kernel, "5", 1, 15, "pixels",
          "side of the convolutions' kernels; odd"),
    PARAM(COUNT, SimpleCnnSettings, dense, "1024", 1, 65536, "1", "width of the dense layer"),
    PARAM(NUMBER, SimpleCnnSettings, dropout, "0", 0, 0.95, "1",
          "share of the dense layer's outputs that a training pass zeroes"),
    PARAM_END,
};

static void build(Network *net, const Model *model) {
    const SimpleCnnSettings *settings = model->settings;
    int kernel = (int)settings->kernel, at = NETWORK_INPUT;
    for (int i = 0; i < settings->channels.n; i++) {
        char name[32];
        snprintf(name, sizeof name, "conv%d", i + 1);
        double fan_in = (double)network_extent(net, at).channels * kernel * kernel;
        at = network_conv(net, at, name,
                          (ConvLayer){.out = (int)settings->channels.value[i],
                                      .kernel = kernel,
                                      .stride = 1,
                                      .pad = kernel / 2,
                                      .bias = true,
                                      .relu = true,
                                      .variance = init_he(fan_in)});
        snprintf(name, sizeof name, "pool%d", i + 1);
        at = network_max_pool(net, at, name, 2, 2);
    }
    Extent top = network_extent(net, at);
    int dense = (int)settings->dense;
    at = network_dense(
        net, at, "dense1",
        (DenseLayer){.out = dense,
                     .relu = true,
                     .dropout = settings->dropout,
                     .variance = init_he((double)top.channels * top.height * top.width)});
    network_dense(
        net, at, "dense2",
        (DenseLayer){.out = model->n_classes, .variance = init_glorot(dense, model->n_classes)});
}

static Error *make(Model *model, Arena *arena) {
    const SimpleCnnSettings *settings = model->settings;
    int depth = settings->channels.n;
    if (depth < 1 || depth > 10)
        return error_hint(
            error_new(CODE_USAGE, "'channels' has %d entries, but 1 to 10 are possible", depth),
            "\"channels\": [32, 64] is the model of Shallue et al.");
    if (settings->kernel % 2 == 0)
        return error_hint(
            error_new(CODE_USAGE, "'kernel' is %d, but must be odd", (int)settings->kernel),
            "\"kernel\": 5 is the model of Shallue et al.");
    PASS(network_check_input(model, 1 << depth));
    network_make(model, build, arena);
    return NULL;
}

MODEL_TYPE(simple_cnn) = {
    .kind =
        {
            .name = "simple_cnn",
            .summary = "convolutions with max pooling, one dense layer, softmax on top",
            .detail =
                "For each entry of `channels`: a convolution with `kernel` x `kernel` pixels, "
                "stride 1, padded to\n"
                "keep its extent, bias, relu, then a 2x2 max pooling with stride 2 (an odd last "
                "row "
                "or column is left\n"
                "out). Then a dense layer of `dense` units with relu and dropout (what stays is "
                "scaled by\n"
                "1 / (1 - dropout)), and the output layer. Weights start from N(0, 2 / fan_in) "
                "(He), "
                "the output\n"
                "layer's from N(0, 2 / (fan_in + fan_out)) (Glorot), biases from zero.",
            .reference = "Shallue et al. 2019, arXiv 1811.03600, appendix A (Simple CNN)",
            .settings_bytes = sizeof(SimpleCnnSettings),
            .params = params,
        },
    .make = make,
    .init = network_init,
    .workspace_bytes = network_workspace_bytes,
    .prepare = network_prepare,
    .pass = network_pass,
};
