/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_FEATURES_BITS_H
#define NNOM_FEATURES_BITS_H

#include <stdint.h>

/* The number of bits of x: 0 for 0, 32 for 2^31 and more. */
static inline uint32_t nnom_bit_length(uint32_t x)
{
#ifdef __GNUC__
    return x == 0 ? 0 : 32u - (uint32_t)__builtin_clz(x);
#else
    uint32_t bits = 0;
    for (; x > 0; x >>= 1) {
        bits++;
    }
    return bits;
#endif
}

#endif
