/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_FFT_ORDER_H
#define NNOM_FFT_ORDER_H

#include <stdint.h>

/*
 * The order in which a transform of radix 4 wants its n input numbers, n a power of 2 from 8: the first lies at 0, and each next one where
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

/* The radix of the first stage: 2 if n is no power of 4, else 1, that is, there is none but those of radix 4. */
static inline uint32_t nnom_fft_first(uint32_t n)
{
    return (n & 0x55555555u) != 0 ? 1u : 2u;
}

#endif
