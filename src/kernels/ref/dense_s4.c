/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../nibble.h"
#include "dense_rows.h"
#include "finish.h"

static int32_t dense_sum_s4(const nnom_dense_rows_t *rows, int32_t acc, const int8_t *weights, size_t first)
{
    nnom_walk_t walk = rows->walk;
    for (int32_t i = 0; i < rows->runs; i++, first += (size_t)rows->length, nnom_walk_down(&walk)) {
        acc = nnom_dot_s4(acc, (const int8_t *)nnom_walk_row(&walk), weights, first, rows->length);
    }
    return acc;
}

void nnom_dense_s4_ref(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_shape_t in = nnom_call_input(call, 0)->shape;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const size_t row = (size_t)in.w * (size_t)in.c;
    const nnom_dense_rows_t rows = nnom_dense_rows(call);
    size_t first = (size_t)call->y.lo * row;
    int32_t *sums = nnom_call_scratch(call); /* of the rows before; untouched if all rows come at once */
    int8_t *result = (int8_t *)to.data;
    for (int32_t o = 0; o < out->shape.c; o++, first += (size_t)in.h * row) {
        const int32_t start = call->y.lo == 0 ? ((const int32_t *)p->bias)[o] : sums[o];
        const int32_t acc = dense_sum_s4(&rows, start, p->weights, first);
        if (call->y.hi == in.h) {
            result[o] = nnom_finish_s8(p, o, acc, out->zero_point);
        } else {
            sums[o] = acc;
        }
    }
}
