/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Weights of 4 bits, -8 to 7: two in a byte, the lower half first, in the order of the array. */
#ifndef NNOM_NIBBLE_H
#define NNOM_NIBBLE_H

#include <stddef.h>
#include <stdint.h>

static inline int32_t nnom_nibble_low(int8_t pair)
{
    return (pair & 15) - 2 * (pair & 8);
}

static inline int32_t nnom_nibble_high(int8_t pair)
{
    return pair >> 4;
}

static inline int32_t nnom_nibble(const int8_t *weights, size_t i)
{
    return (i & 1u) == 0 ? nnom_nibble_low(weights[i / 2]) : nnom_nibble_high(weights[i / 2]);
}

/* acc + sum of x * weights [first, first + n). |result| < 2^31: build checked every channel (nnom_layer_weights). */
static inline int32_t nnom_dot_s4(int32_t acc, const int8_t *x, const int8_t *weights, size_t first, int32_t n)
{
    if (n > 0 && (first & 1u) != 0) {
        acc += *x++ * nnom_nibble(weights, first++);
        n--;
    }
    const int8_t *w = weights + first / 2;
    for (; n > 1; n -= 2, x += 2, w++) {
        acc += x[0] * nnom_nibble_low(*w) + x[1] * nnom_nibble_high(*w);
    }
    return n > 0 ? acc + *x * nnom_nibble_low(*w) : acc;
}

#endif
