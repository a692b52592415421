/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Noise reduction: a slow mean of each channel is its noise, which is subtracted. */
#include "fixed.h"

/* x * q * 2^-14, modulo 2^32 */
static uint32_t noise_part(uint32_t x, uint32_t q)
{
    return (uint32_t)(((uint64_t)x * q) >> NNOM_SMOOTH_BITS);
}

void nnom_fixed_reduce_noise(const nnom_audio_fixed_t *f, uint32_t *noise, uint32_t *signal)
{
    for (uint32_t i = 0; i < f->channels; i++) {
        const uint32_t share = f->smoothing[i & 1], scaled = signal[i] << f->smoothing_bits;
        const uint64_t sum = (uint64_t)scaled * share + (uint64_t)noise[i] * ((1u << NNOM_SMOOTH_BITS) - share);
        noise[i] = (uint32_t)(sum >> NNOM_SMOOTH_BITS);
        const uint32_t estimate = noise[i] < scaled ? noise[i] : scaled;
        const uint32_t left = (scaled - estimate) >> f->smoothing_bits, least = noise_part(signal[i], f->least_signal);
        signal[i] = left > least ? left : least;
    }
}
