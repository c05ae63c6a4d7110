/* What a checkpoint holds. A run that continues must not differ from one that never stopped:
 * whatever one step leaves for a later one is listed here. */
#include "lab/base/clock.h"
#include "lab/train/exchange.h"

#include <assert.h>

static void add(StateArray *out, int *n, const char *name, StateKind kind, int64_t length,
                void *data) {
    assert(*n < CHECKPOINT_MAX_ARRAYS);
    out[(*n)++] = (StateArray){name, kind, length, data};
}

/* Segments of one array have running numbers: names are short and constant. */
static void add_slots(StateArray *out, int *n, Optim *optim) {
    static const char *const names[OPTIM_MAX_SLOTS] = {"optim.slot0", "optim.slot1", "optim.slot2",
                                                       "optim.slot3"};
    for (int i = 0; i < optim->type->n_slots; i++)
        add(out, n, names[i], sizeof(real) == sizeof(float) ? STATE_FLOAT : STATE_DOUBLE,
            optim->n_weights, optim->slots[i]);
}

/* What workers have of their own comes last. */
static void add_exchange(StateArray *out, int *n, int *common, Trainer *trainer) {
    Exchange *exchange = trainer->exchange;
    const Compression *compression = exchange ? exchange->compression : NULL;
    for (int i = 0; compression && i < compression->n_states; i++) {
        const CompressionState *state = &compression->states[i];
        if (!state->by_worker)
            add(out, n, state->name, STATE_FLOAT, state->n, state->data);
    }
    *common = *n;
    for (int i = 0; exchange && i < exchange->n_rows; i++)
        add(out, n, exchange->rows[i].name, STATE_FLOAT,
            trainer->settings->workers * exchange->rows[i].n, exchange->rows[i].data);
}

int trainer_state(Trainer *trainer, int *common, StateArray out[CHECKPOINT_MAX_ARRAYS]) {
    enum {
        SMOOTH_WORDS = sizeof(NoiseSmooth) / 8,
        SUM_WORDS = sizeof(NoiseSum) / 8,
        SUMMARY_WORDS = (sizeof(RunSummary) - offsetof(RunSummary, steps_to_target)) / 8,
    };
    _Static_assert(sizeof(NoiseSmooth) % 8 == 0 && sizeof(NoiseSum) % 8 == 0, "words");
    _Static_assert(offsetof(RunSummary, steps_to_target) % 8 == 0,
                   "outcome and steps_run stand before");
    Optim *optim = trainer->optim;
    int64_t n_weights = trainer->model->n_weights;
    int n = 0;
    add(out, &n, "step", STATE_INT64, 1, &trainer->step);
    add(out, &n, "examples", STATE_INT64, 1, &trainer->examples);
    add(out, &n, "clock", STATE_DOUBLE, 1, &trainer->clock);
    add(out, &n, "gain", STATE_DOUBLE, 1, &trainer->gain);
    if (trainer->method->mean_grad) {
        add(out, &n, "gain_noise", STATE_WORDS, SMOOTH_WORDS, &trainer->gain_noise);
        add(out, &n, "noise", STATE_WORDS, SMOOTH_WORDS, &trainer->noise);
        add(out, &n, "layer_noise", STATE_WORDS, SMOOTH_WORDS * trainer->model->n_segments,
            trainer->layer_noise);
        add(out, &n, "layer_sum", STATE_WORDS, SUM_WORDS * trainer->model->n_segments,
            trainer->layer_sum);
    }
    if (trainer->preconditioner)
        add(out, &n, "preconditioned", STATE_WORDS, SMOOTH_WORDS, &trainer->preconditioned);
    if (trainer->curvature)
        add(out, &n, "curvature_at", STATE_INT64, 1, &trainer->curvature_at);
    add(out, &n, "start_loss", STATE_DOUBLE, 1, &trainer->start_loss);
    add(out, &n, "wall_s", STATE_DOUBLE, 1, &trainer->wall_s);
    add(out, &n, "summary", STATE_WORDS, SUMMARY_WORDS, &trainer->summary->steps_to_target);
    add(out, &n, "optim.t", STATE_INT64, 1, &optim->t);
    add(out, &n, "optim.lr_last", STATE_DOUBLE, 1, &optim->lr_last);
    if (!trainer->own_optim) { /* else they are among the workers' rows */
        add_slots(out, &n, optim);
        add(out, &n, "weights", STATE_FLOAT, n_weights, trainer->weights);
    }
    if (trainer->model->n_stats > 0)
        add(out, &n, "running", STATE_FLOAT, trainer->model->n_stats, trainer->running);
    if (trainer->averaged)
        add(out, &n, "averaged", STATE_FLOAT, n_weights, trainer->averaged);
    if (trainer->settings->workers > 1)
        add(out, &n, "worker_bytes", STATE_DOUBLE, 1, &trainer->worker_bytes);
    add_exchange(out, &n, common, trainer);
    return n;
}

Error *trainer_resume(Trainer *trainer) {
    StateArray arrays[CHECKPOINT_MAX_ARRAYS];
    Comm *comm = trainer->layout->comm;
    const char *path = trainer->layout->resume;
    char any = path != NULL;
    comm_bcast(comm, &any, 1);
    if (!any)
        return NULL;
    int common, n = trainer_state(trainer, &common, arrays);
    PASS(comm_agree(comm, path ? checkpoint_read(path, arrays, n) : NULL));
    for (int i = 0; i < common; i++)
        comm_bcast(comm, arrays[i].data, state_bytes(&arrays[i]));
    exchange_deal(trainer);
    trainer->start_s = clock_s() - trainer->wall_s;
    return NULL;
}
