/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Per-channel gain: the signal over a power of its noise, compressed where it is small. */
#include "bits.h"
#include "fixed.h"

/* The gain of a noise estimate: a parabola for each power of 2, by 10 bits of what is below the highest one. */
static int32_t gain_of(const int16_t *gains, uint32_t x)
{
    if (x <= 2) {
        return gains[x];
    }
    const uint32_t bits = nnom_bit_length(x);
    const int16_t *line = gains + 4 * bits - 6;
    const int32_t at = (int32_t)((bits < 11 ? x << (11 - bits) : x >> (bits - 11)) & 0x3ffu);
    /* |line[1]|, |line[2]| <= 2^15: the sum of both, times 2^5, <= 2^21, times at < 2^31 */
    const int32_t slope = ((line[2] * at) >> 5) + line[1] * (1 << 5);
    return nnom_wrap16(line[0] + ((slope * at + (1 << 14)) >> 15));
}

/* x, Q12, to Q6: a parabola up to 2, then the line that goes on. */
static uint32_t gain_shrink(uint32_t x)
{
    if (x < (2u << NNOM_SNR_BITS)) {
        return (x * x) >> (2 + 2 * NNOM_SNR_BITS - NNOM_GAINED_BITS);
    }
    return (x >> (NNOM_SNR_BITS - NNOM_GAINED_BITS)) - (1u << NNOM_GAINED_BITS);
}

void nnom_fixed_gain(const nnom_audio_fixed_t *f, const uint32_t *noise, uint32_t *signal)
{
    for (uint32_t i = 0; i < f->channels; i++) {
        const uint64_t product = (uint64_t)signal[i] * (uint32_t)gain_of(f->gains, noise[i]);
        signal[i] = gain_shrink((uint32_t)(product >> f->snr_shift));
    }
}
