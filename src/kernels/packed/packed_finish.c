/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "packed.h"
#include "requantize.h"

/* As nnom_packed_pixels(), of any shift; apart, so that what only a shift to the left needs costs the others nothing. */
static void pixels_left(const nnom_packed_param_t *p, int32_t channel, int32_t zero_point, const int32_t *acc,
                        int32_t n, int8_t *to, int32_t step)
{
    const int32_t multiplier = ((const int32_t *)p->multiplier)[channel];
    const int32_t shift = ((const int8_t *)p->shift)[channel];
    for (const int32_t *end = acc + n; acc != end; acc++, to += step) {
        const int32_t y = nnom_packed_requantize(*acc, multiplier, shift) + zero_point;
        *to = (int8_t)nnom_clamp_i32(y, p->act_min, p->act_max);
    }
}

void nnom_packed_pixels(const nnom_packed_param_t *p, int32_t channel, int32_t zero_point, const int32_t *acc,
                        int32_t n, int8_t *to, int32_t step)
{
    const int32_t multiplier = ((const int32_t *)p->multiplier)[channel];
    const int32_t right = -((const int8_t *)p->shift)[channel];
    if (right <= 0) {
        pixels_left(p, channel, zero_point, acc, n, to, step);
        return;
    }
    const int32_t half = (int32_t)1 << (right - 1);
    const int32_t act_min = p->act_min, act_max = p->act_max;
    for (const int32_t *end = acc + n; acc != end; acc++, to += step) {
        const int32_t y = nnom_packed_shift(nnom_high_mul(*acc, multiplier), half, right) + zero_point;
        *to = (int8_t)nnom_clamp_i32(y, act_min, act_max);
    }
}

void nnom_packed_channels(const nnom_packed_param_t *p, int32_t channel, int32_t zero_point, const int32_t *acc,
                          int32_t n, int8_t *to)
{
    const int32_t *multiplier = (const int32_t *)p->multiplier + channel;
    const int8_t *shift = (const int8_t *)p->shift + channel;
    const int32_t act_min = p->act_min, act_max = p->act_max;
    for (const int32_t *end = acc + n; acc != end; acc++) {
        const int32_t y = nnom_packed_requantize(*acc, *multiplier++, *shift++) + zero_point;
        *to++ = (int8_t)nnom_clamp_i32(y, act_min, act_max);
    }
}
