/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* TopK: of the channels of each pixel the k largest, in descending order, or their indices. The first of equals wins. */
#include "elementwise.h"

#define NNOM_TOP_K_PARAM(I32, F32, GEOMETRY, ARRAY) I32(count) I32(indices)
NNOM_PARAM_STRUCT(nnom_top_k_param, NNOM_TOP_K_PARAM)
NNOM_PARAM_FIELDS(nnom_top_k_param, NNOM_TOP_K_PARAM)

static float top_k_value(const uint8_t *pixel, nnom_type_t type, int32_t c)
{
    return type == NNOM_TYPE_F32 ? ((const float *)(const void *)pixel)[c] : (float)((const int8_t *)pixel)[c];
}

/* True if a stands before b: larger, or equal with the lower index; NaN comes last. */
static bool top_k_before(float a, int32_t ia, float b, int32_t ib)
{
    const bool nan_a = a != a;
    const bool nan_b = b != b;
    if (nan_a || nan_b) {
        return nan_a == nan_b ? ia < ib : nan_b;
    }
    return a > b || (a == b && ia < ib);
}

/* The first channel in this order after channel `last` (-1: the very first). */
static int32_t top_k_next(const uint8_t *pixel, nnom_type_t type, int32_t channels, int32_t last)
{
    int32_t found = -1;
    for (int32_t c = 0; c < channels; c++) {
        const float x = top_k_value(pixel, type, c);
        const bool after = last < 0 || top_k_before(top_k_value(pixel, type, last), last, x, c);
        if (after && (found < 0 || top_k_before(x, c, top_k_value(pixel, type, found), found))) {
            found = c;
        }
    }
    return found;
}

static void pixel_out(const nnom_call_t *call, const uint8_t *from, uint8_t *to)
{
    const nnom_top_k_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    int32_t c = -1;
    for (int32_t k = 0; k < p->count; k++) {
        c = top_k_next(from, in->type, in->shape.c, c);
        if (p->indices != 0) {
            ((int32_t *)(void *)to)[k] = c;
        } else if (in->type == NNOM_TYPE_F32) {
            ((float *)(void *)to)[k] = top_k_value(from, in->type, c);
        } else {
            ((int8_t *)to)[k] = ((const int8_t *)from)[c];
        }
    }
}

static void top_k_run(const nnom_call_t *call)
{
    const nnom_shape_t in = nnom_call_input(call, 0)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        for (int32_t x = 0; x < in.w; x++) {
            pixel_out(call, nnom_row(&from, y) + x * (from.row_bytes / in.w),
                      nnom_row(&to, y) + x * (to.row_bytes / in.w));
        }
    }
}

extern const nnom_op_t nnom_top_k_op;
const nnom_op_t nnom_top_k_op = {top_k_run, NULL, 0, sizeof(nnom_top_k_param_t)};

typedef struct top_k_layer {
    nnom_layer_t super;
    nnom_top_k_param_t param;
} top_k_layer_t;

static nnom_status_t top_k_build(nnom_layer_t *layer)
{
    nnom_top_k_param_t *p = &((top_k_layer_t *)layer)->param;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    nnom_status_t status = nnom_layer_check_types(layer);
    if (status == NNOM_OK && (p->count < 1 || p->count > in.c)) {
        status = nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "the %d largest of %d channels", (int)p->count, (int)in.c);
    }
    if (status == NNOM_OK) {
        status = nnom_layer_keep_quant(layer);
    }
    if (p->indices != 0) {
        layer->out->type = NNOM_TYPE_S32;
        layer->out->scale = 1.0f;
        layer->out->zero_point = 0;
    }
    layer->out->shape = nnom_make_shape(in.h, in.w, p->count);
    layer->overlap = NNOM_NO_OVERLAP;
    layer->param = p;
    NNOM_LAYER_SET_OP(layer, nnom_top_k_op, [NNOM_COST_MAC] = 1300, [NNOM_COST_ROW] = 1372, [NNOM_COST_CALL] = 2480);
    return status;
}

static const nnom_class_t top_k_class = {"TopK", "nnom_top_k_param", nnom_top_k_param_fields, top_k_build, 1, 1, 0};

nnom_layer_t *nnom_top_k(int32_t count, bool indices)
{
    top_k_layer_t *layer = nnom_layer_new(&top_k_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->param.count = count;
    layer->param.indices = indices;
    return &layer->super;
}
