/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "cmsis_nn.h"

#ifdef NNOM_CMSIS_NN

#include <string.h>

#include "../fixed.h"

/* Rows that a window spans. */
static int32_t cmsis_span(const nnom_geometry_t *g)
{
    return (g->kernel_h - 1) * g->dilation_h + 1;
}

int64_t nnom_cmsis_gather_bytes(const nnom_geometry_t *g, nnom_shape_t in)
{
    return (int64_t)nnom_min_i32(cmsis_span(g), in.h) * in.w * in.c;
}

bool nnom_cmsis_windows(const nnom_geometry_t *g, nnom_shape_t in, nnom_shape_t out)
{
    const int32_t wide = (g->kernel_w - 1) * g->dilation_w + 1;
    return g->pad_top < cmsis_span(g) && g->pad_left < wide && (out.h - 1) * g->stride_h - g->pad_top < in.h &&
           (out.w - 1) * g->stride_w - g->pad_left < in.w;
}

bool nnom_cmsis_shares(const nnom_call_t *call)
{
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    const uintptr_t a = (uintptr_t)from.data, b = (uintptr_t)to.data;
    return a < b + (uintptr_t)to.rows * (uintptr_t)to.row_bytes &&
           b < a + (uintptr_t)from.rows * (uintptr_t)from.row_bytes;
}

/* How many rows from y on lie side by side, `bytes` each. */
static int32_t cmsis_following(const nnom_rows_t *rows, int32_t y, int32_t bytes)
{
    return rows->row_bytes == bytes ? rows->rows - y % rows->rows : 1;
}

/* Input rows that n output rows from y on read, in the input. */
static nnom_range_t cmsis_inputs(const nnom_geometry_t *g, int32_t y, int32_t n, int32_t in_h)
{
    const int32_t first = y * g->stride_h - g->pad_top, last = (y + n - 1) * g->stride_h - g->pad_top + cmsis_span(g);
    const nnom_range_t rows = {first > 0 ? first : 0, nnom_min_i32(last, in_h)};
    return rows;
}

static const int8_t *cmsis_gather(const nnom_rows_t *from, nnom_range_t rows, int32_t bytes, int8_t *gather)
{
    for (int32_t y = rows.lo; y < rows.hi; y++) {
        memcpy(gather + (y - rows.lo) * bytes, nnom_row(from, y), (size_t)bytes);
    }
    return gather;
}

nnom_cmsis_part_t nnom_cmsis_part(const nnom_call_t *call, const nnom_geometry_t *g, int32_t y, int8_t *gather)
{
    const nnom_shape_t in = nnom_call_input(call, 0)->shape, out = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    const int32_t row = in.w * in.c, top = y * g->stride_h - g->pad_top;
    const int32_t outputs = nnom_min_i32(cmsis_following(&to, y, out.w * out.c), call->y.hi - y);
    nnom_range_t rows = cmsis_inputs(g, y, 1, in.h);
    const int32_t inputs = cmsis_following(&from, rows.lo, row);
    const bool shares = nnom_cmsis_shares(call);
    nnom_cmsis_part_t part = {NULL, (int8_t *)nnom_row(&to, y), 1, 0, top < 0 ? -top : 0};
    while (!shares && part.n < outputs && cmsis_inputs(g, y, part.n + 1, in.h).hi - rows.lo <= inputs) {
        part.n++;
    }
    rows = cmsis_inputs(g, y, part.n, in.h);
    part.in_rows = rows.hi - rows.lo;
    if (part.in_rows <= inputs) {
        part.in = (const int8_t *)nnom_row(&from, rows.lo);
    } else if (gather != NULL) {
        part.in = cmsis_gather(&from, rows, row, gather);
    }
    return part;
}

#endif
