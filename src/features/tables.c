/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "tables.h"

#include <string.h>

void *nnom_audio_place(nnom_audio_places_t *places, size_t bytes)
{
    void *place = places->base == NULL ? NULL : places->base + places->used;
    places->used += ((uint32_t)bytes + 7u) & ~7u;
    return place;
}

uint32_t nnom_fft_bits(uint32_t window)
{
    uint32_t bits = 4;
    while (((uint32_t)1 << bits) < window) {
        bits++;
    }
    return bits;
}

/* x = 2^*exponent * result, the result within sqrt(1/2)..sqrt(2); x >= 1. */
static float tables_mantissa(float x, int32_t *exponent)
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

/*
 * ln(1 + x), 0 <= x < 2^20, with the roundings of the usual C libraries' log1pf (fdlibm's): within one unit in the last place, and the
 * bank's weights shall not depend on the library. 1 + x = 2^k (1 + f), s = f / (2 + f): ln(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)).
 */
static float tables_log1p(float x)
{
    static const float series[7] = {0x1.555556p-1f, 0x1.99999ap-2f, 0x1.24924ap-2f, 0x1.c71c52p-3f,
                                    0x1.74664ap-3f, 0x1.39a09ep-3f, 0x1.2f112ep-3f};
    int32_t k = 0;
    float f = x, lost = 0.0f;
    if (x >= 0x1.a827aep-2f) { /* sqrt(2) - 1 */
        const float sum = 1.0f + x;
        f = tables_mantissa(sum, &k) - 1.0f;
        lost = (sum >= 2.0f ? 1.0f - (sum - x) : x - (sum - 1.0f)) / sum;
    }
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

float nnom_mel(float hertz)
{
    return 1127.0f * tables_log1p(hertz / 700.0f);
}
