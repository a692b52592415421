/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Two outputs with one multiplication, on cores that multiply 32 bits and nothing more. A word holds the weight of output a and 2^16 times
 * that of b; times an input it is both products. Of two taps they fit the halves of a word: with START in each half, |sum| <= 2 * 128 * 128,
 * both are unsigned. Such a segment is added to `total`, its high half to `high`. In the end high is b's sum, and total - 2^16 high,
 * modulo 2^32, is a's; the packer takes off START for each segment where they start. Of an odd number of taps the first is a segment of
 * its own. Depthwise sums take two pixels instead, x + 2^16 x', with one weight.
 *
 * Requantising (SPEC.md) with C = 2^(e - 1) + (zero point << e), e = -shift >= 1: y = (high_mul(acc, M) + C - (acc < 0)) >> e. Before, acc is
 * clamped to where y comes to its limits, so that |acc| < NNOM_PAIRS_LIMIT, and three multiplications of 32 bits make high_mul of it.
 */
#ifndef NNOM_PAIRS_H
#define NNOM_PAIRS_H

#include "../kernels.h"

#define NNOM_PAIRS_START 0x7fffu
#define NNOM_PAIRS_BOTH (NNOM_PAIRS_START * 0x10001u)

/* Less than 2^20, so that no sum of what M's three parts of 11, 10 and 10 bits give overflows. */
enum { NNOM_PAIRS_LIMIT = (1 << 20) - (1 << 12) };

/* Outputs of a block; words of requantising: least and most acc, M, C, e. */
enum { NNOM_PAIRS_WIDTH = 4, NNOM_PAIRS_FINISH = 5 };

/* A block: total and high of outputs 0 and 1, of 2 and 3; of each tap two words of weights; of each output the words of requantising. */
static inline int32_t nnom_pairs_block_words(int32_t taps)
{
    return NNOM_PAIRS_WIDTH + 2 * taps + NNOM_PAIRS_WIDTH * NNOM_PAIRS_FINISH;
}

/* taps: of an output. in_words: the window is expanded to int32 in the scratch. stream: uint32, blocks one after the other. */
#define NNOM_PAIRS_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                    \
    GEOMETRY(geometry) I32(act_min) I32(act_max) I32(taps) I32(in_words) ARRAY(stream)
NNOM_PARAM_STRUCT(nnom_pairs_param, NNOM_PAIRS_PARAM)

/*
 * The n outputs of a pixel. x: its taps, int8 or int32 as p->in_words tells. The last block ends with the last output and takes some again that
 * the one before had, where there are enough.
 */
void nnom_pairs_pixel(const nnom_pairs_param_t *p, const void *x, int8_t *out, int32_t n);
/* What is left to do with outputs of the loops: on Armv7-M they only saturate, which is one instruction there. */
void nnom_pairs_limits(const nnom_pairs_param_t *p, int8_t *out, int32_t n);

/* Whole blocks of a pixel, to `out` up to `end`. x: the window's taps, int8 or int32; nothing else is read. taps >= 1. */
void nnom_pairs_bytes(const uint32_t *stream, const int8_t *x, int32_t taps, int8_t *out, const int8_t *end);
void nnom_pairs_words(const uint32_t *stream, const int32_t *x, int32_t taps, int8_t *out, const int8_t *end);

/*
 * Depthwise: each channel of two pixels, to out and out + distance, or of one. cells: where channel 0 of each tap lies, of both pixels one after the
 * other. A channel: total, high and bias, a word for the weight of each tap, the words of requantising.
 */
static inline int32_t nnom_pairs_dw_words(int32_t taps)
{
    return 3 + taps + NNOM_PAIRS_FINISH;
}
void nnom_pairs_dw_two(const uint32_t *stream, const int8_t *const *cells, int32_t taps, int8_t *out, int32_t channels,
                       int32_t distance);
void nnom_pairs_dw_one(const uint32_t *stream, const int8_t *const *cells, int32_t taps, int8_t *out, int32_t channels);
/* Two pixels side by side, 3 x 3 taps that are not dilated; cells: three rows of four. */
void nnom_pairs_dw_3x3(const uint32_t *stream, const int8_t *const *cells, int8_t *out, int32_t channels,
                       int32_t distance);

/* acc -> output; finish: least, most, M, C, e. */
static inline int8_t nnom_pairs_output(int32_t acc, const uint32_t *finish)
{
    const int32_t least = (int32_t)finish[0], most = (int32_t)finish[1];
    acc = acc < least ? least : (acc > most ? most : acc);
    const int64_t product = (int64_t)(2 * acc) * (int32_t)finish[2];
    const int32_t high = (int32_t)(product >> 32) + (int32_t)((uint32_t)product >> 31);
    return (int8_t)((high + (int32_t)finish[3] + (acc >> 31)) >> finish[4]);
}

#endif
