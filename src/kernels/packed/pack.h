/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the packers of this folder share: the build side. */
#ifndef NNOM_PACKED_PACK_H
#define NNOM_PACKED_PACK_H

#include "../../layers/window_layer.h"
#include "block.h"
#include "packed.h"

/* True if |accumulator| < 2^30 in every channel, whatever the input. */
bool nnom_packed_fits(const nnom_conv_layer_t *conv);

/* The layer's parameters with the plain arrays; NULL: no memory. */
nnom_packed_param_t *nnom_packed_param(nnom_conv_layer_t *conv);

/* Weights in blocks of channels (block.h), taken from the plain ones, `offset` added to each; NULL: no memory. */
const void *nnom_packed_blocks(nnom_conv_layer_t *conv, int32_t offset);

/* Registers all arrays, weights of that type, `runs` elements of p->runs, and sets layer->param. */
void nnom_packed_register(nnom_conv_layer_t *conv, const nnom_packed_param_t *p, nnom_type_t weights, uint32_t runs);

/* nnom_layer_fail() for want of memory. */
nnom_status_t nnom_packed_no_memory(const nnom_layer_t *layer);

#endif
