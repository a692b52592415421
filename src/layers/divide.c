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
        return x == 0 ? 0 : (x > 0 ? INT32_C(1) << 30 : -(INT32_C(1) << 30));
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
        return fraction > 0 ? INT32_C(1) << 30 : -(INT32_C(1) << 30);
    }
    return shift < -31 ? 0 : nnom_shift_round(nnom_high_mul(fraction, p->multiplier), -shift);
}

static inline int8_t divide_element_s8(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int8_t a,
                                       int8_t b)
{
    const int32_t y = divide_quotient(p, a - zero->a, b - zero->b) + zero->out;
    return (int8_t)nnom_clamp_i32(y, p->act_min, p->act_max);
}

static inline float divide_element_f32(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, float a, float b)
{
    (void)zero;
    return nnom_clamp_f32(a / b, p->act_min_f, p->act_max_f);
}

NNOM_BINARY_OP(divide_s8, int8_t, divide_element_s8)
NNOM_BINARY_OP(divide_f32, float, divide_element_f32)

NNOM_PARAM_FIELDS(nnom_binary_param, NNOM_BINARY_PARAM)

static nnom_status_t divide_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    const nnom_status_t status = nnom_binary_build(binary);
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_divide_f32_op, NNOM_COSTS_FLOAT_PAIRS);
        return status;
    }
    NNOM_LAYER_SET_OP(layer, nnom_divide_s8_op, NNOM_COSTS_PAIRS);
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

static inline float power_element_f32(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, float a, float b)
{
    (void)zero;
    return nnom_clamp_f32(powf(a, b), p->act_min_f, p->act_max_f);
}

NNOM_BINARY_OP(powers_f32, float, power_element_f32)

static nnom_status_t power_build(nnom_layer_t *layer)
{
    const nnom_status_t status = nnom_binary_build((nnom_binary_layer_t *)layer);
    NNOM_LAYER_SET_OP(layer, nnom_powers_f32_op, NNOM_COSTS_PLAIN);
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
