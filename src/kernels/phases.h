/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * A transposed convolution of stride s is s convolutions of stride 1 along each side, phases: output cells s * i + p of what is uncut have the kernel's cells
 * p, p + s, p + 2 s ..., the last of which meets the first cell of their window. Cells outside the input hold its zero point.
 */
#ifndef NNOM_PHASES_H
#define NNOM_PHASES_H

#include "kernels.h"

/* Cells of the kernel that a phase has along one side. */
static inline int32_t nnom_phase_cells(int32_t kernel, int32_t stride, int32_t phase)
{
    return phase < kernel ? (kernel - phase + stride - 1) / stride : 0;
}

/* Those of all phases before it. */
static inline int32_t nnom_phase_before(int32_t kernel, int32_t stride, int32_t phase)
{
    const int32_t each = kernel / stride, more = kernel % stride;
    return phase * each + (phase < more ? phase : more);
}

/* The convolution of phase (y, x): its window i begins so many cells before i that the last one is i. */
static inline nnom_geometry_t nnom_phase_geometry(const nnom_geometry_t *g, int32_t y, int32_t x)
{
    const int32_t h = nnom_phase_cells(g->kernel_h, g->stride_h, y), w = nnom_phase_cells(g->kernel_w, g->stride_w, x);
    const nnom_geometry_t phase = {.kernel_h = h,
                                   .kernel_w = w,
                                   .stride_h = 1,
                                   .stride_w = 1,
                                   .dilation_h = 1,
                                   .dilation_w = 1,
                                   .pad_top = h - 1,
                                   .pad_left = w - 1};
    return phase;
}

/* Pixels of a row of the output that belong to one phase: `first`, the first of them, is window `window` of the phase. */
typedef struct nnom_phase_row {
    int32_t phase, window, count;
} nnom_phase_row_t;

/* first < stride. */
static inline nnom_phase_row_t nnom_phase_row(const nnom_geometry_t *g, int32_t first, int32_t width)
{
    const int32_t at = first + g->pad_left, step = g->stride_w;
    const nnom_phase_row_t row = {at % step, at / step, (width - first + step - 1) / step};
    return row;
}

#endif
