/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* PReLU: input 1 (usually a Constant, one value per channel) is the slope of input 0's negative values. */
#include <math.h>

#include "../kernels/fixed.h"
#include "../kernels/float_ops.h"
#include "binary.h"

static inline int8_t prelu_element_s8(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int8_t a,
                                      int8_t slope)
{
    const int32_t x = a - zero->a;
    const int32_t y = x >= 0 ? nnom_requantize(x, p->multiplier_a, p->shift_a)
                             : nnom_requantize(x * (slope - zero->b), p->multiplier, p->shift);
    return (int8_t)nnom_clamp_i32(y + zero->out, p->act_min, p->act_max);
}

/* |x * slope| <= 2^30 */
static inline int16_t prelu_element_s16(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int16_t x,
                                        int16_t slope)
{
    (void)zero;
    const int32_t y = x >= 0 ? nnom_requantize(x, p->multiplier_a, p->shift_a)
                             : nnom_requantize((int32_t)x * slope, p->multiplier, p->shift);
    return (int16_t)nnom_clamp_i32(y, p->act_min, p->act_max);
}

static inline float prelu_element_f32(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, float a,
                                      float slope)
{
    (void)zero;
    return nnom_clamp_f32(a >= 0.0f ? a : a * slope, p->act_min_f, p->act_max_f);
}

NNOM_BINARY_OP(prelu_s8, int8_t, prelu_element_s8)
NNOM_BINARY_OP(prelu_s16, int16_t, prelu_element_s16)
NNOM_BINARY_OP(prelu_f32, float, prelu_element_f32)

NNOM_PARAM_FIELDS(nnom_binary_param, NNOM_BINARY_PARAM)

static nnom_status_t prelu_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    nnom_binary_param_t *p = &binary->param;
    const nnom_status_t status = nnom_binary_build(binary);
    if (status != NNOM_OK) {
        return status;
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(
            layer, nnom_prelu_f32_op, [NNOM_COST_OUTPUT] = 290, [NNOM_COST_PIXEL] = 1050, [NNOM_COST_CALL] = 3400);
        return NNOM_OK;
    }
    const bool wide = layer->out->type == NNOM_TYPE_S16;
    if (wide) {
        NNOM_LAYER_SET_OP(
            layer, nnom_prelu_s16_op, [NNOM_COST_OUTPUT] = 420, [NNOM_COST_PIXEL] = 1670, [NNOM_COST_CALL] = 3100);
    } else {
        NNOM_LAYER_SET_OP(
            layer, nnom_prelu_s8_op, [NNOM_COST_OUTPUT] = 420, [NNOM_COST_PIXEL] = 1670, [NNOM_COST_CALL] = 3100);
    }
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const double real = (double)in->scale * (double)nnom_layer_in(layer, 1)->scale / (double)layer->out->scale;
    nnom_rescale_multiplier(in, layer->out, &p->multiplier_a, &p->shift_a);
    const double most = wide ? NNOM_RATIO_MAX : NNOM_RATIO_MAX / 256.0; /* of 8 bits |product| < 2^16 */
    nnom_quantize_multiplier(fmin(real, most), &p->multiplier, &p->shift);
    return NNOM_OK;
}

static const nnom_class_t prelu_class = {"PReLU", "nnom_binary_param", nnom_binary_param_fields, prelu_build, 2,
                                         2,       NNOM_CLASS_WIDE};

nnom_layer_t *nnom_prelu(void)
{
    return nnom_binary_new(&prelu_class, 0);
}
