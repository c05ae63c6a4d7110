/* Models: forward and backward passes of one shard over flat weights. One shard runs on one thread;
 * a model object is shared and read-only, each thread brings a workspace. */
#ifndef LAB_NN_MODEL_H
#define LAB_NN_MODEL_H

#include "lab/base/kind.h"
#include "lab/base/segment.h"
#include "lab/base/shard.h"

/* What one gradient-noise sample is: a single example (per-example squared norms, exact and nearly
 * free for dense layers) or a whole shard. */
typedef enum { NOISE_UNIT_EXAMPLE, NOISE_UNIT_SHARD } NoiseUnit;

typedef struct Model {
    const struct ModelType *type;
    const void *settings;
    int n_features, n_classes;
    int shape[3];   /* channels, height, width of an example */
    int n_labels;   /* targets of an example: 1, or one for each position of a text */
    int mini_batch; /* examples of a training shard */
    int n_segments;
    const Segment *segments;
    int64_t n_weights;
    NoiseUnit noise_unit;
    bool coupled; /* examples of a mini-batch influence each other (batch norm): mini_batch must be
                     given */
    double flops_per_example;  /* forward + backward, counted as 2 per multiply-add */
    int64_t n_stats;           /* running statistics beside the weights (batch norm), 0: none */
    double stats_share;        /* a step's statistics enter the running ones with this weight */
    int n_layers;              /* as far as passes can be timed by layer; 0: they cannot */
    const char *const *layers; /* (n_layers) names */
    void *plan;                /* the type's own, made by `make` */
} Model;

/* Input and output of one pass. */
typedef struct ModelPass {
    const float *weights; /* (n_weights) */
    float *grad_sum;      /* (n_weights) sum over the shard's examples; NULL in evaluation */
    bool accumulate; /* add to grad_sum instead of overwriting it; the bits equal a separate add of
                        the shard's own sum; only for NOISE_UNIT_EXAMPLE */
    double loss_sum; /* out: summed over examples, in double; an example's loss is the mean over its
                        labels */
    int64_t n_correct;     /* out: top-1, over all labels */
    int64_t n_top5;        /* out: the label is among the five likeliest; evaluation only */
    double *example_sumsq; /* out (n_segments): sum over examples of |g_i|^2; NULL: not wanted; only
                              for NOISE_UNIT_EXAMPLE */
    const float *running;  /* (n_stats) running statistics, in evaluation */
    double *stats; /* (n_stats) out: the statistics of this training shard; NULL: not wanted */
    /* Called during a training pass with falling `first`: the gradients of segments [first,
     * n_segments) are final. A pass need not call it at all; NULL: nobody asks. */
    void (*done)(void *done_self, int first);
    void *done_self;
    void *workspace; /* of model_workspace */
    double *layer_s; /* (n_layers) seconds of each layer are added; NULL: not wanted (benchmarks
                        alone want it) */
    /* Label smoothing e of the training target: 1 - e + e/K for the label and e/K for the others;
     * with `smooth_others` 1 - e and e/(K - 1). The reported loss stays -log p(label). */
    double label_smoothing;
    bool smooth_others;
} ModelPass;

typedef struct ModelType {
    Kind kind;
    /* Declares segments and fills the rest of `model` (type, settings, n_features, n_classes, shape
     * and mini_batch are set). Called with one OpenMP thread. Errors: settings that do not fit the
     * data. */
    Error *(*make)(Model *model, Arena *arena);
    void (*init)(const Model *model, uint64_t seed, float *weights);
    /* The running statistics before the first step; NULL when there are none. */
    void (*init_running)(const Model *model, float *running);
    size_t (*workspace_bytes)(const Model *model, int max_examples);
    /* Fills the first MODEL_WORKSPACE_HEAD bytes of a new workspace, which passes leave alone; what
     * it makes ends with `arena`. Called with one OpenMP thread. NULL: nothing to do. */
    void (*prepare)(const Model *model, void *workspace, Arena *arena);
    /* Loss and gradient of a training shard; when pass->grad_sum is NULL loss and accuracy only. */
    void (*pass)(const Model *model, const Shard *shard, ModelPass *pass);
} ModelType;

#define MODEL(name) MODEL_ID_##name,
enum {
#include "lab/nn/models.def"
    MODEL_N
};
#undef MODEL
#define MODEL_TYPE(name)                                                                           \
    extern const ModelType model_##name;                                                           \
    _Static_assert(MODEL_ID_##name >= 0, "line in models.def");                                    \
    const ModelType model_##name

extern const Kind *const model_table[MODEL_N];

/* Examples of an evaluation shard: fixed, so that evaluation has the same bits for every layout. */
#define MODEL_EVAL_EXAMPLES 128

/* What a model needs to know of the data. */
typedef struct ModelInput {
    int n_features, n_classes;
    int shape[3];
    int n_labels; /* per example; 0 is taken as 1 */
} ModelInput;

Error *model_new(Model **out, const ModelType *type, const void *settings, const ModelInput *input,
                 int mini_batch, Arena *arena);

#define MODEL_WORKSPACE_HEAD 64
/* Memory of one thread for passes over up to `max_examples` examples, aligned to 64. */
void *model_workspace(const Model *model, int max_examples, Arena *arena);

/* Version of the committed kernel table; part of every trial id. */
const char *model_kernel_version(void);

#endif
