/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Natural logarithms of our own, in float: rows and tables shall not depend on the C library. Coefficients and roundings are those of fdlibm's
 * log1pf, which most libraries have; within one unit in the last place.
 */
#ifndef NNOM_FEATURES_LN_H
#define NNOM_FEATURES_LN_H

#include <stdint.h>
#include <string.h>

/* x = 2^*exponent * result, the result within sqrt(1/2)..sqrt(2); x > 0, not subnormal. */
static inline float nnom_mantissa(float x, int32_t *exponent)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t fraction = bits & 0x7fffffu;
    const uint32_t upper = fraction < 0x3504f7u ? 0u : 1u; /* sqrt(2) - 1 */
    *exponent = (int32_t)(bits >> 23) - 127 + (int32_t)upper;
    bits = fraction | ((127u - upper) << 23);
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ln(2^k (1 + f)) + lost. s = f / (2 + f): ln(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)). */
static inline float nnom_ln_sum(int32_t k, float f, float lost)
{
    static const float series[7] = {0x1.555556p-1f, 0x1.99999ap-2f, 0x1.24924ap-2f, 0x1.c71c52p-3f,
                                    0x1.74664ap-3f, 0x1.39a09ep-3f, 0x1.2f112ep-3f};
    const float half = 0.5f * f * f, s = f / (2.0f + f), z = s * s;
    float r = 0.0f;
    for (int i = 6; i >= 0; i--) {
        r = z * (series[i] + r);
    }
    if (k == 0) {
        return f - (half - s * (half + r));
    }
    const float power = (float)k;
    return power * 0x1.62e3p-1f - ((half - (s * (half + r) + (power * 0x1.2fefa2p-17f + lost))) - f);
}

/* ln(x), x > 0, not subnormal. */
static inline float nnom_ln(float x)
{
    int32_t k;
    const float f = nnom_mantissa(x, &k) - 1.0f;
    return nnom_ln_sum(k, f, 0.0f);
}

/* ln(1 + x), 0 <= x < 2^20 */
static inline float nnom_ln1(float x)
{
    int32_t k = 0;
    if (x < 0x1.a827aep-2f) { /* sqrt(2) - 1 */
        return nnom_ln_sum(0, x, 0.0f);
    }
    const float sum = 1.0f + x, f = nnom_mantissa(sum, &k) - 1.0f;
    return nnom_ln_sum(k, f, (sum >= 2.0f ? 1.0f - (sum - x) : x - (sum - 1.0f)) / sum);
}

#endif
