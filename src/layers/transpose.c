/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <string.h>

#include "elementwise.h"

/* Axis i of the output is axis perm_i of the input; 0 rows, 1 columns, 2 channels. */
#define NNOM_TRANSPOSE_PARAM(I32, F32, GEOMETRY, ARRAY) I32(perm_h) I32(perm_w) I32(perm_c)
NNOM_PARAM_STRUCT(nnom_transpose_param, NNOM_TRANSPOSE_PARAM)
NNOM_PARAM_FIELDS(nnom_transpose_param, NNOM_TRANSPOSE_PARAM)

static void transpose_run(const nnom_call_t *call)
{
    const nnom_transpose_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_shape_t shape = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t pixel = in->row_bytes / in->shape.w;
    const int32_t bytes = pixel / in->shape.c;
    int32_t at[3]; /* index in the input */
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        uint8_t *out = nnom_row(&to, y);
        at[p->perm_h] = y;
        for (int32_t x = 0; x < shape.w; x++) {
            at[p->perm_w] = x;
            for (int32_t c = 0; c < shape.c; c++, out += bytes) {
                at[p->perm_c] = c;
                memcpy(out, nnom_row(&from, at[0]) + at[1] * pixel + at[2] * bytes, (size_t)bytes);
            }
        }
    }
}

extern const nnom_op_t nnom_transpose_op;
extern const nnom_op_t nnom_transpose_rows_op;
const nnom_op_t nnom_transpose_op = {transpose_run, nnom_window_all, 0, sizeof(nnom_transpose_param_t)};
/* Rows stay rows. */
const nnom_op_t nnom_transpose_rows_op = {transpose_run, NULL, 0, sizeof(nnom_transpose_param_t)};

typedef struct transpose_layer {
    nnom_layer_t super;
    nnom_shape_t perm;
    nnom_transpose_param_t param;
} transpose_layer_t;

/* In a model whose h and w were exchanged the axes 0 and 1 are, on both sides. */
static nnom_transpose_param_t transpose_oriented(nnom_shape_t perm, bool swapped)
{
    static const int32_t exchange[3] = {1, 0, 2};
    const nnom_transpose_param_t plain = {perm.h, perm.w, perm.c};
    const nnom_transpose_param_t exchanged = {exchange[perm.w], exchange[perm.h], exchange[perm.c]};
    return swapped ? exchanged : plain;
}

static nnom_status_t transpose_build(nnom_layer_t *layer)
{
    transpose_layer_t *transpose = (transpose_layer_t *)layer;
    const nnom_shape_t perm = transpose->perm;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const int32_t sides[3] = {in.h, in.w, in.c};
    const bool in_range = perm.h >= 0 && perm.h <= 2 && perm.w >= 0 && perm.w <= 2 && perm.c >= 0 && perm.c <= 2;
    if (!in_range || ((1 << perm.h) | (1 << perm.w) | (1 << perm.c)) != 7) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "axes (%d, %d, %d), expected 0, 1 and 2 in any order",
                               (int)perm.h, (int)perm.w, (int)perm.c);
    }
    const nnom_status_t status = nnom_layer_keep_quant(layer);
    if (status != NNOM_OK) {
        return status;
    }
    const nnom_transpose_param_t param = transpose_oriented(perm, layer->swapped);
    transpose->param = param;
    layer->param = &transpose->param;
    layer->out->shape = nnom_make_shape(sides[param.perm_h], sides[param.perm_w], sides[param.perm_c]);
    layer->overlap = NNOM_NO_OVERLAP;
    if (param.perm_h == 0) {
        NNOM_LAYER_SET_OP(layer, nnom_transpose_rows_op, NNOM_COSTS_CELLS);
        nnom_layer_overlap_rows(layer);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_transpose_op, NNOM_COSTS_CELLS);
    }
    return NNOM_OK;
}

static const nnom_class_t transpose_class = {
    "Transpose", "nnom_transpose_param", nnom_transpose_param_fields, transpose_build, 1, 1, 0};
static const nnom_class_t transpose_rows_class = {
    "Transpose", "nnom_transpose_param", nnom_transpose_param_fields, transpose_build, 1, 1, NNOM_CLASS_NO_SWAP};

nnom_layer_t *nnom_transpose(nnom_shape_t perm)
{
    transpose_layer_t *layer = nnom_layer_new(perm.h == 0 ? &transpose_class : &transpose_rows_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->perm = perm;
    return &layer->super;
}
