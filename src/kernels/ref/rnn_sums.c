/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Rows of matrices times features or states. */
#include "dot.h"
#include "../rnn.h"

#include <math.h>

static int32_t rnn_at(const nnom_rnn_t *rnn, int32_t row, int32_t gate)
{
    return rnn->p->per_unit ? row : gate;
}

int32_t nnom_rnn_input_sum(const nnom_rnn_t *rnn, int32_t row, int32_t gate)
{
    const nnom_rnn_param_t *p = rnn->p;
    const int8_t *w = (const int8_t *)p->weights + (size_t)row * (size_t)rnn->features;
    const int32_t at = rnn_at(rnn, row, gate);
    const int32_t multiplier = ((const int32_t *)p->multiplier)[at];
    const int32_t shift = ((const int8_t *)p->shift)[at];
    const int32_t bias = p->bias != NULL ? ((const int32_t *)p->bias)[row] : 0;
    if (rnn->in_type == NNOM_TYPE_S8) {
        return nnom_requantize(nnom_dot_s8(bias, rnn->x, w, rnn->features), multiplier, shift);
    }
    return nnom_requantize_wide(nnom_dot_s16(bias, rnn->x, w, rnn->features), multiplier, shift);
}

int32_t nnom_rnn_state_sum(const nnom_rnn_t *rnn, const void *v, int32_t row, int32_t gate)
{
    const nnom_rnn_param_t *p = rnn->p;
    const int8_t *u = (const int8_t *)p->recurrent + (size_t)row * (size_t)rnn->units;
    const int32_t at = rnn_at(rnn, row, gate);
    const int32_t multiplier = ((const int32_t *)p->recurrent_multiplier)[at];
    const int32_t shift = ((const int8_t *)p->recurrent_shift)[at];
    const int32_t bias = p->recurrent_bias != NULL ? ((const int32_t *)p->recurrent_bias)[row] : 0;
    if (rnn->state_type == NNOM_TYPE_S8) {
        return nnom_requantize(nnom_dot_s8(bias, v, u, rnn->units), multiplier, shift);
    }
    return nnom_requantize_wide(nnom_dot_s16(bias, v, u, rnn->units), multiplier, shift);
}

void nnom_rnn_gate(const nnom_rnn_t *rnn, int32_t gate)
{
    int16_t *to = nnom_rnn_gates(rnn, gate);
    for (int32_t i = 0; i < rnn->units; i++) {
        const int32_t row = gate * rnn->units + i;
        const int32_t x = nnom_clamp_s16(nnom_rnn_input_sum(rnn, row, gate));
        to[i] = nnom_clamp_s16(x + nnom_clamp_s16(nnom_rnn_state_sum(rnn, rnn->h, row, gate)));
    }
}

int16_t nnom_rnn_activate(const nnom_rnn_t *rnn, int16_t x, int32_t shift)
{
    switch (rnn->p->activation) {
    case NNOM_RNN_TANH:
        return rnn->curves->tanh(nnom_gate_scaled(x, shift));
    case NNOM_RNN_SIGMOID:
        return rnn->curves->sigmoid(nnom_gate_scaled(x, shift));
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
    const float *w = (const float *)rnn->p->weights + (size_t)row * (size_t)rnn->features;
    return nnom_dot_f32(rnn_bias_f32(rnn->p->bias, row), rnn->x, w, rnn->features);
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
