/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../run/move.h"
#include "../kernels/fixed.h"
#include "elementwise.h"

/* axis: 0 rows, 1 columns, 2 channels. multiplier: int32, shift: int8, one of each per input; multiplier 0: copied. */
#define NNOM_CONCAT_PARAM(I32, F32, GEOMETRY, ARRAY) I32(axis) ARRAY(multiplier) ARRAY(shift)
NNOM_PARAM_STRUCT(nnom_concat_param, NNOM_CONCAT_PARAM)
NNOM_PARAM_FIELDS(nnom_concat_param, NNOM_CONCAT_PARAM)

/* Rows of the output above those of input `input`. */
static int32_t rows_above(const nnom_program_t *program, const nnom_node_t *node, uint32_t input)
{
    int32_t rows = 0;
    for (uint32_t i = 0; i < input; i++) {
        rows += nnom_node_input(program, node, i)->shape.h;
    }
    return rows;
}

static nnom_range_t concat_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                  nnom_range_t y)
{
    const nnom_concat_param_t *p = node->param;
    if (p->axis != 0) {
        return y;
    }
    return nnom_range_moved(y, -rows_above(program, node, input), nnom_node_input(program, node, input)->shape.h);
}

/* `bytes` bytes of input i, in the output's quantisation. */
static void concat_move(const nnom_call_t *call, uint32_t i, const uint8_t *from, uint8_t *to, size_t bytes)
{
    const nnom_concat_param_t *p = call->node->param;
    const int32_t multiplier = ((const int32_t *)p->multiplier)[i];
    if (multiplier == 0) {
        nnom_move(to, from, bytes);
        return;
    }
    const int32_t shift = ((const int8_t *)p->shift)[i];
    const int32_t zero_point = nnom_call_input(call, i)->zero_point;
    const int32_t out_zero_point = nnom_call_output(call)->zero_point;
    if (nnom_call_output(call)->type == NNOM_TYPE_S16) {
        const int16_t *wide = (const int16_t *)(const void *)from;
        for (size_t k = 0; k < bytes / sizeof *wide; k++) {
            const int32_t y = nnom_requantize(wide[k] - zero_point, multiplier, shift) + out_zero_point;
            ((int16_t *)(void *)to)[k] = nnom_clamp_s16(y);
        }
        return;
    }
    const int8_t *x = (const int8_t *)from;
    for (size_t k = 0; k < bytes; k++) {
        const int32_t y = nnom_requantize(x[k] - zero_point, multiplier, shift) + out_zero_point;
        ((int8_t *)to)[k] = (int8_t)nnom_clamp_i32(y, -128, 127);
    }
}

static size_t pixel_bytes(const nnom_tensor_t *tensor)
{
    return (size_t)tensor->row_bytes / (size_t)tensor->shape.w;
}

/* Input i's part of output row y, y of the input for axis 0. */
static void move_row(const nnom_call_t *call, uint32_t i, const uint8_t *from, uint8_t *to)
{
    const nnom_concat_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, i);
    if (p->axis != 2) {
        concat_move(call, i, from, to, (size_t)in->row_bytes);
        return;
    }
    const size_t bytes = pixel_bytes(in);
    const size_t step = pixel_bytes(nnom_call_output(call));
    for (int32_t x = 0; x < in->shape.w; x++, from += bytes, to += step) {
        concat_move(call, i, from, to, bytes);
    }
}

static void concat_run(const nnom_call_t *call)
{
    const nnom_concat_param_t *p = call->node->param;
    const nnom_rows_t to = nnom_call_output_rows(call);
    size_t left = 0; /* bytes of the row, or of the pixel, filled by the inputs before */
    for (uint32_t i = 0; i < call->node->input_count; i++) {
        const nnom_tensor_t *in = nnom_call_input(call, i);
        const nnom_rows_t from = nnom_call_input_rows(call, i);
        const int32_t above = p->axis == 0 ? rows_above(call->program, call->node, i) : 0;
        const nnom_range_t rows = nnom_range_moved(call->y, -above, in->shape.h);
        for (int32_t y = rows.lo; y < rows.hi; y++) {
            move_row(call, i, nnom_row(&from, y), nnom_row(&to, y + above) + left);
        }
        if (p->axis != 0) {
            left += p->axis == 1 ? (size_t)in->row_bytes : pixel_bytes(in);
        }
    }
}

extern const nnom_op_t nnom_concat_op;
const nnom_op_t nnom_concat_op = {concat_run, concat_window, 0, sizeof(nnom_concat_param_t)};

/* ---- Build ---- */

typedef struct concat_layer {
    nnom_layer_t super;
    nnom_concat_param_t param;
} concat_layer_t;

