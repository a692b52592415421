/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Recurrent layers: what their kernels share. A row of the input is a step, its w * c numbers are the features.
 *
 * Inputs: the sequence; or that and the states at the beginning, of the type and quantisation of the state: hidden, and of LSTM
 * the cell. Outputs: the hidden state after each step (`sequence`) or after the last one; further ones: both states after the
 * last step.
 *
 * Gates, in the order of the weights: LSTM input, forget, cell, output; GRU update, reset, candidate; SimpleRNN one.
 *   float: gate = W x + U h + bias.
 *   int:   gate = sat16(requantised(W x + bias) + requantised(U h + recurrent_bias)), Q3.12 where a sigmoid or tanh follows. Sums
 *          over int8 are requantised as everywhere, over int16 by nnom_requantize_wide().
 *   LSTM:  c = sat16(sat16(f * c) + sat16(i * tanh g)), clipped; h = o * tanh c.
 *   GRU:   h = z * h + (1 - z) * n; n = act(W x + bias + r * (U h + recurrent_bias)) with reset_after, else
 *          act(W x + bias + U (r * h)).
 * Products of Q15 numbers in GRU are rounded once, half up.
 */
#ifndef NNOM_RNN_H
#define NNOM_RNN_H

#include "param.h"
#include "gate.h"

/*
 * weights int8 or float [gates][units][features]; recurrent [gates][units][units]; bias int32 or float [gates][units], with the
 * input's zero point folded in; recurrent_bias likewise, may be NULL. multiplier int32, shift int8, and those of U: [gates][units]
 * if per_unit, else [gates]; NULL in float.
 * backwards: the last step comes first. reversed: of a sequence, row t of the output is that of the t-th step from the end.
 * hidden: of o * tanh c. tanh_shift: how c becomes Q3.12. clip: of c, 0: none. reset_after: GRU. activation: nnom_rnn_act_t.
 */
/* clang-format off */
#define NNOM_RNN_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                      \
    I32(units) I32(backwards) I32(sequence) I32(reversed) I32(activation) I32(reset_after) I32(per_unit)               \
    I32(forget_multiplier) I32(forget_shift) I32(input_multiplier) I32(input_shift)                                    \
    I32(hidden_multiplier) I32(hidden_shift) I32(hidden_zero_point) I32(tanh_shift) I32(clip) F32(clip_f)              \
    I32(out_multiplier) I32(out_shift)                                                                                 \
    ARRAY(weights) ARRAY(recurrent) ARRAY(bias) ARRAY(recurrent_bias)                                                  \
    ARRAY(multiplier) ARRAY(shift) ARRAY(recurrent_multiplier) ARRAY(recurrent_shift)
/* clang-format on */
NNOM_PARAM_STRUCT(nnom_rnn_param, NNOM_RNN_PARAM)

/* What makes a hidden state, or a candidate, of a sum. */
typedef enum nnom_rnn_act { NNOM_RNN_TANH, NNOM_RNN_SIGMOID, NNOM_RNN_RELU, NNOM_RNN_LINEAR } nnom_rnn_act_t;

/* One of the matrices, as a variant has it: of `columns` numbers of `type`. */
typedef struct nnom_rnn_matrix {
    const void *weights;
    const void *bias;
    const int32_t *multiplier;
    const int8_t *shift;
    int32_t columns;
    nnom_type_t type;
} nnom_rnn_matrix_t;

typedef struct nnom_rnn_cell nnom_rnn_cell_t;

/* A run in progress; the pointers are into the node's scratch. */
typedef struct nnom_rnn {
    const nnom_rnn_param_t *p;
    const nnom_rnn_cell_t *cell;
    int32_t units;
    nnom_rnn_matrix_t input, state; /* state.type: int8 or int16; float */
    const void *x;                  /* the step's features */
    void *h;                        /* [units] of state.type */
    void *c;                        /* LSTM: [units] int16 or float */
    void *gates;                    /* vectors of [units] int16 or float */
    void *room;                     /* the variant's own */
} nnom_rnn_t;

/* Bytes of one vector of the scratch; each begins at a multiple of 4, and ends with four numbers that were begun. */
static inline int32_t nnom_rnn_vector(int32_t units, nnom_type_t type)
{
    const int32_t bytes = type == NNOM_TYPE_F32 ? 4 : (type == NNOM_TYPE_S16 ? 2 : 1);
    return (units + 3) / 4 * 4 * bytes;
}

