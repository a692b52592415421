/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../nibble.h"
#include "finish.h"
#include "window.h"

#include <string.h>

/* Output channels [o, o + n) of one pixel: n <= NNOM_BLOCK. */
typedef struct block {
    const nnom_conv_param_t *p;
    int32_t channels;   /* of the output: from one tap's weights to the next */
    int32_t multiplier; /* output channels per input channel */
    int32_t o, n;
    int32_t from;          /* input channel of output channel o */
    int32_t phase;         /* o - from * multiplier */
    const int8_t *padding; /* [NNOM_BLOCK] of the input's zero point */
    bool nibbles;          /* weights have 4 bits */
} block_t;

/* The block's weights of tap `tap`, as they are or made of nibbles in room [NNOM_BLOCK]. */
static const int8_t *dw_conv2d_weights(const block_t *b, int32_t tap, int8_t *room)
{
    const size_t first = (size_t)tap * (size_t)b->channels + (size_t)b->o;
    if (!b->nibbles) {
        return (const int8_t *)b->p->weights + first;
    }
    for (int32_t i = 0; i < b->n; i++) {
        room[i] = (int8_t)nnom_nibble(b->p->weights, first + (size_t)i);
    }
    return room;
}

/* acc[i] += x * w, x being the input channel of output channel o + i. */
static void dw_conv2d_tap_s8(const block_t *b, const int8_t *x, const int8_t *w, int32_t *acc)
{
    if (b->multiplier == 1) {
        for (int32_t i = 0; i < b->n; i++) {
            acc[i] += (int32_t)x[i] * w[i];
        }
        return;
    }
    for (int32_t i = 0, phase = b->phase; i < b->n; i++) {
        acc[i] += (int32_t)*x * w[i];
        if (++phase == b->multiplier) {
            phase = 0;
            x++;
        }
    }
}

/* All taps. |acc| < 2^31: build checked every channel's weights and bias (nnom_layer_weights). */
static void dw_conv2d_accumulate_s8(const block_t *b, const nnom_window_t *window, int32_t *acc)
{
    const nnom_geometry_t *g = window->g;
    int8_t room[NNOM_BLOCK];
    int32_t tap = 0;
    nnom_walk_t walk = window->walk;
    for (int32_t ky = 0; ky < g->kernel_h; ky++) {
        const bool row_inside = ky >= window->rows.lo && ky < window->rows.hi;
        const int8_t *row = row_inside ? (const int8_t *)nnom_walk_row(&walk) + b->from : NULL;
        for (int32_t kx = 0; kx < g->kernel_w; kx++) {
            const bool inside = row_inside && kx >= window->columns.lo && kx < window->columns.hi;
            dw_conv2d_tap_s8(b, inside ? row + (window->left + kx * g->dilation_w) * window->pixel : b->padding,
                             dw_conv2d_weights(b, tap++, room), acc);
        }
        if (row_inside) {
            nnom_walk_down(&walk);
        }
    }
}

static void dw_conv2d_pixel_s8(block_t *b, const nnom_window_t *window, int32_t zero_point, int8_t *to)
{
    int32_t acc[NNOM_BLOCK];
    for (b->o = 0; b->o < b->channels; b->o += NNOM_BLOCK) {
        b->n = nnom_min_i32(NNOM_BLOCK, b->channels - b->o);
        b->from = b->multiplier == 1 ? b->o : b->o / b->multiplier;
        b->phase = b->o - b->from * b->multiplier;
        memcpy(acc, (const int32_t *)b->p->bias + b->o, (size_t)b->n * sizeof(int32_t));
        dw_conv2d_accumulate_s8(b, window, acc);
        for (int32_t i = 0; i < b->n; i++) {
            to[b->o + i] = nnom_finish_s8(b->p, b->o + i, acc[i], zero_point);
        }
    }
}

static void dw_conv2d_run(const nnom_call_t *call, bool nibbles)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    int8_t padding[NNOM_BLOCK];
    memset(padding, in->zero_point, sizeof(padding));
    block_t b = {p, out->shape.c, out->shape.c / in->shape.c, 0, 0, 0, 0, padding, nibbles};
    nnom_window_t window = nnom_window(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_window_row(&window, &from, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            nnom_window_column(&window, x);
            dw_conv2d_pixel_s8(&b, &window, out->zero_point, row);
        }
    }
}

void nnom_dw_conv2d_s8_ref(const nnom_call_t *call)
{
    dw_conv2d_run(call, false);
}

void nnom_dw_conv2d_s4_ref(const nnom_call_t *call)
{
    dw_conv2d_run(call, true);
}
