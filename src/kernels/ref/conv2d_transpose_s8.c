/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "finish.h"
#include "transposed.h"

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

/* `w` is the weights [kernel h][kernel w][in c] of one output channel. */
static int32_t conv2d_transpose_sum_s8(const nnom_taps_t *t, int32_t zero_point, int32_t acc, const int8_t *w)
{
    const int32_t c = t->in.c;
    nnom_walk_t walk = t->walk;
    for (int32_t y = t->rows.lo, ky = t->ky; y < t->rows.hi; y++, ky -= t->g->stride_h, nnom_walk_down(&walk)) {
        const int8_t *x = (const int8_t *)nnom_walk_row(&walk) + t->columns.lo * c;
        const int8_t *at = w + ky * t->g->kernel_w * c;
        for (int32_t i = t->columns.lo, kx = t->kx; i < t->columns.hi; i++, kx -= t->g->stride_w, x += c) {
            acc = dot(acc, x, at + kx * c, c, zero_point);
        }
    }
    return acc;
}

static void conv2d_transpose_pixel_s8(const nnom_conv_param_t *p, int32_t zero_point, const nnom_tensor_t *out,
                                      const nnom_taps_t *t, int8_t *to)
{
    const int8_t *w = p->weights;
    const int32_t n = t->g->kernel_h * t->g->kernel_w * t->in.c;
    for (int32_t o = 0; o < out->shape.c; o++, w += n) {
        const int32_t acc = conv2d_transpose_sum_s8(t, zero_point, ((const int32_t *)p->bias)[o], w);
        to[o] = nnom_finish_s8(p, o, acc, out->zero_point);
    }
}

void nnom_conv2d_transpose_s8_ref(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    nnom_taps_t t = {.g = &p->geometry, .in = in->shape};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_taps_row(&t, &from, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            nnom_taps_column(&t, x);
            conv2d_transpose_pixel_s8(p, in->zero_point, out, &t, row);
        }
    }
}
