/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The primitives of SPEC.md: fixed-point multiplication and rounding, as the TFLite int8 specification defines them.
 */
#ifndef NNOM_FIXED_H
#define NNOM_FIXED_H

#include <stdint.h>

#ifdef __ARM_FEATURE_SAT
#include <arm_acle.h>
#endif

static inline int32_t nnom_min_i32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t nnom_max_i32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static inline int32_t nnom_clamp_i32(int32_t x, int32_t lo, int32_t hi)
{
    return x < lo ? lo : (x > hi ? hi : x);
}

/* x, |x| < 2^31 - 128, saturated. */
static inline int8_t nnom_saturate_s8(int32_t x)
{
#ifdef __ARM_FEATURE_SAT
    return (int8_t)__ssat(x, 8);
#else
    return (int8_t)((uint32_t)(x + 128) <= 255u ? x : x >> 31 ^ 127);
#endif
}

/*
 * round(a * b / 2^31), ties away from zero on the negative side truncated as in the reference: the nudge has the sign
 * of the product and the division truncates. Saturates the one overflow, a = b = -2^31.
 */
static inline int32_t nnom_high_mul(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    const int64_t product = (int64_t)a * b; /* |product| <= 2^62 - 2^31 */
    const int64_t nudge = product >= 0 ? (int64_t)1 << 30 : 1 - ((int64_t)1 << 30);
    return (int32_t)((product + nudge) / ((int64_t)1 << 31));
}

/* x / 2^exponent, rounded to nearest, ties away from zero; 0 <= exponent <= 31. */
static inline int32_t nnom_shift_round(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1u);
    const int32_t remainder = x & mask;
    const int32_t threshold = (int32_t)((uint32_t)mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/*
 * x * 2^exponent, 0 <= exponent <= 30, saturated near +-NNOM_SHIFT_MAX: so far from the limits that a multiplication by
 * 2^29 / 2^31 or more leaves over 2^28, beyond every 8-bit number, and a zero point can still be added.
 */
#define NNOM_SHIFT_MAX (INT32_MAX - 511)

static inline int32_t nnom_shift_left(int32_t x, int32_t exponent)
{
    const int32_t most = NNOM_SHIFT_MAX >> exponent;
    return nnom_clamp_i32(x, -most, most) * ((int32_t)1 << exponent);
}

/*
 * x * multiplier * 2^(shift - 31), rounded twice. |result| <= |x| if shift <= 0, half of it below 0, and < 2^31 - 511 if
 * shift > 0. So a zero point can be added, except for shift == 0 and |x| near 2^31: build excludes that.
 */
static inline int32_t nnom_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift > 0) {
        return nnom_high_mul(nnom_shift_left(x, shift), multiplier);
    }
    return nnom_shift_round(nnom_high_mul(x, multiplier), -shift);
}

#endif
