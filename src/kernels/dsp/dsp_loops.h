/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The inner loops of int8 layers with weights on cores with the DSP extension, and the numbers that they read.
 *
 * Two int8 weights of a tap, of outputs a and b, are one halfword 256 b + a: half the multiplications with it give 256 S_b + S_a,
 * the others, with its low byte, S_a. So S_b = (S_ab - S_a) / 256, exact while |S_b| < 2^23, and a weight takes one byte.
 *
 * Requantising (SPEC.md) is one multiplication: with C = 2^(e - 1) + (zero point << e), e = -shift, 1 <= e <= 22,
 * y = (smmlar(2 acc, M, C) - (acc < 0)) >> e: high_mul, both roundings and the zero point; |acc| < 2^30.
 */
#ifndef NNOM_DSP_LOOPS_H
#define NNOM_DSP_LOOPS_H

#include "acle.h"

/*
 * Words of a block of `width` outputs, two of a convolution and eight of Dense:
 *   start   for each pair of outputs a, b: 256 b + a, a: of the biases
 *   taps    for each 2 taps and pair a word of a and b; low half the first. In the order (0, 2), (1, 3) of four taps
 *   finish  for each pair M and C of a, of b, and a word: e of a, 256 e of b
 */
static inline int32_t nnom_dsp_block_words(int32_t width, int32_t taps)
{
    return width + taps * width / 4 + 5 * width / 2;
}

/* Of a block of two outputs beside its taps. */
enum { NNOM_DSP_BLOCK_WORDS = 7 };

/*
 * Blocks of two outputs of three, two or one pixels of a convolution, to out, out + distance, out + 2 * distance; end: of the first pixel's.
 * x: int16 inputs, for each 2 taps a word of every pixel, in the order of the weights. weight_bytes: of a block's taps, a multiple of 8, at
 * least 8.
 */
void nnom_dsp_conv_3(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance);
void nnom_dsp_conv_2(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance);
void nnom_dsp_conv_1(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                     uint32_t distance);

/*
 * Inputs of three or two pixels, `distance` bytes apart, for them: `run` bytes of each, at least 4, filled up to a multiple of 4. Reads nothing
 * else. Returns where the next ones go.
 */
uint32_t *nnom_dsp_expand_3(uint32_t *to, const int8_t *from, uint32_t distance, uint32_t run);
uint32_t *nnom_dsp_expand_2(uint32_t *to, const int8_t *from, uint32_t distance, uint32_t run);

/*
 * Dense, blocks of eight outputs a to h: adds n taps, a multiple of 4, at least 4, to their sums [8] = {ab, a, cd, c, ef, e, gh, g}. weights: 8
 * words for 4 taps, four pairs of outputs for taps 0 and 2, then for 1 and 3. Reads n bytes of x.
 */
void nnom_dsp_eight(const uint32_t *weights, const int8_t *x, uint32_t n, uint32_t *sums);
/* Whole blocks of eight outputs, to `out` up to `end`; n taps that lie side by side. */
void nnom_dsp_dense(const uint32_t *stream, const int8_t *x, uint32_t n, int8_t *out, const int8_t *end);

/*
 * A pixel of a depthwise convolution, one output channel for each input channel; channels: a multiple of 4, at least 4. cells [2 * pairs]:
 * channel 0 of each tap. A group of four channels: start [4]; for each two taps the bytes of channel 0 of the first, 1 of the first, 0 of the
 * second, 1 of the second, then channels 2 and 3; M and C of each channel; a word, e of channel 0 its lowest byte. A group is read before it is
 * written.
 */
void nnom_dsp_dw_pixel(const uint32_t *stream, const int8_t *const *cells, uint32_t pairs, int8_t *out,
                       uint32_t channels);
static inline int32_t nnom_dsp_dw_words(int32_t pairs)
{
    return 4 + 2 * pairs + 9;
}

/* Twice a sum -> an output, saturated. finish: M, C. e: 1 to 22. */
static inline int8_t nnom_dsp_output(uint32_t twice, const uint32_t *finish, uint32_t e)
{
    const int32_t acc = (int32_t)twice;
    return (int8_t)nnom_ssat8((nnom_smmlar(acc, (int32_t)finish[0], (int32_t)finish[1]) + (acc >> 31)) >> e);
}

/* n outputs clamped, where the limits are narrower than int8. */
void nnom_dsp_limits(int32_t least, int32_t most, int8_t *row, int32_t n);

/* Two outputs of their sums; finish: of the stream. */
static inline void nnom_dsp_two_outputs(uint32_t ab, uint32_t a, const uint32_t *finish, int8_t *out)
{
    out[0] = nnom_dsp_output(a * 2u, finish, finish[4] & 0xffu);
    out[1] = nnom_dsp_output((uint32_t)((int32_t)(ab - a) >> 7), finish + 2, finish[4] >> 8);
}

#endif
