/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolutions of 3 x 3 and stride 1 by Winograd's F(4, 3) along rows, in integers: four outputs of a row from six inputs, with six products
 * where there are twelve. With inputs d0 to d5 and weights g0, g1, g2 of a row of the window, and everything modulo 2^32:
 *
 *   phase   inputs                        weights                  in the outputs y0, y1, y2, y3
 *     0     -4 d1 - 4 d2 + d3 + d4        -4 g0 - 4 g1 - 4 g2      1,  1,  1,  1
 *     1      4 d1 - 4 d2 - d3 + d4        -4 g0 + 4 g1 - 4 g2      1, -1,  1, -1
 *     2     -2 d1 -   d2 + 2 d3 + d4         g0 + 2 g1 + 4 g2      1,  2,  4,  8
 *     3      2 d1 -   d2 - 2 d3 + d4         g0 - 2 g1 + 4 g2      1, -2,  4, -8
 *     4      4 d0 - 5 d2 + d4              6 g0                    1,  0,  0,  0
 *     5      4 d1 - 5 d3 + d5             24 g2                    0,  0,  0,  1
 *
 * gives 24 y, exactly: |inputs| <= 1280, |weights| <= 3072 (the loops have them some higher, see nnom_dsp_tile_offset()). 24 y / 3 modulo 2^32 is 8 y, while |y| < 2^28. Products of all rows and
 * channels are added up within a phase.
 */
#ifndef NNOM_DSP_TILES_H
#define NNOM_DSP_TILES_H

#include "acle.h"

enum { NNOM_DSP_PHASES = 6, NNOM_DSP_TILE = 4 /* outputs */, NNOM_DSP_TILE_COLUMNS = 6, NNOM_DSP_TILE_UNROLL = 12 };

/*
 * One row of the window of a tile: `from`: column 0 of `channels` bytes, of which the first `count` are taken, multiples of 4; to: their words of
 * phase 0, every second one; phase_bytes: from one phase to the next. In the order (0, 2), (1, 3) of four channels.
 */
void nnom_dsp_tile_row(const int8_t *from, uint32_t channels, uint32_t *to, uint32_t phase_bytes, uint32_t count);

/* What inputs of a phase are higher than the table says: as if bytes were 128 higher and the last ones 2048. The starts of the sums take it off. */
enum { NNOM_DSP_TILE_OFFSET = 2048 };
static inline int32_t nnom_dsp_tile_offset(int32_t phase)
{
    return NNOM_DSP_TILE_OFFSET - (phase == 0 ? 6 * 128 : 0);
}

/* Words of a block of `outputs`; weight_bytes: see below. */
static inline uint32_t nnom_dsp_tiles_words(int32_t outputs, uint32_t weight_bytes)
{
    return 9 * (uint32_t)outputs + NNOM_DSP_PHASES * weight_bytes / 4;
}

/*
 * Blocks of two outputs of two tiles that lie side by side, or of four outputs of one tile: what two tiles share of the scratch with large
 * windows is more than their speed is worth. x: a phase after the other, words of two inputs; those of two tiles take turns. A block of the
 * stream, a and b standing for its outputs:
 *   phases   each with the starts of its sums, of a, of b ..., and then, for each word of a tile, weights of a, of b ...
 *   finish   M and C of a (dsp_loops.h), its shift, and 256 where there are two tiles; the same of b ...
 * weight_bytes: of a phase; of one tile a multiple of 192. skip, of two tiles: how many times 16 bytes of weights are wanting to a multiple of
 * NNOM_DSP_TILE_UNROLL.
 */
void nnom_dsp_tiles(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                    uint32_t distance, uint32_t skip);
void nnom_dsp_tile(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                   uint32_t distance, uint32_t skip);

#endif
