/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_FFT_FIXED_H
#define NNOM_FFT_FIXED_H

#include "complex16.h"

/*
 * The order in which nnom_fft_fixed() wants its n input numbers, n a power of 2 from 8: the first lies at 0, and each next one where
 * nnom_fft_next() of the last one's place says.
 */
static inline uint32_t nnom_fft_next(uint32_t place, uint32_t n)
{
    /* Count by digits from the top: of base 4, and of base 2 the lowest if n is no power of 4. */
    uint32_t digit = n >> 2;
    while (digit > 0 && (place & 3u * digit) == 3u * digit) {
        place ^= 3u * digit;
        digit >>= 2;
    }
    return place + (digit > 0 ? digit : 1u);
}

/*
 * Transform of 2n real numbers, in place: x [n] holds pairs of them as (re, im), in the order above. Bins 1 to n - 1 come to their places; bin
 * 0 and bin n, both real, to x[0].re and x[0].im. Every bin is divided by 2n. twiddles, split: nnom_audio_fixed_t.
 */
void nnom_fft_fixed(nnom_complex16_t *x, uint32_t n, const nnom_complex16_t *twiddles, const nnom_complex16_t *split);

#endif
