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

#endif
