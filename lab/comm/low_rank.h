/* Matrices (rows, columns) as products P Q' of r columns each, and what PowerSGD does with them.
 * All are stored row after row; P (rows, r), Q (columns, r). */
#ifndef LAB_COMM_LOW_RANK_H
#define LAB_COMM_LOW_RANK_H

#include "lab/base/real.h"

#include <stdint.h>

enum { LOW_RANK_MOST = 64 };

typedef struct LowRank {
    int64_t rows, columns;
    int r; /* at most LOW_RANK_MOST */
} LowRank;

void low_rank_right(const LowRank *shape, real *p, const real *matrix, const real *q); /* P = D Q */
void low_rank_left(const LowRank *shape, real *q, const real *matrix, const real *p); /* Q = D' P */
void low_rank_product(const LowRank *shape, real *matrix, const real *p, const real *q); /* P Q' */

/* Orthonormal columns by Gram-Schmidt; a column that depends on those before it becomes zero. */
void low_rank_orthonormalise(const LowRank *shape, real *p);

#endif
