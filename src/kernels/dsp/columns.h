/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Depthwise convolutions of 3 x 3: columns of three rows, four channels at a time. The channels 0 and 2 are one half, 1 and 3 the other. A
 * column of a half is three words: rows 0 and 1 of its first channel, of its second, row 2 of both; as int16, low half first. Starts and wide
 * weights are doubled: the sums are what requantising wants (dsp_loops.h).
 */
#ifndef NNOM_DSP_COLUMNS_H
#define NNOM_DSP_COLUMNS_H

#include "acle.h"

enum {
    NNOM_DSP_COLUMN = 3,                         /* words of a half */
    NNOM_DSP_HALF = 2 + 3 * NNOM_DSP_COLUMN + 5, /* start of both channels, weights by columns, finish (dsp_loops.h) */
    NNOM_DSP_NARROW_HALF = 2 + 5 + 5,   /* the same with weights in bytes, as nnom_dsp_columns_widen() reads them */
    NNOM_DSP_GROUP = 2 * NNOM_DSP_HALF, /* words of four channels */
    NNOM_DSP_NARROW_GROUP = 2 * NNOM_DSP_NARROW_HALF
};

/* A stretch of outputs of a row. The loops know where the members lie. */
typedef struct nnom_dsp_stretch {
    const int8_t *row[3]; /* of the input: the first column that is inside, four channels; moved on by 4 in each call */
    uint32_t distance;    /* bytes from one column, or output, to the next */
    uint32_t columns;     /* that are inside the input */
    uint32_t *inside;     /* where the first of them goes, even half */
    uint32_t *words;      /* columns of the even half, then of the odd one: those outside hold the zero point */
    uint32_t half_bytes;  /* of a half's columns */
    uint32_t pair_bytes;  /* of the columns that the pairs of outputs begin with, 0: there is none */
    uint32_t single;      /* 1: an output is left */
    int8_t *out;          /* four channels of the first output; moved on by 4 in each call */
} nnom_dsp_stretch_t;

/* Four channels of a stretch of outputs, of stride 1 and of stride 2. weights: [NNOM_DSP_GROUP] */
void nnom_dsp_columns_1(nnom_dsp_stretch_t *s, const uint32_t *weights);
void nnom_dsp_columns_2(nnom_dsp_stretch_t *s, const uint32_t *weights);

/*
 * [NNOM_DSP_NARROW_GROUP] -> [NNOM_DSP_GROUP]. The bytes of a half's five words: for each column row 0 of the first channel, of the second,
 * row 1 of the first, of the second; then row 2: column 0 of the first channel, column 1, column 0 of the second, column 1; and column 2.
 */
void nnom_dsp_columns_widen(const uint32_t *narrow, uint32_t *wide);

#endif
