/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "window_layer.h"

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

nnom_status_t nnom_dense_scratch(nnom_conv_layer_t *conv)
{
    const bool rows = nnom_layer_in(&conv->super, 0)->shape.h > 1;
    const int64_t words = conv->super.out->type == NNOM_TYPE_S16 ? 2 : 1;
    return nnom_window_scratch(&conv->super, rows ? conv->filters * words * (int64_t)sizeof(int32_t) : 0);
}

/* Weights as they are. */
static nnom_status_t dense_plain(nnom_layer_t *layer)
{
    nnom_conv_register((nnom_conv_layer_t *)layer);
    return nnom_dense_scratch((nnom_conv_layer_t *)layer);
}

NNOM_FORM(dense_s8_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_conv_param, dense_plain)
NNOM_FORM(dense_s4_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_conv_param, dense_plain)
NNOM_FORM(dense_f32_ref, nnom_window_all, NNOM_OP_REDUCES, nnom_conv_param, dense_plain)

static const nnom_kernel_t dense_s8[] = {NNOM_KERNELS_DENSE_S8(NNOM_KERNEL_ROW)};
static const nnom_kernel_t dense_s4[] = {NNOM_KERNELS_DENSE_S4(NNOM_KERNEL_ROW)};
static const nnom_kernel_t dense_s16[] = {NNOM_KERNELS_DENSE_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t dense_f32[] = {NNOM_KERNELS_DENSE_F32(NNOM_KERNEL_ROW)};

static nnom_status_t dense_build(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    nnom_status_t status = nnom_conv_check(conv, "units");
    if (status != NNOM_OK) {
        return status;
    }
    layer->out->shape = nnom_make_shape(1, 1, conv->filters);
    nnom_layer_follow(layer);
    const int64_t taps = nnom_shape_elements(in);
    status = nnom_conv_prepare(conv, conv->filters, taps, taps, 1);
    layer->macs = (uint64_t)taps * (uint64_t)conv->filters;
    layer->overlap = NNOM_NO_OVERLAP; /* every output reads the whole input */
    return status == NNOM_OK ? NNOM_WEIGHTS_CHOOSE(layer, dense) : status;
}

static const nnom_rare_class_t dense_class = {
    .super = {"Dense", "nnom_conv_param", nnom_conv_param_fields, dense_build, 1, 1,
              NNOM_CLASS_CLAMPS | NNOM_CLASS_WEIGHTS | NNOM_CLASS_QFORMAT | NNOM_CLASS_ANY_SHAPE | NNOM_CLASS_RARE},
    .array = nnom_conv_array};

nnom_layer_t *nnom_dense(int32_t units, const nnom_weight_t *w, const nnom_bias_t *b)
{
    return nnom_conv_new(&dense_class.super, units, nnom_make_size(1, 1), nnom_make_size(1, 1), nnom_make_size(1, 1),
                         NNOM_PADDING_VALID, w, b);
}
