/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The names that users of Keras and of NNoM know, for the functions of nnom.h that are described there: Dense() is nnom_dense().
 * Included by nnom.h unless NNOM_NO_SHORT_NAMES is defined. They exist in the source alone: an application's own function `shape`
 * in another file meets none of them when it is linked.
 */
#ifndef NNOM_NAMES_H
#define NNOM_NAMES_H

#include "nnom.h"

/* Each is an inline function that calls the real one. */
#define NNOM_SHORT(result, name, parameters, call)                                                                     \
    static inline result name parameters                                                                               \
    {                                                                                                                  \
        return call;                                                                                                   \
    }
#define NNOM_SHORT_VOID(name, parameters, call)                                                                        \
    static inline void name parameters                                                                                 \
    {                                                                                                                  \
        call;                                                                                                          \
    }

/* clang-format off */

/* ---- Values ---- */

#define PADDING_VALID NNOM_PADDING_VALID
#define PADDING_SAME NNOM_PADDING_SAME
#define PADDING_EXPLICIT NNOM_PADDING_EXPLICIT

NNOM_SHORT(nnom_shape_t, shape, (int32_t h, int32_t w, int32_t c), nnom_make_shape(h, w, c))
NNOM_SHORT(nnom_size_t, kernel, (int32_t h, int32_t w), nnom_make_size(h, w))
NNOM_SHORT(nnom_size_t, stride, (int32_t h, int32_t w), nnom_make_size(h, w))
NNOM_SHORT(nnom_size_t, dilation, (int32_t h, int32_t w), nnom_make_size(h, w))
NNOM_SHORT(nnom_border_t, border, (int32_t top, int32_t bottom, int32_t left, int32_t right),
           nnom_make_border(top, bottom, left, right))
NNOM_SHORT(nnom_qformat_t, qformat, (int32_t m, int32_t n), nnom_make_qformat(m, n))

/* ---- Models ---- */

NNOM_SHORT(nnom_model_t *, new_model, (nnom_model_t *m), nnom_new_model(m))
NNOM_SHORT_VOID(model_delete, (nnom_model_t *m), nnom_model_delete(m))
NNOM_SHORT(nnom_status_t, model_compile, (nnom_model_t *m, nnom_layer_t *in, nnom_layer_t *out),
           nnom_model_compile(m, in, out))
NNOM_SHORT(nnom_status_t, sequential_compile, (nnom_model_t *m), nnom_sequential_compile(m))
NNOM_SHORT(nnom_status_t, sequencial_compile, (nnom_model_t *m), nnom_sequential_compile(m))
NNOM_SHORT(nnom_status_t, model_run, (nnom_model_t *m), nnom_model_run(m))
NNOM_SHORT(const char *, model_error_text, (const nnom_model_t *m), nnom_model_error_text(m))
NNOM_SHORT_VOID(model_print, (const nnom_model_t *m), nnom_model_print(m))
NNOM_SHORT_VOID(model_stat, (nnom_model_t *m), nnom_model_stat(m))

/* ---- Layers with arguments that may be left out ---- */

#define NNOM_COUNT(...) NNOM_COUNT_(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define NNOM_COUNT_(a, b, c, d, e, f, g, h, n, ...) n
#define NNOM_JOIN(a, b) NNOM_JOIN_(a, b)
#define NNOM_JOIN_(a, b) a##b

#define Input(...) NNOM_JOIN(nnom_input_, NNOM_COUNT(__VA_ARGS__))(__VA_ARGS__)
#define Output(...) NNOM_JOIN(nnom_output_, NNOM_COUNT(__VA_ARGS__))(__VA_ARGS__)
#define Conv2D(...) NNOM_JOIN(nnom_conv2d_, NNOM_COUNT(__VA_ARGS__))(__VA_ARGS__)
#define DW_Conv2D(...) NNOM_JOIN(nnom_dw_conv2d_, NNOM_COUNT(__VA_ARGS__))(__VA_ARGS__)
#define Conv2DTranspose(...) NNOM_JOIN(nnom_conv2d_transpose_, NNOM_COUNT(__VA_ARGS__))(__VA_ARGS__)
#define Conv2D_Trans(...) Conv2DTranspose(__VA_ARGS__)
/* Add(): + 0; Add(oshift): oshift + 0. */
#define Add(...) nnom_add(__VA_ARGS__ + 0)
#define Sub(...) nnom_sub(__VA_ARGS__ + 0)
#define Mult(...) nnom_mult(__VA_ARGS__ + 0)

