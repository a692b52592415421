/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../kernels/float_ops.h"
#include "sum.h"

static void add_s8(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const int8_t *x = a.data;
    const int8_t *y = b.data;
    int8_t *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        const int32_t sum = nnom_sum_term(*x, a.zero_point, p->multiplier_a, p->shift_a) +
                            nnom_sum_term(*y, b.zero_point, p->multiplier_b, p->shift_b);
        to[i] = nnom_sum_result(p, sum, out.zero_point);
    }
}

static void add_f32(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const float *x = a.data;
    const float *y = b.data;
    float *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        to[i] = nnom_clamp_f32(*x + *y, p->act_min_f, p->act_max_f);
    }
}

/* Of indices; wraps as in two's complement. */
static void add_s32(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const int32_t *x = a.data;
    const int32_t *y = b.data;
    int32_t *to = out.data;
    (void)p;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        to[i] = (int32_t)((uint32_t)*x + (uint32_t)*y);
    }
}

static void add_run_s32(const nnom_call_t *call)
{
    nnom_binary_run(call, add_s32);
}

static void add_run_s8(const nnom_call_t *call)
{
    nnom_binary_run(call, add_s8);
}

static void add_run_f32(const nnom_call_t *call)
{
    nnom_binary_run(call, add_f32);
}

extern const nnom_op_t nnom_add_s8_op;
extern const nnom_op_t nnom_add_f32_op;
extern const nnom_op_t nnom_add_s32_op;
const nnom_op_t nnom_add_s8_op = {add_run_s8, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};
const nnom_op_t nnom_add_f32_op = {add_run_f32, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};
const nnom_op_t nnom_add_s32_op = {add_run_s32, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};

static nnom_status_t add_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    const nnom_status_t status = nnom_binary_build(binary);
    if (status != NNOM_OK) {
        return status;
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_add_f32_op);
        return NNOM_OK;
    }
    if (layer->out->type == NNOM_TYPE_S32) {
        NNOM_LAYER_SET_OP(layer, nnom_add_s32_op);
        return layer->fused == NNOM_CLAMP_NONE
                   ? NNOM_OK
                   : nnom_layer_fail(layer, NNOM_UNSUPPORTED, "an activation of int32 sums, expected none");
    }
    NNOM_LAYER_SET_OP(layer, nnom_add_s8_op);
    const float a = nnom_layer_in(layer, 0)->scale;
    const float b = nnom_layer_in(layer, 1)->scale;
    const double twice = 2.0 * (double)(a > b ? a : b);
    const double out = twice / ((double)(1 << NNOM_SUM_SHIFT) * (double)layer->out->scale);
    const nnom_sum_factors_t factors = {(double)a / twice, (double)b / twice, out};
    return nnom_sum_multipliers(binary, factors);
}

static const nnom_class_t add_class = {"Add", "nnom_binary_param", nnom_binary_param_fields, add_build, 2,
                                       2,     NNOM_CLASS_CLAMPS};

nnom_layer_t *nnom_add(int32_t oshift)
{
    nnom_layer_t *layer = nnom_binary_new(&add_class, oshift);
    if (layer != NULL) {
        ((nnom_binary_layer_t *)layer)->integers = true;
    }
    return layer;
}
