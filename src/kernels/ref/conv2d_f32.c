/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dot.h"
#include "finish.h"
#include "patch.h"

static void conv2d_pixel_f32(const nnom_conv_param_t *p, int32_t channels, const float *patch, int32_t taps, float *to)
{
    const float *weights = p->weights;
    for (int32_t o = 0; o < channels; o++, weights += taps) {
        to[o] = nnom_finish_f32(p, o, nnom_dot_f32(0.0f, patch, weights, taps));
    }
}

void nnom_conv2d_f32_ref(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t taps = p->geometry.kernel_h * p->geometry.kernel_w * nnom_call_input(call, 0)->shape.c;
    nnom_patches_t patches = nnom_patches(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        float *row = (float *)(void *)nnom_row(&to, y);
        nnom_patches_row(&patches, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            conv2d_pixel_f32(p, out->shape.c, nnom_patch(&patches, x), taps, row);
        }
    }
}
