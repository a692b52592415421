/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Cast: the numbers themselves in another type, whatever their quantisation says. Out of range saturates. */
#include "elementwise.h"

static float cast_load(const uint8_t *row, nnom_type_t type, int32_t i, int32_t *integer)
{
    if (type == NNOM_TYPE_F32) {
        const float x = ((const float *)(const void *)row)[i];
        const float low = x > -2147483648.0f ? x : -2147483648.0f; /* NaN, too */
        *integer = low < 2147483648.0f ? (int32_t)low : INT32_MAX;
        return x;
    }
    *integer = type == NNOM_TYPE_S32 ? ((const int32_t *)(const void *)row)[i]
                                     : nnom_type_load(type, row + (size_t)i * (type == NNOM_TYPE_S16 ? 2u : 1u));
    return (float)*integer;
}

static void cast_store(uint8_t *row, nnom_type_t type, int32_t i, float real, int32_t integer)
{
    if (type == NNOM_TYPE_F32) {
        ((float *)(void *)row)[i] = real;
    } else if (type == NNOM_TYPE_S32) {
        ((int32_t *)(void *)row)[i] = integer;
    } else {
        nnom_type_store(type, row + (size_t)i * (type == NNOM_TYPE_S16 ? 2u : 1u), integer);
    }
}

static void cast_run(const nnom_call_t *call)
{
    const nnom_type_t from_type = nnom_call_input(call, 0)->type;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        for (int32_t i = 0; i < out->shape.w * out->shape.c; i++) {
            int32_t integer;
            const float real = cast_load(nnom_row(&from, y), from_type, i, &integer);
            cast_store(nnom_row(&to, y), out->type, i, real, integer);
        }
    }
}

extern const nnom_op_t nnom_cast_op;
const nnom_op_t nnom_cast_op = {cast_run, NULL, 0, 0};

typedef struct cast_layer {
    nnom_layer_t super;
    nnom_type_t type;
} cast_layer_t;

static nnom_status_t cast_build(nnom_layer_t *layer)
{
    const nnom_type_t type = ((cast_layer_t *)layer)->type;
    const nnom_type_t from = nnom_layer_in(layer, 0)->type;
    nnom_layer_follow_quant(layer, 1.0f, 0);
    layer->out->type = type;
    layer->out->shape = nnom_layer_in(layer, 0)->shape;
    layer->overlap = NNOM_NO_OVERLAP;
    NNOM_LAYER_SET_OP(layer, nnom_cast_op, NNOM_COSTS_PLAIN);
    if (nnom_type_bytes(type) == 0) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "type %d, expected one of nnom_type_t", (int)type);
    }
    if (nnom_type_bytes(type) <= nnom_type_bytes(from)) {
        layer->overlap = 0; /* element i is written at or below where it was read */
    }
    return NNOM_OK;
}

static const nnom_class_t cast_class = {"Cast", NULL, NULL, cast_build, 1, 1, 0};

nnom_layer_t *nnom_cast(nnom_type_t type)
{
    cast_layer_t *layer = nnom_layer_new(&cast_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->type = type;
    return &layer->super;
}
