/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "window_layer.h"

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

static nnom_range_t window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    const nnom_conv_param_t *p = node->param;
    return nnom_geometry_window(&p->geometry, nnom_node_input(program, node, input)->shape.h, y);
}

const nnom_op_t nnom_conv2d_s8_op = {nnom_conv2d_s8_ref, window, 0, sizeof(nnom_conv_param_t)};
const nnom_op_t nnom_conv2d_f32_op = {nnom_conv2d_f32_ref, window, 0, sizeof(nnom_conv_param_t)};

static nnom_status_t build(nnom_layer_t *layer)
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
    layer->out.shape = shape(size.h, size.w, conv->filters);
    nnom_layer_follow(layer);
    const nnom_geometry_t *g = &layer->geometry;
    const int64_t taps = (int64_t)g->kernel_h * g->kernel_w * in->shape.c;
    status = nnom_conv_weights(conv, conv->filters, taps, taps, 1);
    if (status != NNOM_OK) {
        return status;
    }
    NNOM_LAYER_OP(layer, nnom_conv2d);
    layer->macs = (uint64_t)taps * (uint64_t)conv->filters * (uint64_t)size.h * (uint64_t)size.w;
    nnom_layer_overlap_rows(layer);
    /* Windows as wide as the input lie in it as one run, unless a ring's end comes between. */
    layer->scratch_in_pieces = g->kernel_w == in->shape.w && size.w == 1 && g->dilation_h == 1 &&
                               (g->dilation_w == 1 || g->kernel_w == 1) &&
                               g->pad_top + g->pad_bottom + g->pad_left + g->pad_right == 0;
    return nnom_window_scratch(layer, nnom_conv2d_gathers(g) ? taps * nnom_type_bytes(in->type) : 0);
}

static const nnom_class_t class = {"Conv2D", "nnom_conv_param", nnom_conv_param_fields, build, 1, 1, NNOM_CLASS_CLAMPS};

nnom_layer_t *nnom_conv2d_7(int32_t filters, nnom_size_t kernel, nnom_size_t stride, nnom_size_t dilation,
                            nnom_padding_t padding, const nnom_weight_t *w, const nnom_bias_t *b)
{
    return nnom_conv_new(&class, filters, kernel, stride, dilation, padding, w, b);
}

nnom_layer_t *nnom_conv2d_6(int32_t filters, nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding,
                            const nnom_weight_t *w, const nnom_bias_t *b)
{
    return nnom_conv2d_7(filters, kernel, stride, dilation(1, 1), padding, w, b);
}
