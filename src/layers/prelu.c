/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* PReLU: input 1 (usually a Constant, one value per channel) is the slope of input 0's negative values. */
#include <math.h>

#include "../kernels/fixed.h"
#include "../kernels/float_ops.h"
#include "binary.h"

static void prelu_s8(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const int8_t *x = a.data;
    const int8_t *alpha = b.data;
    int8_t *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, alpha += b.step) {
        const int32_t value = *x - a.zero_point;
        const int32_t y = value >= 0 ? nnom_requantize(value, p->multiplier_a, p->shift_a)
                                     : nnom_requantize(value * (*alpha - b.zero_point), p->multiplier, p->shift);
        to[i] = (int8_t)nnom_clamp_i32(y + out.zero_point, p->act_min, p->act_max);
    }
}

static void prelu_f32(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const float *x = a.data;
    const float *alpha = b.data;
    float *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, alpha += b.step) {
        to[i] = nnom_clamp_f32(*x >= 0.0f ? *x : *x * *alpha, p->act_min_f, p->act_max_f);
    }
}

static void prelu_run_s8(const nnom_call_t *call)
{
    nnom_binary_run(call, prelu_s8);
}

static void prelu_run_f32(const nnom_call_t *call)
{
    nnom_binary_run(call, prelu_f32);
}

extern const nnom_op_t nnom_prelu_s8_op;
extern const nnom_op_t nnom_prelu_f32_op;
const nnom_op_t nnom_prelu_s8_op = {prelu_run_s8, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};
const nnom_op_t nnom_prelu_f32_op = {prelu_run_f32, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};

static nnom_status_t prelu_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    nnom_binary_param_t *p = &binary->param;
    const nnom_status_t status = nnom_binary_build(binary);
    if (status != NNOM_OK) {
        return status;
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_prelu_f32_op);
        return NNOM_OK;
    }
    NNOM_LAYER_SET_OP(layer, nnom_prelu_s8_op);
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const double real = (double)in->scale * (double)nnom_layer_in(layer, 1)->scale / (double)layer->out->scale;
    nnom_rescale_multiplier(in, layer->out, &p->multiplier_a, &p->shift_a);
    nnom_quantize_multiplier(fmin(real, NNOM_RATIO_MAX / 256.0), &p->multiplier, &p->shift); /* |product| < 2^16 */
    return NNOM_OK;
}

static const nnom_class_t prelu_class = {"PReLU", "nnom_binary_param", nnom_binary_param_fields, prelu_build, 2, 2, 0};

nnom_layer_t *nnom_prelu(void)
{
    return nnom_binary_new(&prelu_class, 0);
}
