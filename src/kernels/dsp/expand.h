/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* int8 values as int16, two in a word, in the order of the loops: of four, (0, 2) and (1, 3). */
#ifndef NNOM_DSP_EXPAND_H
#define NNOM_DSP_EXPAND_H

#include <string.h>

#include "acle.h"

/* Four bytes as a word, the first the lowest, on every machine: one load where that is the order of its bytes. */
static inline uint32_t nnom_dsp_load(const int8_t *from)
{
    const uint8_t *x = (const uint8_t *)from;
#ifdef __ARM_FEATURE_DSP
    uint32_t word;
    memcpy(&word, x, sizeof word);
    return word;
#else
    return (uint32_t)x[0] | (uint32_t)x[1] << 8 | (uint32_t)x[2] << 16 | (uint32_t)x[3] << 24;
#endif
}

/* n values, n a multiple of 4, to every `step`-th word; returns where the next ones go. */
static inline uint32_t *nnom_dsp_expand(uint32_t *to, const int8_t *from, int32_t n, uint32_t step)
{
    for (; n > 0; n -= 4, from += 4, to += 2 * step) {
        const uint32_t x = nnom_dsp_load(from);
        to[0] = nnom_sxtb16(x);
        to[step] = nnom_sxtb16_odd(x);
    }
    return to;
}

/* The same of n values that are `value`. */
static inline uint32_t *nnom_dsp_fill(uint32_t *to, int32_t value, int32_t n, uint32_t step)
{
    const uint32_t x = ((uint32_t)value & 0xffffu) * 0x10001u;
    for (; n > 0; n -= 4, to += 2 * step) {
        to[0] = x;
        to[step] = x;
    }
    return to;
}

/* Any n: what is missing to a multiple of 4 is 0. Reads n bytes, no more. */
static inline uint32_t *nnom_dsp_expand_any(uint32_t *to, const int8_t *from, int32_t n, uint32_t step)
{
    const int32_t whole = n & ~3;
    to = nnom_dsp_expand(to, from, whole, step);
    if (whole < n) {
        int8_t last[4] = {0, 0, 0, 0};
        for (int32_t i = whole; i < n; i++) {
            last[i - whole] = from[i];
        }
        to = nnom_dsp_expand(to, last, 4, step);
    }
    return to;
}

#endif
