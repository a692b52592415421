/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Further layers, most of them for converted models. Included by nnom.h; the rules of its constructors hold here too.
 */
#ifndef NNOM_LAYERS_H
#define NNOM_LAYERS_H

/* ---- Activations ---- */

nnom_activation_t *nnom_act_relu_n1_to_1(void); /* clamps to [-1, 1] */

/* The following have in int8 a table, made by compile. */
nnom_activation_t *nnom_act_elu(float alpha); /* alpha * (exp(x) - 1) below 0 */
nnom_activation_t *nnom_act_hard_swish(void); /* x * relu6(x + 3) / 6 */
nnom_activation_t *nnom_act_gelu(void);
nnom_activation_t *nnom_act_gelu_tanh(void); /* its approximation with tanh */
nnom_activation_t *nnom_act_exp(void);
nnom_activation_t *nnom_act_log(void);
nnom_activation_t *nnom_act_sqrt(void);
nnom_activation_t *nnom_act_rsqrt(void); /* 1 / sqrt(x) */
nnom_activation_t *nnom_act_abs(void);
nnom_activation_t *nnom_act_neg(void);
nnom_activation_t *nnom_act_square(void);
nnom_activation_t *nnom_act_power(float exponent);
nnom_activation_t *nnom_act_sin(void);
nnom_activation_t *nnom_act_cos(void);
nnom_activation_t *nnom_act_floor(void);
nnom_activation_t *nnom_act_ceil(void);
nnom_activation_t *nnom_act_round(void); /* to nearest, ties to even */
nnom_activation_t *nnom_act_sign(void);  /* -1, 0 or 1 */
nnom_activation_t *nnom_act_softplus(void);
nnom_activation_t *nnom_act_log_sigmoid(void);
nnom_activation_t *nnom_act_softsign(void);
nnom_activation_t *nnom_act_silu(void); /* x * sigmoid(x), also called swish */
nnom_activation_t *nnom_act_mish(void);
nnom_activation_t *nnom_act_selu(void);
nnom_activation_t *nnom_act_celu(float alpha);         /* alpha * (exp(x / alpha) - 1) below 0 */
nnom_activation_t *nnom_act_hard_sigmoid(float slope); /* slope * x + 0.5, clamped to 0..1 */

/* ---- Two inputs, element by element; an input of h, w or c = 1 is repeated ---- */

nnom_layer_t *nnom_maximum(void);
nnom_layer_t *nnom_minimum(void);
nnom_layer_t *nnom_squared_difference(void); /* (a - b)^2 */
/* a / b. In int8 a number divided by 0 saturates on the side of a's sign, 0 / 0 is 0. */
nnom_layer_t *nnom_divide(void);
nnom_layer_t *nnom_power(void); /* a^b, float alone */

typedef enum nnom_relation {
    NNOM_EQUAL = 0,
    NNOM_NOT_EQUAL = 1,
    NNOM_LESS = 2,
    NNOM_LESS_EQUAL = 3,
    NNOM_GREATER = 4,
    NNOM_GREATER_EQUAL = 5
} nnom_relation_t;
/* 1 where the relation holds, else 0, in the inputs' type: int8 (scale 1, zero point 0), float or int32. */
nnom_layer_t *nnom_compare(nnom_relation_t relation);
/* Three inputs: input 1 where input 0 (int8, float or int32) is not 0, else input 2. Default quantisation: input 1's. */
nnom_layer_t *nnom_select(void);
/* Negative elements of input 0 are multiplied with input 1, usually a Constant of shape (1, 1, c). */
nnom_layer_t *nnom_prelu(void);

/* ---- Over the channels of each pixel ---- */

nnom_layer_t *nnom_log_softmax(void); /* int8 output: scale 1/16, zero point 127 */
/* Divided by the length of the vector of channels; int8 output: scale 1/128, zero point 0. */
nnom_layer_t *nnom_l2_norm(void);

/* ---- Moving data: the input's quantisation stays ---- */

/* size elements along each axis from begin on, every step-th (negative: backwards). */
nnom_layer_t *nnom_slice(nnom_shape_t begin, nnom_shape_t size, nnom_shape_t step);
/* Adds rows, columns and channels (front before, back after) that hold `value`. */
nnom_layer_t *nnom_pad(nnom_border_t border, int32_t front, int32_t back, float value);

/* The indices along an axis (0 rows, 1 columns, 2 or -1 channels); owned by the caller, alive until compile. */
nnom_layer_t *nnom_gather(int32_t axis, const int32_t *indices, int32_t count);
/* Input 0: int32 indices (n, 1, 1); input 1: a table (rows, w, c); output (n, w, c). Negative indices count from the end;
 * what lies outside the table is taken as its nearest row. */
