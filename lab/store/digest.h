/* The trajectory digest (DESIGN 2): a rolling SHA-256 over the rows in the order in which they are
 * recorded, columns in schema.def order, `trajectory` columns only, then the weights. int64, double
 * and float little-endian; every NaN is one and the same (0x7ff8000000000000, 0x7fc00000). An
 * evaluation is its row followed by its layers' rows. */
#ifndef LAB_STORE_DIGEST_H
#define LAB_STORE_DIGEST_H

#include "lab/base/hash.h"
#include "lab/train/record.h"

typedef struct Digest {
    Hash rows; /* everything recorded so far, without weights */
} Digest;

Digest digest_new(void);
void digest_step(Digest *digest, const StepRow *row);
void digest_eval(Digest *digest, const EvalRow *row, const LayerRow *layers, int n_layers);
/* SHA-256(rows so far, then weights (n_weights)); the rolling state goes on without the weights. */
void digest_value(char out[HASH_ROOM], const Digest *digest, const float *weights,
                  int64_t n_weights);
/* SHA-256 of the weights alone. */
void digest_weights(char out[HASH_ROOM], const float *weights, int64_t n_weights);

#endif