/* ---- Layers ---- */

NNOM_SHORT(nnom_layer_t *, Softmax, (void), nnom_softmax(1.0f))
NNOM_SHORT(nnom_layer_t *, Constant, (nnom_shape_t shape, const void *data), nnom_constant(shape, data))
NNOM_SHORT(nnom_layer_t *, Dense, (int32_t units, const nnom_weight_t *w, const nnom_bias_t *b),
           nnom_dense(units, w, b))
NNOM_SHORT(nnom_layer_t *, MaxPool, (nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding),
           nnom_max_pool(kernel, stride, padding))
NNOM_SHORT(nnom_layer_t *, AvgPool, (nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding),
           nnom_avg_pool(kernel, stride, padding))
NNOM_SHORT(nnom_layer_t *, SumPool, (nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding),
           nnom_sum_pool(kernel, stride, padding))
NNOM_SHORT(nnom_layer_t *, GlobalMaxPool, (void), nnom_global_max_pool())
NNOM_SHORT(nnom_layer_t *, GlobalAvgPool, (void), nnom_global_avg_pool())
NNOM_SHORT(nnom_layer_t *, GlobalSumPool, (void), nnom_global_sum_pool())
NNOM_SHORT(nnom_layer_t *, Flatten, (void), nnom_flatten())
NNOM_SHORT(nnom_layer_t *, Reshape, (nnom_shape_t shape), nnom_reshape(shape))
NNOM_SHORT(nnom_layer_t *, ReLU, (void), nnom_relu())
NNOM_SHORT(nnom_layer_t *, ReLU6, (void), nnom_relu6())
NNOM_SHORT(nnom_layer_t *, LeakyReLU, (float alpha), nnom_leaky_relu(alpha))
NNOM_SHORT(nnom_layer_t *, TanH, (void), nnom_tanh())
NNOM_SHORT(nnom_layer_t *, Sigmoid, (void), nnom_sigmoid())
NNOM_SHORT(nnom_layer_t *, Activation, (nnom_activation_t *act), nnom_act_layer(act))
NNOM_SHORT(nnom_layer_t *, Concat, (int32_t axis), nnom_concat(axis))
NNOM_SHORT(nnom_layer_t *, UpSample, (nnom_size_t kernel), nnom_upsample(kernel))
NNOM_SHORT(nnom_layer_t *, ZeroPadding, (nnom_border_t border), nnom_zero_padding(border))
NNOM_SHORT(nnom_layer_t *, Cropping, (nnom_border_t border), nnom_cropping(border))
NNOM_SHORT(nnom_layer_t *, Lambda, (nnom_lambda_t run, nnom_lambda_t oshape, nnom_lambda_t free, void *param),
           nnom_lambda(run, oshape, free, param))
NNOM_SHORT(nnom_layer_t *, Maximum, (void), nnom_maximum())
NNOM_SHORT(nnom_layer_t *, Minimum, (void), nnom_minimum())
NNOM_SHORT(nnom_layer_t *, SquaredDifference, (void), nnom_squared_difference())
NNOM_SHORT(nnom_layer_t *, Divide, (void), nnom_divide())
NNOM_SHORT(nnom_layer_t *, Power, (void), nnom_power())
NNOM_SHORT(nnom_layer_t *, Compare, (nnom_relation_t relation), nnom_compare(relation))
NNOM_SHORT(nnom_layer_t *, Select, (void), nnom_select())
NNOM_SHORT(nnom_layer_t *, PReLU, (void), nnom_prelu())
NNOM_SHORT(nnom_layer_t *, LogSoftmax, (void), nnom_log_softmax())
NNOM_SHORT(nnom_layer_t *, L2Norm, (void), nnom_l2_norm())
NNOM_SHORT(nnom_layer_t *, Slice, (nnom_shape_t begin, nnom_shape_t size, nnom_shape_t step),
           nnom_slice(begin, size, step))
NNOM_SHORT(nnom_layer_t *, Slide, (int32_t rows), nnom_slide(rows))
NNOM_SHORT(nnom_layer_t *, Pad, (nnom_border_t border, int32_t front, int32_t back, float value),
           nnom_pad(border, front, back, value))
