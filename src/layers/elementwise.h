/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the layers share that work on single elements or move them. */
#ifndef NNOM_ELEMENTWISE_H
#define NNOM_ELEMENTWISE_H

#include "../build/kernel.h"

/* The layer runs this operation, which has no variants. */
#define NNOM_LAYER_SET_OP(layer, name)                                                                                 \
    do {                                                                                                               \
        NNOM_PLAIN_KERNEL(only, name)                                                                                  \
        (layer)->kernel = &only_kernel;                                                                                \
    } while (0)

/* Fails with NNOM_UNSUPPORTED unless all inputs are int8 or all are float. */
nnom_status_t nnom_layer_check_types(const nnom_layer_t *layer);

/* Sets out's type and quantisation to the input's; fails with NNOM_BAD_QUANT if the user set another: bytes are only
 * moved. */
nnom_status_t nnom_layer_keep_quant(nnom_layer_t *layer);

/* Allocates a copy of n bytes that lives until the next build of the layer. NULL when memory is short. */
void *nnom_layer_copy(nnom_layer_t *layer, const void *data, size_t bytes);

/* real = in scale / out scale as multiplier and shift; 2^30, 1 (the identity) if they are equal. */
void nnom_rescale_multiplier(const nnom_tensor_t *in, const nnom_tensor_t *out, int32_t *multiplier, int32_t *shift);

/* The range moved by `by` rows and clipped to [0, h). */
nnom_range_t nnom_range_moved(nnom_range_t y, int32_t by, int32_t h);

#endif
