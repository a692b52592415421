/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Steps in order, states at both ends, and the rows of the output. */
#include "../rnn.h"

#include <string.h>

static bool rnn_is_float(const nnom_rnn_t *rnn)
{
    return rnn->state_type == NNOM_TYPE_F32;
}

static nnom_rnn_t rnn_of(const nnom_call_t *call, const nnom_gates_t *curves, nnom_type_t state_type, bool has_cell)
{
    const nnom_rnn_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_type_t cell_type = state_type == NNOM_TYPE_F32 ? NNOM_TYPE_F32 : NNOM_TYPE_S16;
    uint8_t *scratch = nnom_call_scratch(call);
    uint8_t *c = scratch + nnom_rnn_vector(p->units, state_type);
    const nnom_rnn_t rnn = {.p = p,
                            .curves = curves,
                            .units = p->units,
                            .features = in->shape.w * in->shape.c,
                            .in_type = in->type,
                            .state_type = state_type,
                            .h = scratch,
                            .c = c,
                            .gates = has_cell ? c + nnom_rnn_vector(p->units, cell_type) : c};
    return rnn;
}

/* ---- States ---- */

static size_t rnn_bytes(const nnom_rnn_t *rnn, bool cell)
{
    const nnom_type_t type = cell && !rnn_is_float(rnn) ? NNOM_TYPE_S16 : rnn->state_type;
    return (size_t)rnn->units * (type == NNOM_TYPE_F32 ? 4u : (type == NNOM_TYPE_S16 ? 2u : 1u));
}

static void rnn_begin(const nnom_call_t *call, const nnom_rnn_t *rnn, bool has_cell)
{
    const bool given = call->node->input_count > 1;
    if (given) {
        memcpy(rnn->h, nnom_call_input_rows(call, 1).data, rnn_bytes(rnn, false));
    } else { /* int16 and float: zeros */
        memset(rnn->h, rnn->state_type == NNOM_TYPE_S8 ? rnn->p->hidden_zero_point : 0, rnn_bytes(rnn, false));
    }
    if (has_cell && given) {
        memcpy(rnn->c, nnom_call_input_rows(call, 2).data, rnn_bytes(rnn, true));
    } else if (has_cell) {
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
    return rnn->state_type == NNOM_TYPE_S8 ? ((const int8_t *)rnn->h)[i] - rnn->p->hidden_zero_point
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

void nnom_rnn_run(const nnom_call_t *call, nnom_rnn_step_t step, const nnom_gates_t *curves, nnom_type_t state_type,
                  bool has_cell)
{
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_tensor_t *out = nnom_call_output(call);
    const int32_t steps = nnom_call_input(call, 0)->shape.h;
    nnom_rnn_t rnn = rnn_of(call, curves, state_type, has_cell);
    const bool whole = (call->node->op->flags & NNOM_OP_WHOLE) != 0;
    const int32_t end = whole ? steps : call->y.hi;
    if (call->y.lo == 0) {
        rnn_begin(call, &rnn, has_cell);
    }
    for (int32_t t = call->y.lo; t < end; t++) {
        rnn.x = nnom_row(&from, rnn.p->backwards ? steps - 1 - t : t);
        step(&rnn);
        if (rnn.p->sequence) {
            rnn_write(&rnn, out, nnom_row(&to, rnn.p->reversed ? steps - 1 - t : t));
        }
    }
    if (end == steps) {
        if (!rnn.p->sequence) {
            rnn_write(&rnn, out, to.data);
        }
        rnn_leave(call, 1, rnn.h, rnn_bytes(&rnn, false));
        rnn_leave(call, 2, rnn.c, rnn_bytes(&rnn, true));
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
