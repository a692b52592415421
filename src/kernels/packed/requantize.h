/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* nnom_requantize() with fewer instructions: the same number for every accumulator that the packers admit. */
#ifndef NNOM_PACKED_REQUANTIZE_H
#define NNOM_PACKED_REQUANTIZE_H

#include "../fixed.h"

/* nnom_shift_round(y, right) for |y| < 2^30, right >= 1 and half = 2^(right - 1): no sum overflows. */
static inline int32_t nnom_packed_shift(int32_t y, int32_t half, int32_t right)
{
    return (y + half + (y >> 31)) >> right;
}

/* nnom_requantize() for |x| < 2^30, 0 <= multiplier, -31 <= shift <= 30. */
static inline int32_t nnom_packed_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift >= 0) {
        return nnom_high_mul(nnom_shift_left(x, shift), multiplier);
    }
    return nnom_packed_shift(nnom_high_mul(x, multiplier), (int32_t)1 << (-shift - 1), -shift); /* |product| <= |x| */
}

#endif
