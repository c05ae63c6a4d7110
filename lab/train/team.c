#include "lab/train/team.h"

#include "lab/base/vec.h"
#include "lab/comm/shared.h"

#include <string.h>

struct Team {
    Shared *shared;
};

void team_wait(Team *team) {
    if (team)
        shared_wait(team->shared, NULL);
}

void team_end(Team *team) {
    if (team)
        shared_end(team->shared);
}

static void wait_for_team(void *self) {
    team_wait(self);
}

/* The next `bytes` of the shared memory, from a cache line on; *at counts. With memory NULL it only
 * counts. */
static void *place(char *memory, size_t *at, size_t bytes) {
    void *out = memory ? memory + *at : NULL;
    *at += (bytes + 63) / 64 * 64;
    return out;
}

typedef struct Places {
    float *weights; /* (n_weights + n_stats) */
    float *grad;
    real *slot[OPTIM_MAX_SLOTS];
    double *sums, *chunk_sumsq;
    size_t bytes;
} Places;

static Places places_in(char *memory, const Trainer *trainer) {
    const Model *model = trainer->model;
    const Optim *optim = trainer->optim;
    size_t n = (size_t)model->n_weights, n_chunks = (size_t)optim->n_chunks;
    Places out = {0};
    size_t *at = &out.bytes;
    out.weights = place(memory, at, sizeof(float) * (n + (size_t)model->n_stats));
    out.grad = place(memory, at, sizeof(float) * n);
    for (int i = 0; i < optim->type->n_slots; i++)
        out.slot[i] = place(memory, at, sizeof(real) * n);
    out.sums = place(memory, at, sizeof(double) * n_chunks * (size_t)optim->type->n_sums);
    out.chunk_sumsq = place(memory, at, sizeof(double) * n_chunks);
    return out;
}

/* Every member brings its part of what all have, so that its pages are near its core. Running
 * statistics stay each replica's own; those behind the shared weights are the first one's. */
static void move_in(Trainer *trainer, const Places *to, bool first) {
    OptimRange own = trainer->own_part;
    size_t n = (size_t)(own.last - own.first);
    Optim *optim = trainer->optim;
    memcpy(to->weights + own.first, trainer->weights + own.first, sizeof(float) * n);
    memset(to->grad + own.first, 0, sizeof(float) * n);
    for (int i = 0; i < optim->type->n_slots; i++) {
        memcpy(to->slot[i] + own.first, optim->slots[i] + own.first, sizeof(real) * n);
        optim->slots[i] = to->slot[i];
    }
    if (first) {
        float *running = to->weights + trainer->model->n_weights;
        memcpy(running, trainer->running, sizeof(float) * (size_t)trainer->model->n_stats);
        trainer->running = running;
    }
    trainer->weights = to->weights;
    trainer->own_grad = to->grad;
    trainer->chunk_sumsq = to->chunk_sumsq;
    optim->sums = to->sums;
}

Error *team_new(Trainer *trainer) {
    Shared *shared;
    Comm *comm = trainer->layout->comm;
    Optim *optim = trainer->optim;
    if (trainer->method != &method_whole || !trainer->reduction.shared || optim->n_chunks < 2)
        return NULL;
    bool first = comm_local_rank(comm) == 0;
    PASS(shared_new(&shared, comm, first ? places_in(NULL, trainer).bytes : 0,
                    "every replica updates all weights", trainer->arena));
    if (!shared)
        return NULL;
    Team *team = ARENA_NEW(trainer->arena, Team);
    team->shared = shared;
    trainer->team = team;
    optim->team = (OptimTeam){shared_rank(shared), shared_size(shared), wait_for_team, team};
    trainer->own_part = optim_part(optim, optim->team.rank, optim->team.size, &trainer->own_chunks);
    Places places = places_in(shared_memory(shared, 0), trainer);
    move_in(trainer, &places, first);
    team_wait(team);
    return NULL;
}
