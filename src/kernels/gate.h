/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Gates of recurrent layers: sigmoid and tanh of int16 numbers, and the requantising of 64-bit sums, as the TFLite reference
 * evaluates them (SPEC.md).
 */
#ifndef NNOM_GATE_H
#define NNOM_GATE_H

#include "fixed.h"

/* How numbers become those that the functions below take: x * 3 * 2^shift, rounded. -15 <= shift <= 13. */
static inline int32_t nnom_gate_scaled(int16_t x, int32_t shift)
{
    if (shift >= 0) {
        return x * (3 * ((int32_t)1 << shift)); /* |x| < 2^15: below 2^30 */
    }
    return (x * 3 + ((int32_t)1 << (-shift - 1))) >> -shift;
}

/* sigmoid(x / 12288) and tanh(x / 12288) as Q15. */
int16_t nnom_gate_sigmoid(int32_t x);
int16_t nnom_gate_tanh(int32_t x);

static inline int16_t nnom_clamp_s16(int32_t x)
{
    return (int16_t)nnom_clamp_i32(x, INT16_MIN, INT16_MAX);
}

/*
 * x * multiplier * 2^(shift - 31), rounded once, the multiplier to 16 bits before; saturated to int32. For sums of products of
 * int16: |x| < 2^47, -31 <= shift <= 7.
 */
static inline int32_t nnom_requantize_wide(int64_t x, int32_t multiplier, int32_t shift)
{
    const int64_t reduced = multiplier < 0x7fff0000 ? (multiplier + (1 << 15)) >> 16 : 0x7fff;
    const int32_t total = 15 - shift;
    const int64_t product = (x * reduced + ((int64_t)1 << (total - 1))) >> total;
    return product > INT32_MAX ? INT32_MAX : (product < INT32_MIN ? INT32_MIN : (int32_t)product);
}

#endif
