/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dense_rows.h"
#include "finish.h"

void nnom_dense_s8_ref(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t row = in->shape.w * in->shape.c;
    const nnom_dense_rows_t rows = nnom_dense_rows(call);
    const int8_t *weights = (const int8_t *)p->weights + call->y.lo * row;
    int32_t *sums = nnom_call_scratch(call); /* of the rows before; untouched if all rows come at once */
    int8_t *result = (int8_t *)to.data;
    for (int32_t o = 0; o < out->shape.c; o++, weights += in->shape.h * row) {
        const int32_t acc = nnom_dense_sum(&rows, call->y.lo == 0 ? ((const int32_t *)p->bias)[o] : sums[o], weights);
        if (call->y.hi == in->shape.h) {
            result[o] = nnom_finish_s8(p, o, acc, out->zero_point);
        } else {
            sums[o] = acc;
        }
    }
}
