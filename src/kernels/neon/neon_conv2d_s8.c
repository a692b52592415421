/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Conv2D on 64-bit Arm: the windows of four pixels are put side by side, each filled up, and all blocks of outputs read them. */
#include "neon.h"
#include "neon_pack.h"

#ifdef NNOM_NEON

#include <string.h>

#include "../fixed.h"
#include "../ref/patch.h"

/* All outputs of n pixels whose windows are at x. */
static void neon_conv_pixels(const nnom_call_t *call, const int8_t *x, int32_t n, int8_t *to)
{
    const nnom_neon_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const int8_t *weights = p->weights;
    int32_t sums[NNOM_NEON_PIXELS][NNOM_NEON_LANES];
    for (int32_t o = 0; o < out->shape.c; o += NNOM_NEON_LANES, weights += NNOM_NEON_LANES * p->taps) {
        for (int32_t i = 0; i < n; i++) {
            memcpy(sums[i], (const int32_t *)p->bias + o, sizeof sums[i]);
        }
        nnom_neon_sums(weights, x, p->taps, p->taps, n, sums);
        for (int32_t i = 0; i < n; i++) {
            nnom_neon_finish(p, out->zero_point, o, nnom_min_i32(NNOM_NEON_LANES, out->shape.c - o), sums[i],
                             to + i * out->shape.c + o);
        }
    }
}

void nnom_conv2d_s8_neon(const nnom_call_t *call)
{
    const nnom_neon_param_t *p = call->node->param;
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t taps = p->geometry.kernel_h * p->geometry.kernel_w * nnom_call_input(call, 0)->shape.c;
    nnom_patches_t patches = nnom_patches(call, &p->geometry);
    int8_t *x = (int8_t *)patches.scratch;
    patches.scratch += NNOM_NEON_PIXELS * p->taps; /* a patch lies behind the four windows */
    memset(x, 0, (size_t)(NNOM_NEON_PIXELS * p->taps));
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_patches_row(&patches, y);
        for (int32_t i = 0, n = 0; i < out.w; i += n) {
            n = nnom_min_i32(NNOM_NEON_PIXELS, out.w - i);
            for (int32_t k = 0; k < n; k++) {
                memcpy(x + k * p->taps, nnom_patch(&patches, i + k), (size_t)taps);
            }
            neon_conv_pixels(call, x, n, row + i * out.c);
        }
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_neon_param, NNOM_NEON_PARAM)

static nnom_status_t neon_conv_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    return nnom_neon_pack(conv, conv->taps, (int64_t)nnom_neon_filled(conv->taps) * NNOM_NEON_PIXELS + conv->taps);
}

NNOM_FORM(conv2d_s8_neon, nnom_conv_window, 0, nnom_neon_param, neon_conv_pack)

#endif
