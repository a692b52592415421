/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../kernels/float_ops.h"
#include "sum.h"

static void sub_s8(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const int8_t *x = a.data;
    const int8_t *y = b.data;
    int8_t *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        const int32_t difference = nnom_sum_term(*x, a.zero_point, p->multiplier_a, p->shift_a) -
                                   nnom_sum_term(*y, b.zero_point, p->multiplier_b, p->shift_b);
        to[i] = nnom_sum_result(p, difference, out.zero_point);
    }
}

static void sub_f32(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const float *x = a.data;
    const float *y = b.data;
    float *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        to[i] = nnom_clamp_f32(*x - *y, p->act_min_f, p->act_max_f);
    }
}

static void sub_run_s8(const nnom_call_t *call)
{
    nnom_binary_run(call, sub_s8);
}

static void sub_run_f32(const nnom_call_t *call)
{
    nnom_binary_run(call, sub_f32);
}

extern const nnom_op_t nnom_sub_s8_op;
extern const nnom_op_t nnom_sub_f32_op;
const nnom_op_t nnom_sub_s8_op = {sub_run_s8, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};
const nnom_op_t nnom_sub_f32_op = {sub_run_f32, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};

static nnom_status_t sub_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    const nnom_status_t status = nnom_binary_build(binary);
    if (status != NNOM_OK) {
        return status;
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_sub_f32_op);
        return NNOM_OK;
    }
    NNOM_LAYER_SET_OP(layer, nnom_sub_s8_op);
    const float a = nnom_layer_in(layer, 0)->scale;
    const float b = nnom_layer_in(layer, 1)->scale;
    const double twice = 2.0 * (double)(a > b ? a : b);
    const double out = twice / ((double)(1 << NNOM_SUM_SHIFT) * (double)layer->out->scale);
    const nnom_sum_factors_t factors = {(double)a / twice, (double)b / twice, out};
    return nnom_sum_multipliers(binary, factors);
}

static const nnom_class_t sub_class = {"Sub", "nnom_binary_param", nnom_binary_param_fields, sub_build, 2,
                                       2,     NNOM_CLASS_CLAMPS};

nnom_layer_t *nnom_sub(int32_t oshift)
{
    return nnom_binary_new(&sub_class, oshift);
}