nnom_layer_t *nnom_look_up(void);
/* The whole input `times` times along each axis. */
nnom_layer_t *nnom_tile(nnom_shape_t times);
/* Pads with the mirror image; repeat_edge: the outermost element comes twice (symmetric), else once (reflect). */
nnom_layer_t *nnom_mirror_pad(nnom_border_t border, int32_t front, int32_t back, bool repeat_edge);
/* Axis i of the output is axis perm.h, perm.w, perm.c of the input: (0, 2, 1) exchanges columns and channels. */
nnom_layer_t *nnom_transpose(nnom_shape_t perm);
nnom_layer_t *nnom_space_to_depth(int32_t block);
nnom_layer_t *nnom_depth_to_space(int32_t block);

typedef enum nnom_resize {
    NNOM_RESIZE_PLAIN = 0,
    NNOM_RESIZE_ALIGN_CORNERS = 1,
    NNOM_RESIZE_HALF_PIXEL = 2
} nnom_resize_t;
nnom_layer_t *nnom_resize_nearest(nnom_size_t size, nnom_resize_t mode);
nnom_layer_t *nnom_resize_bilinear(nnom_size_t size, nnom_resize_t mode);

/* ---- Taking together ---- */

typedef enum nnom_reduce {
    NNOM_REDUCE_MEAN = 0,
    NNOM_REDUCE_SUM = 1,
    NNOM_REDUCE_MAX = 2,
    NNOM_REDUCE_MIN = 3
} nnom_reduce_t;
/* Along the axes whose flags are set; they keep length 1. */
nnom_layer_t *nnom_reduce(nnom_reduce_t kind, bool h, bool w, bool c);
/* int32 indices along an axis (0 rows, 1 columns, 2 or -1 channels), which keeps length 1. */
nnom_layer_t *nnom_arg_max(int32_t axis);
nnom_layer_t *nnom_arg_min(int32_t axis);
/* The `count` largest channels of each pixel in descending order, or (`indices`) where they are, int32. */
nnom_layer_t *nnom_top_k(int32_t count, bool indices);
/* (h, m, k) times (h, k, n); one h may be 1. transpose_a: input 0 is (h, k, m); transpose_b: input 1 is (h, n, k). */
nnom_layer_t *nnom_batch_matmul(bool transpose_a, bool transpose_b);
/*
 * A Dense layer whose weights are an activation: every row (k) of input 0 (h, m, k) times every row of input 1 (1 or h, n, k),
 * plus bias [n] (int32 in units of scale 0 * scale 1, or float; may be NULL).
 */
nnom_layer_t *nnom_dense_by_rows(const nnom_bias_t *b);

/* ---- From run to run ---- */

/*
 * A value that is kept from one run to the next. Read as any layer; nnom_state_set() tells what it holds in the next run. start: the
 * bytes before the first run and after nnom_forget(), owned by the caller, alive as long as the model; NULL: zero points, in float
 * zeros. Type and quantisation are set as those of an Input, and are those of the layer that is left.
 */
nnom_layer_t *nnom_state(nnom_shape_t shape, const void *start);
/* `layer`'s output is what `state` holds in the next run: same shape, type and quantisation. Returns state; NULL passes through. */
nnom_layer_t *nnom_state_set(nnom_layer_t *state, nnom_layer_t *layer);
/*
 * The last `rows` rows of a series of which each run brings some: the output holds them, the newest last, and finds its older ones in
 * what the run before left. Before the first run, and after nnom_forget(), it is full of zero points, in float of zeros. A convolution
 * without padding behind it computes what is new of an endless signal.
 */
nnom_layer_t *nnom_slide(int32_t rows);
/* Output i >= 1 of a layer that has several; output 0 is the layer itself. Hooked already. NULL when memory is short. */
nnom_layer_t *nnom_layer_part(nnom_layer_t *layer, uint32_t i);

/* ---- Types ---- */

/*
 * To int8, uint8 or float, keeping the real values: set the output's quantisation with nnom_layer_set_quant(). Between
 * int8 and uint8 without one, the bits stay except the highest.
 */
nnom_layer_t *nnom_quantize(nnom_type_t type);
/* The stored numbers in another type, saturated. An int8 or uint8 output has scale 1, zero point 0 unless set. */
nnom_layer_t *nnom_cast(nnom_type_t type);

#endif
