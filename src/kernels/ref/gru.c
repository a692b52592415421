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
    return rnn->cell->curves->sigmoid(nnom_gate_scaled(nnom_rnn_gates(rnn, gate)[i], 0));
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

/* The sums of the candidate: gates[SPARE] is free once U was multiplied with it. */
static void gru_candidates(const nnom_rnn_t *rnn)
{
    int16_t *to = nnom_rnn_gates(rnn, GRU_CANDIDATE), *spare = nnom_rnn_gates(rnn, GRU_SPARE);
    rnn->cell->sums->gate(rnn, &rnn->input, rnn->x, GRU_CANDIDATE, to, false);
    if (!rnn->p->reset_after) {
        gru_reset_state(rnn);
        nnom_rnn_state_gate(rnn, spare, GRU_CANDIDATE, to, true);
        return;
    }
    nnom_rnn_state_gate(rnn, rnn->h, GRU_CANDIDATE, spare, false);
    for (int32_t i = 0; i < rnn->units; i++) {
        to[i] = nnom_clamp_s16(to[i] + gru_product(gru_sigmoid(rnn, GRU_RESET, i), spare[i]));
    }
}

void nnom_gru_step(const nnom_rnn_t *rnn)
{
    int16_t *h = rnn->h;
    const int16_t *candidates = nnom_rnn_gates(rnn, GRU_CANDIDATE);
    nnom_rnn_gate(rnn, GRU_UPDATE);
    nnom_rnn_gate(rnn, GRU_RESET);
    gru_candidates(rnn);
    for (int32_t i = 0; i < rnn->units; i++) {
        const int32_t candidate = nnom_rnn_activate(rnn, candidates[i], 0);
        const int32_t z = gru_sigmoid(rnn, GRU_UPDATE, i);
        h[i] = (int16_t)((z * h[i] + (32768 - z) * candidate + (1 << 14)) >> 15); /* within 2^30 + 2^14 */
    }
}
