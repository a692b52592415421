/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../run/move.h"
#include "slice.h"

#include <string.h>

static nnom_range_t slice_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    const nnom_slice_param_t *p = node->param;
    const nnom_range_t rows = {p->begin_h + y.lo * p->step_h, p->begin_h + (y.hi - 1) * p->step_h + 1};
    (void)program;
    (void)input;
    return rows;
}

static void slice_pixel(const nnom_slice_param_t *p, const uint8_t *from, uint8_t *to, int32_t channels, int32_t bytes)
{
    from += p->begin_c * bytes;
    if (p->step_c == 1) {
        nnom_move(to, from, (size_t)(channels * bytes));
        return;
    }
    for (int32_t c = 0; c < channels; c++, from += p->step_c * bytes, to += bytes) {
        memcpy(to, from, (size_t)bytes);
    }
}

/* What is taken of a row lies side by side. */
static bool slice_moves_runs(const nnom_slice_param_t *p, nnom_shape_t in, nnom_shape_t out)
{
    return p->step_w == 1 && out.c == in.c && p->step_c == 1;
}

static void slice_run(const nnom_call_t *call)
{
    const nnom_slice_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_shape_t shape = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t pixel_bytes = in->row_bytes / in->shape.w;
    const int32_t bytes = pixel_bytes / in->shape.c;
    const bool runs = slice_moves_runs(p, in->shape, shape);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        const uint8_t *row = nnom_row(&from, p->begin_h + y * p->step_h) + p->begin_w * pixel_bytes;
        uint8_t *out = nnom_row(&to, y);
        if (runs) {
            nnom_move(out, row, (size_t)to.row_bytes);
            continue;
        }
        for (int32_t x = 0; x < shape.w; x++, row += p->step_w * pixel_bytes, out += shape.c * bytes) {
            slice_pixel(p, row, out, shape.c, bytes);
        }
    }
}

extern const nnom_op_t nnom_slice_op;
extern const nnom_op_t nnom_slice_backwards_op;
const nnom_op_t nnom_slice_op = {slice_run, slice_window, 0, sizeof(nnom_slice_param_t)};
/* Rows in descending order: windows must ascend with the output's rows, so it asks for all of them. */
const nnom_op_t nnom_slice_backwards_op = {slice_run, nnom_window_all, 0, sizeof(nnom_slice_param_t)};

static void slice_choose(nnom_layer_t *layer, const nnom_slice_param_t *param)
{
    if (slice_moves_runs(param, nnom_layer_in(layer, 0)->shape, layer->out->shape)) {
        NNOM_LAYER_SET_OP(layer, nnom_slice_op, NNOM_COSTS_RUNS);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_slice_op, NNOM_COSTS_PIXELS);
    }
}

nnom_status_t nnom_slice_build(nnom_layer_t *layer, const nnom_slice_param_t *param)
{
    const nnom_status_t status = nnom_layer_keep_quant(layer);
    if (status != NNOM_OK) {
        return status;
    }
    layer->param = param;
    if (param->step_h > 0) {
        slice_choose(layer, param);
        nnom_layer_overlap_rows(layer);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_slice_backwards_op, NNOM_COSTS_PIXELS);
        layer->overlap = NNOM_NO_OVERLAP;
    }
    return NNOM_OK;
}

/* ---- Slice ---- */

typedef struct slice_layer {
    nnom_layer_t super;
    nnom_shape_t begin;
    nnom_shape_t size;
    nnom_shape_t step;
    nnom_slice_param_t param;
} slice_layer_t;

static nnom_shape_t slice_oriented(const nnom_layer_t *layer, nnom_shape_t s)
{
    return layer->swapped ? nnom_make_shape(s.w, s.h, s.c) : s;
}

static bool slice_inside(int32_t begin, int32_t size, int32_t step, int32_t length)
{
    const int64_t last = begin + ((int64_t)size - 1) * step;
    return size >= 1 && begin >= 0 && begin < length && last >= 0 && last < length && step != 0;
}

/* Of one element any step is right; 1 keeps products small. */
static int32_t step_of(int32_t size, int32_t step)
{
    return size == 1 ? 1 : step;
}

static nnom_status_t slice_build(nnom_layer_t *layer)
{
    slice_layer_t *slice = (slice_layer_t *)layer;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const nnom_shape_t begin = slice_oriented(layer, slice->begin);
    const nnom_shape_t size = slice_oriented(layer, slice->size);
    const nnom_shape_t step = slice_oriented(layer, slice->step);
    if (!slice_inside(begin.h, size.h, step.h, in.h) || !slice_inside(begin.w, size.w, step.w, in.w) ||
        !slice_inside(begin.c, size.c, step.c, in.c)) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT,
                               "(%d, %d, %d) elements from (%d, %d, %d) on are not within its input (%d, %d, %d)",
                               (int)size.h, (int)size.w, (int)size.c, (int)begin.h, (int)begin.w, (int)begin.c,
                               (int)in.h, (int)in.w, (int)in.c);
    }
    const nnom_slice_param_t param = {
        begin.h, begin.w, begin.c, step_of(size.h, step.h), step_of(size.w, step.w), step_of(size.c, step.c),
    };
    slice->param = param;
    layer->out->shape = size;
    return nnom_slice_build(layer, &slice->param);
}

static const nnom_class_t slice_class = {"Slice", "nnom_slice_param", nnom_slice_param_fields, slice_build, 1, 1, 0};

nnom_layer_t *nnom_slice(nnom_shape_t begin, nnom_shape_t size, nnom_shape_t step)
{
    slice_layer_t *layer = nnom_layer_new(&slice_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->begin = begin;
    layer->size = size;
    layer->step = step;
    return &layer->super;
}
