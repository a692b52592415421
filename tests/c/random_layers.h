/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Models of one random layer each. Shapes, strides, paddings, quantisation, element type and attached activations are
 * random; compile may refuse what came out. The inputs belong to the model by nnom_own(), weights live until forget().
 */
#ifndef RANDOM_LAYERS_H
#define RANDOM_LAYERS_H

#include "harness.h"

/* One line per kind of layer: rows.<kind> is its case in test_rows.c. */
#define RANDOM_LAYERS(LAYER)                                                                                           \
    LAYER(conv2d)                                                                                                      \
    LAYER(dw_conv2d)                                                                                                   \
    LAYER(conv2d_transpose)                                                                                            \
    LAYER(dense)                                                                                                       \
    LAYER(max_pool)                                                                                                    \
    LAYER(avg_pool)                                                                                                    \
    LAYER(sum_pool)                                                                                                    \
    LAYER(global_max_pool)                                                                                             \
    LAYER(global_avg_pool)                                                                                             \
    LAYER(global_sum_pool)                                                                                             \
    LAYER(concat)                                                                                                      \
    LAYER(add)                                                                                                         \
    LAYER(sub)                                                                                                         \
    LAYER(mult)                                                                                                        \
    LAYER(maximum)                                                                                                     \
    LAYER(minimum)                                                                                                     \
    LAYER(prelu)                                                                                                       \
    LAYER(upsample)                                                                                                    \
    LAYER(zero_padding)                                                                                                \
    LAYER(pad)                                                                                                         \
    LAYER(cropping)                                                                                                    \
    LAYER(slice)                                                                                                       \
    LAYER(relu)                                                                                                        \
    LAYER(relu6)                                                                                                       \
    LAYER(relu1)                                                                                                       \
    LAYER(leaky_relu)                                                                                                  \
    LAYER(tanh)                                                                                                        \
    LAYER(sigmoid)                                                                                                     \
    LAYER(unary)                                                                                                       \
    LAYER(softmax)                                                                                                     \
    LAYER(flatten)                                                                                                     \
    LAYER(reshape)                                                                                                     \
    LAYER(log_softmax)                                                                                                 \
    LAYER(l2_norm)                                                                                                     \
    LAYER(gather)                                                                                                      \
    LAYER(tile)                                                                                                        \
    LAYER(mirror_pad)                                                                                                  \
    LAYER(transpose)                                                                                                   \
    LAYER(space_to_depth)                                                                                              \
    LAYER(depth_to_space)                                                                                              \
    LAYER(resize_nearest)                                                                                              \
    LAYER(resize_bilinear)                                                                                             \
    LAYER(reduce)                                                                                                      \
    LAYER(arg_max)                                                                                                     \
    LAYER(batch_matmul)                                                                                                \
    LAYER(squared_difference)                                                                                          \
    LAYER(divide)                                                                                                      \
    LAYER(power)                                                                                                       \
    LAYER(compare)                                                                                                     \
    LAYER(select)                                                                                                      \
    LAYER(look_up)                                                                                                     \
    LAYER(top_k)                                                                                                       \
    LAYER(dense_by_rows)                                                                                               \
    LAYER(quantize)                                                                                                    \
    LAYER(cast)                                                                                                        \
    LAYER(simple_rnn)                                                                                                  \
    LAYER(gru)                                                                                                         \
    LAYER(lstm)                                                                                                        \
    LAYER(last_state)                                                                                                  \
    LAYER(rnn_2019)                                                                                                    \
    LAYER(svdf)                                                                                                        \
    LAYER(output)

/* make_<kind>(m): the last layer of the graph, or NULL when memory is short. */
typedef nnom_layer_t *(*maker_t)(nnom_model_t *m);
#define DECLARE_MAKER(kind) nnom_layer_t *make_##kind(nnom_model_t *m);
RANDOM_LAYERS(DECLARE_MAKER)
#undef DECLARE_MAKER

/* ---- Parts, for other graphs ---- */

/* What sources are made as from here on. */
void random_float_model(bool is_float);
bool random_is_float(void);
/* The zero point, or 0 where int16 has none. */
int32_t random_zero(int32_t zero_point);
nnom_shape_t random_shape(void);
/* Both at random. */
nnom_shape_t random_begin(void);
/* Sources are followed by a layer that keeps compile from exchanging rows and columns. */
void random_rows_stay(bool stay);
/* An Input owned by m, with a random quantisation. */
nnom_layer_t *random_source(nnom_model_t *m, nnom_shape_t s);

typedef struct weights {
    nnom_weight_t w;
    nnom_bias_t b;
    const nnom_bias_t *bias; /* &b or NULL */
    float *scales;           /* [scale_count] or NULL */
    uint32_t scale_count;
    int32_t bias_bits;   /* of int16 layers: what bias holds with scales; 0: not set */
    int32_t weight_bits; /* of int8 layers; 0: not set */
} weights_t;
/* Random weights of `channels` outputs with `taps` weights each. */
const weights_t *random_weights(int32_t channels, int32_t taps);
/* Sets the weight scales, and an output quantisation that fits them. */
nnom_layer_t *weighted(nnom_layer_t *layer, const weights_t *w, int32_t taps);

/* A compiled model with branches, a fused and a named layer ("first"), every node whole. */
void branching_model(nnom_model_t *m);

#endif
