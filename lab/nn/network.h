/* Networks: layers over images as a graph, in oneDNN's layouts from the input to the head; what
 * `simple_cnn` and `resnet` share. A model's file says how its network is built and hands the rest
 * to the functions below.
 *
 * A layer takes tensors by number and returns the number of its output; tensor 0 is the input, the
 * last one made is the logits. Weights of a convolution are (out, in, kernel, kernel), of a dense
 * layer (out, in), as in PyTorch; dense layers see (channels, height, width) flattened. */
#ifndef LAB_NN_NETWORK_H
#define LAB_NN_NETWORK_H

#include "lab/nn/model.h"

typedef struct Network Network;

/* Adds the layers for model->settings. Called twice: for training shards and for evaluation. */
typedef void NetworkBuild(Network *net, const Model *model);

/* Fills everything of `model` that `make` must. The caller has checked that the input is large
 * enough for what `build` adds. */
void network_make(Model *model, NetworkBuild *build, Arena *arena);

/* Error (code 2) unless the data are labelled images of at least `least` x `least` pixels. */
Error *network_check_input(const Model *model, int least);

/* The functions of a ModelType. */
void network_init(const Model *model, uint64_t seed, float *weights);
void network_init_running(const Model *model, float *running);
size_t network_workspace_bytes(const Model *model, int max_examples);
void network_prepare(const Model *model, void *workspace, Arena *arena);
void network_pass(const Model *model, const Shard *shard, ModelPass *pass);

/* ---- layers; `name` is copied */

enum { NETWORK_INPUT = 0 };

typedef struct ConvLayer {
    int out, kernel, stride, pad;
    bool bias, relu;
    double variance; /* of the first weights, normal */
} ConvLayer;
int network_conv(Network *net, int from, const char *name, ConvLayer layer);

typedef struct NormLayer {
    bool relu;
    double epsilon; /* added to the variance */
    float gain;     /* at the start; the offset starts from 0 */
} NormLayer;
/* Batch norm over the examples of a mini-batch; running statistics in evaluation. */
int network_norm(Network *net, int from, const char *name, NormLayer layer);

int network_max_pool(Network *net, int from, const char *name, int size, int stride);
int network_mean_pool(Network *net, int from, const char *name); /* over all pixels */
int network_add(Network *net, int a, int b, const char *name);   /* max(0, a + b) */

typedef struct DenseLayer {
    int out;
    bool relu;
    double dropout;  /* share of outputs that a training pass zeroes; the others are scaled up */
    double variance; /* of the first weights, normal; 0: all zero */
} DenseLayer;
int network_dense(Network *net, int from, const char *name, DenseLayer layer);

/* Channels, height and width of a tensor. */
typedef struct Extent {
    int channels, height, width;
} Extent;
Extent network_extent(const Network *net, int tensor);

#endif
