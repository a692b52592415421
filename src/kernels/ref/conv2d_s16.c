/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dot.h"
#include "finish.h"
#include "patch.h"

static void conv2d_pixel_s16(const nnom_conv_s16_param_t *p, int32_t channels, const int16_t *patch, int32_t taps,
                             int16_t *to)
{
    const int8_t *weights = p->weights;
    for (int32_t o = 0; o < channels; o++, weights += taps) {
        to[o] = nnom_finish_s16(p, o, nnom_dot_s16(nnom_bias_s16(p, o), patch, weights, taps));
    }
}

void nnom_conv2d_s16_ref(const nnom_call_t *call)
{
    const nnom_conv_s16_param_t *p = call->node->param;
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t taps = p->geometry.kernel_h * p->geometry.kernel_w * nnom_call_input(call, 0)->shape.c;
    nnom_patches_t patches = nnom_patches(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int16_t *row = (int16_t *)(void *)nnom_row(&to, y);
        nnom_patches_row(&patches, y);
        for (int32_t x = 0; x < out.w; x++, row += out.c) {
            conv2d_pixel_s16(p, out.c, nnom_patch(&patches, x), taps, row);
        }
    }
}
