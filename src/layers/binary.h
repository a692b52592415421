/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Layers that compute each element from one element of each of two inputs: add.c, sub.c, mult.c, maximum.c,
 * squared_difference.c, divide.c, compare.c. */
#ifndef NNOM_BINARY_H
#define NNOM_BINARY_H

#include "elementwise.h"

/*
 * Sums: each input times 2^20 is brought to a common scale, the sum to the output's. Products: only multiplier and
 * shift. Maximum and Minimum: the inputs and the output share one quantisation, only the limits count.
 * Compare: multiplier is the relation.
 */
#define NNOM_BINARY_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                   \
    I32(multiplier_a)                                                                                                  \
    I32(shift_a)                                                                                                       \
    I32(multiplier_b) I32(shift_b) I32(multiplier) I32(shift) I32(act_min) I32(act_max) F32(act_min_f) F32(act_max_f)
NNOM_PARAM_STRUCT(nnom_binary_param, NNOM_BINARY_PARAM)
NNOM_PARAM_FIELDS(nnom_binary_param, NNOM_BINARY_PARAM)

/* n elements: element i of an operand is data[i * step], step 0 for a repeated one. */
typedef struct nnom_operand {
    const void *data;
    int32_t step;
    int32_t zero_point;
} nnom_operand_t;

typedef struct nnom_result {
    void *data;
    int32_t count;
    int32_t zero_point;
} nnom_result_t;

typedef void (*nnom_binary_t)(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out);

/* Body of an operation's `run`. */
void nnom_binary_run(const nnom_call_t *call, nnom_binary_t f);
nnom_range_t nnom_binary_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y);

typedef struct nnom_binary_layer {
    nnom_layer_t super;
    int32_t oshift; /* fraction bits that the output has less than input 0 */
    bool integers;  /* takes int32 inputs as well */
    nnom_binary_param_t param;
} nnom_binary_layer_t;

nnom_layer_t *nnom_binary_new(const nnom_class_t *cls, int32_t oshift);

/* What the builds of all have in common: types, shapes, default quantisation, limits, overlap, layer->param. */
nnom_status_t nnom_binary_build(nnom_binary_layer_t *layer);

#endif
