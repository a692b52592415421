/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dense_rows.h"
#include "finish.h"

/* A sum of the scratch, which begins at a multiple of 4. */
typedef struct dense_sum {
    uint32_t low;
    int32_t high;
} dense_sum_t;

static int64_t dense_fetch(const dense_sum_t *sum)
{
    return sum->high * ((int64_t)1 << 32) + sum->low;
}

static void dense_keep(dense_sum_t *sum, int64_t acc)
{
    sum->low = (uint32_t)((uint64_t)acc & UINT32_MAX);
    sum->high = (int32_t)((acc - sum->low) / ((int64_t)1 << 32));
}

static int64_t dense_sum_s16(const nnom_dense_rows_t *rows, int64_t acc, const int8_t *weights)
{
    nnom_walk_t walk = rows->walk;
    for (int32_t i = 0; i < rows->runs; i++, weights += rows->length, nnom_walk_down(&walk)) {
        acc = nnom_dot_s16(acc, (const int16_t *)(const void *)nnom_walk_row(&walk), weights, rows->length);
    }
    return acc;
}

void nnom_dense_s16_ref(const nnom_call_t *call)
{
    const nnom_conv_s16_param_t *p = call->node->param;
    const nnom_shape_t in = nnom_call_input(call, 0)->shape;
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t row = in.w * in.c, units = nnom_call_output(call)->shape.c;
    const nnom_dense_rows_t rows = nnom_dense_rows(call);
    const int8_t *weights = (const int8_t *)p->weights + call->y.lo * row;
    dense_sum_t *sums = nnom_call_scratch(call); /* of the rows before; untouched if all rows come at once */
    int16_t *result = (int16_t *)(void *)to.data;
    for (int32_t o = 0; o < units; o++, weights += in.h * row) {
        const int64_t start = call->y.lo == 0 ? nnom_bias_s16(p, o) : dense_fetch(&sums[o]);
        const int64_t acc = dense_sum_s16(&rows, start, weights);
        if (call->y.hi == in.h) {
            result[o] = nnom_finish_s16(p, o, acc);
        } else {
            dense_keep(&sums[o], acc);
        }
    }
}
