/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Quantize: between float and quantised integers, and from one quantisation to another. */
#include <string.h>

#include "../kernels/fixed.h"
#include "elementwise.h"
#include "lut.h"

/* From integers to integers; the zero points are the tensors'. Those of 8 bits to 8 bits are a table. */
#define NNOM_REQUANTIZE_PARAM(I32, F32, GEOMETRY, ARRAY) I32(multiplier) I32(shift)
NNOM_PARAM_STRUCT(nnom_requantize_param, NNOM_REQUANTIZE_PARAM)
NNOM_PARAM_FIELDS(nnom_requantize_param, NNOM_REQUANTIZE_PARAM)

/* One element's bytes. */
static void requantize_one(const nnom_requantize_param_t *p, const nnom_tensor_t *in, const nnom_tensor_t *out,
                           const uint8_t *from, uint8_t *to)
{
    const int32_t x = nnom_type_load(in->type, from) - in->zero_point; /* |x| < 2^17 */
    nnom_type_store(out->type, to, nnom_requantize(x, p->multiplier, p->shift) + out->zero_point);
}

static void requantize_row(const nnom_call_t *call, const uint8_t *from, uint8_t *to, int32_t count)
{
    const nnom_requantize_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_tensor_t *out = nnom_call_output(call);
    const uint32_t in_bytes = nnom_type_facts(in->type)->bytes, out_bytes = nnom_type_facts(out->type)->bytes;
    for (int32_t i = 0; i < count; i++, from += in_bytes, to += out_bytes) {
        requantize_one(p, in, out, from, to);
    }
}

/* roundf(x) within +-10^6, beyond any quantised integer; of NaN -10^6. */
static int32_t quantize_rounded(float x)
{
    const float low = x > -1e6f ? x : -1e6f;
    const float inside = low < 1e6f ? low : 1e6f;
    const int32_t whole = (int32_t)inside;
    const float rest = inside - (float)whole; /* exact */
    return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

static void quantize_row(const nnom_call_t *call, const uint8_t *from, uint8_t *to, int32_t count)
{
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_type_facts_t facts = *nnom_type_facts(out->type);
    const float scale = out->scale;
    const int32_t zero_point = out->zero_point;
    const float *x = (const float *)(const void *)from;
    for (int32_t i = 0; i < count; i++) {
        const int32_t q = nnom_clamp_i32(quantize_rounded(x[i] / scale) + zero_point, facts.least, facts.most);
        if (facts.bytes == 1) {
            to[i] = (uint8_t)q;
        } else {
            const int16_t wide = (int16_t)q;
            memcpy(to + 2 * i, &wide, sizeof wide);
        }
    }
}

static void dequantize_row(const nnom_call_t *call, const uint8_t *from, uint8_t *to, int32_t count)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const uint32_t in_bytes = nnom_type_facts(in->type)->bytes;
    float *y = (float *)(void *)to;
    for (int32_t i = 0; i < count; i++, from += in_bytes) {
        y[i] = in->scale * (float)(nnom_type_load(in->type, from) - in->zero_point);
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

static void requantize_run(const nnom_call_t *call)
{
    each_row(call, requantize_row);
}

static void quantize_run(const nnom_call_t *call)
{
    each_row(call, quantize_row);
}

static void dequantize_run(const nnom_call_t *call)
{
    each_row(call, dequantize_row);
}

extern const nnom_op_t nnom_requantize_op;
extern const nnom_op_t nnom_quantize_op;
extern const nnom_op_t nnom_dequantize_op;
const nnom_op_t nnom_requantize_op = {requantize_run, NULL, 0, sizeof(nnom_requantize_param_t)};
const nnom_op_t nnom_quantize_op = {quantize_run, NULL, 0, sizeof(nnom_requantize_param_t)};
const nnom_op_t nnom_dequantize_op = {dequantize_run, NULL, 0, sizeof(nnom_requantize_param_t)};

/* ---- Build ---- */

typedef struct quantize_layer {
    nnom_layer_t super;
    nnom_type_t type; /* of the output */
    nnom_requantize_param_t param;
    nnom_map_param_t map; /* of 8 bits to 8 bits */
} quantize_layer_t;

static bool is_quantised(nnom_type_t type)
{
    return nnom_type_facts(type)->quantised;
}

/* Between int8 and uint8 without a quantisation set, the values stay and the zero point moves. */
static void quantize_set_quant(nnom_layer_t *layer, nnom_type_t from, nnom_type_t to)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const bool moves = is_quantised(from) && is_quantised(to) && nnom_type_bytes(from) == nnom_type_bytes(to);
    const int32_t moved = moves ? in->zero_point - nnom_type_facts(from)->least + nnom_type_facts(to)->least : 0;
    nnom_layer_follow_quant(layer, moves ? in->scale : 0.0f, moved);
    layer->out->type = to;
    if (to == NNOM_TYPE_F32) {
        layer->out->scale = 0.0f;
        layer->out->zero_point = 0;
    }
}

static nnom_status_t quantize_check(const nnom_layer_t *layer, nnom_type_t from, nnom_type_t to)
{
    const bool good_from = is_quantised(from) || from == NNOM_TYPE_F32,
               good_to = is_quantised(to) || to == NNOM_TYPE_F32;
    if (!good_from || !good_to || (from == NNOM_TYPE_F32 && to == NNOM_TYPE_F32)) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "from %s to %s, expected float and integers of 8 or 16 bits",
                               nnom_type_facts(from)->c_type, nnom_type_facts(to)->c_type);
    }
    if (is_quantised(to) && !(layer->out->scale > 0.0f)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "from %s to %s: set its quantisation",
                               nnom_type_facts(from)->c_type, nnom_type_facts(to)->c_type);
    }
    const nnom_type_facts_t *facts = nnom_type_facts(to);
    if (is_quantised(to) && (layer->out->zero_point < facts->least || layer->out->zero_point > facts->most)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "zero point %d, expected %d to %d", (int)layer->out->zero_point,
                               (int)facts->least, (int)facts->most);
    }
    return NNOM_OK;
}