/* The sum along the axis; the other sides must agree. */
static nnom_status_t concat_join_shapes(nnom_layer_t *layer, int32_t axis)
{
    nnom_shape_t sum = nnom_layer_in(layer, 0)->shape;
    for (uint32_t i = 1; i < nnom_layer_input_number(layer); i++) {
        nnom_shape_t in = nnom_layer_in(layer, i)->shape;
        nnom_shape_t expected = sum;
        *nnom_shape_side(&expected, axis) = *nnom_shape_side(&in, axis);
        if (!nnom_shape_equal(in, expected)) {
            return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "input %d is (%d, %d, %d), expected (%d, %d, %d)", (int)i,
                                   (int)in.h, (int)in.w, (int)in.c, (int)expected.h, (int)expected.w, (int)expected.c);
        }
        const int64_t length = (int64_t)*nnom_shape_side(&sum, axis) + *nnom_shape_side(&expected, axis);
        *nnom_shape_side(&sum, axis) =
            length > INT32_MAX ? INT32_MAX : (int32_t)length; /* refused by compile as too large */
    }
    layer->out->shape = sum;
    return NNOM_OK;
}

/* The input whose range is the widest. */
static const nnom_tensor_t *concat_coarsest(const nnom_layer_t *layer)
{
    const nnom_tensor_t *best = nnom_layer_in(layer, 0);
    for (uint32_t i = 1; i < nnom_layer_input_number(layer); i++) {
        const nnom_tensor_t *in = nnom_layer_in(layer, i);
        best = in->scale > best->scale ? in : best;
    }
    return best;
}

static nnom_status_t concat_build_multipliers(nnom_layer_t *layer, nnom_concat_param_t *p)
{
    const uint32_t n = nnom_layer_input_number(layer);
    int32_t *multiplier = nnom_layer_alloc(layer, n, sizeof(int32_t));
    int8_t *shift = nnom_layer_alloc(layer, n, sizeof(int8_t));
    if (multiplier == NULL || shift == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %d multipliers", (int)n);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!nnom_layer_same_quant(layer, i)) {
            int32_t exponent;
            nnom_rescale_multiplier(nnom_layer_in(layer, i), layer->out, &multiplier[i], &exponent);
            multiplier[i] = nnom_max_i32(multiplier[i], 1); /* 0 would mean: copied */
            shift[i] = (int8_t)exponent;                    /* -31 to 30 */
        }
    }
    p->multiplier = nnom_layer_array(layer, multiplier, n, NNOM_TYPE_S32);
    p->shift = nnom_layer_array(layer, shift, n, NNOM_TYPE_S8);
    return NNOM_OK;
}

static nnom_status_t concat_build(nnom_layer_t *layer)
{
    nnom_concat_param_t *p = &((concat_layer_t *)layer)->param;
    nnom_status_t status = nnom_layer_axis(layer, &p->axis);
    if (status == NNOM_OK) {
        status = nnom_layer_check_types(layer);
    }
    if (status == NNOM_OK) {
        status = concat_join_shapes(layer, p->axis);
    }
    if (status != NNOM_OK) {
        return status;
    }
    nnom_layer_follow_quant(layer, concat_coarsest(layer)->scale, concat_coarsest(layer)->zero_point);
    layer->overlap = NNOM_NO_OVERLAP;
    layer->param = p;
    if (p->axis == 2) {
        NNOM_LAYER_SET_OP(layer, nnom_concat_op, [NNOM_COST_OUTPUT] = 12, [NNOM_COST_PIXEL] = 1400,
                          [NNOM_COST_ROW] = 1900, [NNOM_COST_CALL] = 3400, [NNOM_RECORD_BYTES] = 1);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_concat_op, NNOM_COSTS_JOINED);
    }
    return concat_build_multipliers(layer, p);
}

static const nnom_class_t concat_class = {"Concat", "nnom_concat_param", nnom_concat_param_fields, concat_build,
                                          1,        UINT16_MAX,          NNOM_CLASS_WIDE};
/* Joining rows makes a tensor of more than one row: its h and w cannot be exchanged. */
static const nnom_class_t concat_rows_class = {"Concat",
                                               "nnom_concat_param",
                                               nnom_concat_param_fields,
                                               concat_build,
                                               1,
                                               UINT16_MAX,
                                               NNOM_CLASS_NO_SWAP | NNOM_CLASS_WIDE};

nnom_layer_t *nnom_concat(int32_t axis)
{
    concat_layer_t *layer =
        nnom_layer_new(axis == 0 || axis == -3 ? &concat_rows_class : &concat_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    nnom_layer_give_axis(&layer->super, axis);
    return &layer->super;
}
