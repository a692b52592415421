/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../rnn.h"

#include <math.h>

enum { LSTM_INPUT, LSTM_FORGET, LSTM_CELL, LSTM_OUTPUT };

static float lstm_gate_f32(const nnom_rnn_t *rnn, int32_t gate, int32_t i)
{
    return nnom_rnn_sigmoid_f32(nnom_rnn_gates_f32(rnn, gate)[i]);
}

static void lstm_step_f32(const nnom_rnn_t *rnn)
{
    const nnom_rnn_param_t *p = rnn->p;
    float *h = rnn->h, *c = rnn->c;
    for (int32_t gate = LSTM_INPUT; gate <= LSTM_OUTPUT; gate++) {
        nnom_rnn_gate_f32(rnn, gate);
    }
    for (int32_t i = 0; i < rnn->units; i++) {
        const float cell = nnom_rnn_activate_f32(p->activation, nnom_rnn_gates_f32(rnn, LSTM_CELL)[i]);
        c[i] = lstm_gate_f32(rnn, LSTM_FORGET, i) * c[i] + lstm_gate_f32(rnn, LSTM_INPUT, i) * cell;
        if (p->clip_f > 0.0f) {
            c[i] = fminf(fmaxf(c[i], -p->clip_f), p->clip_f);
        }
        h[i] = lstm_gate_f32(rnn, LSTM_OUTPUT, i) * nnom_rnn_activate_f32(p->activation, c[i]);
    }
}

NNOM_RNN_OPS(lstm_f32, lstm_step_f32, true, 4)
