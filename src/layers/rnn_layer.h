/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A recurrent layer while it is built. */
#ifndef NNOM_RNN_LAYER_H
#define NNOM_RNN_LAYER_H

#include "../build/kernel.h"
#include "../kernels/rnn.h"

typedef struct nnom_rnn_kind nnom_rnn_kind_t;

struct nnom_cell {
    const nnom_rnn_kind_t *kind;
    nnom_cell_config_t config;
    const nnom_weight_t *w; /* of 2019: all weights in one array; else NULL */
    const nnom_bias_t *b;
    bool unknown_activation; /* SimpleCell was given another than those of nnom_cell_activation_t */
};

/* Its three operations in one type: for a sequence, for the last step, for what must be there as a whole; the variants of each. */
typedef struct nnom_rnn_ops {
    const nnom_kernel_t *kernels[3];
    uint32_t count;
} nnom_rnn_ops_t;

struct nnom_rnn_kind {
    const nnom_class_t *cls;
    int32_t gates;
    int32_t candidate; /* the gate that the activation is of */
    int32_t vectors;   /* [units] of gates in the scratch */
    bool has_cell;
    const nnom_rnn_ops_t *s8, *s16, *s16_tflite, *f32; /* by type of the hidden state; NULL: not that one */
};

typedef struct nnom_rnn_layer {
    nnom_layer_t super;
    nnom_cell_t *cell; /* owned */
    nnom_rnn_config_t config;
    int32_t features;
    uint32_t plain_scratch; /* bytes, without a variant's own */
    nnom_type_t state_type;
    float state_scale, cell_scale;
    nnom_rnn_param_t param;
} nnom_rnn_layer_t;

/* The largest |bias| + |v| of row `row` of W, or of U (state), that a sum over it can have on its way; v: what it multiplies. */
int64_t nnom_rnn_bound(const nnom_rnn_layer_t *rnn, bool state, int32_t row);
/* True if all rows' bounds are below 2^31, so that sums of int16 numbers fit 32 bits. */
bool nnom_rnn_is_narrow(const nnom_rnn_layer_t *rnn);

/* Fills the arrays and numbers of param in integers: rnn_numbers.c. */
nnom_status_t nnom_rnn_numbers(nnom_rnn_layer_t *rnn);

#endif
