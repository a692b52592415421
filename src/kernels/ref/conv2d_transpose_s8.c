/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "finish.h"
#include "window.h"

/*
 * acc + sum of (a - zero_point) * b. |acc| < 2^31 at any time: it is what the full sum would be if the taps not yet
 * taken held the zero point, and build checked that for all inputs (nnom_layer_weights).
 */
static int32_t dot(int32_t acc, const int8_t *a, const int8_t *b, int32_t n, int32_t zero_point)
{
    for (int32_t i = 0; i < n; i++) {
        acc += ((int32_t)a[i] - zero_point) * b[i];
    }
    return acc;
}

/* The input pixels that reach one output pixel: input row rows.lo meets kernel row `ky`, the next one ky - stride. */
typedef struct taps {
    const nnom_geometry_t *g;
    nnom_shape_t in;
    int32_t zero_point;
    nnom_walk_t walk; /* at rows.lo */
    nnom_range_t rows;
    nnom_range_t columns;
    int32_t ky;
    int32_t kx;
} taps_t;

/* `w` is the weights [kernel h][kernel w][in c] of one output channel. */
static int32_t conv2d_transpose_sum_s8(const taps_t *t, int32_t acc, const int8_t *w)
{
    const int32_t c = t->in.c;
    nnom_walk_t walk = t->walk;
    for (int32_t y = t->rows.lo, ky = t->ky; y < t->rows.hi; y++, ky -= t->g->stride_h, nnom_walk_down(&walk)) {
        const int8_t *x = (const int8_t *)nnom_walk_row(&walk) + t->columns.lo * c;
        const int8_t *at = w + ky * t->g->kernel_w * c;
        for (int32_t i = t->columns.lo, kx = t->kx; i < t->columns.hi; i++, kx -= t->g->stride_w, x += c) {
            acc = dot(acc, x, at + kx * c, c, t->zero_point);
        }
    }
    return acc;
}

static void conv2d_transpose_pixel_s8(const nnom_conv_param_t *p, const nnom_tensor_t *out, const taps_t *t, int8_t *to)
{
    const int8_t *w = p->weights;
    const int32_t n = t->g->kernel_h * t->g->kernel_w * t->in.c;
    for (int32_t o = 0; o < out->shape.c; o++, w += n) {
        to[o] = nnom_finish_s8(p, o, conv2d_transpose_sum_s8(t, ((const int32_t *)p->bias)[o], w), out->zero_point);
    }
}

static void conv2d_transpose_start_row_s8(taps_t *t, const nnom_rows_t *from, int32_t y)
{
    const nnom_geometry_t *g = t->g;
    t->rows = nnom_transposed_range(y + g->pad_top, g->stride_h, g->kernel_h, t->in.h);
    t->ky = y + g->pad_top - t->rows.lo * g->stride_h;
    t->walk = nnom_walk(from, t->rows.lo, 1);
}

void nnom_conv2d_transpose_s8_ref(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_geometry_t *g = &p->geometry;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    taps_t t = {.g = g, .in = in->shape, .zero_point = in->zero_point};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        conv2d_transpose_start_row_s8(&t, &from, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            t.columns = nnom_transposed_range(x + g->pad_left, g->stride_w, g->kernel_w, in->shape.w);
            t.kx = x + g->pad_left - t.columns.lo * g->stride_w;
            conv2d_transpose_pixel_s8(p, out, &t, row);
        }
    }
}
