/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Recurrent layers on cores with the DSP extension: the matrices as streams of blocks, each gate's first unit the first of a block; units beyond the
 * last one have weights of 0.
 *
 * What is multiplied is int8: blocks of eight, as nnom_dsp_eight() reads them (dsp_loops.h): start [8], and 8 words for each 4 columns.
 * int16: blocks of four; start [4], the biases; for each 4 columns a word for each unit, its bytes the weights of columns 0, 2, 1, 3, so that
 * SXTB16 of it and of it rotated by a byte give those of 0 and 1, and of 2 and 3.
 */
#ifndef NNOM_DSP_RNN_H
#define NNOM_DSP_RNN_H

#include "acle.h"

enum { NNOM_DSP_RNN_EIGHT = 8, NNOM_DSP_RNN_FOUR = 4 };

/* Columns are filled up to a multiple of 4. */
static inline int32_t nnom_dsp_rnn_columns(int32_t columns)
{
    return (columns + 3) / 4 * 4;
}

/* Words of a block of `width` units. */
static inline int32_t nnom_dsp_rnn_words(int32_t width, int32_t columns)
{
    return width + nnom_dsp_rnn_columns(columns) / 4 * width;
}

/* int16: sums [4] of a block, |sum| < 2^31. n columns of x, which is aligned to 4 bytes; n a multiple of 4, at least 4. */
void nnom_dsp_rnn_four(const uint32_t *block, const int16_t *x, uint32_t n, int32_t *sums);

#endif
