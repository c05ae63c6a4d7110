/* Markov chains over a small alphabet: a source of text whose entropy is known exactly. */
#ifndef LAB_DATA_MARKOV_CHAIN_H
#define LAB_DATA_MARKOV_CHAIN_H

#include "lab/base/arena.h"
#include "lab/base/rng.h"

#include <stdint.h>

#define MARKOV_MAX_NUMBERS (1 << 20) /* transition probabilities: alphabet^(order + 1) */

/* The next symbol depends on the last `order` ones, which are the state: their digits to the base
 * `alphabet`, the latest one last. */
typedef struct MarkovChain {
    int alphabet, order;
    int64_t n_states;    /* alphabet^order */
    double *probability; /* (n_states, alphabet) */
} MarkovChain;

/* Probabilities are u^sharpness over their sum, u uniform in (0, 1] from the stream (seed,
 * RNG_DATA, state): only + * / on doubles, so the same on every machine. Sharpness 0 is pure noise;
 * the larger, the more predictable. */
void markov_chain_make(MarkovChain *out, int alphabet, int order, int sharpness, uint64_t seed,
                       Arena *arena);

/* n symbols 0..alphabet-1 from the numbers of `rng`, past what remembers the arbitrary start. */
void markov_chain_write(const MarkovChain *chain, uint8_t *symbols, int64_t n, Rng rng);

/* (n_states) stationary distribution, by power iteration to the last bits. */
double *markov_chain_stationary(const MarkovChain *chain, Arena *arena);

/* Entropy of a symbol given the `known` symbols before it, in nat; known >= order is the entropy
 * rate. Cover and Thomas 2006, section 4.2: sum_s pi(s) H(p(. | s)); below that, the difference of
 * the entropies of blocks of known + 1 and of known symbols. */
double markov_chain_entropy(const MarkovChain *chain, const double *stationary, int known);

#endif
