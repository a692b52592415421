/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../kernels/fixed.h"
#include "../kernels/float_ops.h"
#include "binary.h"

static void mult_s8(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const int8_t *x = a.data;
    const int8_t *y = b.data;
    int8_t *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        const int32_t product = (*x - a.zero_point) * (*y - b.zero_point); /* |product| <= 255^2 < 2^16 */
        const int32_t q = nnom_requantize(product, p->multiplier, p->shift) + out.zero_point;
        to[i] = (int8_t)nnom_clamp_i32(q, p->act_min, p->act_max);
    }
}

static void mult_f32(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const float *x = a.data;
    const float *y = b.data;
    float *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        to[i] = nnom_clamp_f32(*x * *y, p->act_min_f, p->act_max_f);
    }
}

static void mult_run_s8(const nnom_call_t *call)
{
    nnom_binary_run(call, mult_s8);
}

static void mult_run_f32(const nnom_call_t *call)
{
    nnom_binary_run(call, mult_f32);
}

extern const nnom_op_t nnom_mult_s8_op;
extern const nnom_op_t nnom_mult_f32_op;
const nnom_op_t nnom_mult_s8_op = {mult_run_s8, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};
const nnom_op_t nnom_mult_f32_op = {mult_run_f32, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};

static nnom_status_t mult_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    const nnom_status_t status = nnom_binary_build(binary);
    if (status != NNOM_OK) {
        return status;
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_mult_f32_op);
        return NNOM_OK;
    }
    NNOM_LAYER_SET_OP(layer, nnom_mult_s8_op);
    const double real =
        (double)nnom_layer_in(layer, 0)->scale * (double)nnom_layer_in(layer, 1)->scale / (double)layer->out->scale;
    if (!(real > 0.0 && real < 32768.0)) { /* so that product * real fits int32 */
        return nnom_layer_fail(layer, NNOM_BAD_QUANT,
                               "scale of input 0 * scale of input 1 / output scale is out of range");
    }
    nnom_quantize_multiplier(real, &binary->param.multiplier, &binary->param.shift);
    return NNOM_OK;
}

static const nnom_class_t mult_class = {"Mult", "nnom_binary_param", nnom_binary_param_fields, mult_build, 2,
                                        2,      NNOM_CLASS_CLAMPS};

nnom_layer_t *nnom_mult(int32_t oshift)
{
    return nnom_binary_new(&mult_class, oshift);
}
