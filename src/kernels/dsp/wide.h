/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Loops over weights of 16 bits, twice their values: nothing is unpacked, and the sums are doubled, as requantising wants them (dsp_loops.h).
 * Twice a weight is within [-256, 254]; twice a sum fits int32 while the sum is below 2^30.
 */
#ifndef NNOM_DSP_WIDE_H
#define NNOM_DSP_WIDE_H

#include "acle.h"

/*
 * As nnom_dsp_conv_3() in dsp_loops.h, of three, two or one pixels. A block of two outputs a and b of the stream:
 *   start   2 a, 2 b of the biases
 *   taps    for each 4 taps a and b of taps 0 and 2, then of 1 and 3; low half the first
 *   finish  M and C of a, of b, and a word: e of a, 256 e of b
 * weight_bytes: 16 for each 4 taps.
 */
void nnom_dsp_wide_3(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance);
void nnom_dsp_wide_2(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance);
void nnom_dsp_wide_1(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance);

/*
 * Dense, a block of four outputs a to d: adds n taps, a multiple of 4, at least 4, to `from`, twice their sums [4]. weights: 8 words for 4 taps, of
 * a, b, c and d of taps 0 and 2, then of 1 and 3. Reads n bytes of x. Without `out` the sums go to `to`; with it, four outputs go there: finish, as
 * of two blocks of two, follows the weights, and `to` is not used.
 */
void nnom_dsp_four(const uint32_t *weights, const int8_t *x, uint32_t n, const uint32_t *from, uint32_t *to,
                   int8_t *out);

#endif
