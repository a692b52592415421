/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "window_layer.h"

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

const nnom_op_t nnom_dense_s8_op = {nnom_dense_s8_ref, nnom_window_all, NNOM_OP_REDUCES, sizeof(nnom_conv_param_t)};
const nnom_op_t nnom_dense_f32_op = {nnom_dense_f32_ref, nnom_window_all, NNOM_OP_REDUCES, sizeof(nnom_conv_param_t)};

static nnom_status_t build(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    nnom_status_t status = nnom_conv_check(conv, "units");
    if (status != NNOM_OK) {
        return status;
    }
    layer->out.shape = shape(1, 1, conv->filters);
    nnom_layer_follow(layer);
    const int64_t taps = nnom_shape_elements(in);
    status = nnom_conv_weights(conv, conv->filters, taps, taps, 1);
    if (status != NNOM_OK) {
        return status;
    }
    NNOM_LAYER_OP(layer, nnom_dense);
    layer->macs = (uint64_t)taps * (uint64_t)conv->filters;
    layer->overlap = NNOM_NO_OVERLAP; /* every output reads the whole input */
    /* Sums of units while rows come one by one: int32 and float have the same size. */
    return nnom_window_scratch(layer, in.h > 1 ? conv->filters * (int64_t)sizeof(int32_t) : 0);
}

static const nnom_class_t class = {
    "Dense", "nnom_conv_param", nnom_conv_param_fields, build, 1, 1, NNOM_CLASS_CLAMPS | NNOM_CLASS_ANY_SHAPE};

nnom_layer_t *Dense(int32_t units, const nnom_weight_t *w, const nnom_bias_t *b)
{
    return nnom_conv_new(&class, units, kernel(1, 1), stride(1, 1), dilation(1, 1), PADDING_VALID, w, b);
}
