/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../rnn.h"

enum { GRU_UPDATE, GRU_RESET, GRU_CANDIDATE, GRU_SPARE };

static float gru_sigmoid_f32(const nnom_rnn_t *rnn, int32_t gate, int32_t i)
{
    return nnom_rnn_sigmoid_f32(nnom_rnn_gates_f32(rnn, gate)[i]);
}

static void gru_reset_state_f32(const nnom_rnn_t *rnn)
{
    const float *h = rnn->h;
    for (int32_t i = 0; i < rnn->units; i++) {
        nnom_rnn_gates_f32(rnn, GRU_SPARE)[i] = gru_sigmoid_f32(rnn, GRU_RESET, i) * h[i];
    }
}

static float gru_candidate_f32(const nnom_rnn_t *rnn, int32_t i)
{
    const bool after = rnn->p->reset_after != 0;
    const int32_t row = GRU_CANDIDATE * rnn->units + i;
    const float state = nnom_rnn_state_sum_f32(rnn, after ? rnn->h : nnom_rnn_gates_f32(rnn, GRU_SPARE), row);
    const float taken = after ? gru_sigmoid_f32(rnn, GRU_RESET, i) * state : state;
    return nnom_rnn_activate_f32(rnn->p->activation, nnom_rnn_input_sum_f32(rnn, row) + taken);
}

static void gru_step_f32(const nnom_rnn_t *rnn)
{
    float *h = rnn->h;
    float *candidates = nnom_rnn_gates_f32(rnn, GRU_CANDIDATE);
    nnom_rnn_gate_f32(rnn, GRU_UPDATE);
    nnom_rnn_gate_f32(rnn, GRU_RESET);
    if (!rnn->p->reset_after) {
        gru_reset_state_f32(rnn);
    }
    for (int32_t i = 0; i < rnn->units; i++) {
        candidates[i] = gru_candidate_f32(rnn, i);
    }
    for (int32_t i = 0; i < rnn->units; i++) {
        const float z = gru_sigmoid_f32(rnn, GRU_UPDATE, i);
        h[i] = z * h[i] + (1.0f - z) * candidates[i];
    }
}

NNOM_RNN_OPS(gru_f32, gru_step_f32, false, 4)
