/* Internal to lab/train: everything one run holds, made once; a step allocates nothing. */
#ifndef LAB_TRAIN_STATE_H
#define LAB_TRAIN_STATE_H

#include "lab/comm/buckets.h"
#include "lab/data/sampler.h"
#include "lab/train/noise.h"
#include "lab/train/timeline.h"
#include "lab/train/trial.h"

/* Doubles that are tree-summed with the gradient, one set a shard: these, a squared norm for each
 * segment, and a model's statistics. */
enum { SUM_LOSS, SUM_CORRECT, SUM_WANTED, SUM_PRECONDITIONED, SUM_SQNORMS };

/* What rank 0 wants of all ranks after the next step; bits, and it alone adds to SUM_WANTED. */
enum { WANT_STOP = 1, WANT_CHECKPOINT = 2, WANT_TIME = 4 }; /* time: stop, max_seconds are over */

/* What is summed over the shards of an evaluation. */
enum { EVAL_LOSS, EVAL_CORRECT, EVAL_TOP5, EVAL_SUMS };

typedef struct Curvature Curvature;

typedef struct Trainer Trainer;
typedef struct Exchange Exchange;
typedef struct Team Team;

/* How the shards' gradients become an update: whole.c, compressed.c, local.c. */
typedef struct Method {
    bool mean_grad;              /* of all shards is known, and so is its noise */
    Error *(*reduce)(Trainer *); /* *collective*: trainer->sums, and the gradient */
    void (*square)(Trainer *);   /* the mean gradient, and layers[].grad_sumsq */
    void (*clip)(Trainer *);
    void (*update)(Trainer *);
    /* *Collective*: trainer->weights are what the trial has learned so far; NULL: they always are
     */
    void (*settle)(Trainer *);
} Method;

/* to += from, both vectors of a thread's tree. */
typedef struct TreeJoin {
    void *to;
    const void *from;
} TreeJoin;

/* One OpenMP thread of one replica: a contiguous block of the replica's shards. */
typedef struct TrainThread {
    int64_t first, last; /* its shards */
    void *workspace;
    float *x;          /* (max(mini_batch, MODEL_EVAL_EXAMPLES), n_features) */
    int32_t *y;        /* (same, n_labels) */
    float *augmenting; /* scratch of augmentation; NULL: off */
    int64_t *index;    /* (same) */
    double *sumsq;     /* (n_segments) per-example norms of one shard */
    double *stats;     /* (n_stats) statistics of one shard */
    TreeNode *stack;   /* merged nodes of the block so far, in shard order */
    int n_stack;
    TreeJoin *join; /* what the shard at hand completes, in order; at most as deep as the stack */
    int n_joins;
    int n_buckets; /* that this thread has finished in this step */
    void **spare;  /* free sum buffers */
    int n_spare;
    double sample_s; /* of this step */
} TrainThread;

struct Trainer {
    const TrialSettings *settings;
    const Dataset *data;
    const TrialLayout *layout;
    const Recorder *recorder; /* NULL on all ranks but 0 */
    Arena *arena;
    uint64_t seed;
    Model *model;

    /* what a checkpoint holds (state.c) */
    int64_t step;     /* updates done */
    int64_t examples; /* seen */
    float *weights;
    float *running;  /* (n_stats) running statistics; they stand behind the weights */
    float *averaged; /* (n_weights) moving average of the weights; NULL: off */
    Optim *optim;
    NoiseSmooth noise, *layer_noise; /* layer_noise (n_segments) */
    NoiseSum *layer_sum;             /* (n_segments) since the last evaluation */
    NoiseSmooth gain_noise;          /* of a scaling rule that follows the noise */
    NoiseSmooth preconditioned;      /* noise of P g */
    int64_t curvature_at;            /* examples seen when it was measured last */
    double gain;                     /* its factor, 1 otherwise */
    double clock;                    /* where the schedule stands, in examples */
    double start_loss;
    double worker_bytes; /* sent by the mean worker */
    bool apart;          /* 1: local steps since the last average */
    double wall_s;       /* of training when the checkpoint was written, earlier runs included */
    RunSummary *summary;

    const Method *method;
    Exchange *exchange;    /* NULL: workers have no state of their own */
    float *worker_weights; /* (own workers, n_weights); NULL: all have the same */
    bool own_optim;        /* workers have weights and slots of their own */
    Timeline timeline;
    int64_t stop_at;
    int64_t global_batch;                      /* of the step at hand */
    int64_t n_shards, first_shard, last_shard; /* its S, and this replica's block */
    int first_worker;                          /* of this replica's */
    int64_t tree_shards;                       /* of one tree: S, or a worker's part of it */
    int threads;                               /* min(T, own shards) */
    TrainThread *thread;
    Sampler *sampler;
    int64_t *index; /* (own shards * mini_batch) examples of this step */
    SumShape shape; /* of a node */
    Reduction reduction;
    Buckets *buckets; /* of the reduction; NULL: it goes whole */
    TreeNode *nodes;  /* nodes of all threads before the reduction */
    int n_nodes;

