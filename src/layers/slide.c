/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A window that slides over a series: the last rows that came. */
#include "../run/move.h"
#include "../build/graph.h"
#include "elementwise.h"

static void slide_run(const nnom_call_t *call)
{
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    const int32_t given = nnom_call_input(call, 0)->shape.h, rows = nnom_call_output(call)->shape.h;
    const int32_t kept = rows > given ? rows - given : 0;
    nnom_move_down(to.data, to.data + (size_t)(rows - kept) * (size_t)to.row_bytes,
                   (size_t)kept * (size_t)to.row_bytes);
    for (int32_t y = kept; y < rows; y++) {
        nnom_move(nnom_row(&to, y), nnom_row(&from, y + given - rows), (size_t)to.row_bytes);
    }
}

extern const nnom_op_t nnom_slide_op;
/* In one call: the rows move up once. */
const nnom_op_t nnom_slide_op = {slide_run, nnom_window_all, NNOM_OP_WHOLE, 0};

/* ---- In a ring: rows stay, and are counted from run to run (src/build/rings.c) ---- */

static void slide_ring_run(const nnom_call_t *call)
{
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    const int32_t given = nnom_call_input(call, 0)->shape.h;
    for (int32_t y = 0; y < given; y++) {
        nnom_move(nnom_row(&to, call->y.hi - given + y), nnom_row(&from, y), (size_t)to.row_bytes);
    }
}

extern const nnom_op_t nnom_slide_ring_op;
const nnom_op_t nnom_slide_ring_op = {slide_ring_run, nnom_window_all, NNOM_OP_WHOLE, 0};

const struct nnom_kernel *nnom_slide_ring(void)
{
    NNOM_PLAIN_KERNEL(ring, nnom_slide_ring_op, [NNOM_COST_MAC] = 13, [NNOM_COST_CALL] = 1600)
    return &ring_kernel;
}

/* ---- Build ---- */

static nnom_status_t slide_build(nnom_layer_t *layer)
{
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    if (layer->given->shape.h < 1) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "it keeps %d rows, expected 1 or more",
                               (int)layer->given->shape.h);
    }
    layer->out->shape = nnom_make_shape(layer->given->shape.h, in.w, in.c);
    layer->overlap = NNOM_NO_OVERLAP;
    NNOM_LAYER_SET_OP(layer, nnom_slide_op, [NNOM_COST_OUTPUT] = 13, [NNOM_COST_CALL] = 1200, [NNOM_RECORD_BYTES] = 1);
    return nnom_layer_keep_quant(layer);
}

static const nnom_class_t slide_class = {"Slide", NULL, NULL, slide_build, 1, 1, NNOM_CLASS_KEEPS | NNOM_CLASS_NO_SWAP};

nnom_layer_t *nnom_slide(int32_t rows)
{
    nnom_layer_t *layer = nnom_layer_new(&slide_class, sizeof *layer);
    if (layer != NULL) {
        nnom_layer_give_shape(layer, nnom_make_shape(rows, 0, 0));
    }
    return layer;
}
