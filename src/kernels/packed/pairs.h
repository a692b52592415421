/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Two outputs with one multiplication, on cores that multiply 32 bits and nothing more. A word holds the weight of output a and 2^16 times
 * that of b; times an input it is both products. Of two taps they fit the halves of a word: with START in each half, |sum| <= 2 * 128 * 128,
 * both are unsigned. Such a segment is added to `total`, its high half to `high`. In the end high is b's sum, and total - 2^16 high,
 * modulo 2^32, is a's; the packer takes off START for each segment where they start. Of an odd number of taps the first is a segment of
 * its own. Depthwise sums take two pixels instead, x + 2^16 x', with one weight.
 *
 * Requantising (SPEC.md) with C = 2^(e - 1) + (zero point << e), e = -shift >= 1: y = (high_mul(acc, M) + C - (acc < 0)) >> e. On Armv6-M acc is
 * clamped before, to where y comes to its limits, so that |acc| < NNOM_PAIRS_LIMIT and three multiplications of 32 bits make high_mul of it.
 */
#ifndef NNOM_PAIRS_H
#define NNOM_PAIRS_H

#include "../kernels.h"
#include "../ref/window.h"
#include "pairs_text.h"

#define NNOM_PAIRS_START 0x7fffu
#define NNOM_PAIRS_BOTH (NNOM_PAIRS_START * 0x10001u)

/* Less than 2^20, so that no sum of what M's three parts of 11, 10 and 10 bits give overflows. */
enum { NNOM_PAIRS_LIMIT = (INT32_C(1) << 20) - (1 << 12) };

/* Outputs of a block; words of requantising: least and most acc, 2^31, M, C, e. */
enum { NNOM_PAIRS_WIDTH = 4, NNOM_PAIRS_FINISH = 6 };

/* A block: total and high of outputs 0 and 1, of 2 and 3; of each tap two words of weights; of each output the words of requantising. */
static inline int32_t nnom_pairs_block_words(int32_t taps)
{
    return NNOM_PAIRS_WIDTH + 2 * taps + NNOM_PAIRS_WIDTH * NNOM_PAIRS_FINISH;
}

/* Output columns whose windows lie within the input's columns. */
nnom_range_t nnom_pairs_inner(const nnom_window_t *window, int32_t out_w);

/* taps: of an output. in_scratch: windows are put there, four bytes for each tap. stream: uint32, blocks one after the other. */
#define NNOM_PAIRS_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                    \
    GEOMETRY(geometry) I32(act_min) I32(act_max) I32(taps) I32(in_scratch) ARRAY(stream)
NNOM_PARAM_STRUCT(nnom_pairs_param, NNOM_PAIRS_PARAM)

/*
 * Windows in the scratch, and how many pixels are computed at a time: RISC-V loads a byte as easily as a word, and has registers for two pixels.
 */
#ifdef NNOM_PAIRS_C
typedef int8_t nnom_pairs_x_t;
enum { NNOM_PAIRS_MOST = 2 };
#else
typedef int32_t nnom_pairs_x_t;
enum { NNOM_PAIRS_MOST = 1 };
#endif

/* n inputs as the loops read them in the scratch; returns where the next ones go. */
nnom_pairs_x_t *nnom_pairs_expand(nnom_pairs_x_t *to, const int8_t *from, int32_t n);

/*
 * The n outputs of each of some pixels, which lie one after the other; x: taps of the first one's window, those of the next `step` bytes further;
 * scratch: for one window, or NULL. The last block of a pixel ends with the last output and takes some again that the one before had, where
 * there are enough.
 */
void nnom_pairs_pixels(const nnom_pairs_param_t *p, const int8_t *x, int32_t step, nnom_pairs_x_t *scratch, int8_t *out,
                       int32_t n, int32_t pixels);
/* The same of windows in the scratch, up to NNOM_PAIRS_MOST of them. */
void nnom_pairs_windows(const nnom_pairs_param_t *p, const nnom_pairs_x_t *x, int8_t *out, int32_t n, int32_t pixels);

/* What is left to do with outputs of the loops, which only saturate, but on Armv6-M. */
void nnom_pairs_limits(const nnom_pairs_param_t *p, int8_t *out, int32_t n);

/* Whole blocks of a pixel, to `out` up to `end`. x: the window's taps; nothing else is read. taps >= 1. */
void nnom_pairs_bytes(const uint32_t *stream, const int8_t *x, int32_t taps, int8_t *out, const int8_t *end);
#ifdef NNOM_PAIRS_C
/* And of the next pixel, `step` and `distance` bytes further. */
void nnom_pairs_bytes_2(const uint32_t *stream, const int8_t *x, int32_t step, int32_t taps, int8_t *out,
                        const int8_t *end, int32_t distance);
#else
void nnom_pairs_words(const uint32_t *stream, const int32_t *x, int32_t taps, int8_t *out, const int8_t *end);
#endif

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

/* acc -> output, saturated, |acc| < 2^30. */
static inline int8_t nnom_pairs_output(int32_t acc, const uint32_t *finish)
{
    const int64_t product = (int64_t)(2 * acc) * (int32_t)finish[3];
    const int32_t high = (int32_t)(product >> 32) + (int32_t)((uint32_t)product >> 31);
    const int32_t y = (high + (int32_t)finish[4] + (acc >> 31)) >> finish[5];
    return (int8_t)(y < INT8_MIN ? INT8_MIN : (y > INT8_MAX ? INT8_MAX : y));
}

#endif
