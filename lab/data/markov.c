/* Markov: text from a seeded chain, embedded. Its entropy is known, so the best reachable loss is
 * too. */
#include "lab/data/dataset.h"
#include "lab/data/markov_chain.h"

#define SPLIT_STREAMS (UINT64_C(1) << 40) /* beyond the streams of the states */

typedef struct {
    int64_t train, valid, test, context, alphabet, order, sharpness, seed;
} MarkovSettings;

static const Param rows[] = {
    PARAM(COUNT, MarkovSettings, train, "4096", 1, 1e8, "examples", "training examples"),
    PARAM(COUNT, MarkovSettings, valid, "512", 1, 1e8, "examples", "validation examples"),
    PARAM(COUNT, MarkovSettings, test, "512", 1, 1e8, "examples", "test examples"),
    PARAM(COUNT, MarkovSettings, context, "32", 2, 65536, "bytes",
          "length of an example; the symbol after each of its symbols is a target"),
    PARAM(COUNT, MarkovSettings, alphabet, "8", 2, 64, "1", "symbols, which are the classes"),
    PARAM(COUNT, MarkovSettings, order, "2", 1, 8, "symbols",
          "how many symbols the next one depends on; alphabet^(order + 1) is at most 2^20"),
    PARAM(COUNT, MarkovSettings, sharpness, "4", 0, 64, "1",
          "0: all symbols alike; the larger, the more predictable"),
    PARAM(COUNT, MarkovSettings, seed, "1", 0, 1e15, "1", "of the chain and its text"),
    PARAM_END,
};

static Error *check_size(const MarkovSettings *set) {
    double numbers = 1;
    for (int64_t i = 0; i <= set->order; i++)
        numbers *= (double)set->alphabet;
    if (numbers <= MARKOV_MAX_NUMBERS)
        return NULL;
    return error_hint(error_new(CODE_USAGE,
                                "trial.dataset.alphabet = %lld and order = %lld make %.3g "
                                "probabilities",
                                (long long)set->alphabet, (long long)set->order, numbers),
                      "alphabet^(order + 1) can be at most 2^20, for example 8 and 5");
}

/* The least expected loss: position t of a window can know t + 1 symbols, and only the first ones
 * know fewer than the chain remembers. */
static double best_loss(const MarkovChain *chain, int64_t context, Arena *arena) {
    const double *stationary = markov_chain_stationary(chain, arena);
    double sum = 0, rate = markov_chain_entropy(chain, stationary, chain->order);
    for (int64_t t = 0; t < context; t++)
        sum += t + 1 < chain->order ? markov_chain_entropy(chain, stationary, (int)t + 1) : rate;
    return sum / (double)context;
}

static Error *make(Dataset *out, MarkovChain *chain, const MarkovSettings *set, Arena *arena) {
    PASS(check_size(set));
    int context = (int)set->context;
    markov_chain_make(chain, (int)set->alphabet, (int)set->order, (int)set->sharpness,
                      (uint64_t)set->seed, arena);
    *out = (Dataset){.n = {set->train, set->valid, set->test},
                     .n_features = context,
                     .n_labels = context,
                     .n_classes = (int)set->alphabet,
                     .shape = {1, 1, context},
                     .stride = {context, context, context}};
    for (int s = 0; s < SPLIT_N; s++) {
        out->begin[s] = out->text_bytes;
        out->text_bytes += out->n[s] * context + 1;
    }
    out->best_loss = best_loss(chain, context, arena);
    return NULL;
}

static Error *probe(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    (void)paths;
    MarkovChain chain;
    return make(out, &chain, settings, arena);
}

/* Every split is a text of its own, so that none changes with the count of another. */
static Error *load(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    (void)paths;
    const MarkovSettings *set = settings;
    MarkovChain chain;
    PASS(make(out, &chain, set, arena));
    uint8_t *text = arena_alloc(arena, (size_t)out->text_bytes);
    for (int s = 0; s < SPLIT_N; s++)
        markov_chain_write(&chain, text + out->begin[s], out->n[s] * set->context + 1,
                           rng_new((uint64_t)set->seed, RNG_DATA, SPLIT_STREAMS + (uint64_t)s));
    out->text = text;
    return NULL;
}

DATASET_TYPE(markov) = {
    .kind = {.name = "markov",
             .summary = "text from a Markov chain of known entropy: the best loss is known",
             .detail =
                 "p(next | last `order` symbols) = u^sharpness over the sum, u uniform in\n"
                 "(0, 1] for each pair. An example is a window of `context` symbols; its\n"
                 "labels are the symbols one place further, and no model can lose less than\n"
                 "the chain's entropy: sum_s pi(s) H(p(. | s)) for positions that see `order`\n"
                 "symbols, the entropy given fewer for the first order - 1.",
             .reference = "Shannon 1948; Cover and Thomas 2006, section 4.2",
             .settings_bytes = sizeof(MarkovSettings),
             .params = rows},
    .is_text = true,
    .probe = probe,
    .load = load,
};
