/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Layers with weights and int16 activations: what they have in common beside those of window_layer.c. */
#include "window_layer.h"

NNOM_PARAM_FIELDS(nnom_conv_s16_param, NNOM_CONV_S16_PARAM)

/* Says what the arrays hold. */
static nnom_status_t wide_plain(nnom_layer_t *layer)
{
    const nnom_conv_s16_param_t *p = layer->param;
    nnom_conv_register((nnom_conv_layer_t *)layer);
    nnom_layer_array(layer, p->bias_high, (uint32_t)((nnom_conv_layer_t *)layer)->channels, NNOM_TYPE_S16);
    return NNOM_OK;
}

static nnom_status_t wide_conv2d(nnom_layer_t *layer)
{
    (void)wide_plain(layer);
    return nnom_conv2d_patch((nnom_conv_layer_t *)layer);
}

static nnom_status_t wide_dense(nnom_layer_t *layer)
{
    (void)wide_plain(layer);
    return nnom_dense_scratch((nnom_conv_layer_t *)layer);
}

NNOM_FORM(conv2d_s16_ref, nnom_conv_window, 0, nnom_conv_s16_param, wide_conv2d)
NNOM_FORM(dw_conv2d_s16_ref, nnom_conv_window, 0, nnom_conv_s16_param, wide_plain)
NNOM_FORM(conv2d_transpose_s16_ref, nnom_conv2d_transpose_window, 0, nnom_conv_s16_param, wide_plain)
NNOM_FORM(dense_s16_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_conv_s16_param, wide_dense)
