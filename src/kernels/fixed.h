/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The primitives of SPEC.md: fixed-point multiplication and rounding, as the TFLite int8 specification defines them.
 */
#ifndef NNOM_FIXED_H
#define NNOM_FIXED_H

#include <stdint.h>

/* SSAT, where the core has it and the compiler a name for it. */
#if defined(__ARM_FEATURE_SAT) && defined(__has_builtin)
#if __has_builtin(__builtin_arm_ssat)
#define NNOM_SSAT(x, bits) ((int32_t)__builtin_arm_ssat((x), (bits)))
#endif
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

/* x, saturated. */
static inline int8_t nnom_saturate_s8(int32_t x)
{
#ifdef NNOM_SSAT
    return (int8_t)NNOM_SSAT(x, 8);
#else
    return (int8_t)(x == (int8_t)x ? x : (x >> 31) ^ 127);
#endif
}

static inline int16_t nnom_clamp_s16(int32_t x)
{
#ifdef NNOM_SSAT
    return (int16_t)NNOM_SSAT(x, 16);
#else
    return (int16_t)nnom_clamp_i32(x, INT16_MIN, INT16_MAX);
#endif
}

/*
 * The rounded upper half of a product, high_mul of SPEC.md: its two nudges and the truncation amount to floor((a * b + 2^30) / 2^31)
 * whatever the signs. Not both -2^31: every caller has one operand that is not negative.
 */
static inline int32_t nnom_high_mul_long(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/*
 * The same by four multiplications to 32 bits, for cores without a longer one. With a = 2^16 ah + al, b = 2^16 bh + bl: `left` and
 * `right` hold bits 16 and up of the product less what lies in `high`. No sum overflows: |ah * bl|, |al * bh| <= 2^15 (2^16 - 1), less by
 * 2^16 - 1 where positive, and 0 to 2^16 - 1 is added.
 */
static inline int32_t nnom_high_mul_short(int32_t a, int32_t b)
{
    const int32_t ah = a >> 16, bh = b >> 16;
    const uint32_t al = (uint32_t)a & 0xffffu, bl = (uint32_t)b & 0xffffu;
    const int32_t left = ah * (int32_t)bl + (int32_t)((al * bl) >> 16);
    const int32_t right = bh * (int32_t)al + (left & 0xffff);
    const int32_t high = ah * bh + (left >> 16) + (right >> 16);
    return (int32_t)((uint32_t)high << 1) + (int32_t)(((uint32_t)(right & 0xffff) + 0x4000u) >> 15);
}

/* Armv6-M and Armv8-M baseline multiply 32 by 32 bits to 32; a library call makes the rest. */
static inline int32_t nnom_high_mul(int32_t a, int32_t b)
{
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
    return nnom_high_mul_short(a, b);
#else
    return nnom_high_mul_long(a, b);
#endif
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
 * x * multiplier * 2^(shift - 31), 0 <= multiplier, -31 <= shift <= 30, rounded twice. |result| <= |x| if shift <= 0, half of it below 0, and < 2^31 - 511 if
 * shift > 0. So a zero point can be added, except for shift == 0 and |x| near 2^31: build excludes that.
 */
static inline int32_t nnom_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift > 0) {
        return nnom_high_mul(nnom_shift_left(x, shift), multiplier);
    }
    const int32_t y = nnom_high_mul(x, multiplier); /* |y| < 2^31, as the multiplier is below */
    if (shift == 0) {
        return y;
    }
    return (((y + (y >> 31)) >> (-shift - 1)) + 1) >> 1; /* nnom_shift_round(y, -shift): ties away from zero */
}

/*
 * x * multiplier * 2^(shift - 31), rounded once, the multiplier to 16 bits before; saturated to int32. For sums of products of
 * int16: |x| < 2^47, -31 <= shift <= NNOM_WIDE_SHIFT_MAX.
 */
#define NNOM_WIDE_SHIFT_MAX 7

static inline int32_t nnom_requantize_wide(int64_t x, int32_t multiplier, int32_t shift)
{
    const int64_t reduced = multiplier < 0x7fff0000 ? (multiplier + (INT32_C(1) << 15)) >> 16 : 0x7fff;
    const int32_t total = 15 - shift;
    const int64_t product = (x * reduced + ((int64_t)1 << (total - 1))) >> total;
    return product > INT32_MAX ? INT32_MAX : (product < INT32_MIN ? INT32_MIN : (int32_t)product);
}

/*
 * The same of a sum of 32 bits where shift <= -2. The multiplier's 16 bits are the upper ones of a word, nnom_narrow_multiplier(), so that the
 * product's upper half is x * reduced / 2^16, rounded down, of magnitude below 2^30, which is shifted by total - 16 = -shift - 1.
 */
static inline int32_t nnom_narrow_multiplier(int32_t multiplier)
{
    return multiplier < 0x7fff0000 ? ((multiplier + (INT32_C(1) << 15)) >> 16) * 65536 : 0x7fff0000;
}

#endif
