/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "x86.h"

#include "../fixed.h"
#include "../float_ops.h"

void nnom_x86_finish_s8(const nnom_conv_param_t *p, int32_t zero_point, int32_t lane, int32_t n, const int32_t *acc,
                        int8_t *to)
{
    const int32_t *multiplier = (const int32_t *)p->multiplier + lane;
    const int32_t *shift = (const int32_t *)p->shift + lane;
    for (int32_t i = 0; i < n; i++) {
        const int32_t y = nnom_requantize(acc[i], multiplier[i], shift[i]) + zero_point;
        to[i] = (int8_t)nnom_clamp_i32(y, p->act_min, p->act_max);
    }
}

/* The bias comes last. Without one it is 0, which changes no sum: none is -0, for they begin at 0. */
void nnom_x86_finish_f32(const nnom_conv_param_t *p, int32_t lane, int32_t n, const float *acc, float *to)
{
    const float *bias = (const float *)p->bias + lane;
    for (int32_t i = 0; i < n; i++) {
        to[i] = nnom_clamp_f32(acc[i] + bias[i], p->act_min_f, p->act_max_f);
    }
}
