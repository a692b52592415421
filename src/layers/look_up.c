/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* LookUp: rows of a table, input 1 (n, w, c), by the indices of input 0: int32 (count, 1, 1). An embedding. */
#include <string.h>

#include "../run/move.h"
#include "elementwise.h"

/* A negative index counts from the end; what lies outside is taken as the nearest row. */
static int32_t row_of(int32_t index, int32_t rows)
{
    const int32_t i = index < 0 ? index + rows : index; /* no overflow: the signs differ */
    return i < 0 ? 0 : (i >= rows ? rows - 1 : i);
}

static void look_up_run(const nnom_call_t *call)
{
    const nnom_rows_t indices = nnom_call_input_rows(call, 0);
    const nnom_rows_t table = nnom_call_input_rows(call, 1);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t rows = nnom_call_input(call, 1)->shape.h;
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int32_t index;
        memcpy(&index, nnom_row(&indices, y), sizeof index);
        nnom_move(nnom_row(&to, y), nnom_row(&table, row_of(index, rows)), (size_t)to.row_bytes);
    }
}

static nnom_range_t look_up_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                   nnom_range_t y)
{
    const nnom_range_t all = {0, nnom_node_input(program, node, input)->shape.h};
    return input == 0 ? y : all;
}

extern const nnom_op_t nnom_look_up_op;
const nnom_op_t nnom_look_up_op = {look_up_run, look_up_window, 0, 0};

static nnom_status_t look_up_build(nnom_layer_t *layer)
{
    const nnom_tensor_t *indices = nnom_layer_in(layer, 0);
    const nnom_tensor_t *table = nnom_layer_in(layer, 1);
    nnom_layer_follow_quant(layer, table->scale, table->zero_point);
    layer->out->type = table->type;
    layer->out->shape = nnom_make_shape(indices->shape.h, table->shape.w, table->shape.c);
    layer->overlap = NNOM_NO_OVERLAP;
    NNOM_LAYER_SET_OP(layer, nnom_look_up_op, NNOM_COSTS_RUNS);
    if (indices->type != NNOM_TYPE_S32 || indices->shape.w != 1 || indices->shape.c != 1) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED,
                               "indices (%d, %d, %d) of type %d, expected (count, 1, 1) of int32",
                               (int)indices->shape.h, (int)indices->shape.w, (int)indices->shape.c, (int)indices->type);
    }
    if (table->type == NNOM_TYPE_S8 && !nnom_layer_same_quant(layer, 1)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "it only moves its table's values: their quantisation stays");
    }
    return NNOM_OK;
}

static const nnom_class_t look_up_class = {"LookUp", NULL, NULL, look_up_build, 2, 2, NNOM_CLASS_NO_SWAP};

nnom_layer_t *nnom_look_up(void)
{
    return nnom_layer_new(&look_up_class, sizeof(nnom_layer_t));
}
