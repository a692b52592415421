/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Select: input 1 where input 0 is not 0, else input 2; sides of 1 are repeated. */
#include <string.h>

#include "../kernels/fixed.h"
#include "elementwise.h"

/* Factors of inputs 1 and 2 to the output's scale, in int8. */
#define NNOM_SELECT_PARAM(I32, F32, GEOMETRY, ARRAY) I32(multiplier_a) I32(shift_a) I32(multiplier_b) I32(shift_b)
NNOM_PARAM_STRUCT(nnom_select_param, NNOM_SELECT_PARAM)
NNOM_PARAM_FIELDS(nnom_select_param, NNOM_SELECT_PARAM)

/* The element of an input that stands at (y, x, c) of the output. */
static const uint8_t *select_element(const nnom_call_t *call, uint32_t input, int32_t y, int32_t x, int32_t c)
{
    const nnom_shape_t s = nnom_call_input(call, input)->shape;
    const nnom_rows_t rows = nnom_call_input_rows(call, input);
    const int32_t bytes = (int32_t)(rows.row_bytes / (s.w * s.c));
    const int32_t at = (s.w == 1 ? 0 : x * s.c) + (s.c == 1 ? 0 : c);
    return nnom_row(&rows, s.h == 1 ? 0 : y) + at * bytes;
}

static bool is_set(const uint8_t *from, nnom_type_t type)
{
    float real;
    int32_t integer;
    if (type == NNOM_TYPE_S8) {
        return *from != 0;
    }
    if (type == NNOM_TYPE_S32) {
        memcpy(&integer, from, sizeof integer);
        return integer != 0;
    }
    memcpy(&real, from, sizeof real);
    return real != 0.0f;
}

static void select_take(const nnom_call_t *call, const uint8_t *from, uint32_t input, uint8_t *to)
{
    const nnom_select_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    if (out->type != NNOM_TYPE_S8) {
        memcpy(to, from, 4);
        return;
    }
    const int32_t x = *(const int8_t *)from - nnom_call_input(call, input)->zero_point;
    const int32_t q =
        nnom_requantize(x, input == 1 ? p->multiplier_a : p->multiplier_b, input == 1 ? p->shift_a : p->shift_b);
    *(int8_t *)to = (int8_t)nnom_clamp_i32(q + out->zero_point, -128, 127);
}

static void select_run(const nnom_call_t *call)
{
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_type_t condition = nnom_call_input(call, 0)->type;
    const int32_t bytes = out->type == NNOM_TYPE_S8 ? 1 : 4;
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        uint8_t *row = nnom_row(&to, y);
        for (int32_t x = 0; x < out->shape.w; x++) {
            for (int32_t c = 0; c < out->shape.c; c++, row += bytes) {
                const uint32_t chosen = is_set(select_element(call, 0, y, x, c), condition) ? 1 : 2;
                select_take(call, select_element(call, chosen, y, x, c), chosen, row);
            }
        }
    }
}

static nnom_range_t select_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                  nnom_range_t y)
{
    const nnom_range_t first = {0, 1};
    return nnom_node_input(program, node, input)->shape.h == 1 ? first : y;
}

extern const nnom_op_t nnom_select_op;
const nnom_op_t nnom_select_op = {select_run, select_window, 0, sizeof(nnom_select_param_t)};

typedef struct select_layer {
    nnom_layer_t super;
    nnom_select_param_t param;
} select_layer_t;

static int32_t select_joint(int32_t a, int32_t b)
{
    return a == 1 ? b : (b == 1 || a == b ? a : -1);
}

static nnom_status_t select_join_shapes(nnom_layer_t *layer)
{
    nnom_shape_t s = nnom_layer_in(layer, 0)->shape;
    for (uint32_t i = 1; i < 3; i++) {
        const nnom_shape_t b = nnom_layer_in(layer, i)->shape;
        s = nnom_make_shape(select_joint(s.h, b.h), select_joint(s.w, b.w), select_joint(s.c, b.c));
        if (s.h < 1 || s.w < 1 || s.c < 1) {
            return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "input %d (%d, %d, %d): sides must equal the others' or be 1",
                                   (int)i, (int)b.h, (int)b.w, (int)b.c);
        }
    }
    layer->out->shape = s;
    return NNOM_OK;
}

static nnom_status_t select_build(nnom_layer_t *layer)
{
    nnom_select_param_t *p = &((select_layer_t *)layer)->param;
    const nnom_tensor_t *a = nnom_layer_in(layer, 1);
    const nnom_tensor_t *b = nnom_layer_in(layer, 2);
    if (a->type != b->type || a->type == NNOM_TYPE_U8 || nnom_layer_in(layer, 0)->type == NNOM_TYPE_U8) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "inputs 1 and 2 of types %d and %d, expected one, not uint8",
                               (int)a->type, (int)b->type);
    }
    nnom_layer_follow_quant(layer, a->scale, a->zero_point);
    layer->out->type = a->type;
    layer->overlap = NNOM_NO_OVERLAP;
    layer->param = p;
    NNOM_LAYER_SET_OP(layer, nnom_select_op, NNOM_COSTS_FLOAT_PAIRS);
    if (a->type == NNOM_TYPE_S8) {
        nnom_rescale_multiplier(a, layer->out, &p->multiplier_a, &p->shift_a);
        nnom_rescale_multiplier(b, layer->out, &p->multiplier_b, &p->shift_b);
    }
    return select_join_shapes(layer);
}

static const nnom_class_t select_class = {"Select", "nnom_select_param", nnom_select_param_fields, select_build, 3, 3,
                                          0};

nnom_layer_t *nnom_select(void)
{
    select_layer_t *layer = nnom_layer_new(&select_class, sizeof(*layer));
    return layer != NULL ? &layer->super : NULL;
}
