/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* ArgMax, ArgMin: int32 indices along one axis, which keeps length 1. The first of equals wins. */
#include "elementwise.h"

#define NNOM_ARG_PARAM(I32, F32, GEOMETRY, ARRAY) I32(axis) I32(largest)
NNOM_PARAM_STRUCT(nnom_arg_param, NNOM_ARG_PARAM)
NNOM_PARAM_FIELDS(nnom_arg_param, NNOM_ARG_PARAM)

static float arg_max_value(const nnom_tensor_t *in, const nnom_rows_t *rows, int32_t y, int32_t i)
{
    const uint8_t *row = nnom_row(rows, y);
    return in->type == NNOM_TYPE_F32 ? ((const float *)(const void *)row)[i] : (float)((const int8_t *)row)[i];
}

/* True if x takes the place of best; a number takes the place of NaN. */
static bool arg_max_better(float x, float best, bool largest)
{
    return best != best ? x == x : (largest ? x > best : x < best);
}

/* From element (y, i) of the input on, `steps` elements: along the rows, or `stride` apart in one row. */
static int32_t best_of(const nnom_call_t *call, int32_t y, int32_t i, int32_t steps, int32_t stride)
{
    const nnom_arg_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_rows_t rows = nnom_call_input_rows(call, 0);
    int32_t index = 0;
    float best = arg_max_value(in, &rows, y, i);
    for (int32_t k = 1; k < steps; k++) {
        const float x = p->axis == 0 ? arg_max_value(in, &rows, k, i) : arg_max_value(in, &rows, y, i + k * stride);
        if (arg_max_better(x, best, p->largest != 0)) {
            best = x;
            index = k;
        }
    }
    return index;
}

static void arg_max_run(const nnom_call_t *call)
{
    const nnom_arg_param_t *p = call->node->param;
    nnom_shape_t in = nnom_call_input(call, 0)->shape;
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t steps = *nnom_shape_side(&in, p->axis);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int32_t *row = (int32_t *)(void *)nnom_row(&to, y);
        for (int32_t x = 0; x < out.w; x++) {
            for (int32_t c = 0; c < out.c; c++) {
                *row++ = best_of(call, y, x * in.c + c, steps, p->axis == 1 ? in.c : 1);
            }
        }
    }
}

extern const nnom_op_t nnom_arg_max_op;
extern const nnom_op_t nnom_arg_max_rows_op;
const nnom_op_t nnom_arg_max_op = {arg_max_run, nnom_window_all, 0, sizeof(nnom_arg_param_t)};
/* Within each row. */
const nnom_op_t nnom_arg_max_rows_op = {arg_max_run, NULL, 0, sizeof(nnom_arg_param_t)};

typedef struct arg_layer {
    nnom_layer_t super;
    nnom_arg_param_t param;
} arg_layer_t;

static nnom_status_t arg_max_build(nnom_layer_t *layer)
{
    nnom_arg_param_t *p = &((arg_layer_t *)layer)->param;
    nnom_status_t status = nnom_layer_check_types(layer);
    if (status == NNOM_OK) {
        status = nnom_layer_axis(layer, &p->axis);
    }
    if (status != NNOM_OK) {
        return status;
    }
    layer->out->shape = nnom_layer_in(layer, 0)->shape;
    *nnom_shape_side(&layer->out->shape, p->axis) = 1;
    layer->out->type = NNOM_TYPE_S32;
    layer->out->scale = 1.0f;
    layer->out->zero_point = 0;
    layer->overlap = NNOM_NO_OVERLAP;
    layer->param = p;
    if (p->axis == 0) {
        NNOM_LAYER_SET_OP(layer, nnom_arg_max_op, [NNOM_COST_MAC] = 384, [NNOM_COST_OUTPUT] = 864,
                          [NNOM_COST_ROW] = 464, [NNOM_COST_CALL] = 960);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_arg_max_rows_op, [NNOM_COST_MAC] = 384, [NNOM_COST_OUTPUT] = 864,
                          [NNOM_COST_ROW] = 464, [NNOM_COST_CALL] = 960);
    }
    return NNOM_OK;
}

static const nnom_class_t arg_max_class = {"ArgMax", "nnom_arg_param", nnom_arg_param_fields, arg_max_build, 1, 1, 0};
static const nnom_class_t arg_min_class = {"ArgMin", "nnom_arg_param", nnom_arg_param_fields, arg_max_build, 1, 1, 0};

static nnom_layer_t *arg_max_new(const nnom_class_t *cls, int32_t axis, int32_t largest)
{
    arg_layer_t *layer = nnom_layer_new(cls, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    nnom_layer_give_axis(&layer->super, axis);
    layer->param.largest = largest;
    return &layer->super;
}

nnom_layer_t *nnom_arg_max(int32_t axis)
{
    return arg_max_new(&arg_max_class, axis, 1);
}

nnom_layer_t *nnom_arg_min(int32_t axis)
{
    return arg_max_new(&arg_min_class, axis, 0);
}
