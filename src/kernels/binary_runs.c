/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "binary.h"

/* Where an input's pixels are: steps of 0 repeat a row, a pixel, a channel. */
typedef struct side {
    nnom_rows_t rows;
    int32_t y_step;
    int32_t x_bytes;
    int32_t step;
} side_t;

static side_t side_of(const nnom_call_t *call, uint32_t i)
{
    const nnom_tensor_t *in = nnom_call_input(call, i);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const side_t side = {nnom_call_input_rows(call, i), in->shape.h == out.h ? 1 : 0,
                         in->shape.w == out.w ? in->row_bytes / in->shape.w : 0, in->shape.c == out.c ? 1 : 0};
    return side;
}

static const uint8_t *side_at(const side_t *side, int32_t y, int32_t x)
{
    return nnom_row(&side->rows, y * side->y_step) + x * side->x_bytes;
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

/* True if rows up to `end` follow each other in memory, step by step with the output's. */
static bool follow(const side_t *side, int32_t end)
{
    return side->rows.rows >= end && side->y_step == side->step;
}

NNOM_SMALL void nnom_binary_runs(const nnom_call_t *call, void (*f)(const nnom_binary_run_t *run))
{
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    side_t a = side_of(call, 0), b = side_of(call, 1);
    const bool whole = whole_rows(call);
    if (whole) {
        a.step = a.rows.row_bytes == to.row_bytes ? 1 : 0;
        b.step = b.rows.row_bytes == to.row_bytes ? 1 : 0;
    }
    const bool one = whole && to.rows >= call->y.hi && follow(&a, call->y.hi) && follow(&b, call->y.hi);
    const int32_t runs = whole ? 1 : out->shape.w;
    const int32_t rows = one ? call->y.hi - call->y.lo : 1;
    nnom_binary_run_t run = {
        .param = call->node->param,
        .zero = {nnom_call_input(call, 0)->zero_point, nnom_call_input(call, 1)->zero_point, out->zero_point},
        .step_a = a.step,
        .step_b = b.step,
        .count = out->shape.w * out->shape.c / runs * rows};
    for (int32_t y = call->y.lo; y < call->y.hi; y += rows) {
        for (int32_t x = 0; x < runs; x++) {
            run.a = side_at(&a, y, x);
            run.b = side_at(&b, y, x);
            run.out = nnom_row(&to, y) + x * (to.row_bytes / runs);
            f(&run);
        }
    }
}

nnom_range_t nnom_binary_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    const nnom_range_t first = {0, 1};
    return nnom_node_input(program, node, input)->shape.h == 1 ? first : y;
}
