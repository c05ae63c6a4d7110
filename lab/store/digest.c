#include "lab/store/digest.h"

#include "lab/store/schema.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#define CANONICAL_NAN 0x7ff8000000000000u
#define CANONICAL_NAN_FLOAT 0x7fc00000u
#define CHUNK 1024 /* weights turned into bytes at a time */

Digest digest_new(void) {
    return (Digest){hash_new()};
}

static uint64_t column_bits(const Column *column, const void *row) {
    uint64_t bits;
    memcpy(&bits, (const char *)row + column->offset, sizeof bits);
    bool is_nan = column->type == COLUMN_DOUBLE && (bits & ~(1ull << 63)) > 0x7ff0000000000000u;
    return htole64(is_nan ? CANONICAL_NAN : bits);
}

static void add_row(Hash *hash, SchemaGroup group, const void *row) {
    uint64_t values[sizeof(StepRow) / 8]; /* the widest row */
    _Static_assert(sizeof(StepRow) >= sizeof(EvalRow) && sizeof(StepRow) >= sizeof(LayerRow),
                   "a step row is the widest");
    size_t n = 0;
    for (int i = 0; i < schema_n_columns; i++) {
        const Column *column = &schema_columns[i];
        if (column->group == group && column->trajectory)
            values[n++] = column_bits(column, row);
    }
    hash_add(hash, values, n * sizeof values[0]);
}

void digest_step(Digest *digest, const StepRow *row) {
    add_row(&digest->rows, GROUP_STEPS, row);
}

void digest_eval(Digest *digest, const EvalRow *row, const LayerRow *layers, int n_layers) {
    add_row(&digest->rows, GROUP_EVAL, row);
    for (int i = 0; i < n_layers; i++)
        add_row(&digest->rows, GROUP_LAYERS, &layers[i]);
}

static void add_weights(Hash *hash, const float *weights, int64_t n_weights) {
    uint32_t bits[CHUNK];
    for (int64_t at = 0; at < n_weights; at += CHUNK) {
        int64_t n = n_weights - at < CHUNK ? n_weights - at : CHUNK;
        memcpy(bits, weights + at, (size_t)n * sizeof bits[0]);
        for (int64_t i = 0; i < n; i++) {
            bool is_nan = (bits[i] & 0x7fffffffu) > 0x7f800000u;
            bits[i] = htole32(is_nan ? CANONICAL_NAN_FLOAT : bits[i]);
        }
        hash_add(hash, bits, (size_t)n * sizeof bits[0]);
    }
}

void digest_value(char out[HASH_ROOM], const Digest *digest, const float *weights,
                  int64_t n_weights) {
    Hash hash = digest->rows;
    add_weights(&hash, weights, n_weights);
    hash_hex(&hash, out);
}

void digest_weights(char out[HASH_ROOM], const float *weights, int64_t n_weights) {
    Hash hash = hash_new();
    add_weights(&hash, weights, n_weights);
    hash_hex(&hash, out);
}
