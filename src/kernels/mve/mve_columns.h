/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The input columns that the windows of a row of the output read, one after the other: [columns][kernel h][channels]. A window is one run
 * of bytes there, and what windows side by side have in common is gathered once.
 */
#ifndef NNOM_MVE_COLUMNS_H
#define NNOM_MVE_COLUMNS_H

#include "helium.h"

#include "../ref/window.h"

typedef struct nnom_mve_columns {
    const nnom_window_t *window; /* at a row of the output */
    int32_t channels;
    int32_t pitch;    /* bytes of a column */
    int32_t padding;  /* zero point of the input */
    int32_t together; /* columns that a vector of 16 bytes is spread over; 0: each is copied for itself */
    nnom_s8x16_t offsets;
} nnom_mve_columns_t;

nnom_mve_columns_t nnom_mve_columns(const nnom_window_t *window, int32_t padding);
/* Writes columns [at, at + n) of the input, n >= 1; those outside hold the zero point. */
void nnom_mve_columns_fill(const nnom_mve_columns_t *c, int32_t at, int32_t n, int8_t *to);

#endif
