/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "window_layer.h"

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

nnom_status_t nnom_conv2d_patch(nnom_conv_layer_t *conv)
{
    nnom_layer_t *layer = &conv->super;
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const nnom_geometry_t *g = layer->geometry;
    /* Windows as wide as the input lie in it as one run, unless a ring's end comes between. */
    layer->scratch_in_pieces = g->kernel_w == in->shape.w && layer->out->shape.w == 1 && g->dilation_h == 1 &&
                               (g->dilation_w == 1 || g->kernel_w == 1) &&
                               g->pad_top + g->pad_bottom + g->pad_left + g->pad_right == 0;
    return nnom_window_scratch(layer, nnom_conv2d_gathers(g) ? (int64_t)conv->taps * nnom_type_bytes(in->type) : 0);
}

/* Weights as they are. */
static nnom_status_t conv2d_plain(nnom_layer_t *layer)
{
    nnom_conv_register((nnom_conv_layer_t *)layer);
    return nnom_conv2d_patch((nnom_conv_layer_t *)layer);
}

NNOM_FORM(conv2d_s8_ref, nnom_conv_window, 0, nnom_conv_param, conv2d_plain)
NNOM_FORM(conv2d_s4_ref, nnom_conv_window, 0, nnom_conv_param, conv2d_plain)
NNOM_FORM(conv2d_f32_ref, nnom_conv_window, 0, nnom_conv_param, conv2d_plain)

static const nnom_kernel_t conv2d_s8[] = {NNOM_KERNELS_CONV2D_S8(NNOM_KERNEL_ROW)};
static const nnom_kernel_t conv2d_s4[] = {NNOM_KERNELS_CONV2D_S4(NNOM_KERNEL_ROW)};
static const nnom_kernel_t conv2d_s16[] = {NNOM_KERNELS_CONV2D_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t conv2d_f32[] = {NNOM_KERNELS_CONV2D_F32(NNOM_KERNEL_ROW)};

nnom_status_t nnom_conv2d_kernel(nnom_layer_t *layer)
{
    return NNOM_WEIGHTS_CHOOSE(layer, conv2d);
}

static nnom_status_t conv2d_build(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    nnom_size_t size;
    nnom_status_t status = nnom_conv_check(conv, "filters");
    if (status == NNOM_OK) {
        status = nnom_geometry_resolve(layer, in->shape, &size);
    }
    if (status != NNOM_OK) {
        return status;
    }
    layer->out->shape = nnom_make_shape(size.h, size.w, conv->filters);
    nnom_layer_follow(layer);
    const nnom_geometry_t *g = layer->geometry;
    const int64_t taps = (int64_t)g->kernel_h * g->kernel_w * in->shape.c;
    status = nnom_conv_prepare(conv, conv->filters, taps, taps, 1);
    layer->macs = (uint64_t)taps * (uint64_t)conv->filters * (uint64_t)size.h * (uint64_t)size.w;
    if (status == NNOM_OK) {
        status = nnom_conv2d_kernel(layer);
    }
    if (status == NNOM_OK) {
        nnom_layer_overlap_rows(layer);
    }
    return status;
}

static const nnom_rare_class_t conv2d_class = {
    .super = {"Conv2D", "nnom_conv_param", nnom_conv_param_fields, conv2d_build, 1, 1,
              NNOM_CLASS_CLAMPS | NNOM_CLASS_WEIGHTS | NNOM_CLASS_QFORMAT | NNOM_CLASS_WINDOW | NNOM_CLASS_RARE},
    .array = nnom_conv_array};

nnom_layer_t *nnom_conv2d_7(int32_t filters, nnom_size_t kernel, nnom_size_t stride, nnom_size_t dilation,
                            nnom_padding_t padding, const nnom_weight_t *w, const nnom_bias_t *b)
{
    return nnom_conv_new(&conv2d_class.super, filters, kernel, stride, dilation, padding, w, b);
}

nnom_layer_t *nnom_conv2d_6(int32_t filters, nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding,
                            const nnom_weight_t *w, const nnom_bias_t *b)
{
    return nnom_conv2d_7(filters, kernel, stride, nnom_make_size(1, 1), padding, w, b);
}
