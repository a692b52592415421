/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dot.h"
#include "finish.h"
#include "transposed.h"

/* `w` is the weights [kernel h][kernel w][in c] of one output channel. */
static int64_t conv2d_transpose_sum_s16(const nnom_taps_t *t, int64_t acc, const int8_t *w)
{
    const int32_t c = t->in.c;
    nnom_walk_t walk = t->walk;
    for (int32_t y = t->rows.lo, ky = t->ky; y < t->rows.hi; y++, ky -= t->g->stride_h, nnom_walk_down(&walk)) {
        const int16_t *x = (const int16_t *)(const void *)nnom_walk_row(&walk) + t->columns.lo * c;
        const int8_t *at = w + ky * t->g->kernel_w * c;
        for (int32_t i = t->columns.lo, kx = t->kx; i < t->columns.hi; i++, kx -= t->g->stride_w, x += c) {
            acc = nnom_dot_s16(acc, x, at + kx * c, c);
        }
    }
    return acc;
}

void nnom_conv2d_transpose_s16_ref(const nnom_call_t *call)
{
    const nnom_conv_s16_param_t *p = call->node->param;
    const nnom_shape_t in = nnom_call_input(call, 0)->shape, out = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t n = p->geometry.kernel_h * p->geometry.kernel_w * in.c;
    nnom_taps_t t = {.g = &p->geometry, .in = in};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int16_t *row = (int16_t *)(void *)nnom_row(&to, y);
        nnom_taps_row(&t, &from, y);
        for (int32_t x = 0; x < out.w; x++, row += out.c) {
            const int8_t *w = p->weights;
            nnom_taps_column(&t, x);
            for (int32_t o = 0; o < out.c; o++, w += n) {
                row[o] = nnom_finish_s16(p, o, conv2d_transpose_sum_s16(&t, nnom_bias_s16(p, o), w));
            }
        }
    }
}
