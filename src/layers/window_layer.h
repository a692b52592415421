/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What layers with a sliding window or with weights share: convolutions, Dense, pools. */
#ifndef NNOM_WINDOW_LAYER_H
#define NNOM_WINDOW_LAYER_H

#include "../build/kernel.h"

/* Fails unless the input is int8, int16 or float. */
nnom_status_t nnom_window_type(const nnom_layer_t *layer);

/* Sets layer->scratch_bytes; fails where they do not fit int32. */
nnom_status_t nnom_window_scratch(nnom_layer_t *layer, int64_t bytes);

/* ---- Convolutions and Dense ---- */

typedef struct nnom_conv_layer {
    nnom_layer_t super;
    int32_t filters; /* output channels; DW_Conv2D: multiplier; Dense: units */
    const nnom_weight_t *w;
    const nnom_bias_t *b;
    /* Made by nnom_conv_prepare(): what packers read. Channel o's tap t is weights[o * channel_stride + t * tap_stride]. */
    int32_t channels;
    int32_t taps;
    int32_t channel_stride;
    int32_t tap_stride;
    int32_t one_multiplier; /* of a Q-format: what param's multiplier and shift point to, as kernels/qformat has them */
    int8_t one_shift[2];
    bool is_one;
    nnom_conv_param_t param; /* the plain arrays */
} nnom_conv_layer_t;

nnom_layer_t *nnom_conv_new(const nnom_class_t *cls, int32_t filters, nnom_size_t kernel, nnom_size_t stride,
                            nnom_size_t dilation, nnom_padding_t padding, const nnom_weight_t *w, const nnom_bias_t *b);

/* Before out.shape is made: fails unless the input's type fits and filters >= 1; `what` is their name in the error. */
nnom_status_t nnom_conv_check(const nnom_conv_layer_t *conv, const char *what);

/*
 * Fills conv->param (geometry, limits, weights, bias, multipliers), of int16 layers an nnom_conv_s16_param_t, and what packers read. out's shape and quantisation must be
 * known. A stride over the weights' number is not used. The number of weights is channels * taps; fails if it does not fit int32.
 */
nnom_status_t nnom_conv_prepare(nnom_conv_layer_t *conv, int32_t channels, int64_t taps, int64_t channel_stride,
                                int64_t tap_stride);
/* An int8 weight; 0 beyond the last channel or tap. */
int32_t nnom_conv_weight(const nnom_conv_layer_t *conv, int32_t channel, int32_t tap);
/* nnom_rare_class_t.array: the caller's weights and bias, and the numbers of a Q-format. */
void nnom_conv_array(const nnom_layer_t *layer, uint32_t i, nnom_array_t *array);
/*
 * True if options.optimize (nnom_optimize_t) allows a variant's own arrays of `packed` bytes, in which a weight takes `each` bytes. Plain size is
 * a byte a weight and 17 bytes of constants a channel, as variants use them: bias, multiplier, shift, and a rounding constant or wider forms of these.
 */
bool nnom_conv_may_pack(const nnom_conv_layer_t *conv, uint64_t packed, int32_t each);
/* True if options.optimize lets weights grow as much as pays. */
bool nnom_conv_may_grow(const nnom_conv_layer_t *conv);
/* The same of float layers, whose weights and bias are filled up to `channels` outputs. */
bool nnom_conv_may_fill(const nnom_conv_layer_t *conv, int32_t channels);
/* Says what the plain arrays hold: what the plain kernels do in pack. */
void nnom_conv_register(nnom_conv_layer_t *conv);

/* The scratch of Conv2D for a patch, gathered where windows do not lie in memory as one run (patch.h). */
nnom_status_t nnom_conv2d_patch(nnom_conv_layer_t *conv);
/* nnom_choose_kernel() among the variants of Conv2D. */
nnom_status_t nnom_conv2d_kernel(nnom_layer_t *layer);
/* The scratch of Dense: sums of units while rows come one by one; int32 and float have the same size, those of int16 layers two words. */
nnom_status_t nnom_dense_scratch(nnom_conv_layer_t *conv);

/* Input rows of a transposed convolution. */
nnom_range_t nnom_conv2d_transpose_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input,
                                          nnom_range_t y);

/* nnom_choose_kernel() of the list name_s8, name_s16 or name_f32, by the type of the output. */
#define NNOM_CONV_CHOOSE(layer, name)                                                                                  \
    ((layer)->out->type == NNOM_TYPE_F32   ? NNOM_CHOOSE_KERNEL(layer, name##_f32)                                     \
     : (layer)->out->type == NNOM_TYPE_S16 ? NNOM_CHOOSE_KERNEL(layer, name##_s16)                                     \
                                           : NNOM_CHOOSE_KERNEL(layer, name##_s8))

/* The same of layers whose weights may have 4 bits: name_s4. */
#define NNOM_WEIGHTS_CHOOSE(layer, name)                                                                               \
    ((layer)->given->weight_bits == 4 ? NNOM_CHOOSE_KERNEL(layer, name##_s4) : NNOM_CONV_CHOOSE(layer, name))

/* ---- Pools ---- */

typedef struct nnom_pool_layer {
    nnom_layer_t super;
    nnom_pool_param_t param;
} nnom_pool_layer_t;

nnom_layer_t *nnom_pool_new(const nnom_class_t *cls, nnom_geometry_t geometry);

/*
 * Sets out's quantisation and fills pool->param. `cells`: the largest number of cells that one sum takes in, 1 for max.
 * `always`: requantise also where in and out have the same quantisation. Fails where a sum can overflow int32.
 */
nnom_status_t nnom_pool_param(nnom_pool_layer_t *pool, int64_t cells, bool always);
/* Scratch and overlap of a pool over the whole input. */
void nnom_global_pool_memory(nnom_layer_t *layer);

/* nnom_choose_kernel() among the variants of a pool over the whole input. */
nnom_status_t nnom_global_max_pool_kernel(nnom_layer_t *layer);
nnom_status_t nnom_global_avg_pool_kernel(nnom_layer_t *layer);
nnom_status_t nnom_global_sum_pool_kernel(nnom_layer_t *layer);

/* pack() of plain pools: the build has done it all. */
nnom_status_t nnom_pool_plain(nnom_layer_t *layer);

#endif
