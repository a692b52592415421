/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The inner loops of the reference kernels with weights. */
#ifndef NNOM_DOT_H
#define NNOM_DOT_H

#include <stdint.h>

/* acc + sum of a * b. |result| < 2^31: build checked every channel's weights and bias (nnom_layer_weights). */
static inline int32_t nnom_dot_s8(int32_t acc, const int8_t *a, const int8_t *b, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        acc += (int32_t)a[i] * b[i];
    }
    return acc;
}

enum { NNOM_DOT_S16 = 511 }; /* products of int16 and int8 that fit 32 bits together: 511 * 2^15 * 2^7 < 2^31 */

/* acc + sum of a * b; |result| < 2^47: build checked it. */
static inline int64_t nnom_dot_s16(int64_t acc, const int16_t *a, const int8_t *b, int32_t n)
{
    while (n > 0) {
        const int32_t some = n < NNOM_DOT_S16 ? n : NNOM_DOT_S16;
        int32_t sum = 0;
        for (int32_t i = 0; i < some; i++) {
            sum += (int32_t)a[i] * b[i];
        }
        acc += sum;
        a += some;
        b += some;
        n -= some;
    }
    return acc;
}

static inline float nnom_dot_f32(float acc, const float *a, const float *b, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        acc += a[i] * b[i];
    }
    return acc;
}

#endif
