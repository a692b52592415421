/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the layers share that work on single elements or move them. */
#ifndef NNOM_ELEMENTWISE_H
#define NNOM_ELEMENTWISE_H

#include "../build/kernel.h"

/* The layer runs this operation, which has no variants; then its costs: [NNOM_COST_*] = ... */
#define NNOM_LAYER_SET_OP(layer, name, ...)                                                                            \
    do {                                                                                                               \
        NNOM_PLAIN_KERNEL(only, name, __VA_ARGS__)                                                                     \
        (layer)->kernel = &only_kernel;                                                                                \
    } while (0)

typedef struct nnom_pixel_zeros {
    int32_t in, out;
} nnom_pixel_zeros_t;

/*
 * Defines an operation nnom_<name>_op that makes each pixel of the output from the same pixel of the input, of as many channels:
 * pixel(parameters, zero points, in, out, channels). type: of the elements; bytes: of the node's parameters.
 */
#define NNOM_PIXEL_OP(name, type, bytes, pixel) NNOM_PIXEL_OP_AS(static, name, type, bytes, pixel)
/* how: `static NNOM_SMALL` where pixel is a function of its own. */
#define NNOM_PIXEL_OP_AS(how, name, type, bytes, pixel)                                                                \
    how void name##_run(const nnom_call_t *call)                                                                       \
    {                                                                                                                  \
        const nnom_rows_t from = nnom_call_input_rows(call, 0);                                                        \
        const nnom_rows_t to = nnom_call_output_rows(call);                                                            \
        const nnom_shape_t shape = nnom_call_output(call)->shape;                                                      \
        const nnom_pixel_zeros_t zero = {nnom_call_input(call, 0)->zero_point, nnom_call_output(call)->zero_point};    \
        for (int32_t y = call->y.lo; y < call->y.hi; y++) {                                                            \
            const type *in = (const type *)(const void *)nnom_row(&from, y);                                           \
            type *out = (type *)(void *)nnom_row(&to, y);                                                              \
            for (int32_t x = 0; x < shape.w; x++, in += shape.c, out += shape.c) {                                     \
                pixel(call->node->param, zero, in, out, shape.c);                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    extern const nnom_op_t nnom_##name##_op;                                                                           \
    const nnom_op_t nnom_##name##_op = {name##_run, NULL, 0, bytes};

/* Fails with NNOM_UNSUPPORTED unless all inputs are int8 or all are float, or int16 and the class is NNOM_CLASS_WIDE. */
nnom_status_t nnom_layer_check_types(const nnom_layer_t *layer);

/* Sets out's type and quantisation to the input's; fails with NNOM_BAD_QUANT if the user set another: bytes are only
 * moved. */
nnom_status_t nnom_layer_keep_quant(nnom_layer_t *layer);

/* Allocates a copy of n bytes that lives until the next build of the layer. NULL when memory is short. */
void *nnom_layer_copy(nnom_layer_t *layer, const void *data, size_t bytes);

/* real = in scale / out scale as multiplier and shift; 2^30, 1 (the identity) if they are equal. */
void nnom_rescale_multiplier(const nnom_tensor_t *in, const nnom_tensor_t *out, int32_t *multiplier, int32_t *shift);

/* 1 / scale for numbers with 20 bits after the point, of which inverse roots are made; 0 if nothing is left of any. */
void nnom_root_multiplier(float scale, int32_t *multiplier, int32_t *shift);

/* The range moved by `by` rows and clipped to [0, h). */
nnom_range_t nnom_range_moved(nnom_range_t y, int32_t by, int32_t h);

#endif
