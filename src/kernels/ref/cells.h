/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the reference kernels of pools and global pools share, whatever the element type. */
#ifndef NNOM_CELLS_H
#define NNOM_CELLS_H

#include "../kernels.h"
#include "window.h"

typedef enum nnom_pool_kind { NNOM_POOL_MAX, NNOM_POOL_AVG, NNOM_POOL_SUM } nnom_pool_kind_t;

/* A rectangle of cells inside the input. */
typedef struct nnom_cells {
    nnom_walk_t walk; /* at its first row */
    int32_t rows;
    int32_t columns;
    int32_t first; /* its first column */
    int32_t c;
} nnom_cells_t;

static inline nnom_cells_t nnom_window_cells(const nnom_window_t *window)
{
    const nnom_cells_t cells = {window->walk, window->rows.hi - window->rows.lo,
                                window->columns.hi - window->columns.lo,
                                window->left + window->columns.lo * window->g->dilation_w, window->in.c};
    return cells;
}

/* Moves the cells of a row of windows to output column x. */
static inline void nnom_cells_column(nnom_cells_t *cells, nnom_window_t *window, int32_t x)
{
    nnom_window_column(window, x);
    cells->columns = window->columns.hi - window->columns.lo;
    cells->first = window->left + window->columns.lo * window->g->dilation_w;
}

#endif
