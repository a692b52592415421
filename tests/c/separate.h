/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * A compiled model run step by step where nothing shares memory: every tensor and every scratch has a buffer of its
 * own, of exactly its size. What it computes is the truth that plans, rings and ranges of rows are compared with.
 */
#ifndef SEPARATE_H
#define SEPARATE_H

#include "harness.h"

#include "../../src/build/builder.h"

typedef struct separate {
    nnom_model_t *m;
    nnom_program_t program; /* the model's, with tensors of its own */
    nnom_tensor_t *tensors;
    guarded_t *buffers; /* [tensor_count], data NULL where a tensor lies in another one */
} separate_t;

/* Fills the inputs of a compiled model with random values, copies them and runs all nodes on the copy. */
separate_t separate_new(nnom_model_t *m);
void separate_free(separate_t *s);
const uint8_t *separate_bytes(const separate_t *s, uint32_t tensor);

/* Runs the model itself and checks every node's output, seen by an observer, and the model's outputs. */
void check_model_run(separate_t *s);

enum { MAX_PORTS = 16 };

/* Inputs and expected outputs: s's, to be taken while its program is there. */
typedef struct samples {
    const uint8_t *in[MAX_PORTS], *out[MAX_PORTS];
    uint32_t inputs, outputs;
} samples_t;
samples_t samples_of(const separate_t *s);

/*
 * Compiles the model again, `last` being its last layer, for every mode of planning, for budgets along the curve, and
 * fed row by row, with the kernel variants of `target`: always the outputs of k. The model is recompiled, so nothing else can be done with the separate_t
 * of k afterwards but freeing it.
 */
void check_modes(nnom_model_t *m, nnom_layer_t *last, const samples_t *k, uint32_t target);

/*
 * Node n computed in random ascending ranges of rows, inputs in rings no taller than `window` asks, output in rings,
 * or, for reducing operations, random ranges of input rows: the same bytes, nothing else touched.
 */
void check_rows(separate_t *s, uint32_t node);
/* Node n with its output as near to an input as the layer allows. */
void check_overlap(separate_t *s, uint32_t node);

uint32_t tensor_size(const nnom_tensor_t *t);
/* The layer that runs as node n. */
const nnom_layer_t *layer_of(const nnom_model_t *m, uint32_t node);
/* Random values: int8 or float in -4..4. */
void fill_random(void *to, nnom_type_t type, uint32_t bytes);

#endif
