/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <math.h>
#include <string.h>

#include "../run/move.h"
#include "../kernels/fixed.h"
#include "elementwise.h"

/* front, back: channels added before and after each pixel's. value: what cells outside hold (value_f in float). */
#define NNOM_PAD_PARAM(I32, F32, GEOMETRY, ARRAY) GEOMETRY(geometry) I32(front) I32(back) I32(value) F32(value_f)
NNOM_PARAM_STRUCT(nnom_pad_param, NNOM_PAD_PARAM)
NNOM_PARAM_FIELDS(nnom_pad_param, NNOM_PAD_PARAM)

static nnom_range_t zero_padding_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                        nnom_range_t y)
{
    const nnom_pad_param_t *p = node->param;
    return nnom_range_moved(y, -p->geometry.pad_top, nnom_node_input(program, node, input)->shape.h);
}

static uint8_t *zero_padding_fill(const nnom_pad_param_t *p, nnom_type_t type, uint8_t *to, int32_t count)
{
    if (type == NNOM_TYPE_S8) {
        memset(to, (int)p->value, (size_t)count);
        return to + count;
    }
    if (type == NNOM_TYPE_S16) {
        int16_t *wide = (int16_t *)(void *)to;
        for (int32_t i = 0; i < count; i++) {
            wide[i] = (int16_t)p->value;
        }
        return to + (size_t)count * sizeof(int16_t);
    }
    float *value = (float *)(void *)to;
    for (int32_t i = 0; i < count; i++) {
        value[i] = p->value_f;
    }
    return to + (size_t)count * sizeof(float);
}

/* One row of the output from one row of the input. */
static void row_inside(const nnom_pad_param_t *p, const nnom_tensor_t *in, int32_t out_channels, const uint8_t *from,
                       uint8_t *to)
{
    to = zero_padding_fill(p, in->type, to, p->geometry.pad_left * out_channels);
    const size_t pixel = (size_t)in->row_bytes / (size_t)in->shape.w;
    const bool whole = in->shape.c == out_channels;
    const size_t bytes = whole ? (size_t)in->row_bytes : pixel;
    const int32_t runs = whole ? 1 : in->shape.w;
    for (int32_t x = 0; x < runs; x++, from += bytes) {
        to = zero_padding_fill(p, in->type, to, p->front);
        nnom_move(to, from, bytes);
        to = zero_padding_fill(p, in->type, to + bytes, p->back);
    }
    (void)zero_padding_fill(p, in->type, to, p->geometry.pad_right * out_channels);
}

static void zero_padding_run(const nnom_call_t *call)
{
    const nnom_pad_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_shape_t shape = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        const int32_t source = y - p->geometry.pad_top;
        if (source < 0 || source >= in->shape.h) {
            (void)zero_padding_fill(p, in->type, nnom_row(&to, y), shape.w * shape.c);
        } else {
            row_inside(p, in, shape.c, nnom_row(&from, source), nnom_row(&to, y));
        }
    }
}

extern const nnom_op_t nnom_pad_op;
const nnom_op_t nnom_pad_op = {zero_padding_run, zero_padding_window, 0, sizeof(nnom_pad_param_t)};

/* ---- Build ---- */

typedef struct pad_layer {
    nnom_layer_t super;
    nnom_geometry_t own;
    int32_t front, back;
    float value;
    nnom_pad_param_t param;
} pad_layer_t;

enum { PAD_MAX = 32767 };

static bool zero_padding_in_range(int32_t pad)
{
    return pad >= 0 && pad <= PAD_MAX;
}

static nnom_status_t output_shape(nnom_layer_t *layer, const pad_layer_t *pad)
{
    const nnom_geometry_t *g = layer->geometry;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    if (!zero_padding_in_range(g->pad_top) || !zero_padding_in_range(g->pad_bottom) ||
        !zero_padding_in_range(g->pad_left) || !zero_padding_in_range(g->pad_right) ||
        !zero_padding_in_range(pad->front) || !zero_padding_in_range(pad->back)) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "border (%d, %d, %d, %d), channels (%d, %d), expected 0 to %d",
                               (int)g->pad_top, (int)g->pad_bottom, (int)g->pad_left, (int)g->pad_right,
                               (int)pad->front, (int)pad->back, PAD_MAX);
    }
    if (in.h > INT32_MAX / 2 || in.w > INT32_MAX / 2 || in.c > INT32_MAX / 2) {
        return nnom_layer_fail(layer, NNOM_OVERFLOW, "its input is too large");
    }
    layer->out->shape = nnom_make_shape(g->pad_top + in.h + g->pad_bottom, g->pad_left + in.w + g->pad_right,
                                        pad->front + in.c + pad->back);
    return NNOM_OK;
}

static nnom_status_t zero_padding_build(nnom_layer_t *layer)
{
    pad_layer_t *pad = (pad_layer_t *)layer;
    nnom_status_t status = nnom_layer_check_types(layer);
    if (status == NNOM_OK) {
        status = nnom_layer_keep_quant(layer);
    }
    if (status == NNOM_OK && isnan(pad->value)) {
        status = nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "the padding's value is not a number");
    }
    if (status == NNOM_OK) {
        status = output_shape(layer, pad);
    }
    if (status != NNOM_OK) {
        return status;
    }
    const bool quantised = nnom_type_facts(layer->out->type)->quantised;
    const int32_t value = quantised ? nnom_quantize_real(pad->value, layer->out) : 0;
    const nnom_pad_param_t param = {*layer->geometry, pad->front, pad->back, value, pad->value};
    pad->param = param;
    layer->param = &pad->param;
    NNOM_LAYER_SET_OP(layer, nnom_pad_op, NNOM_COSTS_JOINED);
    nnom_layer_overlap_rows(layer);
    return NNOM_OK;
}

static const nnom_class_t zero_padding_class = {
    "ZeroPadding", "nnom_pad_param", nnom_pad_param_fields, zero_padding_build, 1, 1, NNOM_CLASS_WIDE};
static const nnom_class_t zero_padding_value_class = {
    "Pad", "nnom_pad_param", nnom_pad_param_fields, zero_padding_build, 1, 1, NNOM_CLASS_WIDE};

static nnom_layer_t *zero_padding_new_pad(const nnom_class_t *cls, nnom_border_t border)
{
    pad_layer_t *layer = nnom_layer_new(cls, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->own = nnom_geometry_one();
    layer->super.geometry = &layer->own;
    nnom_geometry_set_pads(&layer->own, border);
    return &layer->super;
}

nnom_layer_t *nnom_zero_padding(nnom_border_t border)
{
    return zero_padding_new_pad(&zero_padding_class, border);
}

nnom_layer_t *nnom_pad(nnom_border_t border, int32_t front, int32_t back, float value)
{
    nnom_layer_t *layer = zero_padding_new_pad(&zero_padding_value_class, border);
    if (layer != NULL) {
        ((pad_layer_t *)layer)->front = front;
        ((pad_layer_t *)layer)->back = back;
        ((pad_layer_t *)layer)->value = value;
    }
    return layer;
}