/* What becomes of each byte, where both are bytes. */
static nnom_status_t requantize_table(nnom_layer_t *layer)
{
    quantize_layer_t *quantize = (quantize_layer_t *)layer;
    int8_t *table = nnom_layer_table(layer, &quantize->map);
    if (table == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its table");
    }
    for (int32_t i = 0; i < NNOM_TABLE_SIZE; i++) {
        const uint8_t byte = (uint8_t)i;
        requantize_one(&quantize->param, nnom_layer_in(layer, 0), layer->out, &byte,
                       (uint8_t *)&table[(i + 128) % NNOM_TABLE_SIZE]);
    }
    layer->param = &quantize->map;
    return nnom_lut_kernel(layer);
}

static nnom_status_t quantize_build(nnom_layer_t *layer)
{
    quantize_layer_t *quantize = (quantize_layer_t *)layer;
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    layer->out->shape = in->shape;
    layer->param = &quantize->param;
    quantize_set_quant(layer, in->type, quantize->type);
    const nnom_status_t status = quantize_check(layer, in->type, quantize->type);
    if (status != NNOM_OK) {
        return status;
    }
    layer->overlap = 0; /* element i is written at or below where it was read */
    if (nnom_type_bytes(quantize->type) > nnom_type_bytes(in->type)) {
        layer->overlap = NNOM_NO_OVERLAP;
    }
    if (is_quantised(in->type) && is_quantised(quantize->type)) {
        nnom_rescale_multiplier(in, layer->out, &quantize->param.multiplier, &quantize->param.shift);
        NNOM_LAYER_SET_OP(layer,
                          nnom_requantize_op, [NNOM_COST_OUTPUT] = 928, [NNOM_COST_ROW] = 1024, [NNOM_COST_CALL] = 864);
        if (nnom_type_bytes(in->type) == 1 && nnom_type_bytes(quantize->type) == 1) {
            return requantize_table(layer);
        }
    } else if (in->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_quantize_op, NNOM_COSTS_PLAIN);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_dequantize_op, NNOM_COSTS_PLAIN);
        nnom_layer_overlap_rows(layer);
    }
    return NNOM_OK;
}

static const nnom_class_t quantize_class = {
    "Quantize", "nnom_requantize_param", nnom_requantize_param_fields, quantize_build, 1, 1, 0};

nnom_layer_t *nnom_quantize(nnom_type_t type)
{
    quantize_layer_t *layer = nnom_layer_new(&quantize_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->type = type;
    return &layer->super;
}
