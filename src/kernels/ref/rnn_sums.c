/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Rows of matrices times features or states. */
#include "dot.h"
#include "../kernels.h"
#include "../rnn.h"

#include <math.h>

static int32_t rnn_sum(const nnom_rnn_t *rnn, const nnom_rnn_matrix_t *m, const void *v, int32_t gate, int32_t i)
{
    const int32_t row = gate * rnn->units + i, at = nnom_rnn_at(rnn, gate, i);
    const int8_t *w = (const int8_t *)m->weights + (size_t)row * (size_t)m->columns;
    const int32_t bias = m->bias != NULL ? ((const int32_t *)m->bias)[row] : 0;
    if (m->type == NNOM_TYPE_S8) {
        return nnom_requantize(nnom_dot_s8(bias, v, w, m->columns), m->multiplier[at], m->shift[at]);
    }
    return nnom_requantize_wide(nnom_dot_s16(bias, v, w, m->columns), m->multiplier[at], m->shift[at]);
}

static void rnn_sums(const nnom_rnn_t *rnn, const nnom_rnn_matrix_t *m, const void *v, int32_t gate, int16_t *to,
                     bool adds)
{
    for (int32_t i = 0; i < rnn->units; i++) {
        to[i] = nnom_rnn_added(adds ? to[i] : 0, rnn_sum(rnn, m, v, gate, i));
    }
}

static const nnom_rnn_sums_t ref_sums = {rnn_sums, NULL};

NNOM_RNN_KERNELS(ref, &ref_sums)

void nnom_rnn_state_gate(const nnom_rnn_t *rnn, const void *v, int32_t gate, int16_t *to, bool adds)
{
    rnn->cell->sums->gate(rnn, &rnn->state, v, gate, to, adds);
}

void nnom_rnn_gate(const nnom_rnn_t *rnn, int32_t gate)
{
    int16_t *to = nnom_rnn_gates(rnn, gate);
    rnn->cell->sums->gate(rnn, &rnn->input, rnn->x, gate, to, false);
    nnom_rnn_state_gate(rnn, rnn->h, gate, to, true);
}

int16_t nnom_rnn_activate(const nnom_rnn_t *rnn, int16_t x, int32_t shift)
{
    switch (rnn->p->activation) {
    case NNOM_RNN_TANH:
        return rnn->cell->curves->tanh(nnom_gate_scaled(x, shift));
    case NNOM_RNN_SIGMOID:
        return rnn->cell->curves->sigmoid(nnom_gate_scaled(x, shift));
    case NNOM_RNN_RELU:
        return x > 0 ? x : 0;
    default:
        return x;
    }
}

/* ---- Float ---- */

static float rnn_bias_f32(const void *bias, int32_t row)
{
    return bias != NULL ? ((const float *)bias)[row] : 0.0f;
}

float nnom_rnn_input_sum_f32(const nnom_rnn_t *rnn, int32_t row)
{
    const float *w = (const float *)rnn->p->weights + (size_t)row * (size_t)rnn->input.columns;
    return nnom_dot_f32(rnn_bias_f32(rnn->p->bias, row), rnn->x, w, rnn->input.columns);
}

float nnom_rnn_state_sum_f32(const nnom_rnn_t *rnn, const float *v, int32_t row)
{
    const float *u = (const float *)rnn->p->recurrent + (size_t)row * (size_t)rnn->units;
    return nnom_dot_f32(rnn_bias_f32(rnn->p->recurrent_bias, row), v, u, rnn->units);
}

void nnom_rnn_gate_f32(const nnom_rnn_t *rnn, int32_t gate)
{
    float *to = nnom_rnn_gates_f32(rnn, gate);
    for (int32_t i = 0; i < rnn->units; i++) {
        const int32_t row = gate * rnn->units + i;
        to[i] = nnom_rnn_input_sum_f32(rnn, row) + nnom_rnn_state_sum_f32(rnn, rnn->h, row);
    }
}

float nnom_rnn_sigmoid_f32(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

float nnom_rnn_activate_f32(int32_t activation, float x)
{
    switch (activation) {
    case NNOM_RNN_TANH:
        return tanhf(x);
    case NNOM_RNN_SIGMOID:
        return nnom_rnn_sigmoid_f32(x);
    case NNOM_RNN_RELU:
        return x > 0.0f ? x : 0.0f;
    default:
        return x;
    }
}
