/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "window_layer.h"

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

/* Weights as they are. */
static nnom_status_t dw_conv2d_plain(nnom_layer_t *layer)
{
    nnom_conv_register((nnom_conv_layer_t *)layer);
    return NNOM_OK;
}

NNOM_FORM(dw_conv2d_s8_ref, nnom_conv_window, 0, nnom_conv_param, dw_conv2d_plain)
NNOM_FORM(dw_conv2d_s4_ref, nnom_conv_window, 0, nnom_conv_param, dw_conv2d_plain)
NNOM_FORM(dw_conv2d_f32_ref, nnom_conv_window, 0, nnom_conv_param, dw_conv2d_plain)

static const nnom_kernel_t dw_conv2d_s8[] = {NNOM_KERNELS_DW_CONV2D_S8(NNOM_KERNEL_ROW)};
static const nnom_kernel_t dw_conv2d_s4[] = {NNOM_KERNELS_DW_CONV2D_S4(NNOM_KERNEL_ROW)};
static const nnom_kernel_t dw_conv2d_s16[] = {NNOM_KERNELS_DW_CONV2D_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t dw_conv2d_f32[] = {NNOM_KERNELS_DW_CONV2D_F32(NNOM_KERNEL_ROW)};

/* Output channels: those of the input, `multiplier` times each. */
static nnom_status_t dw_conv2d_set_shape(nnom_conv_layer_t *conv, nnom_size_t size)
{
    nnom_layer_t *layer = &conv->super;
    const int64_t channels = (int64_t)nnom_layer_in(layer, 0)->shape.c * conv->filters;
    if (channels > INT32_MAX) {
        return nnom_layer_fail(layer, NNOM_OVERFLOW, "%d channels times multiplier %d, expected up to %ld",
                               (int)nnom_layer_in(layer, 0)->shape.c, (int)conv->filters, (long)INT32_MAX);
    }
    layer->out->shape = nnom_make_shape(size.h, size.w, (int32_t)channels);
    return NNOM_OK;
}

/* One input channel and more outputs, int8 or float: the sums are those of Conv2D, term by term. */
static bool dw_conv2d_is_conv2d(const nnom_layer_t *layer)
{
    const nnom_type_t type = layer->out->type;
    return layer->out->shape.c > 1 && nnom_layer_in(layer, 0)->shape.c == 1 && layer->given->weight_bits != 4 &&
           (type == NNOM_TYPE_S8 || type == NNOM_TYPE_F32);
}

/* Weights in the order of Conv2D, [outputs][taps], and its kernels. */
static nnom_status_t dw_conv2d_as_conv2d(nnom_conv_layer_t *conv)
{
    nnom_layer_t *layer = &conv->super;
    const size_t bytes = nnom_type_bytes(layer->out->type), taps = (size_t)conv->taps, outputs = (size_t)conv->channels;
    const uint8_t *from = conv->param.weights;
    uint8_t *to = nnom_layer_alloc(layer, outputs * taps, bytes);
    if (to == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %ld weights", (long)(outputs * taps));
    }
    for (size_t i = 0; i < outputs * taps; i++) {
        nnom_memcpy(to + i * bytes, from + (i % taps * outputs + i / taps) * bytes, bytes);
    }
    conv->param.weights = nnom_layer_array(layer, to, (uint32_t)(outputs * taps), layer->out->type);
    conv->channel_stride = conv->taps;
    conv->tap_stride = 1;
    return nnom_conv2d_kernel(layer);
}

static nnom_status_t dw_conv2d_build(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    nnom_size_t size;
    nnom_status_t status = nnom_conv_check(conv, "multiplier");
    if (status == NNOM_OK) {
        status = nnom_geometry_resolve(layer, nnom_layer_in(layer, 0)->shape, &size);
    }
    if (status == NNOM_OK) {
        status = dw_conv2d_set_shape(conv, size);
    }
    if (status != NNOM_OK) {
        return status;
    }
    nnom_layer_follow(layer);
    const int32_t channels = layer->out->shape.c;
    const int64_t taps = (int64_t)layer->geometry->kernel_h * layer->geometry->kernel_w;
    status = nnom_conv_prepare(conv, channels, taps, 1, channels);
    layer->macs = (uint64_t)taps * (uint64_t)channels * (uint64_t)size.h * (uint64_t)size.w;
    if (status == NNOM_OK) {
        status = dw_conv2d_is_conv2d(layer) ? dw_conv2d_as_conv2d(conv) : NNOM_WEIGHTS_CHOOSE(layer, dw_conv2d);
    }
    if (status == NNOM_OK) {
        nnom_layer_overlap_rows(layer); /* row by row, so that variants may take the pixels of a row in any order */
    }
    return status;
}

static const nnom_rare_class_t dw_conv2d_class = {
    .super = {"DW_Conv2D", "nnom_conv_param", nnom_conv_param_fields, dw_conv2d_build, 1, 1,
              NNOM_CLASS_CLAMPS | NNOM_CLASS_WEIGHTS | NNOM_CLASS_WINDOW | NNOM_CLASS_RARE},
    .array = nnom_conv_array};

nnom_layer_t *nnom_dw_conv2d_7(int32_t multiplier, nnom_size_t kernel, nnom_size_t stride, nnom_size_t dilation,
                               nnom_padding_t padding, const nnom_weight_t *w, const nnom_bias_t *b)
{
    return nnom_conv_new(&dw_conv2d_class.super, multiplier, kernel, stride, dilation, padding, w, b);
}

nnom_layer_t *nnom_dw_conv2d_6(int32_t multiplier, nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding,
                               const nnom_weight_t *w, const nnom_bias_t *b)
{
    return nnom_dw_conv2d_7(multiplier, kernel, stride, nnom_make_size(1, 1), padding, w, b);
}
