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
 * gives 24 y, exactly: |inputs| <= 1280, |weights| <= 3072. 24 y / 3 modulo 2^32 is 8 y, while |y| < 2^28. Products of all rows and
 * channels are added up within a phase.
 */
#ifndef NNOM_DSP_TILES_H
#define NNOM_DSP_TILES_H

#include "acle.h"

enum { NNOM_DSP_PHASES = 6, NNOM_DSP_TILE = 4 /* outputs */, NNOM_DSP_TILE_COLUMNS = 6, NNOM_DSP_TILE_UNROLL = 12 };

/*
 * One row of the window of a tile: `from`: column 0 of `channels` bytes, a multiple of 4; to: its words of phase 0, every second one, those
 * of the other tile between them; phase_bytes: from one phase to the next. In the order (0, 2), (1, 3) of four channels.
 */
void nnom_dsp_tile_row(const int8_t *from, uint32_t channels, uint32_t *to, uint32_t phase_bytes);

/*
 * Blocks of two outputs of two tiles that lie side by side. A block of the stream: 24 times the biases; for each phase its weights, for 4
 * taps a and b of taps 0 and 2, then of 1 and 3; finish, as in dsp_loops.h. phase_bytes: of the weights, and of the inputs x, 16 for each
 * 4 taps; skip: how many times 4 taps are wanting to a multiple of NNOM_DSP_TILE_UNROLL.
 */
void nnom_dsp_tiles(const uint32_t *stream, const uint32_t *x, uint32_t phase_bytes, int8_t *out, const int8_t *end,
                    uint32_t distance, uint32_t skip);

#endif
