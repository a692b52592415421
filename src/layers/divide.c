/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Divide, Power. */
#include <math.h>

#include "../kernels/fixed.h"
#include "../kernels/fixed_point.h"
#include "../kernels/float_ops.h"
#include "binary.h"

/* ---- Divide ---- */

/* x / y by the reciprocal of y, |x|, |y| <= 255, brought to the output's scale; towards infinity it saturates at 2^30. */
static int32_t divide_quotient(const nnom_binary_param_t *p, int32_t x, int32_t y)
{
    int32_t over;
    if (x == 0 || y == 0) {
        return x == 0 ? 0 : (x > 0 ? 1 << 30 : -(1 << 30));
    }
    if (y < 0) {
        x = -x;
        y = -y;
    }
    const int32_t inverse = nnom_fp_reciprocal(y, 31, &over);
    const int32_t room = nnom_leading_zeros((uint32_t)(x < 0 ? ~x : x)) - 1; /* copies of the sign */
    const int32_t fraction = nnom_high_mul((int32_t)((uint32_t)x << room), inverse);
    const int32_t shift = p->shift - over - room;
    if (shift > 0) { /* beyond 255 by far */
        return fraction > 0 ? 1 << 30 : -(1 << 30);
    }
    return shift < -31 ? 0 : nnom_shift_round(nnom_high_mul(fraction, p->multiplier), -shift);
}

static void divide_s8(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const int8_t *x = a.data;
    const int8_t *y = b.data;
    int8_t *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        const int32_t q = divide_quotient(p, *x - a.zero_point, *y - b.zero_point) + out.zero_point;
        to[i] = (int8_t)nnom_clamp_i32(q, p->act_min, p->act_max);
    }
}

static void divide_f32(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const float *x = a.data;
    const float *y = b.data;
    float *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        to[i] = nnom_clamp_f32(*x / *y, p->act_min_f, p->act_max_f);
    }
}

static void divide_run_s8(const nnom_call_t *call)
{
    nnom_binary_run(call, divide_s8);
}

static void divide_run_f32(const nnom_call_t *call)
{
    nnom_binary_run(call, divide_f32);
}

extern const nnom_op_t nnom_divide_s8_op;
extern const nnom_op_t nnom_divide_f32_op;
const nnom_op_t nnom_divide_s8_op = {divide_run_s8, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};
const nnom_op_t nnom_divide_f32_op = {divide_run_f32, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};

static nnom_status_t divide_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    const nnom_status_t status = nnom_binary_build(binary);
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_divide_f32_op);
        return status;
    }
    NNOM_LAYER_SET_OP(layer, nnom_divide_s8_op);
    if (status != NNOM_OK) {
        return status;
    }
    const double below = (double)nnom_layer_in(layer, 1)->scale * (double)layer->out->scale;
    const double real = (double)nnom_layer_in(layer, 0)->scale / below;
    if (!(real > 0.0 && real < NNOM_RATIO_MAX)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT,
                               "scale of input 0 / scale of input 1 / output scale is out of range");
    }
    nnom_quantize_multiplier(real, &binary->param.multiplier, &binary->param.shift);
    return NNOM_OK;
}

static const nnom_class_t divide_class = {"Divide", "nnom_binary_param", nnom_binary_param_fields, divide_build, 2,
                                          2,        NNOM_CLASS_CLAMPS};

nnom_layer_t *nnom_divide(void)
{
    return nnom_binary_new(&divide_class, 0);
}

/* ---- Power: float alone, as the reference has it ---- */

static void power_f32(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)
{
    const float *x = a.data;
    const float *y = b.data;
    float *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        to[i] = nnom_clamp_f32(powf(*x, *y), p->act_min_f, p->act_max_f);
    }
}

static void power_run_f32(const nnom_call_t *call)
{
    nnom_binary_run(call, power_f32);
}

extern const nnom_op_t nnom_powers_f32_op;
const nnom_op_t nnom_powers_f32_op = {power_run_f32, nnom_binary_window, 0, sizeof(nnom_binary_param_t)};

static nnom_status_t power_build(nnom_layer_t *layer)
{
    const nnom_status_t status = nnom_binary_build((nnom_binary_layer_t *)layer);
    NNOM_LAYER_SET_OP(layer, nnom_powers_f32_op);
    if (status == NNOM_OK && layer->out->type != NNOM_TYPE_F32) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED,
                               "int8 inputs, expected float: use act_power() for one exponent");
    }
    return status;
}

static const nnom_class_t power_class = {"Power", "nnom_binary_param", nnom_binary_param_fields, power_build, 2,
                                         2,       NNOM_CLASS_CLAMPS};

nnom_layer_t *nnom_power(void)
{
    return nnom_binary_new(&power_class, 0);
}
