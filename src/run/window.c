/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Input rows that an operation reads. */
#include "window.h"

nnom_range_t nnom_geometry_window(const nnom_geometry_t *g, int32_t in_h, nnom_range_t y)
{
    /* Bounded by h + padding + stride of the input: < 2^31 as nnom_geometry_resolve() checked. */
    const int32_t first = y.lo * g->stride_h - g->pad_top;
    const int32_t last = (y.hi - 1) * g->stride_h - g->pad_top + (g->kernel_h - 1) * g->dilation_h;
    nnom_range_t rows = {first < 0 ? 0 : first, last >= in_h ? in_h : last + 1};
    if (rows.lo > in_h) {
        rows.lo = in_h;
    }
    if (rows.hi < rows.lo) {
        rows.hi = rows.lo;
    }
    return rows;
}

nnom_range_t nnom_window_all(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    const nnom_range_t all = {0, nnom_node_input(program, node, input)->shape.h};
    (void)y;
    return all;
}

nnom_range_t nnom_conv_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    const nnom_geometry_t *geometry = node->param;
    return nnom_geometry_window(geometry, nnom_node_input(program, node, input)->shape.h, y);
}
