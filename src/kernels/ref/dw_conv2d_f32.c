/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "finish.h"
#include "window.h"

/* Output channels [o, o + n) of one pixel: n <= NNOM_BLOCK. */
typedef struct block {
    const nnom_conv_param_t *p;
    int32_t channels;   /* of the output: from one tap's weights to the next */
    int32_t multiplier; /* output channels per input channel */
    int32_t o, n;
    int32_t from;  /* input channel of output channel o */
    int32_t phase; /* o - from * multiplier */
} block_t;

/* acc[i] += x * w, x being the input channel of output channel o + i. */
static void dw_conv2d_tap_f32(const block_t *b, const float *x, const float *w, float *acc)
{
    for (int32_t i = 0, phase = b->phase; i < b->n; i++) {
        acc[i] += *x * w[i];
        if (++phase == b->multiplier) {
            phase = 0;
            x++;
        }
    }
}

/* The taps inside the input; the others are zero. */
static void dw_conv2d_accumulate_f32(const block_t *b, const nnom_window_t *window, float *acc)
{
    const nnom_geometry_t *g = window->g;
    nnom_walk_t walk = window->walk;
    for (int32_t ky = window->rows.lo; ky < window->rows.hi; ky++, nnom_walk_down(&walk)) {
        const float *row = (const float *)(const void *)nnom_walk_row(&walk) + b->from;
        const float *w = (const float *)b->p->weights + (ky * g->kernel_w + window->columns.lo) * b->channels + b->o;
        for (int32_t kx = window->columns.lo; kx < window->columns.hi; kx++, w += b->channels) {
            dw_conv2d_tap_f32(b, row + (window->left + kx * g->dilation_w) * window->in.c, w, acc);
        }
    }
}

static void dw_conv2d_pixel_f32(block_t *b, const nnom_window_t *window, float *to)
{
    float acc[NNOM_BLOCK];
    for (b->o = 0; b->o < b->channels; b->o += NNOM_BLOCK) {
        b->n = nnom_min_i32(NNOM_BLOCK, b->channels - b->o);
        b->from = b->o / b->multiplier;
        b->phase = b->o - b->from * b->multiplier;
        for (int32_t i = 0; i < b->n; i++) {
            acc[i] = 0.0f;
        }
        dw_conv2d_accumulate_f32(b, window, acc);
        for (int32_t i = 0; i < b->n; i++) {
            to[b->o + i] = nnom_finish_f32(b->p, b->o + i, acc[i]);
        }
    }
}

void nnom_dw_conv2d_f32_ref(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    block_t b = {p, out->shape.c, out->shape.c / nnom_call_input(call, 0)->shape.c, 0, 0, 0, 0};
    nnom_window_t window = nnom_window(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        float *row = (float *)(void *)nnom_row(&to, y);
        nnom_window_row(&window, &from, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            nnom_window_column(&window, x);
            dw_conv2d_pixel_f32(&b, &window, row);
        }
    }
}
