/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Dense: all of the input at once goes to CMSIS-NN; rows that come one by one are added up here. */
#include "cmsis_nn.h"
#include "cmsis_nn_pack.h"

#ifdef NNOM_CMSIS_NN

#include "../fixed.h"
#include "../ref/dense_rows.h"

/* The zero point is in the bias already, which is what CMSIS-NN calls the sums of the kernel on Helium. */
static void cmsis_dense_whole(const nnom_call_t *call, const int8_t *x)
{
    const nnom_cmsis_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    const int32_t taps = in->shape.h * in->shape.w * in->shape.c;
    const cmsis_nn_context context = {(void *)(uintptr_t)p->bias, 0};
    const cmsis_nn_fc_params params = {0, 0, out->zero_point, {p->act_min, p->act_max}};
    const cmsis_nn_per_channel_quant_params quant = {(int32_t *)(uintptr_t)p->multiplier,
                                                     (int32_t *)(uintptr_t)p->shift};
    const cmsis_nn_dims input = {1, 1, 1, taps}, filter = {taps, 1, 1, out->shape.c};
    const cmsis_nn_dims output = nnom_cmsis_dims(1, 1, out->shape.c);
    (void)arm_fully_connected_per_channel_s8(&context, &params, &quant, &input, x, &filter, p->weights, &output,
                                             p->bias, &output, (int8_t *)nnom_call_output_rows(call).data);
}

static void cmsis_dense_rows(const nnom_call_t *call)
{
    const nnom_cmsis_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    const nnom_dense_rows_t rows = nnom_dense_rows(call);
    const int32_t row = in->shape.w * in->shape.c, *bias = p->bias, *multiplier = p->multiplier, *shift = p->shift;
    const int8_t *weights = (const int8_t *)p->weights + call->y.lo * row;
    int8_t *to = (int8_t *)nnom_call_output_rows(call).data;
    int32_t *sums = nnom_call_scratch(call);
    for (int32_t o = 0; o < out->shape.c; o++, weights += in->shape.h * row) {
        const int32_t acc = nnom_dense_sum(&rows, call->y.lo == 0 ? bias[o] : sums[o], weights);
        if (call->y.hi == in->shape.h) {
            const int32_t y = nnom_requantize(acc, multiplier[o], shift[o]) + out->zero_point;
            to[o] = (int8_t)nnom_clamp_i32(y, p->act_min, p->act_max);
        } else {
            sums[o] = acc;
        }
    }
}

void nnom_dense_s8_cmsis_nn(const nnom_call_t *call)
{
    const nnom_dense_rows_t rows = nnom_dense_rows(call);
    if (rows.runs == 1 && call->y.hi - call->y.lo == nnom_call_input(call, 0)->shape.h) {
        cmsis_dense_whole(call, (const int8_t *)nnom_walk_row(&rows.walk));
    } else {
        cmsis_dense_rows(call);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_cmsis_param, NNOM_CMSIS_PARAM)

static nnom_status_t cmsis_dense_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_status_t status = nnom_cmsis_pack(conv, true, 0, 0);
    return status == NNOM_OK ? nnom_dense_scratch(conv) : status;
}

NNOM_FORM(dense_s8_cmsis_nn, nnom_window_all, NNOM_OP_REDUCES, nnom_cmsis_param, cmsis_dense_pack)

#endif
