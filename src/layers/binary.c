/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "binary.h"

#include <math.h>

/* ---- Running ---- */

/* Where an operand's pixels are: steps of 0 repeat a row, a pixel, a channel. */
typedef struct side {
    nnom_rows_t rows;
    int32_t y_step;
    int32_t x_bytes;
    nnom_operand_t operand;
} side_t;

static side_t side_of(const nnom_call_t *call, uint32_t i)
{
    const nnom_tensor_t *in = nnom_call_input(call, i);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const side_t side = {
        nnom_call_input_rows(call, i),
        in->shape.h == out.h ? 1 : 0,
        in->shape.w == out.w ? in->row_bytes / in->shape.w : 0,
        {NULL, in->shape.c == out.c ? 1 : 0, in->zero_point},
    };
    return side;
}

static nnom_operand_t binary_at(const side_t *side, int32_t y, int32_t x)
{
    nnom_operand_t operand = side->operand;
    operand.data = nnom_row(&side->rows, y * side->y_step) + x * side->x_bytes;
    return operand;
}

/* True if the output's rows can be taken as runs of w * c elements. */
static bool whole_rows(const nnom_call_t *call)
{
    const nnom_shape_t out = nnom_call_output(call)->shape;
    for (uint32_t i = 0; i < 2; i++) {
        const nnom_shape_t in = nnom_call_input(call, i)->shape;
        if ((in.w != out.w || in.c != out.c) && in.w * in.c != 1) {
            return false;
        }
    }
    return true;
}

void nnom_binary_run(const nnom_call_t *call, nnom_binary_t f)
{
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    side_t a = side_of(call, 0);
    side_t b = side_of(call, 1);
    const bool whole = whole_rows(call);
    const int32_t runs = whole ? 1 : out->shape.w;
    const int32_t count = out->shape.w * out->shape.c / runs;
    if (whole) {
        a.operand.step = a.rows.row_bytes == to.row_bytes ? 1 : 0;
        b.operand.step = b.rows.row_bytes == to.row_bytes ? 1 : 0;
    }
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        for (int32_t x = 0; x < runs; x++) {
            const nnom_result_t result = {nnom_row(&to, y) + x * (to.row_bytes / runs), count, out->zero_point};
            f(call->node->param, binary_at(&a, y, x), binary_at(&b, y, x), result);
        }
    }
}

nnom_range_t nnom_binary_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    const nnom_range_t first = {0, 1};
    return nnom_node_input(program, node, input)->shape.h == 1 ? first : y;
}

/* ---- Build ---- */

/* The larger side, or -1 if they differ and neither is 1. */
static int32_t binary_joint(int32_t a, int32_t b)
{
    if (a == b || b == 1) {
        return a;
    }
    return a == 1 ? b : -1;
}

static nnom_status_t binary_join_shapes(nnom_layer_t *layer)
{
    const nnom_shape_t a = nnom_layer_in(layer, 0)->shape;
    const nnom_shape_t b = nnom_layer_in(layer, 1)->shape;
    layer->out->shape = nnom_make_shape(binary_joint(a.h, b.h), binary_joint(a.w, b.w), binary_joint(a.c, b.c));
    const nnom_shape_t out = layer->out->shape;
    if (out.h < 1 || out.w < 1 || out.c < 1) {
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "inputs (%d, %d, %d) and (%d, %d, %d): sides must be equal or 1",
                               (int)a.h, (int)a.w, (int)a.c, (int)b.h, (int)b.w, (int)b.c);
    }
    return NNOM_OK;
}

nnom_status_t nnom_binary_build(nnom_binary_layer_t *binary)
{
    nnom_layer_t *layer = &binary->super;
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    nnom_binary_param_t *p = &binary->param;
    const bool integers =
        binary->integers && in->type == NNOM_TYPE_S32 && nnom_layer_in(layer, 1)->type == NNOM_TYPE_S32;
    nnom_status_t status = integers ? NNOM_OK : nnom_layer_check_types(layer);
    if (status == NNOM_OK) {
        status = binary_join_shapes(layer);
    }
    if (status != NNOM_OK) {
        return status;
    }
    if (binary->oshift < -31 || binary->oshift > 31) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "oshift %d, expected -31 to 31", (int)binary->oshift);
    }
    nnom_layer_follow_quant(layer, ldexpf(in->scale, (int)binary->oshift), in->zero_point);
    nnom_clamp_limits_f32(layer->fused, &p->act_min_f, &p->act_max_f);
    if (layer->out->type == NNOM_TYPE_S8) {
        nnom_clamp_limits(layer->fused, layer->out, &p->act_min, &p->act_max);
    }
    layer->overlap = nnom_shape_equal(in->shape, layer->out->shape) ? 0 : NNOM_NO_OVERLAP;
    layer->param = p;
    return NNOM_OK;
}

nnom_layer_t *nnom_binary_new(const nnom_class_t *cls, int32_t oshift)
{
    nnom_binary_layer_t *layer = nnom_layer_new(cls, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->oshift = oshift;
    return &layer->super;
}
