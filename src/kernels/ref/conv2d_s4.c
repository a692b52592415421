/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../nibble.h"
#include "finish.h"
#include "patch.h"

void nnom_conv2d_s4_ref(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t taps = p->geometry.kernel_h * p->geometry.kernel_w * nnom_call_input(call, 0)->shape.c;
    const int32_t *bias = p->bias;
    nnom_patches_t patches = nnom_patches(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_patches_row(&patches, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            const int8_t *patch = nnom_patch(&patches, x);
            for (int32_t o = 0; o < out->shape.c; o++) {
                const int32_t acc = nnom_dot_s4(bias[o], patch, p->weights, (size_t)o * (size_t)taps, taps);
                row[o] = nnom_finish_s8(p, o, acc, out->zero_point);
            }
        }
    }
}
