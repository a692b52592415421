/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dot.h"
#include "finish.h"
#include "transposed.h"

/* `w` is the weights [kernel h][kernel w][in c] of one output channel. */
static float conv2d_transpose_sum_f32(const nnom_taps_t *t, float acc, const float *w)
{
    const int32_t c = t->in.c;
    nnom_walk_t walk = t->walk;
    for (int32_t y = t->rows.lo, ky = t->ky; y < t->rows.hi; y++, ky -= t->g->stride_h, nnom_walk_down(&walk)) {
        const float *x = (const float *)(const void *)nnom_walk_row(&walk) + t->columns.lo * c;
        const float *at = w + ky * t->g->kernel_w * c;
        for (int32_t i = t->columns.lo, kx = t->kx; i < t->columns.hi; i++, kx -= t->g->stride_w, x += c) {
            acc = nnom_dot_f32(acc, x, at + kx * c, c);
        }
    }
    return acc;
}

static void conv2d_transpose_pixel_f32(const nnom_conv_param_t *p, const nnom_tensor_t *out, const nnom_taps_t *t,
                                       float *to)
{
    const float *w = p->weights;
    const int32_t n = t->g->kernel_h * t->g->kernel_w * t->in.c;
    for (int32_t o = 0; o < out->shape.c; o++, w += n) {
        to[o] = nnom_finish_f32(p, o, conv2d_transpose_sum_f32(t, 0.0f, w));
    }
}

void nnom_conv2d_transpose_f32_ref(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    nnom_taps_t t = {.g = &p->geometry, .in = nnom_call_input(call, 0)->shape};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        float *row = (float *)(void *)nnom_row(&to, y);
        nnom_taps_row(&t, &from, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            nnom_taps_column(&t, x);
            conv2d_transpose_pixel_f32(p, out, &t, row);
        }
    }
}
