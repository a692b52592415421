/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "window_layer.h"

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

enum { NNOM_TRANSPOSED_MAX = 32768 }; /* of kernel and stride, as for other windows */

nnom_range_t nnom_conv2d_transpose_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                          nnom_range_t y)
{
    const nnom_geometry_t *g = &((const nnom_conv_param_t *)node->param)->geometry;
    const int32_t h = nnom_node_input(program, node, input)->shape.h;
    const nnom_range_t first = nnom_transposed_range(y.lo + g->pad_top, g->stride_h, g->kernel_h, h);
    const nnom_range_t last = nnom_transposed_range(y.hi - 1 + g->pad_top, g->stride_h, g->kernel_h, h);
    const nnom_range_t rows = {first.lo, last.hi};
    return rows;
}

static nnom_status_t conv2d_transpose_plain(nnom_layer_t *layer)
{
    nnom_conv_register((nnom_conv_layer_t *)layer);
    return NNOM_OK;
}

NNOM_FORM(conv2d_transpose_s8_ref, nnom_conv2d_transpose_window, 0, nnom_conv_param, conv2d_transpose_plain)
NNOM_FORM(conv2d_transpose_f32_ref, nnom_conv2d_transpose_window, 0, nnom_conv_param, conv2d_transpose_plain)

static const nnom_kernel_t conv2d_transpose_s8[] = {NNOM_KERNELS_CONV2D_TRANSPOSE_S8(NNOM_KERNEL_ROW)};
static const nnom_kernel_t conv2d_transpose_s16[] = {NNOM_KERNELS_CONV2D_TRANSPOSE_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t conv2d_transpose_f32[] = {NNOM_KERNELS_CONV2D_TRANSPOSE_F32(NNOM_KERNEL_ROW)};

static bool conv2d_transpose_in_range(int32_t x)
{
    return x >= 1 && x <= NNOM_TRANSPOSED_MAX;
}

/* Padding is cut from the output. After the end it may be negative, as large as a stride: cells that no tap reaches. */
static bool explicit_in_range(int32_t before, int32_t after, int32_t stride)
{
    return before >= 0 && before <= NNOM_TRANSPOSED_MAX && after > -stride && after <= NNOM_TRANSPOSED_MAX;
}

static nnom_status_t conv2d_transpose_check(const nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    if (!conv2d_transpose_in_range(g->kernel_h) || !conv2d_transpose_in_range(g->kernel_w) ||
        !conv2d_transpose_in_range(g->stride_h) || !conv2d_transpose_in_range(g->stride_w)) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "kernel (%d, %d), stride (%d, %d), expected 1 to %d",
                               (int)g->kernel_h, (int)g->kernel_w, (int)g->stride_h, (int)g->stride_w,
                               NNOM_TRANSPOSED_MAX);
    }
    if (g->dilation_h != 1 || g->dilation_w != 1) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "dilation (%d, %d), expected (1, 1)", (int)g->dilation_h,
                               (int)g->dilation_w);
    }
    if (layer->padding != NNOM_PADDING_VALID && layer->padding != NNOM_PADDING_SAME &&
        layer->padding != NNOM_PADDING_EXPLICIT) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "padding %d, expected PADDING_VALID or PADDING_SAME",
                               (int)layer->padding);
    }
    if (layer->padding == NNOM_PADDING_EXPLICIT && !(explicit_in_range(g->pad_top, g->pad_bottom, g->stride_h) &&
                                                     explicit_in_range(g->pad_left, g->pad_right, g->stride_w))) {
        return nnom_layer_fail(
            layer, NNOM_BAD_ARGUMENT, "padding (%d, %d, %d, %d), expected 0 to %d, after the end over minus one stride",
            (int)g->pad_top, (int)g->pad_bottom, (int)g->pad_left, (int)g->pad_right, NNOM_TRANSPOSED_MAX);
    }
    return NNOM_OK;
}

/*
 * Output size along one side. All outputs that a tap reaches: (in - 1) * stride + kernel. VALID keeps them, and stride
 * cells per input where the kernel is smaller; SAME cuts to in * stride, the odd cell at the end, as Keras and TFLite
 * do.
 */
static int64_t conv2d_transpose_resolve(nnom_padding_t padding, int32_t in, int32_t kernel_size, int32_t step,
                                        int32_t *before, int32_t *after)
{
    const int64_t full = (int64_t)(in - 1) * step + kernel_size;
    const int32_t missing = step > kernel_size ? step - kernel_size : 0;
    if (padding == NNOM_PADDING_SAME) {
        const int32_t cut = kernel_size - step; /* negative: cells are added */
        *before = cut > 0 ? cut / 2 : 0;
        *after = cut - *before;
    } else if (padding == NNOM_PADDING_VALID) {
        *before = 0;
        *after = -missing;
    }
    return full - *before - *after;
}

