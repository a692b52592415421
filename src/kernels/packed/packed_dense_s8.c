/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Dense: four units at a time (block.h). */
#include "../fixed.h"
#include "../ref/window.h"
#include "block.h"
#include "pack.h"

/* Rows of the input, as many as lie in memory at once: all of them in one run if the input is no ring. */
typedef struct part {
    nnom_walk_t walk;
    int32_t runs;
    int32_t length; /* elements of a run */
} part_t;

static part_t packed_dense_part_s8(const nnom_call_t *call)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const int32_t row = in->shape.w * in->shape.c;
    const int32_t rows = call->y.hi - call->y.lo;
    const bool whole = from.rows >= in->shape.h;
    const part_t result = {nnom_walk(&from, call->y.lo, 1), whole ? 1 : rows, whole ? rows * row : row};
    return result;
}

/* w: weights of the block's first tap in the part. */
static void sum(const part_t *part, int32_t *acc, const uint8_t *w, int32_t width)
{
    nnom_walk_t walk = part->walk;
    for (int32_t i = 0; i < part->runs; i++, w += part->length * width, nnom_walk_down(&walk)) {
        nnom_block(acc, (const int8_t *)nnom_walk_row(&walk), w, part->length, width);
    }
}

static int32_t excess_of(const part_t *part)
{
    nnom_walk_t walk = part->walk;
    int32_t excess = 0;
    for (int32_t i = 0; i < part->runs; i++, nnom_walk_down(&walk)) {
        excess += nnom_block_excess((const int8_t *)nnom_walk_row(&walk), part->length);
    }
    return excess;
}

void nnom_dense_s8_packed(const nnom_call_t *call)
{
    const nnom_packed_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_tensor_t *out = nnom_call_output(call);
    const int32_t row = in->shape.w * in->shape.c, taps = in->shape.h * row;
    const part_t rows = packed_dense_part_s8(call);
    const int32_t excess = excess_of(&rows);
    const uint8_t *weights = p->weights;
    int32_t *sums = nnom_call_scratch(call); /* of the rows before; untouched if all rows come at once */
    const int32_t *start = call->y.lo == 0 ? (const int32_t *)p->bias : sums;
    int8_t *result = (int8_t *)nnom_call_output_rows(call).data;
    for (int32_t o = 0, width; o < out->shape.c; o += width, weights += taps * width) {
        int32_t acc[NNOM_PACKED_BLOCK];
        width = nnom_min_i32(NNOM_PACKED_BLOCK, out->shape.c - o);
        for (int32_t i = 0; i < width; i++) {
            acc[i] = start[o + i] - excess;
        }
        sum(&rows, acc, weights + call->y.lo * row * width, width);
        if (call->y.hi == in->shape.h) {
            nnom_packed_channels(p, o, out->zero_point, acc, width, result + o);
            continue;
        }
        nnom_block_keep(sums + o, acc, width);
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_packed_param, NNOM_PACKED_PARAM)

static nnom_status_t packed_dense_pack_s8(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    if (!nnom_packed_fits(conv) || conv->taps > NNOM_BLOCK_TAPS) {
        return NNOM_UNSUPPORTED;
    }
    nnom_packed_param_t *p = nnom_packed_param(conv);
    if (p == NULL || (p->weights = nnom_packed_blocks(conv, NNOM_BLOCK_OFFSET)) == NULL) {
        return nnom_packed_no_memory(layer);
    }
    nnom_packed_register(conv, p, NNOM_TYPE_U8, 0);
    return nnom_dense_scratch(conv);
}

NNOM_FORM(dense_s8_packed, nnom_window_all, NNOM_OP_REDUCES, nnom_packed_param, packed_dense_pack_s8)
