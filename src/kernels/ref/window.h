/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the reference kernels share to walk over windows of rows in rings, without dividing on the way. */
#ifndef NNOM_WINDOW_H
#define NNOM_WINDOW_H

#include "nnom_program.h"

/* Channels that are accumulated at a time, on the stack. */
enum { NNOM_BLOCK = 16 };

static inline int32_t nnom_pixel_bytes(const nnom_tensor_t *tensor)
{
    return tensor->type == NNOM_TYPE_F32 ? tensor->shape.c * 4
                                         : tensor->shape.c * (tensor->type == NNOM_TYPE_S16 ? 2 : 1);
}

/* The k in [0, count) with 0 <= origin + k * step < size; lo == hi if there are none. step >= 1. */
static inline nnom_range_t nnom_clip(int32_t origin, int32_t step, int32_t count, int32_t size)
{
    nnom_range_t k = {0, count};
    if (origin < 0) {
        k.lo = step == 1 ? -origin : (step - 1 - origin) / step;
    }
    if (origin + (count - 1) * step >= size) {
        k.hi = step == 1 ? size - origin : (size - origin + step - 1) / step;
    }
    k.hi = k.hi > 0 ? k.hi : 0;
    k.lo = k.lo < k.hi ? k.lo : k.hi;
    return k;
}

/* A row of a ring, and how to reach the next one. Offsets stay below twice the ring's bytes, which fit uint32. */
typedef struct nnom_walk {
    const uint8_t *data;
    uint32_t at;
    uint32_t step;
    uint32_t ring;
} nnom_walk_t;

/* Starts at row y >= 0 and goes down `step` rows at a time. A step beyond the ring's height is never read after. */
static inline nnom_walk_t nnom_walk(const nnom_rows_t *rows, int32_t y, int32_t step)
{
    const uint32_t bytes = (uint32_t)rows->row_bytes;
    const uint32_t down = (uint32_t)(step < rows->rows ? step : rows->rows);
    const nnom_walk_t walk = {rows->data, (uint32_t)(nnom_row(rows, y) - rows->data), down * bytes,
                              (uint32_t)rows->rows * bytes};
    return walk;
}

static inline const uint8_t *nnom_walk_row(const nnom_walk_t *walk)
{
    return walk->data + walk->at;
}

static inline void nnom_walk_down(nnom_walk_t *walk)
{
    walk->at += walk->step;
    if (walk->at >= walk->ring) {
        walk->at -= walk->ring;
    }
}

/* The cells of one window that lie inside the input: of a pool or a depthwise convolution. */
typedef struct nnom_window {
    const nnom_geometry_t *g;
    nnom_shape_t in;
    int32_t pixel;     /* bytes */
    nnom_range_t rows; /* of the kernel, inside the input */
    nnom_range_t columns;
    nnom_walk_t walk; /* at row rows.lo of the kernel; copied by who walks */
    int32_t left;     /* input column of kernel column 0; may be negative */
} nnom_window_t;

static inline nnom_window_t nnom_window(const nnom_call_t *call, const nnom_geometry_t *g)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_window_t window = {g, in->shape, nnom_pixel_bytes(in), {0, 0}, {0, 0}, {NULL, 0, 0, 0}, 0};
    return window;
}

/* Moves the window to output row y, then to a column of it. */
static inline void nnom_window_row(nnom_window_t *window, const nnom_rows_t *from, int32_t y)
{
    const nnom_geometry_t *g = window->g;
    const int32_t top = y * g->stride_h - g->pad_top;
    window->rows = nnom_clip(top, g->dilation_h, g->kernel_h, window->in.h);
    if (window->rows.lo < window->rows.hi) {
        window->walk = nnom_walk(from, top + window->rows.lo * g->dilation_h, g->dilation_h);
    }
}

static inline void nnom_window_column(nnom_window_t *window, int32_t x)
{
    const nnom_geometry_t *g = window->g;
    window->left = x * g->stride_w - g->pad_left;
    window->columns = nnom_clip(window->left, g->dilation_w, g->kernel_w, window->in.w);
}

#endif