static nnom_status_t conv2d_transpose_set_shape(nnom_conv_layer_t *conv)
{
    nnom_layer_t *layer = &conv->super;
    nnom_geometry_t *g = layer->geometry;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const int64_t h =
        conv2d_transpose_resolve(layer->padding, in.h, g->kernel_h, g->stride_h, &g->pad_top, &g->pad_bottom);
    const int64_t w =
        conv2d_transpose_resolve(layer->padding, in.w, g->kernel_w, g->stride_w, &g->pad_left, &g->pad_right);
    const bool fits = h >= 1 && w >= 1 && h <= INT32_MAX / 2 && w <= INT32_MAX / 2;
    if (!fits || nnom_shape_elements(nnom_make_shape((int32_t)h, (int32_t)w, conv->filters)) < 0) {
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "output (%ld, %ld, %ld), expected 1 to %ld elements", (long)h,
                               (long)w, (long)conv->filters, (long)INT32_MAX);
    }
    layer->out->shape = nnom_make_shape((int32_t)h, (int32_t)w, conv->filters);
    return NNOM_OK;
}

/*
 * Takes back the input zero point that nnom_layer_weights() folded into the biases: most outputs see a part of the
 * taps. No overflow: the result is the bias as it was given.
 */
static nnom_status_t conv2d_transpose_unfold(nnom_conv_layer_t *conv, int32_t channels, int32_t taps)
{
    nnom_layer_t *layer = &conv->super;
    const int32_t zero_point = nnom_layer_in(layer, 0)->zero_point;
    if (layer->out->type == NNOM_TYPE_F32 || zero_point == 0) {
        return NNOM_OK;
    }
    int32_t *bias = nnom_layer_alloc(layer, (size_t)channels, sizeof(int32_t));
    if (bias == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %d biases", (int)channels);
    }
    const int32_t *folded = conv->param.bias;
    const int8_t *w = conv->param.weights;
    for (int32_t o = 0; o < channels; o++) {
        int64_t sum = folded[o];
        for (int32_t t = 0; t < taps; t++) {
            sum += (int64_t)zero_point * *w++;
        }
        bias[o] = (int32_t)sum;
    }
    conv->param.bias = bias;
    return NNOM_OK;
}

static nnom_status_t conv2d_transpose_set_weights(nnom_conv_layer_t *conv, int64_t taps)
{
    nnom_status_t status = nnom_conv_prepare(conv, conv->filters, taps, taps, 1);
    if (status == NNOM_OK) {
        status = conv2d_transpose_unfold(conv, conv->filters, (int32_t)taps);
    }
    return status;
}

static nnom_status_t conv2d_transpose_build(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const int64_t taps = (int64_t)layer->geometry->kernel_h * layer->geometry->kernel_w * in.c;
    nnom_status_t status = nnom_conv_check(conv, "filters");
    if (status == NNOM_OK && layer->given->weight_bits == 4) {
        status = nnom_layer_fail(layer, NNOM_UNSUPPORTED, "weights of 4 bits, expected 8");
    }
    if (status == NNOM_OK) {
        status = conv2d_transpose_check(layer);
    }
    if (status == NNOM_OK) {
        status = conv2d_transpose_set_shape(conv);
    }
    if (status != NNOM_OK) {
        return status;
    }
    nnom_layer_follow(layer);
    status = conv2d_transpose_set_weights(conv, taps);
    layer->macs = (uint64_t)taps * (uint64_t)conv->filters * (uint64_t)in.h * (uint64_t)in.w;
    if (status == NNOM_OK) {
        status = NNOM_CONV_CHOOSE(layer, conv2d_transpose);
    }
    if (status == NNOM_OK) {
        nnom_layer_overlap_rows(layer);
    }
    return status;
}

static const nnom_rare_class_t conv2d_transpose_class = {
    .super = {"Conv2DTranspose", "nnom_conv_param", nnom_conv_param_fields, conv2d_transpose_build, 1, 1,
              NNOM_CLASS_CLAMPS | NNOM_CLASS_WEIGHTS | NNOM_CLASS_WINDOW | NNOM_CLASS_RARE},
    .array = nnom_conv_array};

nnom_layer_t *nnom_conv2d_transpose_7(int32_t filters, nnom_size_t kernel, nnom_size_t stride, nnom_size_t dilation,
                                      nnom_padding_t padding, const nnom_weight_t *w, const nnom_bias_t *b)
{
    return nnom_conv_new(&conv2d_transpose_class.super, filters, kernel, stride, dilation, padding, w, b);
}

nnom_layer_t *nnom_conv2d_transpose_6(int32_t filters, nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding,
                                      const nnom_weight_t *w, const nnom_bias_t *b)
{
    return nnom_conv2d_transpose_7(filters, kernel, stride, nnom_make_size(1, 1), padding, w, b);
}
