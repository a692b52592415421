/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Quantize: between float and 8 bits, and from one 8-bit quantisation to another. */
#include <math.h>

#include "../kernels/fixed.h"
#include "elementwise.h"

/* Of 8 bits to 8 bits; the zero points are the tensors'. */
#define NNOM_REQUANTIZE_PARAM(I32, F32, GEOMETRY, ARRAY) I32(multiplier) I32(shift)
NNOM_PARAM_STRUCT(nnom_requantize_param, NNOM_REQUANTIZE_PARAM)
NNOM_PARAM_FIELDS(nnom_requantize_param, NNOM_REQUANTIZE_PARAM)

/* Largest and smallest value of an 8-bit type. */
static int32_t smallest(nnom_type_t type)
{
    return type == NNOM_TYPE_U8 ? 0 : -128;
}

static int32_t load(const uint8_t *x, nnom_type_t type)
{
    return type == NNOM_TYPE_U8 ? (int32_t)*x : (int32_t)(int8_t)*x;
}

static uint8_t store(int32_t x, nnom_type_t type)
{
    return (uint8_t)nnom_clamp_i32(x, smallest(type), smallest(type) + 255);
}

static void requantize_row(const nnom_call_t *call, const uint8_t *from, uint8_t *to, int32_t count)
{
    const nnom_requantize_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_tensor_t *out = nnom_call_output(call);
    for (int32_t i = 0; i < count; i++) {
        const int32_t x = load(from + i, in->type) - in->zero_point;
        to[i] = store(nnom_requantize(x, p->multiplier, p->shift) + out->zero_point, out->type);
    }
}

static void quantize_row(const nnom_call_t *call, const uint8_t *from, uint8_t *to, int32_t count)
{
    const nnom_tensor_t *out = nnom_call_output(call);
    const float *x = (const float *)(const void *)from;
    for (int32_t i = 0; i < count; i++) {
        const float q = roundf(x[i] / out->scale) + (float)out->zero_point;
        const float low = q > -1000.0f ? q : -1000.0f; /* into int32; NaN, too */
        to[i] = store((int32_t)(low < 1000.0f ? low : 1000.0f), out->type);
    }
}

static void dequantize_row(const nnom_call_t *call, const uint8_t *from, uint8_t *to, int32_t count)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    float *y = (float *)(void *)to;
    for (int32_t i = 0; i < count; i++) {
        y[i] = in->scale * (float)(load(from + i, in->type) - in->zero_point);
    }
}

typedef void (*row_t)(const nnom_call_t *call, const uint8_t *from, uint8_t *to, int32_t count);

static void each_row(const nnom_call_t *call, row_t row)
{
    const nnom_shape_t shape = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        row(call, nnom_row(&from, y), nnom_row(&to, y), shape.w * shape.c);
    }
}

static void run_requantize(const nnom_call_t *call)
{
    each_row(call, requantize_row);
}

static void run_quantize(const nnom_call_t *call)
{
    each_row(call, quantize_row);
}

static void run_dequantize(const nnom_call_t *call)
{
    each_row(call, dequantize_row);
}

extern const nnom_op_t nnom_requantize_op;
extern const nnom_op_t nnom_quantize_op;
extern const nnom_op_t nnom_dequantize_op;
const nnom_op_t nnom_requantize_op = {run_requantize, NULL, 0, sizeof(nnom_requantize_param_t)};
const nnom_op_t nnom_quantize_op = {run_quantize, NULL, 0, sizeof(nnom_requantize_param_t)};
const nnom_op_t nnom_dequantize_op = {run_dequantize, NULL, 0, sizeof(nnom_requantize_param_t)};

/* ---- Build ---- */

typedef struct quantize_layer {
    nnom_layer_t super;
    nnom_type_t type; /* of the output */
    nnom_requantize_param_t param;
} quantize_layer_t;

static bool is_8_bit(nnom_type_t type)
{
    return type == NNOM_TYPE_S8 || type == NNOM_TYPE_U8;
}

/* Between int8 and uint8 without a quantisation set, the values stay and the zero point moves. */
static void set_quant(nnom_layer_t *layer, nnom_type_t from, nnom_type_t to)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const int32_t moved = is_8_bit(from) && is_8_bit(to) ? in->zero_point - smallest(from) + smallest(to) : 0;
    nnom_layer_follow_quant(layer, is_8_bit(from) ? in->scale : 0.0f, moved);
    layer->out.type = to;
    if (to == NNOM_TYPE_F32) {
        layer->out.scale = 0.0f;
        layer->out.zero_point = 0;
    }
}

static nnom_status_t check(const nnom_layer_t *layer, nnom_type_t from, nnom_type_t to)
{
    if (!(is_8_bit(from) || from == NNOM_TYPE_F32) || !(is_8_bit(to) || to == NNOM_TYPE_F32) ||
        (from == NNOM_TYPE_F32 && to == NNOM_TYPE_F32)) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED,
                               "from type %d to type %d, expected int8 (0), float (1), uint8 (3)", (int)from, (int)to);
    }
    if (is_8_bit(to) && !(layer->out.scale > 0.0f)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "from float to 8 bits: set its quantisation");
    }
    const int32_t least = smallest(to);
    if (is_8_bit(to) && (layer->out.zero_point < least || layer->out.zero_point > least + 255)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "zero point %d, expected %d to %d", (int)layer->out.zero_point,
                               (int)least, (int)least + 255);
    }
    return NNOM_OK;
}

static nnom_status_t build(nnom_layer_t *layer)
{
    quantize_layer_t *quantize = (quantize_layer_t *)layer;
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    layer->out.shape = in->shape;
    layer->param = &quantize->param;
    set_quant(layer, in->type, quantize->type);
    const nnom_status_t status = check(layer, in->type, quantize->type);
    if (status != NNOM_OK) {
        return status;
    }
    layer->overlap = 0; /* element i is written at or below where it was read */
    if (is_8_bit(in->type) && is_8_bit(quantize->type)) {
        nnom_rescale_multiplier(in, &layer->out, &quantize->param.multiplier, &quantize->param.shift);
        NNOM_LAYER_SET_OP(layer, nnom_requantize_op);
    } else if (in->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_quantize_op);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_dequantize_op);
        nnom_layer_overlap_rows(layer);
    }
    return NNOM_OK;
}

static const nnom_class_t class = {"Quantize", "nnom_requantize_param", nnom_requantize_param_fields, build, 1, 1, 0};

nnom_layer_t *Quantize(nnom_type_t type)
{
    quantize_layer_t *layer = nnom_layer_new(&class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->type = type;
    return &layer->super;
}
