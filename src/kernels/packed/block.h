/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Four outputs at a time of one input vector. Weights lie in blocks of four channels, [taps][4]; the last one to three channels make
 * a block of their own, [taps][1 to 3]. int8 for depthwise sums, else uint8: see NNOM_BLOCK_OFFSET.
 */
#ifndef NNOM_PACKED_BLOCK_H
#define NNOM_PACKED_BLOCK_H

#include <stdint.h>

enum { NNOM_PACKED_BLOCK = 4 };

/*
 * What the weights of dense sums are stored more by, so that they are unsigned: Cortex-M0 loads such a byte with one instruction
 * instead of two. A sum is too large by nnom_block_excess() of its inputs then, which is taken off where it starts. With
 * |bias| < 2^30 no part of a sum over up to NNOM_BLOCK_TAPS taps overflows: (255 + 128) * 128 * 2^14 < 2^30.
 */
enum { NNOM_BLOCK_OFFSET = 128, NNOM_BLOCK_TAPS = 16384 };

int32_t nnom_block_excess(const int8_t *x, int32_t n);

/* acc[i] += sum over t < n of x[t] * w[t][i], i < width <= 4. */
void nnom_block(int32_t *acc, const int8_t *x, const uint8_t *w, int32_t n, int32_t width);

/* Where a tap of channel 0 lies; of channel c c bytes on, or in the same place (mask 0). */
typedef struct nnom_tap {
    const int8_t *at;
    int32_t mask; /* -1 or 0 */
} nnom_tap_t;

/* Depthwise: acc[i] += sum over t < n of w[t][i] times tap t of channel c + i, i < width. */
void nnom_block_taps(int32_t *acc, const nnom_tap_t *taps, int32_t c, const int8_t *w, int32_t n, int32_t width);

/* to[i] = acc[i], i < width. */
static inline void nnom_block_keep(int32_t *to, const int32_t *acc, int32_t width)
{
    for (int32_t i = 0; i < width; i++) {
        to[i] = acc[i];
    }
}

#endif