NNOM_SHORT(nnom_layer_t *, Gather, (int32_t axis, const int32_t *indices, int32_t count),
           nnom_gather(axis, indices, count))
NNOM_SHORT(nnom_layer_t *, LookUp, (void), nnom_look_up())
NNOM_SHORT(nnom_layer_t *, Tile, (nnom_shape_t times), nnom_tile(times))
NNOM_SHORT(nnom_layer_t *, MirrorPad, (nnom_border_t border, int32_t front, int32_t back, bool repeat_edge),
           nnom_mirror_pad(border, front, back, repeat_edge))
NNOM_SHORT(nnom_layer_t *, Transpose, (nnom_shape_t perm), nnom_transpose(perm))
NNOM_SHORT(nnom_layer_t *, SpaceToDepth, (int32_t block), nnom_space_to_depth(block))
NNOM_SHORT(nnom_layer_t *, DepthToSpace, (int32_t block), nnom_depth_to_space(block))
NNOM_SHORT(nnom_layer_t *, ResizeNearest, (nnom_size_t size, nnom_resize_t mode), nnom_resize_nearest(size, mode))
NNOM_SHORT(nnom_layer_t *, ResizeBilinear, (nnom_size_t size, nnom_resize_t mode), nnom_resize_bilinear(size, mode))
NNOM_SHORT(nnom_layer_t *, Reduce, (nnom_reduce_t kind, bool h, bool w, bool c), nnom_reduce(kind, h, w, c))
NNOM_SHORT(nnom_layer_t *, ArgMax, (int32_t axis), nnom_arg_max(axis))
NNOM_SHORT(nnom_layer_t *, ArgMin, (int32_t axis), nnom_arg_min(axis))
NNOM_SHORT(nnom_layer_t *, TopK, (int32_t count, bool indices), nnom_top_k(count, indices))
NNOM_SHORT(nnom_layer_t *, BatchMatmul, (bool transpose_a, bool transpose_b),
           nnom_batch_matmul(transpose_a, transpose_b))
/* Announced in 2019. */
NNOM_SHORT(nnom_layer_t *, Dot, (bool transpose_a, bool transpose_b), nnom_batch_matmul(transpose_a, transpose_b))
NNOM_SHORT(nnom_layer_t *, DenseByRows, (const nnom_bias_t *b), nnom_dense_by_rows(b))
NNOM_SHORT(nnom_layer_t *, Quantize, (nnom_type_t type), nnom_quantize(type))
NNOM_SHORT(nnom_layer_t *, Cast, (nnom_type_t type), nnom_cast(type))

/* ---- Recurrent layers ---- */

NNOM_SHORT(nnom_layer_t *, RNN, (nnom_cell_t *cell, bool return_sequence), nnom_rnn(cell, return_sequence))
NNOM_SHORT(nnom_cell_t *, SimpleCell, (int32_t units, nnom_activation_t *act, const nnom_weight_t *w, const nnom_bias_t *b),
           nnom_simple_cell(units, act, w, b))
NNOM_SHORT(nnom_cell_t *, GRUCell, (int32_t units, const nnom_weight_t *w, const nnom_bias_t *b),
           nnom_gru_cell(units, w, b))
NNOM_SHORT(nnom_cell_t *, LSTMCell, (int32_t units, const nnom_weight_t *w, const nnom_bias_t *b),
           nnom_lstm_cell(units, w, b))
NNOM_SHORT(nnom_layer_t *, rnn_s, (nnom_cell_t *cell, const nnom_rnn_config_t *config), nnom_rnn_s(cell, config))
NNOM_SHORT(nnom_cell_t *, simple_cell_s, (const nnom_cell_config_t *config), nnom_simple_cell_s(config))
NNOM_SHORT(nnom_cell_t *, gru_cell_s, (const nnom_cell_config_t *config), nnom_gru_cell_s(config))
NNOM_SHORT(nnom_cell_t *, lstm_cell_s, (const nnom_cell_config_t *config), nnom_lstm_cell_s(config))

/* ---- Activations ---- */

