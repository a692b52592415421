/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../run/move.h"
#include "pick.h"

#include <string.h>

static int32_t pick_at(const void *table, int32_t i)
{
    return table != NULL ? ((const int16_t *)table)[i] : i;
}

/* For rows in ascending order. */
static nnom_range_t pick_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    const nnom_pick_param_t *p = node->param;
    const nnom_range_t rows = {pick_at(p->rows, y.lo), pick_at(p->rows, y.hi - 1) + 1};
    (void)program;
    (void)input;
    return rows;
}

static void pick_pixel(const nnom_pick_param_t *p, const uint8_t *from, uint8_t *to, int32_t channels, size_t bytes)
{
    if (p->channels == NULL) {
        nnom_move(to, from, (size_t)channels * bytes);
        return;
    }
    for (int32_t c = 0; c < channels; c++, to += bytes) {
        memcpy(to, from + (size_t)pick_at(p->channels, c) * bytes, bytes);
    }
}

static void pick_run(const nnom_call_t *call)
{
    const nnom_pick_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_shape_t shape = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const size_t in_pixel = (size_t)in->row_bytes / (size_t)in->shape.w;
    const size_t bytes = in_pixel / (size_t)in->shape.c;
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        const uint8_t *row = nnom_row(&from, pick_at(p->rows, y));
        uint8_t *out = nnom_row(&to, y);
        if (p->columns == NULL && p->channels == NULL) {
            nnom_move(out, row, (size_t)to.row_bytes);
            continue;
        }
        for (int32_t x = 0; x < shape.w; x++, out += (size_t)shape.c * bytes) {
            pick_pixel(p, row + (size_t)pick_at(p->columns, x) * in_pixel, out, shape.c, bytes);
        }
    }
}

extern const nnom_op_t nnom_pick_op;
extern const nnom_op_t nnom_pick_any_op;
const nnom_op_t nnom_pick_op = {pick_run, pick_window, 0, sizeof(nnom_pick_param_t)};
/* Rows in any order. */
const nnom_op_t nnom_pick_any_op = {pick_run, nnom_window_all, 0, sizeof(nnom_pick_param_t)};

/* ---- Build ---- */

static bool make_table(nnom_layer_t *layer, int32_t axis, int32_t length, nnom_pick_index_t index, const void **to)
{
    int16_t *table = nnom_layer_alloc(layer, (size_t)length, sizeof(int16_t));
    for (int32_t i = 0; table != NULL && i < length; i++) {
        table[i] = (int16_t)index(layer, axis, i);
    }
    *to = table;
    return table != NULL;
}

static bool pick_ascending(const void *table, int32_t n)
{
    for (int32_t i = 1; i < n; i++) {
        if (pick_at(table, i) < pick_at(table, i - 1)) {
            return false;
        }
    }
    return true;
}

static bool pick_small(nnom_shape_t s, uint32_t axes)
{
    return ((axes & 1u) == 0 || s.h <= NNOM_PICK_MAX) && ((axes & 2u) == 0 || s.w <= NNOM_PICK_MAX) &&
           ((axes & 4u) == 0 || s.c <= NNOM_PICK_MAX);
}

/* What is moved at once costs little. */
#define PICK_SET_OP(layer, tables, op)                                                                                 \
    do {                                                                                                               \
        if ((tables)[2] != NULL) {                                                                                     \
            NNOM_LAYER_SET_OP(layer, op, NNOM_COSTS_CELLS);                                                            \
        } else if ((tables)[1] != NULL) {                                                                              \
            NNOM_LAYER_SET_OP(layer, op, NNOM_COSTS_PIXELS);                                                           \
        } else {                                                                                                       \
            NNOM_LAYER_SET_OP(layer, op, NNOM_COSTS_RUNS);                                                             \
        }                                                                                                              \
    } while (0)

nnom_status_t nnom_pick_build(nnom_pick_layer_t *pick, uint32_t axes, nnom_pick_index_t index)
{
    nnom_layer_t *layer = &pick->super;
    const nnom_shape_t out = layer->out->shape;
    const int32_t sides[3] = {out.h, out.w, out.c};
    const void *tables[3] = {NULL, NULL, NULL};
    const nnom_status_t status = nnom_layer_keep_quant(layer);
    if (status != NNOM_OK) {
        return status;
    }
    if (!pick_small(out, axes) || !pick_small(nnom_layer_in(layer, 0)->shape, axes)) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "a side of its input or output is over %d", NNOM_PICK_MAX);
    }
    for (int32_t axis = 0; axis < 3; axis++) {
        if ((axes & (1u << axis)) != 0 && !make_table(layer, axis, sides[axis], index, &tables[axis])) {
            return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for a table of %d indices", (int)sides[axis]);
        }
    }
    pick->param.rows = nnom_layer_array(layer, tables[0], (uint32_t)out.h, NNOM_TYPE_S16);
    pick->param.columns = nnom_layer_array(layer, tables[1], (uint32_t)out.w, NNOM_TYPE_S16);
    pick->param.channels = nnom_layer_array(layer, tables[2], (uint32_t)out.c, NNOM_TYPE_S16);
    layer->param = &pick->param;
    if (pick_ascending(tables[0], out.h)) {
        PICK_SET_OP(layer, tables, nnom_pick_op);
        nnom_layer_overlap_rows(layer);
    } else {
        PICK_SET_OP(layer, tables, nnom_pick_any_op);
        layer->overlap = NNOM_NO_OVERLAP;
    }
    return NNOM_OK;
}