/* What differs between variants, in integers. */
typedef struct nnom_rnn_sums {
    /* to[i] = sat16(requantised(row i of the gate times v, + bias)), or the saturated sum of that and to[i], for all units. */
    void (*gate)(const nnom_rnn_t *rnn, const nnom_rnn_matrix_t *m, const void *v, int32_t gate, int16_t *to,
                 bool adds);
    /* The features as `gate` reads them, of a row of the input; NULL: where they lie. */
    const void *(*features)(const nnom_rnn_t *rnn, const void *row);
} nnom_rnn_sums_t;

/* What an operation is made of. */
struct nnom_rnn_cell {
    void (*step)(const nnom_rnn_t *rnn); /* takes in a step: changes h and c */
    const nnom_rnn_sums_t *sums;         /* NULL in float */
    const nnom_gates_t *curves;          /* of sigmoid and tanh; NULL in float */
    nnom_type_t state_type;
    bool has_cell;
    int32_t vectors; /* of gates */
};

/* The `run` of all recurrent operations. Where the tensor of the hidden state's type is: param fields only tell its numbers. */
void nnom_rnn_run(const nnom_call_t *call, const nnom_rnn_cell_t *cell);

/* ---- Integers ---- */

/* The cells' steps. */
void nnom_lstm_step(const nnom_rnn_t *rnn);
void nnom_gru_step(const nnom_rnn_t *rnn);
void nnom_simple_rnn_step(const nnom_rnn_t *rnn);

/* gates[gate][i] = the sum of both products. */
void nnom_rnn_gate(const nnom_rnn_t *rnn, int32_t gate);
/* to[i] of the gate: of U v alone, or added to it. */
void nnom_rnn_state_gate(const nnom_rnn_t *rnn, const void *v, int32_t gate, int16_t *to, bool adds);
/* Of a number that nnom_gate_scaled(x, shift) makes fit for sigmoid and tanh. */
int16_t nnom_rnn_activate(const nnom_rnn_t *rnn, int16_t x, int32_t shift);

static inline int16_t *nnom_rnn_gates(const nnom_rnn_t *rnn, int32_t gate)
{
    return (int16_t *)rnn->gates + gate * ((rnn->units + 3) / 4 * 4);
}

/* Where a row's multiplier and shift are. */
static inline int32_t nnom_rnn_at(const nnom_rnn_t *rnn, int32_t gate, int32_t i)
{
    return rnn->p->per_unit ? gate * rnn->units + i : gate;
}

/* What nnom_rnn_sums_t.gate makes of to[i] and a requantised sum. */
static inline int16_t nnom_rnn_added(int32_t before, int32_t sum)
{
    return nnom_clamp_s16(before + nnom_clamp_s16(sum));
}

/* ---- Float ---- */

float nnom_rnn_input_sum_f32(const nnom_rnn_t *rnn, int32_t row);
float nnom_rnn_state_sum_f32(const nnom_rnn_t *rnn, const float *v, int32_t row);
void nnom_rnn_gate_f32(const nnom_rnn_t *rnn, int32_t gate);
float nnom_rnn_activate_f32(int32_t activation, float x);
float nnom_rnn_sigmoid_f32(float x);

static inline float *nnom_rnn_gates_f32(const nnom_rnn_t *rnn, int32_t gate)
{
    return (float *)rnn->gates + gate * ((rnn->units + 3) / 4 * 4);
}

/* ---- Operations: for a sequence, for the last step, for what must be there as a whole ---- */

nnom_range_t nnom_rnn_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y);
nnom_range_t nnom_rnn_window_all(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                 nnom_range_t y);

#define NNOM_RNN_OPS(name, step, has_cell, vectors)                                                                    \
    static void name##_run(const nnom_call_t *call)                                                                    \
    {                                                                                                                  \
        static const nnom_rnn_cell_t cell = {step, NULL, NULL, NNOM_TYPE_F32, has_cell, vectors};                      \
        nnom_rnn_run(call, &cell);                                                                                     \
    }                                                                                                                  \
    const nnom_op_t nnom_##name##_sequence_op = {name##_run, nnom_rnn_window, NNOM_OP_KEEPS,                           \
                                                 sizeof(nnom_rnn_param_t)};                                            \
    const nnom_op_t nnom_##name##_last_op = {name##_run, nnom_rnn_window_all, NNOM_OP_KEEPS | NNOM_OP_REDUCES,         \
                                             sizeof(nnom_rnn_param_t)};                                                \
    const nnom_op_t nnom_##name##_whole_op = {name##_run, nnom_rnn_window_all, NNOM_OP_WHOLE, sizeof(nnom_rnn_param_t)};

