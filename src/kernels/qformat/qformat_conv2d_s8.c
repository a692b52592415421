/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Conv2D of a Q-format layer: one multiplier, and the bias as the caller holds it (qformat.h). */
#include "../ref/dot.h"
#include "../ref/patch.h"
#include "qformat.h"
#include "qformat_pack.h"

static void qformat_conv2d_pixel_s8(const nnom_conv_param_t *p, const nnom_tensor_t *out, const int8_t *patch,
                                    int32_t taps, int8_t *to)
{
    const nnom_qformat_numbers_t q = nnom_qformat_numbers(p, out);
    const int8_t *weights = p->weights;
    for (int32_t o = 0; o < out->shape.c; o++, weights += taps) {
        to[o] = nnom_qformat_finish(&q, nnom_dot_s8(nnom_qformat_bias(&q, o), patch, weights, taps));
    }
}

void nnom_conv2d_s8_qformat(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t taps = p->geometry.kernel_h * p->geometry.kernel_w * nnom_call_input(call, 0)->shape.c;
    nnom_patches_t patches = nnom_patches(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_patches_row(&patches, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            qformat_conv2d_pixel_s8(p, out, nnom_patch(&patches, x), taps, row);
        }
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

static nnom_status_t qformat_conv2d_pack_s8(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    return nnom_qformat_fits(conv) ? nnom_conv2d_patch(conv) : NNOM_UNSUPPORTED;
}

NNOM_FORM(conv2d_s8_qformat, nnom_conv_window, 0, nnom_conv_param, qformat_conv2d_pack_s8)
