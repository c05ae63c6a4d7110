#include "lab/data/markov_chain.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { BURN_IN = 4096, MAX_ITERATIONS = 100000 };

void markov_chain_make(MarkovChain *out, int alphabet, int order, int sharpness, uint64_t seed,
                       Arena *arena) {
    *out = (MarkovChain){.alphabet = alphabet, .order = order, .n_states = 1};
    for (int i = 0; i < order; i++)
        out->n_states *= alphabet;
    assert(out->n_states * alphabet <= MARKOV_MAX_NUMBERS);
    out->probability = ARENA_ARRAY(arena, double, out->n_states *alphabet);
    for (int64_t s = 0; s < out->n_states; s++) {
        double *p = out->probability + s * alphabet, sum = 0;
        Rng rng = rng_new(seed, RNG_DATA, (uint64_t)s);
        for (int a = 0; a < alphabet; a++) {
            double u = 1 - rng_uniform(&rng);
            p[a] = 1;
            for (int i = 0; i < sharpness; i++)
                p[a] *= u;
            sum += p[a];
        }
        for (int a = 0; a < alphabet; a++)
            p[a] /= sum;
    }
}

static int draw(const double *p, int alphabet, double u) {
    int a = 0;
    for (; a < alphabet - 1 && u >= p[a]; a++)
        u -= p[a];
    return a;
}

void markov_chain_write(const MarkovChain *chain, uint8_t *symbols, int64_t n, Rng rng) {
    int64_t state = 0;
    for (int64_t i = -BURN_IN; i < n; i++) {
        int a =
            draw(chain->probability + state * chain->alphabet, chain->alphabet, rng_uniform(&rng));
        state = (state * chain->alphabet + a) % chain->n_states;
        if (i >= 0)
            symbols[i] = (uint8_t)a;
    }
}

double *markov_chain_stationary(const MarkovChain *chain, Arena *arena) {
    int64_t n = chain->n_states;
    double *now = ARENA_ARRAY(arena, double, n), *next = ARENA_ARRAY(arena, double, n);
    double change = 1;
    for (int64_t s = 0; s < n; s++)
        now[s] = 1.0 / (double)n;
    for (int i = 0; i < MAX_ITERATIONS && change > 1e-14; i++) {
        memset(next, 0, (size_t)n * sizeof *next);
        for (int64_t s = 0; s < n; s++)
            for (int a = 0; a < chain->alphabet; a++)
                next[(s * chain->alphabet + a) % n] +=
                    now[s] * chain->probability[s * chain->alphabet + a];
        change = 0;
        for (int64_t s = 0; s < n; s++)
            change += fabs(next[s] - now[s]);
        memcpy(now, next, (size_t)n * sizeof *now);
    }
    return now;
}

static double surprise(double p) {
    return p > 0 ? -p * log(p) : 0;
}

/* Entropy of `length` <= order symbols in a row: of the leading digits of the state. */
static double block_entropy(const MarkovChain *chain, const double *stationary, int length) {
    int64_t span = chain->n_states;
    for (int i = 0; i < length; i++)
        span /= chain->alphabet;
    double sum = 0;
    for (int64_t first = 0; first < chain->n_states; first += span) {
        double p = 0;
        for (int64_t s = first; s < first + span; s++)
            p += stationary[s];
        sum += surprise(p);
    }
    return sum;
}

double markov_chain_entropy(const MarkovChain *chain, const double *stationary, int known) {
    if (known < chain->order)
        return block_entropy(chain, stationary, known + 1) -
               block_entropy(chain, stationary, known);
    double sum = 0;
    for (int64_t s = 0; s < chain->n_states; s++)
        for (int a = 0; a < chain->alphabet; a++)
            sum += stationary[s] * surprise(chain->probability[s * chain->alphabet + a]);
    return sum;
}