#define NNOM_RNN_DECLARE(name)                                                                                         \
    extern const nnom_op_t nnom_##name##_sequence_op;                                                                  \
    extern const nnom_op_t nnom_##name##_last_op;                                                                      \
    extern const nnom_op_t nnom_##name##_whole_op;

NNOM_RNN_DECLARE(lstm_f32)
NNOM_RNN_DECLARE(gru_f32)
NNOM_RNN_DECLARE(simple_rnn_f32)

/* ---- Variants ---- */

/* The three kernels of a cell whose sums a variant makes. */
#define NNOM_RNN_KERNELS_OF(name, variant, sums, step, curves, state_type, has_cell, vectors)                          \
    static const nnom_rnn_cell_t name##_##variant##_cell = {step, sums, curves, state_type, has_cell, vectors};        \
    void nnom_##name##_sequence_##variant(const nnom_call_t *call)                                                     \
    {                                                                                                                  \
        nnom_rnn_run(call, &name##_##variant##_cell);                                                                  \
    }                                                                                                                  \
    void nnom_##name##_last_##variant(const nnom_call_t *call)                                                         \
    {                                                                                                                  \
        nnom_rnn_run(call, &name##_##variant##_cell);                                                                  \
    }                                                                                                                  \
    void nnom_##name##_whole_##variant(const nnom_call_t *call)                                                        \
    {                                                                                                                  \
        nnom_rnn_run(call, &name##_##variant##_cell);                                                                  \
    }

/* Those of all cells in integers; sums: const nnom_rnn_sums_t *. */
#define NNOM_RNN_KERNELS(variant, sums)                                                                                \
    NNOM_RNN_KERNELS_OF(lstm_s8, variant, sums, nnom_lstm_step, &nnom_gates_tflite, NNOM_TYPE_S8, true, 4)             \
    NNOM_RNN_KERNELS_OF(lstm_s16, variant, sums, nnom_lstm_step, &nnom_gates_fine, NNOM_TYPE_S16, true, 4)             \
    NNOM_RNN_KERNELS_OF(lstm_s16_tflite, variant, sums, nnom_lstm_step, &nnom_gates_tflite, NNOM_TYPE_S16, true, 4)    \
    NNOM_RNN_KERNELS_OF(gru_s16, variant, sums, nnom_gru_step, &nnom_gates_fine, NNOM_TYPE_S16, false, 4)              \
    NNOM_RNN_KERNELS_OF(simple_rnn_s16, variant, sums, nnom_simple_rnn_step, &nnom_gates_fine, NNOM_TYPE_S16, false, 1)

/* And their forms, where NNOM_FORM is known (src/build/kernel.h). */
#define NNOM_RNN_FORMS_OF(name, variant, pack)                                                                         \
    NNOM_FORM(name##_sequence_##variant, nnom_rnn_window, NNOM_OP_KEEPS, nnom_rnn_param, pack)                         \
    NNOM_FORM(name##_last_##variant, nnom_rnn_window_all, NNOM_OP_KEEPS | NNOM_OP_REDUCES, nnom_rnn_param, pack)       \
    NNOM_FORM(name##_whole_##variant, nnom_rnn_window_all, NNOM_OP_WHOLE, nnom_rnn_param, pack)
#define NNOM_RNN_FORMS(variant, pack)                                                                                  \
    NNOM_RNN_FORMS_OF(lstm_s8, variant, pack)                                                                          \
    NNOM_RNN_FORMS_OF(lstm_s16, variant, pack)                                                                         \
    NNOM_RNN_FORMS_OF(lstm_s16_tflite, variant, pack)                                                                  \
    NNOM_RNN_FORMS_OF(gru_s16, variant, pack)                                                                          \
    NNOM_RNN_FORMS_OF(simple_rnn_s16, variant, pack)

#endif
