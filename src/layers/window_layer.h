/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What layers with a sliding window or with weights share: convolutions, Dense, pools. */
#ifndef NNOM_WINDOW_LAYER_H
#define NNOM_WINDOW_LAYER_H

#include "../build/builder.h"
#include "../kernels/kernels.h"

/* Fails unless the input is int8 or float. */
nnom_status_t nnom_window_type(const nnom_layer_t *layer);

/* Sets layer->scratch_bytes; fails where they do not fit int32. */
nnom_status_t nnom_window_scratch(nnom_layer_t *layer, int64_t bytes);

/* ---- Convolutions and Dense ---- */

typedef struct nnom_conv_layer {
    nnom_layer_t super;
    int32_t filters; /* output channels; DW_Conv2D: multiplier; Dense: units */
    const nnom_weight_t *w;
    const nnom_bias_t *b;
    nnom_conv_param_t param;
} nnom_conv_layer_t;

nnom_layer_t *nnom_conv_new(const nnom_class_t *cls, int32_t filters, nnom_size_t kernel, nnom_size_t stride,
                            nnom_size_t dilation, nnom_padding_t padding, const nnom_weight_t *w, const nnom_bias_t *b);

/* Before out.shape is made: fails unless the input's type fits and filters >= 1; `what` is their name in the error. */
nnom_status_t nnom_conv_check(const nnom_conv_layer_t *conv, const char *what);

/*
 * Fills conv->param (geometry, limits, weights, bias, multipliers) and registers its arrays. out's shape and
 * quantisation must be known. Channel o's tap t is weights[o * channel_stride + t * tap_stride]; a stride over the
 * weights' number is not used. The number of weights is channels * taps; fails if it does not fit int32.
 */
nnom_status_t nnom_conv_weights(nnom_conv_layer_t *conv, int32_t channels, int64_t taps, int64_t channel_stride,
                                int64_t tap_stride);
/*
 * In two steps, for who changes something in between: prepare fills param, register names its arrays to the layer.
 */
nnom_status_t nnom_conv_prepare(nnom_conv_layer_t *conv, int32_t channels, int64_t taps, int64_t channel_stride,
                                int64_t tap_stride);
void nnom_conv_register(nnom_conv_layer_t *conv, int32_t channels, int32_t taps);

/* ---- Pools ---- */

typedef struct nnom_pool_layer {
    nnom_layer_t super;
    nnom_pool_param_t param;
} nnom_pool_layer_t;

/*
 * Sets out's quantisation and fills pool->param. `cells`: the largest number of cells that one sum takes in, 1 for max.
 * `always`: requantise also where in and out have the same quantisation. Fails where a sum can overflow int32.
 */
nnom_status_t nnom_pool_param(nnom_pool_layer_t *pool, int64_t cells, bool always);
/* Scratch and overlap of a pool over the whole input. */
void nnom_global_pool_memory(nnom_layer_t *layer);

extern const nnom_op_t nnom_global_max_pool_s8_op, nnom_global_max_pool_f32_op;
extern const nnom_op_t nnom_global_avg_pool_s8_op, nnom_global_avg_pool_f32_op;
extern const nnom_op_t nnom_global_sum_pool_s8_op, nnom_global_sum_pool_f32_op;

/* Sets op and op_symbol to name_s8_op or name_f32_op by the type of the output. */
#define NNOM_LAYER_OP(layer, name)                                                                                     \
    do {                                                                                                               \
        const bool is_float = (layer)->out.type == NNOM_TYPE_F32;                                                      \
        (layer)->op = is_float ? &name##_f32_op : &name##_s8_op;                                                       \
        (layer)->op_symbol = is_float ? #name "_f32_op" : #name "_s8_op";                                              \
    } while (0)

#endif
