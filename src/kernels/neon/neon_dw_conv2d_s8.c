/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* DW_Conv2D on 64-bit Arm, one output for each input channel: 16 channels at a time. Cells of the padding hold the zero point. */
#include "neon.h"
#include "neon_pack.h"

#ifdef NNOM_NEON

#include <string.h>

#include "../fixed.h"
#include "../ref/window.h"

/* A tap of n <= 16 channels; x NULL: padding. */
static void neon_dw_tap(const int8_t *x, int32_t zero_point, const int8_t *w, int32_t n, int32_t *sums)
{
    int8_t part[2][NNOM_NEON_LANES] = {{0}};
    if (n < NNOM_NEON_LANES) {
        memcpy(part[1], w, (size_t)n);
        w = part[1];
        if (x != NULL) {
            memcpy(part[0], x, (size_t)n);
            x = part[0];
        }
    }
    const int8x16_t a = x != NULL ? vld1q_s8(x) : vdupq_n_s8((int8_t)zero_point), b = vld1q_s8(w);
    const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b)), high = vmull_high_s8(a, b);
    vst1q_s32(sums, vaddw_s16(vld1q_s32(sums), vget_low_s16(low)));
    vst1q_s32(sums + 4, vaddw_high_s16(vld1q_s32(sums + 4), low));
    vst1q_s32(sums + 8, vaddw_s16(vld1q_s32(sums + 8), vget_low_s16(high)));
    vst1q_s32(sums + 12, vaddw_high_s16(vld1q_s32(sums + 12), high));
}

/* Channels [o, o + n) of a pixel. */
static void neon_dw_sums(const nnom_neon_param_t *p, const nnom_window_t *window, int32_t zero_point, int32_t o,
                         int32_t n, int32_t *sums)
{
    const nnom_geometry_t *g = window->g;
    const int32_t c = window->in.c;
    const int8_t *w = (const int8_t *)p->weights + o;
    nnom_walk_t walk = window->walk;
    for (int32_t ky = 0; ky < g->kernel_h; ky++) {
        const bool inside = ky >= window->rows.lo && ky < window->rows.hi;
        const int8_t *row = inside ? (const int8_t *)nnom_walk_row(&walk) + o : NULL;
        for (int32_t kx = 0; kx < g->kernel_w; kx++, w += c) {
            const bool cell = inside && kx >= window->columns.lo && kx < window->columns.hi;
            neon_dw_tap(cell ? row + (window->left + kx * g->dilation_w) * c : NULL, zero_point, w, n, sums);
        }
        if (inside) {
            nnom_walk_down(&walk);
        }
    }
}

void nnom_dw_conv2d_s8_neon(const nnom_call_t *call)
{
    const nnom_neon_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    nnom_window_t window = nnom_window(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_window_row(&window, &from, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            nnom_window_column(&window, x);
            for (int32_t o = 0; o < out->shape.c; o += NNOM_NEON_LANES) {
                const int32_t n = nnom_min_i32(NNOM_NEON_LANES, out->shape.c - o);
                int32_t sums[NNOM_NEON_LANES];
                memcpy(sums, (const int32_t *)p->bias + o, sizeof sums);
                neon_dw_sums(p, &window, in->zero_point, o, n, sums);
                nnom_neon_finish(p, out->zero_point, o, n, sums, row + o);
            }
        }
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_neon_param, NNOM_NEON_PARAM)

static nnom_status_t neon_dw_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    return conv->filters == 1 ? nnom_neon_pack(conv, 0, 0) : NNOM_UNSUPPORTED;
}

NNOM_FORM(dw_conv2d_s8_neon, nnom_conv_window, 0, nnom_neon_param, neon_dw_pack)

#endif
