/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Dense: the rows of the input that a call brings, and a unit's sum over them. */
#ifndef NNOM_DENSE_ROWS_H
#define NNOM_DENSE_ROWS_H

#include "dot.h"
#include "window.h"

/* Rows of the input, as many as lie in memory at once: all of them in one run if the input is no ring. */
typedef struct nnom_dense_rows {
    nnom_walk_t walk;
    int32_t runs;
    int32_t length; /* elements of a run */
} nnom_dense_rows_t;

static inline nnom_dense_rows_t nnom_dense_rows(const nnom_call_t *call)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const int32_t row = in->shape.w * in->shape.c;
    const int32_t rows = call->y.hi - call->y.lo;
    const bool whole = from.rows >= in->shape.h;
    const nnom_dense_rows_t result = {nnom_walk(&from, call->y.lo, 1), whole ? 1 : rows, whole ? rows * row : row};
    return result;
}

static inline int32_t nnom_dense_sum(const nnom_dense_rows_t *rows, int32_t acc, const int8_t *weights)
{
    nnom_walk_t walk = rows->walk;
    for (int32_t i = 0; i < rows->runs; i++, weights += rows->length, nnom_walk_down(&walk)) {
        acc = nnom_dot_s8(acc, (const int8_t *)nnom_walk_row(&walk), weights, rows->length);
    }
    return acc;
}

#endif
