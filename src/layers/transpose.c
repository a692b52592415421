/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <string.h>

#include "../run/move.h"
#include "elementwise.h"

/* Axis i of the output is axis perm_i of the input; 0 rows, 1 columns, 2 channels. */
#define NNOM_TRANSPOSE_PARAM(I32, F32, GEOMETRY, ARRAY) I32(perm_h) I32(perm_w) I32(perm_c)
NNOM_PARAM_STRUCT(nnom_transpose_param, NNOM_TRANSPOSE_PARAM)
NNOM_PARAM_FIELDS(nnom_transpose_param, NNOM_TRANSPOSE_PARAM)

/* Bytes between neighbours along an axis of the input. Rows, which may lie in a ring, are asked for one by one. */
typedef struct transpose_steps {
    int32_t along[3];
    int32_t bytes; /* of what is moved at once */
    int32_t count; /* of these in a pixel of the output */
} transpose_steps_t;

static transpose_steps_t transpose_steps(const nnom_transpose_param_t *p, const nnom_tensor_t *in)
{
    const int32_t pixel = in->row_bytes / in->shape.w, element = pixel / in->shape.c;
    const int32_t sides[3] = {in->shape.h, in->shape.w, in->shape.c};
    const bool keeps_channels = p->perm_c == 2;
    const transpose_steps_t steps = {
        {0, pixel, element}, keeps_channels ? pixel : element, keeps_channels ? 1 : sides[p->perm_c]};
    return steps;
}

/* A pixel whose elements are neighbours along the input's columns or channels, from `in` on. */
static void transpose_gather(uint8_t *out, const uint8_t *in, int32_t step, const transpose_steps_t *s)
{
    if (s->bytes == 1) {
        for (int32_t c = 0; c < s->count; c++, in += step) {
            *out++ = *in;
        }
        return;
    }
    if (s->bytes == 4) {
        for (int32_t c = 0; c < s->count; c++, in += step, out += 4) {
            memcpy(out, in, 4);
        }
        return;
    }
    for (int32_t c = 0; c < s->count; c++, in += step, out += s->bytes) {
        nnom_move(out, in, (size_t)s->bytes);
    }
}

/* A pixel whose elements come from one row each. */
static void transpose_gather_rows(uint8_t *out, const nnom_rows_t *from, int32_t offset, const transpose_steps_t *s)
{
    for (int32_t c = 0; c < s->count; c++, out += s->bytes) {
        const uint8_t *in = nnom_row(from, c) + offset;
        if (s->bytes == 1) {
            *out = *in;
        } else {
            nnom_move(out, in, (size_t)s->bytes);
        }
    }
}

static void transpose_row(const nnom_transpose_param_t *p, const nnom_rows_t *from, int32_t y, int32_t width,
                          const transpose_steps_t *s, uint8_t *out)
{
    int32_t at[3] = {0, 0, 0}; /* index in the input */
    at[p->perm_h] = y;
    for (int32_t x = 0; x < width; x++, out += s->count * s->bytes) {
        at[p->perm_w] = x;
        const int32_t offset = at[1] * s->along[1] + at[2] * s->along[2];
        if (p->perm_c == 0) {
            transpose_gather_rows(out, from, offset, s);
        } else {
            transpose_gather(out, nnom_row(from, at[0]) + offset, s->along[p->perm_c], s);
        }
    }
}

static void transpose_run(const nnom_call_t *call)
{
    const nnom_transpose_param_t *p = call->node->param;
    const transpose_steps_t steps = transpose_steps(p, nnom_call_input(call, 0));
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        transpose_row(p, &from, y, nnom_call_output(call)->shape.w, &steps, nnom_row(&to, y));
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

/* Pixels are moved as they are, or gathered from pixels of one row, or from rows. */
#define TRANSPOSE_SET_OP(layer, perm_c, op)                                                                            \
    do {                                                                                                               \
        if ((perm_c) == 2) {                                                                                           \
            NNOM_LAYER_SET_OP(layer, op, [NNOM_COST_OUTPUT] = 12, [NNOM_COST_PIXEL] = 1090, [NNOM_COST_ROW] = 700,     \
                              [NNOM_COST_CALL] = 1200, [NNOM_RECORD_BYTES] = 1);                                       \
        } else if ((perm_c) == 1) {                                                                                    \
            NNOM_LAYER_SET_OP(                                                                                         \
                layer,                                                                                                 \
                op, [NNOM_COST_OUTPUT] = 80, [NNOM_COST_PIXEL] = 610, [NNOM_COST_ROW] = 656, [NNOM_COST_CALL] = 1200); \
        } else {                                                                                                       \
            NNOM_LAYER_SET_OP(layer, op, [NNOM_COST_OUTPUT] = 272, [NNOM_COST_PIXEL] = 464, [NNOM_COST_ROW] = 656,     \
                              [NNOM_COST_CALL] = 1200);                                                                \
        }                                                                                                              \
    } while (0)

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
        TRANSPOSE_SET_OP(layer, param.perm_c, nnom_transpose_rows_op);
        nnom_layer_overlap_rows(layer);
    } else {
        TRANSPOSE_SET_OP(layer, param.perm_c, nnom_transpose_op);
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
