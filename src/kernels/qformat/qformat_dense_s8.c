/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Dense of a Q-format layer: one multiplier, and the bias as the caller holds it (qformat.h). */
#include "../ref/dense_rows.h"
#include "qformat.h"
#include "qformat_pack.h"

void nnom_dense_s8_qformat(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_tensor_t *out = nnom_call_output(call);
    const int32_t row = in->shape.w * in->shape.c;
    const nnom_dense_rows_t rows = nnom_dense_rows(call);
    const nnom_qformat_numbers_t q = nnom_qformat_numbers(p, out);
    const int8_t *weights = (const int8_t *)p->weights + call->y.lo * row;
    int32_t *sums = nnom_call_scratch(call); /* of the rows before; untouched if all rows come at once */
    int8_t *result = (int8_t *)nnom_call_output_rows(call).data;
    for (int32_t o = 0; o < out->shape.c; o++, weights += in->shape.h * row) {
        const int32_t acc = nnom_dense_sum(&rows, call->y.lo == 0 ? nnom_qformat_bias(&q, o) : sums[o], weights);
        if (call->y.hi == in->shape.h) {
            result[o] = nnom_qformat_finish(&q, acc);
        } else {
            sums[o] = acc;
        }
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

static nnom_status_t qformat_dense_pack_s8(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    return nnom_qformat_fits(conv) ? nnom_dense_scratch(conv) : NNOM_UNSUPPORTED;
}

NNOM_FORM(dense_s8_qformat, nnom_window_all, NNOM_OP_REDUCES, nnom_conv_param, qformat_dense_pack_s8)
