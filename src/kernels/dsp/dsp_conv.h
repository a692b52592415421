/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolution on cores with the DSP extension: three pixels at a time, blocks of two output channels. The windows of the pixels are expanded
 * once to int16 in the scratch, and every block reads them.
 */
#ifndef NNOM_DSP_CONV_H
#define NNOM_DSP_CONV_H

#include "dsp_stream.h"

#include "../ref/window.h"

/* Blocks of n pixels: run[n - 1], as nnom_dsp_conv_3() in dsp_loops.h. tap_bytes: of the weights of a block, for each tap. */
typedef struct nnom_dsp_conv_loops {
    void (*run[3])(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                   uint32_t distance);
    int32_t tap_bytes;
} nnom_dsp_conv_loops_t;

/* Bytes of a window that lie side by side in the input are a run, and in the scratch are filled up to a multiple of 4. */
typedef struct nnom_dsp_conv {
    const nnom_dsp_param_t *p;
    const nnom_dsp_conv_loops_t *loops;
    nnom_window_t window;
    nnom_rows_t from;
    uint32_t *words;    /* scratch: of up to three pixels */
    int8_t *patch;      /* scratch: a run, where it can begin or end in the padding */
    int32_t channels;   /* of the input */
    int32_t bytes;      /* of a row of the input, or of rows that are computed as one */
    int32_t zero_point; /* of the input */
    int32_t runs;       /* of a row of the window */
    int32_t run;
    int32_t filled;
    int32_t distance; /* bytes from one pixel's window to the next one's, */
    int32_t left;     /* from the first one's beginning to the row's, */
    int32_t hop;      /* and from one run of a window to the next */
    int32_t outputs;
    int32_t most;       /* pixels whose windows are in the scratch at a time */
    nnom_range_t inner; /* output columns whose window lies within the input's columns */
} nnom_dsp_conv_t;

/* The windows of n pixels from column x on, in the row of c->window; words of a pixel are n apart. */
void nnom_dsp_conv_windows(nnom_dsp_conv_t *c, int32_t x, int32_t n);
/* How many rows from y on lie one after another, each of them `bytes` long. */
static inline int32_t nnom_dsp_following(const nnom_rows_t *rows, int32_t y, int32_t bytes)
{
    return rows->row_bytes == bytes ? rows->rows - (y < rows->rows ? y : y % rows->rows) : 1;
}

/* Windows of a pixel each: rows that lie one after another are one long row. */
static inline bool nnom_dsp_conv_joins(const nnom_geometry_t *g)
{
    return g->kernel_h == 1 && g->kernel_w == 1 && g->stride_h == 1 && g->stride_w == 1 &&
           g->pad_top + g->pad_bottom + g->pad_left + g->pad_right == 0;
}

#endif
