#include "lab/nn/init.h"
#include "lab/nn/network.h"

#include <stddef.h>
#include <stdio.h>

typedef struct ResnetSettings {
    int64_t n, width;
    bool zero_gain;
    double norm_momentum, norm_epsilon;
} ResnetSettings;

static const Param params[] = {
    PARAM(COUNT, ResnetSettings, n, "1", 1, 20, "1",
          "blocks of each of the three stages: 6 n + 2 layers with weights"),
    PARAM(COUNT, ResnetSettings, width, "16", 1, 1024, "1",
          "channels of the first stage; each further one has twice as many"),
    PARAM(FLAG, ResnetSettings, zero_gain, "false", 0, 0, "1",
          "the last gain of every block starts at 0, so the block starts as its shortcut"),
    PARAM(NUMBER, ResnetSettings, norm_momentum, "0.1", 0, 1, "1",
          "weight of a step's statistics in the running ones that evaluation uses"),
    PARAM(NUMBER, ResnetSettings, norm_epsilon, "1e-5", 1e-12, 1, "1",
          "added to the variance in batch norm"),
    PARAM_END,
};

enum { NAME_ROOM = 64 };

static int conv_norm(Network *net, int from, const char *prefix, int number, ConvLayer conv,
                     NormLayer norm) {
    char name[NAME_ROOM + 24];
    conv.variance = init_he((double)conv.out * conv.kernel * conv.kernel);
    snprintf(name, sizeof name, "%sconv%d", prefix, number);
    int at = network_conv(net, from, name, conv);
    snprintf(name, sizeof name, "%snorm%d", prefix, number);
    return network_norm(net, at, name, norm);
}

/* Two 3x3 convolutions beside a shortcut; where the extent changes the shortcut is a 1x1
 * convolution (option B of He et al.). */
static int block(Network *net, int from, const ResnetSettings *settings, const char *prefix,
                 int width, int stride) {
    double epsilon = settings->norm_epsilon;
    int at = conv_norm(net, from, prefix, 1,
                       (ConvLayer){.out = width, .kernel = 3, .stride = stride, .pad = 1},
                       (NormLayer){.relu = true, .epsilon = epsilon, .gain = 1});
    at =
        conv_norm(net, at, prefix, 2, (ConvLayer){.out = width, .kernel = 3, .stride = 1, .pad = 1},
                  (NormLayer){.epsilon = epsilon, .gain = settings->zero_gain ? 0.0F : 1.0F});
    char name[NAME_ROOM];
    if (stride > 1) {
        snprintf(name, sizeof name, "%sshortcut.", prefix);
        from =
            conv_norm(net, from, name, 1, (ConvLayer){.out = width, .kernel = 1, .stride = stride},
                      (NormLayer){.epsilon = epsilon, .gain = 1});
    }
    snprintf(name, sizeof name, "%sadd", prefix);
    return network_add(net, at, from, name);
}

static void build(Network *net, const Model *model) {
    const ResnetSettings *settings = model->settings;
    int width = (int)settings->width;
    int at = conv_norm(net, NETWORK_INPUT, "", 1,
                       (ConvLayer){.out = width, .kernel = 3, .stride = 1, .pad = 1},
                       (NormLayer){.relu = true, .epsilon = settings->norm_epsilon, .gain = 1});
    for (int stage = 0; stage < 3; stage++)
        for (int i = 0; i < settings->n; i++) {
            char prefix[NAME_ROOM - 16];
            snprintf(prefix, sizeof prefix, "stage%d.block%d.", stage + 1, i + 1);
            at = block(net, at, settings, prefix, width << stage, stage > 0 && i == 0 ? 2 : 1);
        }
    at = network_mean_pool(net, at, "pool");
    network_dense(net, at, "dense", (DenseLayer){.out = model->n_classes, .variance = 0.01 * 0.01});
}

static int halved(int extent) {
    return (extent + 1) / 2;
}

static Error *make(Model *model, Arena *arena) {
    const ResnetSettings *settings = model->settings;
    PASS(network_check_input(model, 4));
    int rows = halved(halved(model->shape[1])), columns = halved(halved(model->shape[2]));
    if (model->mini_batch * rows * columns < 2)
        return error_hint(
            error_new(
                CODE_USAGE,
                "a mini_batch of %d image of %d x %d leaves one value a channel to batch norm",
                model->mini_batch, model->shape[1], model->shape[2]),
            "use a mini_batch of 32 or more");
    model->stats_share = settings->norm_momentum;
    network_make(model, build, arena);
    return NULL;
}

MODEL_TYPE(resnet) = {
    .kind =
        {
            .name = "resnet",
            .summary = "residual network with batch norm for small images; n = 1 is ResNet-8",
            .detail =
                "A 3x3 convolution to `width` channels, then three stages of `n` blocks with "
                "`width`, 2 `width` and\n"
                "4 `width` channels, the second and third beginning with stride 2, then the mean "
                "over all pixels and\n"
                "a dense layer. A block is relu(norm(conv(relu(norm(conv(x))))) + x) with 3x3 "
                "convolutions; where\n"
                "the extent changes, x goes through a 1x1 convolution and a norm (option B of the "
                "paper).\n"
                "Batch norm takes mean and variance over a mini-batch, so `mini_batch` must be "
                "given; evaluation\n"
                "uses running ones, r = (1 - norm_momentum) r + norm_momentum s, where s is the "
                "mean "
                "over a step's\n"
                "mini-batches (variances unbiased, as in PyTorch). Convolutions start from N(0, 2 "
                "/ "
                "fan_out) (He), the\n"
                "dense layer from N(0, 0.01^2), gains from 1, offsets and biases from 0. Gains, "
                "offsets and biases\n"
                "neither decay nor adapt.",
            .reference = "He et al. 2016, arXiv 1512.03385, section 4.2; Ioffe and Szegedy 2015, "
                         "arXiv 1502.03167; Hoffer et al. 2017, arXiv 1705.08741 (ghost batch "
                         "norm); Goyal et al. 2017, arXiv 1706.02677 (zero gain)",
            .settings_bytes = sizeof(ResnetSettings),
            .params = params,
        },
    .make = make,
    .init = network_init,
    .init_running = network_init_running,
    .workspace_bytes = network_workspace_bytes,
    .prepare = network_prepare,
    .pass = network_pass,
};
