/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Windows of pixels side by side, gathered into words of two pixels (lanes.h). */
#ifndef NNOM_PACKED_EXPAND_H
#define NNOM_PACKED_EXPAND_H

#include "../ref/window.h"

typedef struct nnom_expand {
    nnom_window_t window;
    nnom_rows_t from;
    int32_t lanes;    /* 2 or 4 */
    int8_t padding;   /* zero point of the input */
    nnom_walk_t walk; /* at the next kernel row inside the input */
    int32_t ky;
    int32_t pixels;
    bool full; /* all columns of all lanes lie inside the input */
} nnom_expand_t;

/* Moves to the first kernel row of the windows of output columns [x, x + pixels), 1 <= pixels <= lanes, in the window's row. */
void nnom_expand_begin(nnom_expand_t *e, int32_t x, int32_t pixels);
/*
 * Writes the taps of the next `rows` kernel rows: uint32 [rows][kernel w][in c][lanes / 2], the first of two pixels in the low
 * half. Halves without a pixel hold the zero point.
 */
void nnom_expand(nnom_expand_t *e, int32_t rows, uint32_t *to);

#endif
