/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* LSTM in integers: the hidden state int8 or int16, the cell int16. */
#include "../rnn.h"

enum { LSTM_INPUT, LSTM_FORGET, LSTM_CELL, LSTM_OUTPUT };

/* Q15 times Q15 or the cell: |a b| <= 2^30. */
static int16_t lstm_product(int16_t a, int16_t b, int32_t multiplier, int32_t shift)
{
    return nnom_clamp_s16(nnom_requantize(a * b, multiplier, shift));
}

static int16_t lstm_clipped(int16_t c, int32_t clip)
{
    return clip > 0 ? (int16_t)nnom_clamp_i32(c, -clip, clip) : c;
}

static int16_t lstm_cell(const nnom_rnn_t *rnn, int32_t i)
{
    const nnom_rnn_param_t *p = rnn->p;
    const int16_t forget = rnn->cell->curves->sigmoid(nnom_gate_scaled(nnom_rnn_gates(rnn, LSTM_FORGET)[i], 0));
    const int16_t input = rnn->cell->curves->sigmoid(nnom_gate_scaled(nnom_rnn_gates(rnn, LSTM_INPUT)[i], 0));
    const int16_t cell = nnom_rnn_activate(rnn, nnom_rnn_gates(rnn, LSTM_CELL)[i], 0);
    const int16_t kept = lstm_product(forget, ((const int16_t *)rnn->c)[i], p->forget_multiplier, p->forget_shift);
    const int16_t taken = lstm_product(input, cell, p->input_multiplier, p->input_shift);
    return lstm_clipped(nnom_clamp_s16(kept + taken), p->clip);
}

static int32_t lstm_hidden(const nnom_rnn_t *rnn, int32_t i)
{
    const nnom_rnn_param_t *p = rnn->p;
    const int16_t output = rnn->cell->curves->sigmoid(nnom_gate_scaled(nnom_rnn_gates(rnn, LSTM_OUTPUT)[i], 0));
    const int16_t cell = nnom_rnn_activate(rnn, ((const int16_t *)rnn->c)[i], p->tanh_shift);
    return nnom_requantize(cell * output, p->hidden_multiplier, p->hidden_shift) + p->hidden_zero_point;
}

void nnom_lstm_step(const nnom_rnn_t *rnn)
{
    for (int32_t gate = LSTM_INPUT; gate <= LSTM_OUTPUT; gate++) {
        nnom_rnn_gate(rnn, gate);
    }
    for (int32_t i = 0; i < rnn->units; i++) {
        ((int16_t *)rnn->c)[i] = lstm_cell(rnn, i);
        const int32_t h = lstm_hidden(rnn, i);
        if (rnn->state.type == NNOM_TYPE_S8) {
            ((int8_t *)rnn->h)[i] = (int8_t)nnom_clamp_i32(h, INT8_MIN, INT8_MAX);
        } else {
            ((int16_t *)rnn->h)[i] = nnom_clamp_s16(h);
        }
    }
}
