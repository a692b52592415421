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

static inline void nnom_dsp_store(int8_t *to, uint32_t word)
{
#ifdef __ARM_FEATURE_DSP
    memcpy(to, &word, sizeof word);
#else
    for (uint32_t i = 0; i < 4; i++) {
        to[i] = (int8_t)(uint8_t)(word >> (8 * i));
    }
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

/* The last n bytes, 1 to 3, before `end` as a word: what is missing to 4 is 0. `before`: bytes of the run; reads nothing outside of it. */
static inline uint32_t nnom_dsp_last(const int8_t *end, int32_t n, int32_t before)
{
    if (before >= 4) {
        return nnom_dsp_load(end - 4) >> (32 - 8 * n);
    }
    uint32_t word = 0;
    for (int32_t i = 1; i <= n; i++) {
        word = word << 8 | (uint8_t)end[-i];
    }
    return word;
}

/* Any n: what is missing to a multiple of 4 is 0. Reads n bytes, no more. */
static inline uint32_t *nnom_dsp_expand_any(uint32_t *to, const int8_t *from, int32_t n, uint32_t step)
{
    to = nnom_dsp_expand(to, from, n & ~3, step);
    if ((n & 3) != 0) {
        const uint32_t x = nnom_dsp_last(from + n, n & 3, n);
        to[0] = nnom_sxtb16(x);
        to[step] = nnom_sxtb16_odd(x);
        to += 2 * step;
    }
    return to;
}

#endif