    const double *sums;    /* doubles of the reduced sum */
    const float *grad_sum; /* floats of it; other ranks may read them too */
    float grad_factor;     /* makes the sum a mean */
    float *grad;           /* the mean gradient, after the noise stage */
    float *own_grad;       /* (n_weights) where it goes when the sum is shared */
    Team *team;            /* NULL: every replica of the host updates all weights */
    OptimRange own_part;   /* of the weights, that this replica updates: all without a team */
    OptimRange own_chunks; /* the same in chunks */
    double *chunk_sumsq;   /* of all tensors' chunks */
    OptimLayer *layers;    /* (n_segments) */
    float *preconditioner; /* (n_weights) P of this step; NULL: not asked for, or the optimizer
                              has none */
    Curvature *curvature;  /* NULL: not asked for */
    int probe;             /* above 0: shards count with the signs of this probe */
    int64_t first_stream;  /* number of the models' random stream for shard 0 */
    CurvatureRow curvature_row;
    bool has_preconditioner; /* not during the first updates */
    StepRow row;
    EvalRow eval;
    LayerRow *layer_rows;
    double *eval_sums;      /* (EVAL_SUMS, evaluation shards) */
    double start_s;         /* when step 0 would have been, had the run never been interrupted */
    double began_s;         /* when this run began */
    double checkpoint_s;    /* when the last checkpoint was written, or the run began */
    double now_s;           /* the end of the last step */
    int wanted;             /* WANT_ bits of rank 0 for the next step */
    bool checkpoint_failed; /* the last one: said once */
    Error *failure;         /* of rank 0's recorder */
};

/* setup.c */
Error *trainer_new(Trainer **out, const TrialSettings *settings, uint64_t seed, const Dataset *data,
                   const TrialLayout *layout, const Recorder *recorder, Arena *arena);

/* state.c: the arrays of a checkpoint; returns how many. *common: the first so many are the same on
 * all ranks, the others are rows of workers, whole on rank 0 after exchange_collect. */
int trainer_state(Trainer *trainer, int *common, StateArray out[CHECKPOINT_MAX_ARRAYS]);
/* *Collective*: rank 0 fills them from layout->resume and all ranks get them. */
Error *trainer_resume(Trainer *trainer);
/* *Collective*: prepares the reduction and the buffers that live in it. */
Error *trainer_connect(Trainer *trainer);

/* Shard `index` of the step as a leaf of its tree. */
TreeNode trainer_leaf(const Trainer *trainer, int64_t index);
/* Deals the shards of a step of `global_batch` examples to ranks and threads. */
void trainer_deal(Trainer *trainer, int64_t global_batch);

/* The stages of a step, in order. */
void stage_sample(Trainer *trainer); /* shards.c */
void stage_compute(
    Trainer *trainer); /* shards.c: forward, backward, each thread's own part of the tree */
Error *stage_reduce(Trainer *trainer); /* shards.c, *collective* */
void stage_noise(Trainer *trainer);    /* statistics.c: mean gradient, norms, noise scale */
void stage_clip(Trainer *trainer);     /* statistics.c */
void stage_update(Trainer *trainer);   /* loop.c */

/* What method_whole does at them, and others as far as it fits them. */
extern const Method method_whole;
Error *whole_reduce(Trainer *trainer);
void whole_square(Trainer *trainer);
void whole_clip(Trainer *trainer);
void whole_update(Trainer *trainer);
/* Clips one gradient with its own norms, `own` of it; statistics.c. */
void clip_layers(const Trainer *trainer, float *grad, OptimLayer *layers, OptimRange own);
double trainer_lr(const Trainer *trainer); /* of the step at hand */

/* preconditioned.c: the noise scale of P g, where it is asked for. */
void preconditioned_new(Trainer *trainer);
void preconditioned_begin(Trainer *trainer); /* P of the step at hand */
double preconditioned_shard(const Trainer *trainer, const float *grad_sum);
void preconditioned_see(Trainer *trainer); /* after the mean gradient */

/* Unbiased noise of the step at hand from sums of squares over its units (examples or shards) and
 * of its mean gradient; statistics.c. */
NoiseEstimate noise_of(const Trainer *trainer, double unit_sumsq, double grad_sumsq);

/* curvature.c. Examples of its subset: whole mini-batches. */
int64_t curvature_examples(const TrialSettings *settings, int64_t n_train);
void curvature_new(Trainer *trainer);
bool curvature_is_due(const Trainer *trainer);
float curvature_sign(const Trainer *trainer, int64_t shard);
/* *Collective*: fills trainer->curvature_row. Leaves everything else as it was but the sums. */
Error *curvature_measure(Trainer *trainer);

/* *Collective*: fills trainer->eval. */
void evaluate(Trainer *trainer); /* evaluate.c */

#endif
