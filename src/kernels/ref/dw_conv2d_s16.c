/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dot.h"
#include "finish.h"
#include "window.h"

/* The taps of one output channel: its input channel in each cell inside the input; those outside hold 0. */
static int64_t dw_conv2d_sum_s16(const nnom_window_t *window, int32_t from, const int8_t *w, int32_t channels,
                                 int64_t acc)
{
    const nnom_geometry_t *g = window->g;
    nnom_walk_t walk = window->walk;
    w += window->rows.lo * g->kernel_w * channels;
    for (int32_t ky = window->rows.lo; ky < window->rows.hi; ky++, w += g->kernel_w * channels, nnom_walk_down(&walk)) {
        const int16_t *row = (const int16_t *)(const void *)nnom_walk_row(&walk) + from;
        for (int32_t kx = window->columns.lo; kx < window->columns.hi; kx++) {
            acc += row[(window->left + kx * g->dilation_w) * window->in.c] * (int32_t)w[kx * channels];
        }
    }
    return acc;
}

static void dw_conv2d_pixel_s16(const nnom_conv_s16_param_t *p, const nnom_window_t *window, int32_t channels,
                                int16_t *to)
{
    const int32_t multiplier = channels / window->in.c;
    for (int32_t o = 0, from = 0, phase = 0; o < channels; o++) {
        const int8_t *w = (const int8_t *)p->weights + o;
        to[o] = nnom_finish_s16(p, o, dw_conv2d_sum_s16(window, from, w, channels, nnom_bias_s16(p, o)));
        if (++phase == multiplier) {
            phase = 0;
            from++;
        }
    }
}

void nnom_dw_conv2d_s16_ref(const nnom_call_t *call)
{
    const nnom_conv_s16_param_t *p = call->node->param;
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    nnom_window_t window = nnom_window(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int16_t *row = (int16_t *)(void *)nnom_row(&to, y);
        nnom_window_row(&window, &from, y);
        for (int32_t x = 0; x < out.w; x++, row += out.c) {
            nnom_window_column(&window, x);
            dw_conv2d_pixel_s16(p, &window, out.c, row);
        }
    }
}
