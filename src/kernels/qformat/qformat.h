/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Layers with weights in Q-formats: every channel has the same multiplier, and the bias follows from the caller's int8 by a shift, so
 * that nothing is stored per channel. In nnom_conv_param_t multiplier is int32 [1], shift int8 [2]: the multiplier's, and that of
 * the bias, to the left, -31 to 23; bias is int8 [channels] or NULL. The input's zero point is 0.
 */
#ifndef NNOM_QFORMAT_H
#define NNOM_QFORMAT_H

#include "../fixed.h"
#include "../kernels.h"

typedef struct nnom_qformat_numbers {
    const int8_t *bias;
    int32_t bias_shift;
    int32_t multiplier, shift;
    int32_t act_min, act_max, zero_point;
} nnom_qformat_numbers_t;

static inline nnom_qformat_numbers_t nnom_qformat_numbers(const nnom_conv_param_t *p, const nnom_tensor_t *out)
{
    const int8_t *shift = p->shift;
    const nnom_qformat_numbers_t q = {p->bias,    shift[1],       *(const int32_t *)p->multiplier, shift[0], p->act_min,
                                      p->act_max, out->zero_point};
    return q;
}

/* round(bias * 2^shift), half away from zero. */
static inline int32_t nnom_qformat_bias(const nnom_qformat_numbers_t *q, int32_t channel)
{
    if (q->bias == NULL) {
        return 0;
    }
    const int32_t value = q->bias[channel];
    return q->bias_shift >= 0 ? value * ((int32_t)1 << q->bias_shift) : nnom_shift_round(value, -q->bias_shift);
}

static inline int8_t nnom_qformat_finish(const nnom_qformat_numbers_t *q, int32_t acc)
{
    return (int8_t)nnom_clamp_i32(nnom_requantize(acc, q->multiplier, q->shift) + q->zero_point, q->act_min,
                                  q->act_max);
}

#endif
