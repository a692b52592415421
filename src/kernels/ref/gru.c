/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* GRU in integers: hidden state and gates int16. */
#include "../rnn.h"

enum { GRU_UPDATE, GRU_RESET, GRU_CANDIDATE, GRU_SPARE };

/* Q15 times x, rounded half up. */
static int16_t gru_product(int16_t gate, int32_t x)
{
    return (int16_t)((gate * x + (1 << 14)) >> 15);
}

static int16_t gru_sigmoid(const nnom_rnn_t *rnn, int32_t gate, int32_t i)
{
    return rnn->curves->sigmoid(nnom_gate_scaled(nnom_rnn_gates(rnn, gate)[i], 0));
}

/* gates[SPARE] = r * h: what U is multiplied with, where the reset comes before. */
static void gru_reset_state(const nnom_rnn_t *rnn)
{
    const int16_t *h = rnn->h;
    int16_t *to = nnom_rnn_gates(rnn, GRU_SPARE);
    for (int32_t i = 0; i < rnn->units; i++) {
        to[i] = gru_product(gru_sigmoid(rnn, GRU_RESET, i), h[i]);
    }
}

static int16_t gru_candidate(const nnom_rnn_t *rnn, int32_t i)
{
    const bool after = rnn->p->reset_after != 0;
    const int32_t row = GRU_CANDIDATE * rnn->units + i;
    const void *v = after ? rnn->h : nnom_rnn_gates(rnn, GRU_SPARE);
    const int16_t state = nnom_clamp_s16(nnom_rnn_state_sum(rnn, v, row, GRU_CANDIDATE));
    const int32_t taken = after ? gru_product(gru_sigmoid(rnn, GRU_RESET, i), state) : state;
    const int32_t x = nnom_clamp_s16(nnom_rnn_input_sum(rnn, row, GRU_CANDIDATE));
    return nnom_rnn_activate(rnn, nnom_clamp_s16(x + taken), 0);
}

static void gru_step(const nnom_rnn_t *rnn)
{
    int16_t *h = rnn->h;
    int16_t *candidates = nnom_rnn_gates(rnn, GRU_CANDIDATE);
    nnom_rnn_gate(rnn, GRU_UPDATE);
    nnom_rnn_gate(rnn, GRU_RESET);
    if (!rnn->p->reset_after) {
        gru_reset_state(rnn);
    }
    for (int32_t i = 0; i < rnn->units; i++) {
        candidates[i] = gru_candidate(rnn, i);
    }
    for (int32_t i = 0; i < rnn->units; i++) {
        const int32_t z = gru_sigmoid(rnn, GRU_UPDATE, i);
        h[i] = (int16_t)((z * h[i] + (32768 - z) * candidates[i] + (1 << 14)) >> 15); /* within 2^30 + 2^14 */
    }
}

NNOM_RNN_OPS(gru_s16, gru_step, &nnom_gates_fine, NNOM_TYPE_S16, false)
