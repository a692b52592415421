/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Blocks of the stream (mve_loops.h) read with the instructions of helium.h. */
#ifndef NNOM_MVE_BLOCKS_H
#define NNOM_MVE_BLOCKS_H

#include "helium.h"
#include "mve_loops.h"

/* Words of a block whose taps are one run. */
static inline int32_t nnom_mve_block_words(int32_t pitch, int32_t chunks)
{
    return pitch + (chunks - 1) * NNOM_MVE_CHUNK + NNOM_MVE_FINISH;
}

/* Bytes [at, at + n) of words, n <= 16, then any others: there are 15 bytes behind them. */
static inline nnom_s8x16_t nnom_mve_bytes(const uint32_t *words, int32_t at, int32_t n)
{
#ifdef __ARM_FEATURE_MVE
    (void)n;
    return nnom_vldrb((const int8_t *)words + at);
#else
    nnom_s8x16_t v = {{0}};
    for (int32_t i = 0; i < n; i++) {
        v.at[i] = (int8_t)(uint8_t)(words[(at + i) / 4] >> ((at + i) % 4 * 8));
    }
    return v;
#endif
}

/* Four int8 of a word. */
static inline nnom_s32x4_t nnom_mve_four(const uint32_t *word)
{
#ifdef __ARM_FEATURE_MVE
    return vldrbq_s32((const int8_t *)word);
#else
    const nnom_s8x16_t v = nnom_mve_bytes(word, 0, 4);
    const nnom_s32x4_t result = {{v.at[0], v.at[1], v.at[2], v.at[3]}};
    return result;
#endif
}

/* Adds a run of taps of four outputs to their sums; modulo 2^32. first, pitch: as of nnom_mve_run_t. */
static inline nnom_s32x4_t nnom_mve_sums(const uint32_t *weights, const int8_t *x, int32_t first, int32_t pitch,
                                         int32_t chunks, nnom_s32x4_t sums)
{
    uint32_t sum[4] = {0, 0, 0, 0};
    for (int32_t k = 0, at = 0; k < chunks; k++) {
        const int32_t taps = k == 0 ? first : NNOM_MVE_CHUNK, step = k == 0 ? pitch : NNOM_MVE_CHUNK;
        const nnom_s8x16_t v = nnom_vldrb_z(x, taps);
        for (int32_t o = 0; o < 4; o++, at += step) {
            sum[o] += (uint32_t)nnom_vmladav(v, nnom_mve_bytes(weights, at, taps));
        }
        x += taps;
    }
    return nnom_vaddw(sums, nnom_vldrw(sum));
}

/* Sums with their bias, |sum| < 2^31, requantised. scale: multipliers [4], then shifts. ties: see mve_loops.h. */
static inline nnom_s32x4_t nnom_mve_requantize(nnom_s32x4_t sums, const uint32_t *scale, bool ties)
{
    const nnom_s32x4_t q = nnom_vqrdmulh(sums, nnom_vldrw(scale));
    return nnom_vrshl(ties ? nnom_vaddw(q, nnom_vsign(q)) : q, nnom_mve_four(scale + 4));
}

/* n of the four outputs, saturated. */
static inline void nnom_mve_store(int8_t *to, nnom_s32x4_t y, int32_t zero_point, int32_t n)
{
    nnom_vstrb_w(to, nnom_vsat8(nnom_vaddw(y, nnom_vdupw(zero_point))), n);
}

#endif
