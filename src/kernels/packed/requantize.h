/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* nnom_requantize() with fewer instructions: the same number for every accumulator that the packers admit. */
#ifndef NNOM_PACKED_REQUANTIZE_H
#define NNOM_PACKED_REQUANTIZE_H

#include "../fixed.h"

/* nnom_high_mul() for b >= 0: its two nudges amount to floor((a * b + 2^30) / 2^31), whatever the signs. */
static inline int32_t nnom_high_mul_long(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/*
 * The same by four multiplications to 32 bits, for cores without a longer one. With a = 2^16 ah + al, b = 2^16 bh + bl and
 * 0 <= bh < 2^15: the middle's low half takes al * bl's high half, and no sum overflows:
 * al * bh + 2^16 < 2^31 + 2^16 (unsigned), |ah * bl| <= 2^15 (2^16 - 1), + 2^16 - 1 < 2^31.
 */
static inline int32_t nnom_high_mul_short(int32_t a, int32_t b)
{
    const int32_t ah = a >> 16, bh = b >> 16;
    const uint32_t al = (uint32_t)a & 0xffffu, bl = (uint32_t)b & 0xffffu;
    const uint32_t low = ((al * bl) >> 16) + al * (uint32_t)bh;
    /* bits 16 and up of the product, less low's high half */
    const int32_t middle = ah * (int32_t)bl + (int32_t)(low & 0xffffu);
    const int32_t high = ah * bh + (int32_t)(low >> 16) + (middle >> 16);
    return (int32_t)((uint32_t)high << 1) + (int32_t)(((uint32_t)(middle & 0xffff) + 0x4000u) >> 15);
}

/* Armv6-M and Armv8-M baseline multiply 32 by 32 bits to 32; a library call makes the rest. */
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
#define NNOM_HIGH_MUL nnom_high_mul_short
#else
#define NNOM_HIGH_MUL nnom_high_mul_long
#endif

/* nnom_shift_round(y, right) for |y| < 2^30, right >= 1 and half = 2^(right - 1): no sum overflows. */
static inline int32_t nnom_packed_shift(int32_t y, int32_t half, int32_t right)
{
    return (y + half + (y >> 31)) >> right;
}

/* nnom_requantize() for |x| < 2^30, 0 <= multiplier, -31 <= shift <= 30. */
static inline int32_t nnom_packed_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift >= 0) {
        return NNOM_HIGH_MUL(nnom_shift_left(x, shift), multiplier);
    }
    return nnom_packed_shift(NNOM_HIGH_MUL(x, multiplier), (int32_t)1 << (-shift - 1), -shift); /* |product| <= |x| */
}

#endif
