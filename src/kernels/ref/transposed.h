/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the reference kernels of transposed convolutions share, whatever the element type. */
#ifndef NNOM_TRANSPOSED_H
#define NNOM_TRANSPOSED_H

#include "../kernels.h"
#include "window.h"

/* The input pixels that reach one output pixel: input row rows.lo meets kernel row `ky`, the next one ky - stride. */
typedef struct nnom_taps {
    const nnom_geometry_t *g;
    nnom_shape_t in;
    nnom_walk_t walk; /* at rows.lo */
    nnom_range_t rows;
    nnom_range_t columns;
    int32_t ky;
    int32_t kx;
} nnom_taps_t;

/* Moves to output row y, then to a column of it. */
static inline void nnom_taps_row(nnom_taps_t *t, const nnom_rows_t *from, int32_t y)
{
    const nnom_geometry_t *g = t->g;
    t->rows = nnom_transposed_range(y + g->pad_top, g->stride_h, g->kernel_h, t->in.h);
    t->ky = y + g->pad_top - t->rows.lo * g->stride_h;
    t->walk = nnom_walk(from, t->rows.lo, 1);
}

static inline void nnom_taps_column(nnom_taps_t *t, int32_t x)
{
    const nnom_geometry_t *g = t->g;
    t->columns = nnom_transposed_range(x + g->pad_left, g->stride_w, g->kernel_w, t->in.w);
    t->kx = x + g->pad_left - t->columns.lo * g->stride_w;
}

#endif
