/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Layers that compute each element from one element of each of two inputs: add.c, sub.c, mult.c, maximum.c,
 * squared_difference.c, divide.c, compare.c. */
#ifndef NNOM_BINARY_H
#define NNOM_BINARY_H

#include "../kernels/binary.h"
#include "elementwise.h"

typedef struct nnom_binary_layer {
    nnom_layer_t super;
    int32_t oshift; /* fraction bits that the output has less than input 0 */
    bool integers;  /* takes int32 inputs as well */
    nnom_binary_param_t param;
} nnom_binary_layer_t;

nnom_layer_t *nnom_binary_new(const nnom_class_t *cls, int32_t oshift);

/* What the builds of all have in common: types, shapes, default quantisation, limits, overlap, layer->param. */
nnom_status_t nnom_binary_build(nnom_binary_layer_t *layer);

/* pack() of plain kernels: the build has done it all. */
nnom_status_t nnom_binary_plain(nnom_layer_t *layer);

/*
 * For pack(): allocates and fills the linear form of an int8 Add (sign 1) or Sub (-1), and makes it layer->param. NNOM_UNSUPPORTED
 * if there is none.
 */
nnom_status_t nnom_linear_pack(nnom_layer_t *layer, int32_t sign);

#endif
