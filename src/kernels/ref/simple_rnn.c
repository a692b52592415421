/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../rnn.h"

void nnom_simple_rnn_step(const nnom_rnn_t *rnn)
{
    int16_t *h = rnn->h;
    const int16_t *sums = nnom_rnn_gates(rnn, 0);
    nnom_rnn_gate(rnn, 0);
    for (int32_t i = 0; i < rnn->units; i++) {
        h[i] = nnom_rnn_activate(rnn, sums[i], 0);
    }
}

static void simple_rnn_step_f32(const nnom_rnn_t *rnn)
{
    float *h = rnn->h;
    const float *sums = nnom_rnn_gates_f32(rnn, 0);
    nnom_rnn_gate_f32(rnn, 0);
    for (int32_t i = 0; i < rnn->units; i++) {
        h[i] = nnom_rnn_activate_f32(rnn->p->activation, sums[i]);
    }
}

NNOM_RNN_OPS(simple_rnn_f32, simple_rnn_step_f32, false, 1)
