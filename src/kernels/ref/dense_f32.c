/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dot.h"
#include "finish.h"
#include "window.h"

/* Rows of the input, as many as lie in memory at once: all of them in one run if the input is no ring. */
typedef struct part {
    nnom_walk_t walk;
    int32_t runs;
    int32_t length; /* elements of a run */
} part_t;

static part_t dense_part_f32(const nnom_call_t *call)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const int32_t row = in->shape.w * in->shape.c;
    const int32_t rows = call->y.hi - call->y.lo;
    const bool whole = from.rows >= in->shape.h;
    const part_t result = {nnom_walk(&from, call->y.lo, 1), whole ? 1 : rows, whole ? rows * row : row};
    return result;
}

static float dense_sum_f32(const part_t *part, float acc, const float *weights)
{
    nnom_walk_t walk = part->walk;
    for (int32_t i = 0; i < part->runs; i++, weights += part->length, nnom_walk_down(&walk)) {
        acc = nnom_dot_f32(acc, (const float *)(const void *)nnom_walk_row(&walk), weights, part->length);
    }
    return acc;
}

void nnom_dense_f32_ref(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t row = in->shape.w * in->shape.c;
    const part_t rows = dense_part_f32(call);
    const float *weights = (const float *)p->weights + call->y.lo * row;
    float *sums = nnom_call_scratch(call); /* of the rows before; untouched if all rows come at once */
    float *result = (float *)(void *)to.data;
    for (int32_t o = 0; o < out->shape.c; o++, weights += in->shape.h * row) {
        const float acc = dense_sum_f32(&rows, call->y.lo == 0 ? 0.0f : sums[o], weights);
        if (call->y.hi == in->shape.h) {
            result[o] = nnom_finish_f32(p, o, acc);
        } else {
            sums[o] = acc;
        }
    }
}
