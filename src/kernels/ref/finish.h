/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* From an accumulator to an output value: the last step of every reference kernel with weights. */
#ifndef NNOM_FINISH_H
#define NNOM_FINISH_H

#include "../fixed.h"
#include "../float_ops.h"
#include "../kernels.h"

static inline int8_t nnom_finish_s8(const nnom_conv_param_t *p, int32_t channel, int32_t acc, int32_t zero_point)
{
    const int32_t *multiplier = p->multiplier;
    const int8_t *shift = p->shift;
    const int32_t y = nnom_requantize(acc, multiplier[channel], shift[channel]) + zero_point;
    return (int8_t)nnom_clamp_i32(y, p->act_min, p->act_max);
}

static inline int64_t nnom_bias_s16(const nnom_conv_s16_param_t *p, int32_t channel)
{
    const int64_t low = ((const int32_t *)p->bias)[channel];
    return p->bias_high == NULL ? low : low + ((const int16_t *)p->bias_high)[channel] * ((int64_t)1 << 32);
}

static inline int16_t nnom_finish_s16(const nnom_conv_s16_param_t *p, int32_t channel, int64_t acc)
{
    const int32_t multiplier = ((const int32_t *)p->multiplier)[channel];
    const int32_t shift = ((const int8_t *)p->shift)[channel];
    const int32_t y = p->narrow != 0 ? nnom_requantize((int32_t)acc, multiplier, shift)
                                     : nnom_requantize_wide(acc, multiplier, shift);
    return (int16_t)nnom_clamp_i32(y, p->act_min, p->act_max);
}

/* The bias comes last, as in TensorFlow Lite's reference kernels: float sums depend on the order. */
static inline float nnom_finish_f32(const nnom_conv_param_t *p, int32_t channel, float acc)
{
    const float *bias = p->bias;
    const float y = bias != NULL ? acc + bias[channel] : acc;
    return nnom_clamp_f32(y, p->act_min_f, p->act_max_f);
}

#endif
