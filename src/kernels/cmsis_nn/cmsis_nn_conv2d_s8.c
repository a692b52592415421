/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "cmsis_nn.h"
#include "cmsis_nn_pack.h"

#ifdef NNOM_CMSIS_NN

static cmsis_nn_conv_params cmsis_conv_params(const nnom_geometry_t *g, int32_t pad_top, int32_t zero_in,
                                              int32_t zero_out, int32_t act_min, int32_t act_max)
{
    const cmsis_nn_conv_params params = {
        -zero_in,          zero_out, {g->stride_w, g->stride_h}, {g->pad_left, pad_top}, {g->dilation_w, g->dilation_h},
        {act_min, act_max}};
    return params;
}

static void cmsis_conv_part(const nnom_call_t *call, const nnom_cmsis_part_t *part)
{
    const nnom_cmsis_param_t *p = call->node->param;
    const nnom_geometry_t *g = &p->geometry;
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    const cmsis_nn_context context = {nnom_call_scratch(call), p->buffer};
    const cmsis_nn_conv_params params =
        cmsis_conv_params(g, part->pad_top, in->zero_point, out->zero_point, p->act_min, p->act_max);
    /* They are only read: the struct has no const. */
    const cmsis_nn_per_channel_quant_params quant = {(int32_t *)(uintptr_t)p->multiplier,
                                                     (int32_t *)(uintptr_t)p->shift};
    const cmsis_nn_dims input = nnom_cmsis_dims(part->in_rows, in->shape.w, in->shape.c);
    const cmsis_nn_dims filter = {out->shape.c, g->kernel_h, g->kernel_w, in->shape.c};
    const cmsis_nn_dims bias = nnom_cmsis_dims(1, 1, out->shape.c);
    const cmsis_nn_dims output = nnom_cmsis_dims(part->n, out->shape.w, out->shape.c);
    (void)arm_convolve_wrapper_s8(&context, &params, &quant, &input, part->in, &filter, p->weights, &bias, p->bias,
                                  &output, part->out); /* fails only where a buffer is missing */
}

void nnom_conv2d_s8_cmsis_nn(const nnom_call_t *call)
{
    const nnom_cmsis_param_t *p = call->node->param;
    int8_t *gather = (int8_t *)nnom_call_scratch(call) + p->buffer;
    for (int32_t y = call->y.lo; y < call->y.hi;) {
        const nnom_cmsis_part_t part = nnom_cmsis_part(call, &p->geometry, y, gather);
        cmsis_conv_part(call, &part);
        y += part.n;
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_cmsis_param, NNOM_CMSIS_PARAM)

/* Bytes for any core and any part: of one row, CMSIS-NN may take another function. */
static int64_t cmsis_conv_buffer(const nnom_geometry_t *g, nnom_shape_t in, nnom_shape_t out)
{
    const cmsis_nn_dims filter = {out.c, g->kernel_h, g->kernel_w, in.c};
    int32_t most = 0;
    for (int32_t i = 0; i < 4; i++) {
        const cmsis_nn_conv_params params = cmsis_conv_params(g, i < 2 ? g->pad_top : 0, 0, 0, 0, 0);
        const cmsis_nn_dims input = nnom_cmsis_dims(i % 2 == 0 ? in.h : 1, in.w, in.c);
        const cmsis_nn_dims output = nnom_cmsis_dims(i % 2 == 0 ? out.h : 1, out.w, out.c);
        const int32_t bytes[] = {arm_convolve_wrapper_s8_get_buffer_size(&params, &input, &filter, &output),
                                 arm_convolve_wrapper_s8_get_buffer_size_dsp(&params, &input, &filter, &output),
                                 arm_convolve_wrapper_s8_get_buffer_size_mve(&params, &input, &filter, &output)};
        for (int32_t k = 0; k < 3; k++) {
            most = bytes[k] > most ? bytes[k] : most;
        }
    }
    return most;
}

static nnom_status_t cmsis_conv_pack(nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape, out = layer->out->shape;
    if (!nnom_cmsis_windows(g, in, out)) {
        return NNOM_UNSUPPORTED;
    }
    return nnom_cmsis_pack((nnom_conv_layer_t *)layer, false, cmsis_conv_buffer(g, in, out),
                           nnom_cmsis_gather_bytes(g, in));
}

NNOM_FORM(conv2d_s8_cmsis_nn, nnom_conv_window, 0, nnom_cmsis_param, cmsis_conv_pack)

#endif
