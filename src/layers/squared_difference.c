/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../kernels/fixed.h"
#include "../kernels/float_ops.h"
#include "binary.h"

/* An operand in the common scale, with 7 more bits: |result| <= 255 * 2^6, as its multiplier is at most 1/2. */
static int32_t squared_difference_term(int8_t x, int32_t zero_point, int32_t multiplier, int32_t shift)
{
    return nnom_requantize((x - zero_point) * 128, multiplier, shift);
}

static inline int8_t squared_difference_s8(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int8_t a,
                                           int8_t b)
{
    const int32_t d = squared_difference_term(a, zero->a, p->multiplier_a, p->shift_a) -
                      squared_difference_term(b, zero->b, p->multiplier_b, p->shift_b);
    const int32_t y = nnom_requantize(d * d, p->multiplier, p->shift) + zero->out; /* d^2 <= 2^30 */
    return (int8_t)nnom_clamp_i32(y, p->act_min, p->act_max);
}

/* The same without more bits: |terms| <= 2^14, |d| <= 2^15. */
static inline int16_t squared_difference_s16(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int16_t a,
                                             int16_t b)
{
    (void)zero;
    const int32_t d = nnom_requantize(a, p->multiplier_a, p->shift_a) - nnom_requantize(b, p->multiplier_b, p->shift_b);
    return (int16_t)nnom_clamp_i32(nnom_requantize(d * d, p->multiplier, p->shift), p->act_min, p->act_max);
}

static inline float squared_difference_f32(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, float a,
                                           float b)
{
    (void)zero;
    return nnom_clamp_f32((a - b) * (a - b), p->act_min_f, p->act_max_f);
}

NNOM_BINARY_OP(squared_difference_s8, int8_t, squared_difference_s8)
NNOM_BINARY_OP(squared_difference_s16, int16_t, squared_difference_s16)
NNOM_BINARY_OP(squared_difference_f32, float, squared_difference_f32)

NNOM_PARAM_FIELDS(nnom_binary_param, NNOM_BINARY_PARAM)

static nnom_status_t squared_difference_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    nnom_binary_param_t *p = &binary->param;
    const nnom_status_t status = nnom_binary_build(binary);
    if (status != NNOM_OK) {
        return status;
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_squared_difference_f32_op, NNOM_COSTS_FLOAT_PAIRS);
        return NNOM_OK;
    }
    const bool wide = layer->out->type == NNOM_TYPE_S16;
    if (wide) {
        NNOM_LAYER_SET_OP(layer, nnom_squared_difference_s16_op, NNOM_COSTS_PAIRS);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_squared_difference_s8_op, NNOM_COSTS_PAIRS);
    }
    const float scale_a = nnom_layer_in(layer, 0)->scale;
    const float scale_b = nnom_layer_in(layer, 1)->scale;
    const double twice = 2.0 * (double)(scale_a > scale_b ? scale_a : scale_b);
    const float fine = (wide ? 1.0f : 16384.0f) * layer->out->scale; /* 2^14; in float, as specified */
    const double real = twice * twice / (double)fine;
    if (!(real > 0.0 && real < 1.0)) { /* so that no square is shifted to the left */
        return nnom_layer_fail(layer, NNOM_BAD_QUANT,
                               "the square of its larger input scale is over %s times the output scale",
                               wide ? "1/4" : "2^12");
    }
    nnom_quantize_multiplier((double)scale_a / twice, &p->multiplier_a, &p->shift_a);
    nnom_quantize_multiplier((double)scale_b / twice, &p->multiplier_b, &p->shift_b);
    nnom_quantize_multiplier(real, &p->multiplier, &p->shift);
    return NNOM_OK;
}

static const nnom_class_t squared_difference_class = {"SquaredDifference",
                                                      "nnom_binary_param",
                                                      nnom_binary_param_fields,
                                                      squared_difference_build,
                                                      2,
                                                      2,
                                                      NNOM_CLASS_CLAMPS | NNOM_CLASS_WIDE};

nnom_layer_t *nnom_squared_difference(void)
{
    return nnom_binary_new(&squared_difference_class, 0);
}
