/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Recurrent layers: RNN(cell, return_sequence). A part of nnom.h.
 *
 *     x = model.hook(RNN(GRUCell(16, &w, &b), false), x);
 *
 * Input: (steps, 1, features), a row is a step. Output: (steps, 1, units) if return_sequence, else (1, 1, units). In integers the
 * weights are int8, gates and state int16 (SPEC.md, "Recurrent layers").
 *
 * Inputs 1 and 2, if hooked: the states at the beginning, (1, 1, units): hidden, and of LSTM the cell; without them zeros.
 * nnom_layer_part(layer, 1) and, of LSTM, (layer, 2): the states after the last step. A State between part and input keeps them from
 * run to run.
 */
#ifndef NNOM_RNN_API_H
#define NNOM_RNN_API_H

#include "nnom.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nnom_cell nnom_cell_t;

/* What makes a hidden state (SimpleRNN), a candidate (GRU, LSTM) and the output of a cell (LSTM). */
typedef enum nnom_cell_activation {
    NNOM_CELL_TANH = 0,
    NNOM_CELL_SIGMOID = 1,
    NNOM_CELL_RELU = 2,
    NNOM_CELL_LINEAR = 3
} nnom_cell_activation_t;

/*
 * The cells of 2019. Weights, owned by the caller, int8 with w->shift fraction bits, in one array: [gates][units][features] and behind
 * it [gates][units][units]; bias int8 [gates][units], may be NULL. In float models all are float. Gates: GRU update, reset,
 * candidate; LSTM input, forget, cell, output. GRUCell resets before it multiplies, as GRU(reset_after=False) of Keras.
 * NULL when memory is short; owned by the RNN layer.
 */
nnom_cell_t *nnom_simple_cell(int32_t units, nnom_activation_t *act, const nnom_weight_t *w, const nnom_bias_t *b);
nnom_cell_t *nnom_gru_cell(int32_t units, const nnom_weight_t *w, const nnom_bias_t *b);
nnom_cell_t *nnom_lstm_cell(int32_t units, const nnom_weight_t *w, const nnom_bias_t *b);

/* All that can be said of a cell. What is 0 or NULL takes its default. Arrays are owned by the caller and live as long as the model. */
typedef struct nnom_cell_config {
    int32_t units;
    nnom_cell_activation_t activation;
    bool reset_after;           /* GRU: the reset gate multiplies what U h + recurrent_bias is */
    const void *weights;        /* [gates][units][features] int8; float in float models */
    const void *recurrent;      /* [gates][units][units] */
    const void *bias;           /* [gates][units] int32 in units of input scale * weight scale; may be NULL */
    const void *recurrent_bias; /* [gates][units] int32 in units of state scale * recurrent scale; may be NULL */
    const float *weight_scales; /* [scale_count], as the next; not in float models */
    const float *recurrent_scales;
    uint32_t scale_count;   /* gates, or gates * units */
    nnom_type_t state_type; /* of the hidden state: int16, or int8: NNOM_TYPE_S8 with a state_scale, LSTM alone */
    float state_scale;      /* its quantisation; default 2^-15. With tanh or sigmoid in SimpleRNN and GRU always that */
    int32_t state_zero_point; /* -128 to 127; of int8 alone */
    float cell_scale;         /* LSTM, of the cell: a power of two, default 2^-11 */
    float cell_clip;          /* LSTM: |cell| is at most this; 0: no limit */
    bool tflite_curves; /* LSTM with an int16 state: sigmoid and tanh by TFLite's table, as with an int8 state always */
} nnom_cell_config_t;

nnom_cell_t *nnom_simple_cell_s(const nnom_cell_config_t *config);
nnom_cell_t *nnom_gru_cell_s(const nnom_cell_config_t *config);
nnom_cell_t *nnom_lstm_cell_s(const nnom_cell_config_t *config);

typedef struct nnom_rnn_config {
    bool return_sequence;
    bool go_backwards; /* the last step is taken in first */
    bool reverse;      /* the sequence that comes out is turned round: with go_backwards, step t of both is the same */
} nnom_rnn_config_t;

/* cell NULL passes through. Output by default: that of the state in 8 bits (tanh: scale 1/128). */
nnom_layer_t *nnom_rnn(nnom_cell_t *cell, bool return_sequence);
nnom_layer_t *nnom_rnn_s(nnom_cell_t *cell, const nnom_rnn_config_t *config);

/* What nnom_svdf() computes with. Arrays are owned by the caller and live as long as the model; those of float models are float. */
typedef struct nnom_svdf_config {
    int32_t units, rank, memory; /* 1 to 8192 each */
    const void *features;        /* [units * rank][inputs] int8 */
    const void *time;            /* [units * rank][memory] int16, for the oldest number first */
    const void *bias;            /* [units] int32 in units of state scale * time scale; may be NULL */
    float feature_scale, time_scale;
} nnom_svdf_config_t;

/*
 * One step of an SVDF. Input 0: (1, w, c), int8 or float, at most 65536 numbers; input 1: the state, one row of units * rank * memory
 * numbers, int16 with zero point 0, or float. Output: (1, 1, units). nnom_layer_part(layer, 1): the state that is left. NULL when
 * config is, or memory is short.
 */
nnom_layer_t *nnom_svdf(const nnom_svdf_config_t *config);

#ifdef __cplusplus
}
#endif

#endif