NNOM_SHORT(nnom_activation_t *, act_relu, (void), nnom_act_relu())
NNOM_SHORT(nnom_activation_t *, act_relu6, (void), nnom_act_relu6())
NNOM_SHORT(nnom_activation_t *, act_leaky_relu, (float alpha), nnom_act_leaky_relu(alpha))
NNOM_SHORT(nnom_activation_t *, act_tanh, (void), nnom_act_tanh())
NNOM_SHORT(nnom_activation_t *, act_sigmoid, (void), nnom_act_sigmoid())
NNOM_SHORT(nnom_activation_t *, act_relu_n1_to_1, (void), nnom_act_relu_n1_to_1())
NNOM_SHORT(nnom_activation_t *, act_elu, (float alpha), nnom_act_elu(alpha))
NNOM_SHORT(nnom_activation_t *, act_hard_swish, (void), nnom_act_hard_swish())
NNOM_SHORT(nnom_activation_t *, act_gelu, (void), nnom_act_gelu())
NNOM_SHORT(nnom_activation_t *, act_gelu_tanh, (void), nnom_act_gelu_tanh())
NNOM_SHORT(nnom_activation_t *, act_exp, (void), nnom_act_exp())
NNOM_SHORT(nnom_activation_t *, act_log, (void), nnom_act_log())
NNOM_SHORT(nnom_activation_t *, act_sqrt, (void), nnom_act_sqrt())
NNOM_SHORT(nnom_activation_t *, act_rsqrt, (void), nnom_act_rsqrt())
NNOM_SHORT(nnom_activation_t *, act_abs, (void), nnom_act_abs())
NNOM_SHORT(nnom_activation_t *, act_neg, (void), nnom_act_neg())
NNOM_SHORT(nnom_activation_t *, act_square, (void), nnom_act_square())
NNOM_SHORT(nnom_activation_t *, act_power, (float exponent), nnom_act_power(exponent))
NNOM_SHORT(nnom_activation_t *, act_sin, (void), nnom_act_sin())
NNOM_SHORT(nnom_activation_t *, act_cos, (void), nnom_act_cos())
NNOM_SHORT(nnom_activation_t *, act_floor, (void), nnom_act_floor())
NNOM_SHORT(nnom_activation_t *, act_ceil, (void), nnom_act_ceil())
NNOM_SHORT(nnom_activation_t *, act_round, (void), nnom_act_round())
NNOM_SHORT(nnom_activation_t *, act_sign, (void), nnom_act_sign())
NNOM_SHORT(nnom_activation_t *, act_softplus, (void), nnom_act_softplus())
NNOM_SHORT(nnom_activation_t *, act_log_sigmoid, (void), nnom_act_log_sigmoid())
NNOM_SHORT(nnom_activation_t *, act_softsign, (void), nnom_act_softsign())
NNOM_SHORT(nnom_activation_t *, act_silu, (void), nnom_act_silu())
NNOM_SHORT(nnom_activation_t *, act_mish, (void), nnom_act_mish())
NNOM_SHORT(nnom_activation_t *, act_selu, (void), nnom_act_selu())
NNOM_SHORT(nnom_activation_t *, act_celu, (float alpha), nnom_act_celu(alpha))
NNOM_SHORT(nnom_activation_t *, act_hard_sigmoid, (float slope), nnom_act_hard_sigmoid(slope))

/* ---- Evaluation ---- */

/* buf: the model's input buffer or NULL. The model knows its buffer; the argument is that of 2019. */
static inline nnom_predict_t *prediction_create(nnom_model_t *m, void *buf, size_t label_num, size_t top_k_size)
{
    (void)buf;
    return m != NULL ? nnom_prediction_create(&m->instance, label_num, top_k_size) : NULL;
}

/* Nothing: counts are kept up to date by every run. */
static inline void prediction_end(nnom_predict_t *p)
{
    (void)p;
}

NNOM_SHORT(nnom_status_t, prediction_run, (nnom_predict_t *p, uint32_t true_label, uint32_t *predict_label, float *prob),
           nnom_prediction_run(p, true_label, predict_label, prob))
NNOM_SHORT_VOID(prediction_delete, (nnom_predict_t *p), nnom_prediction_delete(p))
NNOM_SHORT_VOID(prediction_matrix, (nnom_predict_t *p), nnom_prediction_matrix(p))
NNOM_SHORT_VOID(prediction_top_k, (nnom_predict_t *p), nnom_prediction_top_k(p))
NNOM_SHORT_VOID(prediction_summary, (nnom_predict_t *p), nnom_prediction_summary(p))

/* clang-format on */

#endif
