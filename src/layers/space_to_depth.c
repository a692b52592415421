/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* SpaceToDepth: each block x block square of pixels becomes one pixel, row by row; DepthToSpace: the reverse. */
#include "../run/move.h"
#include "elementwise.h"

#define NNOM_BLOCK_PARAM(I32, F32, GEOMETRY, ARRAY) I32(block)
NNOM_PARAM_STRUCT(nnom_block_param, NNOM_BLOCK_PARAM)
NNOM_PARAM_FIELDS(nnom_block_param, NNOM_BLOCK_PARAM)

static int32_t block_of(const nnom_node_t *node)
{
    return ((const nnom_block_param_t *)node->param)->block;
}

static nnom_range_t space_to_depth_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                          nnom_range_t y)
{
    const nnom_range_t rows = {y.lo * block_of(node), y.hi * block_of(node)};
    (void)program;
    (void)input;
    return rows;
}

static nnom_range_t depth_to_space_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                          nnom_range_t y)
{
    const nnom_range_t rows = {y.lo / block_of(node), (y.hi - 1) / block_of(node) + 1};
    (void)program;
    (void)input;
    return rows;
}

static void space_to_depth_run(const nnom_call_t *call)
{
    const int32_t block = block_of(call->node);
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const int32_t width = nnom_call_output(call)->shape.w;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const size_t run = (size_t)block * ((size_t)in->row_bytes / (size_t)in->shape.w); /* pixels side by side */
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        uint8_t *out = nnom_row(&to, y);
        for (int32_t x = 0; x < width; x++) {
            for (int32_t k = 0; k < block; k++, out += run) {
                nnom_move(out, nnom_row(&from, y * block + k) + (size_t)x * run, run);
            }
        }
    }
}

static void depth_to_space_run(const nnom_call_t *call)
{
    const int32_t block = block_of(call->node);
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const size_t pixel = (size_t)in->row_bytes / (size_t)in->shape.w;
    const size_t run = pixel / (size_t)block;
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        const uint8_t *row = nnom_row(&from, y / block) + (size_t)(y % block) * run;
        uint8_t *out = nnom_row(&to, y);
        for (int32_t x = 0; x < in->shape.w; x++, row += pixel, out += run) {
            nnom_move(out, row, run);
        }
    }
}

extern const nnom_op_t nnom_space_to_depth_op;
extern const nnom_op_t nnom_depth_to_space_op;
const nnom_op_t nnom_space_to_depth_op = {space_to_depth_run, space_to_depth_window, 0, sizeof(nnom_block_param_t)};
const nnom_op_t nnom_depth_to_space_op = {depth_to_space_run, depth_to_space_window, 0, sizeof(nnom_block_param_t)};

/* ---- Build ---- */

enum { BLOCK_MAX = 1024 };

typedef struct block_layer {
    nnom_layer_t super;
    nnom_block_param_t param;
} block_layer_t;

static nnom_status_t space_to_depth_check(nnom_layer_t *layer, bool divides)
{
    const int32_t block = ((block_layer_t *)layer)->param.block;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    if (!divides || in.h > INT32_MAX / BLOCK_MAX || in.w > INT32_MAX / BLOCK_MAX ||
        in.c > INT32_MAX / BLOCK_MAX / BLOCK_MAX) {
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "blocks of %d (1 to %d) do not divide its input (%d, %d, %d)",
                               (int)block, BLOCK_MAX, (int)in.h, (int)in.w, (int)in.c);
    }
    layer->param = &((block_layer_t *)layer)->param;
    return nnom_layer_keep_quant(layer);
}

static nnom_status_t space_to_depth_build(nnom_layer_t *layer)
{
    const int32_t block = ((block_layer_t *)layer)->param.block;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const bool divides = block >= 1 && block <= BLOCK_MAX && in.h % block == 0 && in.w % block == 0;
    const nnom_status_t status = space_to_depth_check(layer, divides);
    if (status != NNOM_OK) {
        return status;
    }
    layer->out->shape = nnom_make_shape(in.h / block, in.w / block, in.c * block * block);
    NNOM_LAYER_SET_OP(layer, nnom_space_to_depth_op, [NNOM_COST_OUTPUT] = 13, [NNOM_COST_PIXEL] = 1010,
                      [NNOM_COST_ROW] = 390, [NNOM_COST_CALL] = 1200, [NNOM_RECORD_BYTES] = 1);
    nnom_layer_overlap_rows(layer);
    return NNOM_OK;
}

static nnom_status_t depth_to_space_build(nnom_layer_t *layer)
{
    const int32_t block = ((block_layer_t *)layer)->param.block;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const bool divides = block >= 1 && block <= BLOCK_MAX && in.c % (block * block) == 0;
    const nnom_status_t status = space_to_depth_check(layer, divides);
    if (status != NNOM_OK) {
        return status;
    }
    layer->out->shape = nnom_make_shape(in.h * block, in.w * block, in.c / (block * block));
    NNOM_LAYER_SET_OP(layer, nnom_depth_to_space_op, [NNOM_COST_OUTPUT] = 13, [NNOM_COST_PIXEL] = 160,
                      [NNOM_COST_ROW] = 560, [NNOM_COST_CALL] = 3500, [NNOM_RECORD_BYTES] = 1);
    nnom_layer_overlap_rows(layer);
    return NNOM_OK;
}

static const nnom_class_t space_to_depth_class = {
    "SpaceToDepth", "nnom_block_param", nnom_block_param_fields, space_to_depth_build, 1, 1, NNOM_CLASS_NO_SWAP};
static const nnom_class_t depth_to_space_class = {
    "DepthToSpace", "nnom_block_param", nnom_block_param_fields, depth_to_space_build, 1, 1, NNOM_CLASS_NO_SWAP};

static nnom_layer_t *space_to_depth_new_block(const nnom_class_t *cls, int32_t block)
{
    block_layer_t *layer = nnom_layer_new(cls, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->param.block = block;
    return &layer->super;
}

nnom_layer_t *nnom_space_to_depth(int32_t block)
{
    return space_to_depth_new_block(&space_to_depth_class, block);
}

nnom_layer_t *nnom_depth_to_space(int32_t block)
{
    return space_to_depth_new_block(&depth_to_space_class, block);
}
