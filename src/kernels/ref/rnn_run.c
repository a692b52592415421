/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Steps in order, states at both ends, and the rows of the output. */
#include "../rnn.h"

#include <string.h>

static bool rnn_is_float(const nnom_rnn_t *rnn)
{
    return rnn->state.type == NNOM_TYPE_F32;
}

static void rnn_set_matrices(nnom_rnn_t *rnn, const nnom_tensor_t *in)
{
    const nnom_rnn_param_t *p = rnn->p;
    const nnom_rnn_matrix_t input = {p->weights, p->bias, p->multiplier, p->shift, in->shape.w * in->shape.c, in->type};
    const nnom_rnn_matrix_t state = {p->recurrent,       p->recurrent_bias, p->recurrent_multiplier,
                                     p->recurrent_shift, p->units,          rnn->cell->state_type};
    rnn->input = input;
    rnn->state = state;
}

static nnom_rnn_t rnn_of(const nnom_call_t *call, const nnom_rnn_cell_t *cell)
{
    const nnom_rnn_param_t *p = call->node->param;
    const nnom_type_t inner = cell->state_type == NNOM_TYPE_F32 ? NNOM_TYPE_F32 : NNOM_TYPE_S16;
    const int32_t vector = nnom_rnn_vector(p->units, inner);
    uint8_t *scratch = nnom_call_scratch(call), *c = scratch + nnom_rnn_vector(p->units, cell->state_type);
    uint8_t *gates = cell->has_cell ? c + vector : c;
    nnom_rnn_t rnn = {.p = p,
                      .cell = cell,
                      .units = p->units,
                      .h = scratch,
                      .c = c,
                      .gates = gates,
                      .room = gates + cell->vectors * vector};
    rnn_set_matrices(&rnn, nnom_call_input(call, 0));
    return rnn;
}

/* ---- States ---- */

static size_t rnn_bytes(const nnom_rnn_t *rnn, bool cell)
{
    const nnom_type_t type = cell && !rnn_is_float(rnn) ? NNOM_TYPE_S16 : rnn->state.type;
    return (size_t)rnn->units * (type == NNOM_TYPE_F32 ? 4u : (type == NNOM_TYPE_S16 ? 2u : 1u));
}

static void rnn_begin(const nnom_call_t *call, const nnom_rnn_t *rnn)
{
    const bool given = call->node->input_count > 1;
    if (given) {
        memcpy(rnn->h, nnom_call_input_rows(call, 1).data, rnn_bytes(rnn, false));
    } else { /* int16 and float: zeros */
        memset(rnn->h, rnn->state.type == NNOM_TYPE_S8 ? rnn->p->hidden_zero_point : 0, rnn_bytes(rnn, false));
    }
    if (rnn->cell->has_cell && given) {
        memcpy(rnn->c, nnom_call_input_rows(call, 2).data, rnn_bytes(rnn, true));
    } else if (rnn->cell->has_cell) {
        memset(rnn->c, 0, rnn_bytes(rnn, true));
    }
}

static void rnn_leave(const nnom_call_t *call, uint32_t i, const void *state, size_t bytes)
{
    const uint16_t index = i < call->node->output_count ? nnom_node_output_index(call->node, i) : NNOM_NO_TENSOR;
    if (index != NNOM_NO_TENSOR) {
        memcpy(nnom_tensor_rows(&call->program->tensors[index], call->arena).data, state, bytes);
    }
}

/* ---- Output ---- */

static int32_t rnn_least(nnom_type_t type)
{
    return type == NNOM_TYPE_S8 ? INT8_MIN : INT16_MIN;
}

static int32_t rnn_state(const nnom_rnn_t *rnn, int32_t i)
{
    return rnn->state.type == NNOM_TYPE_S8 ? ((const int8_t *)rnn->h)[i] - rnn->p->hidden_zero_point
                                           : ((const int16_t *)rnn->h)[i];
}

/* h in the output's quantisation; as it is where both are the same (multiplier 0). */
static void rnn_write(const nnom_rnn_t *rnn, const nnom_tensor_t *out, uint8_t *row)
{
    const nnom_rnn_param_t *p = rnn->p;
    if (p->out_multiplier == 0) {
        memcpy(row, rnn->h, rnn_bytes(rnn, false));
        return;
    }
    const int32_t least = rnn_least(out->type);
    for (int32_t i = 0; i < rnn->units; i++) {
        const int32_t y = nnom_requantize(rnn_state(rnn, i), p->out_multiplier, p->out_shift) + out->zero_point;
        const int32_t limited = nnom_clamp_i32(y, least, -1 - least);
        if (out->type == NNOM_TYPE_S8) {
            ((int8_t *)row)[i] = (int8_t)limited;
        } else {
            ((int16_t *)(void *)row)[i] = (int16_t)limited;
        }
    }
}

/* A step: features to hidden state. */
static void rnn_take(nnom_rnn_t *rnn, const uint8_t *row)
{
    const nnom_rnn_sums_t *sums = rnn->cell->sums;
    rnn->x = sums != NULL && sums->features != NULL ? sums->features(rnn, row) : row;
    rnn->cell->step(rnn);
}

static void rnn_end(const nnom_call_t *call, const nnom_rnn_t *rnn, uint8_t *to)
{
    if (!rnn->p->sequence) {
        rnn_write(rnn, nnom_call_output(call), to);
    }
    rnn_leave(call, 1, rnn->h, rnn_bytes(rnn, false));
    rnn_leave(call, 2, rnn->c, rnn_bytes(rnn, true));
}

void nnom_rnn_run(const nnom_call_t *call, const nnom_rnn_cell_t *cell)
{
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int32_t steps = nnom_call_input(call, 0)->shape.h;
    nnom_rnn_t rnn = rnn_of(call, cell);
    const bool whole = (call->node->op->flags & NNOM_OP_WHOLE) != 0;
    const int32_t end = whole ? steps : call->y.hi;
    if (call->y.lo == 0) {
        rnn_begin(call, &rnn);
    }
    for (int32_t t = call->y.lo; t < end; t++) {
        rnn_take(&rnn, nnom_row(&from, rnn.p->backwards ? steps - 1 - t : t));
        if (rnn.p->sequence) {
            rnn_write(&rnn, nnom_call_output(call), nnom_row(&to, rnn.p->reversed ? steps - 1 - t : t));
        }
    }
    if (end == steps) {
        rnn_end(call, &rnn, to.data);
    }
}

/* ---- Rows ---- */

nnom_range_t nnom_rnn_window_all(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    (void)y;
    const nnom_range_t all = {0, nnom_node_input(program, node, input)->shape.h};
    return all;
}

nnom_range_t nnom_rnn_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    return input == 0 ? y : nnom_rnn_window_all(program, node, input, y);
}
