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
typedef struct nnom_gates {
    int16_t (*sigmoid)(int32_t x);
    int16_t (*tanh)(int32_t x);
} nnom_gates_t;

/* As TFLite's reference: within 1.02 and 1.48 units of Q15. */
extern const nnom_gates_t nnom_gates_tflite;
/* Within 1 unit. */
extern const nnom_gates_t nnom_gates_fine;

#endif
