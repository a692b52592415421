/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * NNoM: quantised neural networks on microcontrollers, built layer by layer as in Keras.
 *
 *     nnom_model_t model;
 *     new_model(&model);
 *     model.add(&model, Input(shape(128, 1, 9), qformat(2, 5), input_buf));
 *     model.add(&model, Conv2D(16, kernel(9, 1), stride(2, 1), PADDING_SAME, &c1_w, &c1_b));
 *     model.add(&model, ReLU());
 *     ...
 *     if (sequential_compile(&model) != NNOM_OK) ...
 *     model_run(&model);
 *     model_delete(&model);
 *
 * The functions are named nnom_..., as nnom_dense(). The names used above, which users of Keras and of NNoM know, stand for
 * them: nnom_names.h has them all. NNOM_NO_SHORT_NAMES, defined before this file is included, leaves them out.
 *
 * C99 or C++11. Errors: constructors and hooks return NULL when they fail and pass NULL through; `model_compile` then returns the first
 * error and `model_error_text` tells the layer and what was expected. After a successful compile, running allocates nothing.
 * Threads: one model is used by one thread at a time; models share nothing.
 */
#ifndef NNOM_H
#define NNOM_H

#include "nnom_run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Values ---- */

/* A Q-format: n fraction bits, scale 2^-n, zero point 0. m + n = 7, -31 <= n <= 31: compile refuses others. */
typedef struct nnom_qformat {
    int32_t m;
    int32_t n;
} nnom_qformat_t;

typedef struct nnom_size {
    int32_t h;
    int32_t w;
} nnom_size_t;

/* Rows above, below, columns left, right. */
typedef struct nnom_border {
    int32_t top;
    int32_t bottom;
    int32_t left;
    int32_t right;
} nnom_border_t;

typedef enum nnom_padding { NNOM_PADDING_VALID = 0, NNOM_PADDING_SAME = 1, NNOM_PADDING_EXPLICIT = 2 } nnom_padding_t;

/*
 * Weights and biases, owned by the caller, alive as long as the model. `shift`: fraction bits of the stored int8 values.
 * With nnom_layer_set_weight_scales() weights are int8 and biases int32, in a layer with int16 inputs int64 or int32
 * (nnom_layer_set_bias_bits()); in a float32 model both are float.
 * Compile with -DNNOM_SHIFTS_2020 to read `shift` as NNoM 0.1 to 0.4 stored it: weight.shift = output right shift,
 * bias.shift = bias left shift.
 */
typedef struct nnom_weight {
    const void *p_value;
    size_t shift;
} nnom_weight_t;
typedef nnom_weight_t nnom_bias_t;

nnom_shape_t nnom_make_shape(int32_t h, int32_t w, int32_t c);
nnom_size_t nnom_make_size(int32_t h, int32_t w); /* a kernel, a stride, a dilation */
nnom_border_t nnom_make_border(int32_t top, int32_t bottom, int32_t left, int32_t right);
nnom_qformat_t nnom_make_qformat(int32_t m, int32_t n);

/* ---- Model ---- */

typedef struct nnom_layer nnom_layer_t;
typedef struct nnom_activation nnom_activation_t;
typedef struct nnom_builder nnom_builder_t;

/*
 * A model built by hand. The caller owns the struct; new_model() fills it. `instance` is what runs: the calls of nnom_run.h take
 * its address. The function pointers are the builder's verbs.
 */
typedef struct nnom_model nnom_model_t;
struct nnom_model {
    nnom_instance_t instance;
    nnom_status_t (*add)(nnom_model_t *m, nnom_layer_t *layer);
    nnom_layer_t *(*hook)(nnom_layer_t *curr, nnom_layer_t *last);
    nnom_layer_t *(*merge)(nnom_layer_t *method, nnom_layer_t *in1, nnom_layer_t *in2);
    nnom_layer_t *(*mergex)(nnom_layer_t *method, int num, ...);
    nnom_layer_t *(*active)(nnom_activation_t *act, nnom_layer_t *target);
    nnom_builder_t *builder; /* private */
};

/* Prepares *m, or allocates a model if m is NULL. Returns it, or NULL when memory is short. */
nnom_model_t *nnom_new_model(nnom_model_t *m);

/* Frees the layers, the plan and the arena (if NNoM allocated it), and the model if new_model(NULL) made it. NULL is fine. */
void nnom_model_delete(nnom_model_t *m);

/*
 * Checks the graph, derives shapes and quantisation, plans the arena. `in` is any input; further inputs and outputs are found
 * by following the connections. out may be NULL: the last layer. The model then owns every layer connected to them,
 * also when compile fails. The plan is the smallest that costs at most 10 % more instructions than the fastest, by estimate;
 * nnom_compile() chooses. Another call starts anew, after a failure or when layers were added: with these, the model does not
 * run until it is compiled again.
 */
nnom_status_t nnom_model_compile(nnom_model_t *m, nnom_layer_t *in, nnom_layer_t *out);
nnom_status_t nnom_sequential_compile(nnom_model_t *m);

/*
 * The model owns the layer, and all that is connected to it by the time of compile, from now on. For models of several
 * inputs or outputs: the order of these calls is the order of nnom_input_buffer() and nnom_output_buffer(). NULL is an error that
 * compile reports.
 */
nnom_status_t nnom_own(nnom_model_t *m, nnom_layer_t *layer);

/* The arena's memory, given by the caller before compile: 4-byte aligned, alive as long as the model. */
nnom_status_t nnom_set_arena(nnom_model_t *m, void *memory, uint32_t bytes);
/* The second region, for models compiled with options.fast_bytes. Two models that never run at once may share either. */
nnom_status_t nnom_set_slow_arena(nnom_model_t *m, void *memory, uint32_t bytes);

/* Frees a layer and everything connected to it, if no model owns them yet. NULL is fine. */
void nnom_discard(nnom_layer_t *layer);

/* nnom_run(&m->instance). */
nnom_status_t nnom_model_run(nnom_model_t *m);

/* The first error of build or compile, as a sentence naming the layer; "" if there is none. Owned by the model. */
const char *nnom_model_error_text(const nnom_model_t *m);

/* Prints the table of compile once more: layers, shapes, MACs, bytes, life times, totals. */
void nnom_model_print(const nnom_model_t *m);
/* compile prints the table unless this is off. Default: on. */
void nnom_set_verbose(nnom_model_t *m, bool verbose);

/* ---- Layers ----
 * Each constructor returns a new layer, or NULL when memory is short. Errors in arguments are found by compile.
 * Shapes are (h, w, c). A model whose data is (1, w, c) throughout is run with w as its rows: the same bytes.
 */

/* Input(shape, buf) or Input(shape, qformat, buf). buf holds the input, owned by the caller; NULL: in the arena. */
nnom_layer_t *nnom_input_2(nnom_shape_t shape, void *buf);
nnom_layer_t *nnom_input_3(nnom_shape_t shape, nnom_qformat_t format, void *buf);

/*
 * Output(shape, buf) or Output(shape, qformat, buf). compile checks the number of elements. buf NULL: in the arena. The format
 * is not read, as in 2019: the result has that of the layer before.
 */
nnom_layer_t *nnom_output_2(nnom_shape_t shape, void *buf);
nnom_layer_t *nnom_output_3(nnom_shape_t shape, nnom_qformat_t format, void *buf);

/* A tensor of constants (int8, or float in a float model), owned by the caller: an operand of Add, Mult, Concat ... */
nnom_layer_t *nnom_constant(nnom_shape_t shape, const void *data);

/*
 * Conv2D(filters, kernel, stride, padding, w, b), later versions with dilation after stride. Weights
 * [filters][kernel h][kernel w][channels in]; b may be NULL. DW_Conv2D: weights [kernel h][kernel w][channels in * multiplier].
 */
nnom_layer_t *nnom_conv2d_6(int32_t filters, nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding,
                            const nnom_weight_t *w, const nnom_bias_t *b);
nnom_layer_t *nnom_conv2d_7(int32_t filters, nnom_size_t kernel, nnom_size_t stride, nnom_size_t dilation,
                            nnom_padding_t padding, const nnom_weight_t *w, const nnom_bias_t *b);
nnom_layer_t *nnom_dw_conv2d_6(int32_t multiplier, nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding,
                               const nnom_weight_t *w, const nnom_bias_t *b);
nnom_layer_t *nnom_dw_conv2d_7(int32_t multiplier, nnom_size_t kernel, nnom_size_t stride, nnom_size_t dilation,
                               nnom_padding_t padding, const nnom_weight_t *w, const nnom_bias_t *b);
/* Transposed convolution. Weights [filters][kernel h][kernel w][channels in]. */
nnom_layer_t *nnom_conv2d_transpose_6(int32_t filters, nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding,
                                      const nnom_weight_t *w, const nnom_bias_t *b);
nnom_layer_t *nnom_conv2d_transpose_7(int32_t filters, nnom_size_t kernel, nnom_size_t stride, nnom_size_t dilation,
                                      nnom_padding_t padding, const nnom_weight_t *w, const nnom_bias_t *b);
/* Weights [units][h * w * c of the input]; an input of any shape is taken as one vector, as after Flatten. */
nnom_layer_t *nnom_dense(int32_t units, const nnom_weight_t *w, const nnom_bias_t *b);

nnom_layer_t *nnom_max_pool(nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding);
/* padding does not count */
nnom_layer_t *nnom_avg_pool(nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding);
nnom_layer_t *nnom_sum_pool(nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding);
nnom_layer_t *nnom_global_max_pool(void);
nnom_layer_t *nnom_global_avg_pool(void);
nnom_layer_t *nnom_global_sum_pool(void);

nnom_layer_t *nnom_flatten(void);
nnom_layer_t *nnom_reshape(nnom_shape_t shape);
nnom_layer_t *nnom_softmax(float beta); /* over the channels, of beta times the input, beta > 0 */
nnom_layer_t *nnom_relu(void);
nnom_layer_t *nnom_relu6(void);
nnom_layer_t *nnom_leaky_relu(float alpha);
nnom_layer_t *nnom_tanh(void);
nnom_layer_t *nnom_sigmoid(void);

/* Activations: as a layer by Activation(act), or attached by model.active(act, layer) at no cost in memory. */
nnom_layer_t *nnom_act_layer(nnom_activation_t *act);
nnom_activation_t *nnom_act_relu(void);
nnom_activation_t *nnom_act_relu6(void);
nnom_activation_t *nnom_act_leaky_relu(float alpha);
nnom_activation_t *nnom_act_tanh(void);
nnom_activation_t *nnom_act_sigmoid(void);

/* Axis: -1 or 2 channels, 1 columns (w), 0 rows (h). In a model of (1, w, c) data, axis 1 is time. */
nnom_layer_t *nnom_concat(int32_t axis);
/*
 * Element by element; an input of h, w or c = 1 is repeated. Each input has its own quantisation. Add() or, as in later versions,
 * Add(oshift): the output has `oshift` fraction bits less than its first input.
 */
nnom_layer_t *nnom_add(int32_t oshift);
nnom_layer_t *nnom_sub(int32_t oshift);
nnom_layer_t *nnom_mult(int32_t oshift);

nnom_layer_t *nnom_upsample(nnom_size_t kernel); /* repeats rows and columns */
nnom_layer_t *nnom_zero_padding(nnom_border_t border);
nnom_layer_t *nnom_cropping(nnom_border_t border);

/*
 * The user's own layer: one input, one output. `oshape` sets the output's shape with nnom_layer_set_shape() (NULL: the
 * input's), `run` reads nnom_layer_input() and writes nnom_layer_output() and is called with all rows present, `free` is
 * called by model_delete (NULL: nothing). A model with a Lambda cannot be frozen.
 */
typedef nnom_status_t (*nnom_lambda_t)(nnom_layer_t *layer);
nnom_layer_t *nnom_lambda(nnom_lambda_t run, nnom_lambda_t oshape, nnom_lambda_t free, void *param);
const void *nnom_layer_input(const nnom_layer_t *layer);
void *nnom_layer_output(const nnom_layer_t *layer);
void *nnom_layer_param(const nnom_layer_t *layer);
nnom_shape_t nnom_layer_input_shape(const nnom_layer_t *layer);
nnom_shape_t nnom_layer_shape(const nnom_layer_t *layer);
nnom_status_t nnom_layer_set_shape(nnom_layer_t *layer, nnom_shape_t shape);

/* ---- Settings of a layer, before compile. Each returns the layer and passes NULL through, so that calls nest. ---- */

/* The output's quantisation. Default: the input's (Softmax: 1/256, -128; TanH: 1/128, 0; Sigmoid: 1/256, -128). */
nnom_layer_t *nnom_layer_set_qformat(nnom_layer_t *layer, nnom_qformat_t format);
nnom_layer_t *nnom_layer_set_quant(nnom_layer_t *layer, float scale, int32_t zero_point);
/* Weights are int8 with these scales (count: 1 or the number of output channels), the bias int32. Copied. */
nnom_layer_t *nnom_layer_set_weight_scales(nnom_layer_t *layer, const float *scales, uint32_t count);
/*
 * Of a layer with weights and int16 inputs. 64, the default: its bias, if weight scales are set, is int64, and sums have 64 bits.
 * 32: its bias is int32, sums must fit 32 bits, and requantising keeps 31 bits of the multiplier instead of 15. As TensorFlow Lite's
 * 16x8 layers with either type of bias.
 */
nnom_layer_t *nnom_layer_set_bias_bits(nnom_layer_t *layer, int32_t bits);
/*
 * Of Conv2D, DW_Conv2D and Dense with int8 inputs: 4: weights are numbers from -8 to 7, two in a byte, the first in the lower half, in the order
 * of the array; an odd last one is alone. 8 is the default.
 */
nnom_layer_t *nnom_layer_set_weight_bits(nnom_layer_t *layer, int32_t bits);
/* Element type of an Input or Constant, NNOM_TYPE_F32 for float models; other layers follow their inputs. */
nnom_layer_t *nnom_layer_set_type(nnom_layer_t *layer, nnom_type_t type);
/* Padding in numbers, instead of SAME or VALID: convolutions and pools. */
nnom_layer_t *nnom_layer_set_padding(nnom_layer_t *layer, nnom_border_t border);
/* A name for tables and errors. Copied, up to 31 characters are kept. */
nnom_layer_t *nnom_layer_set_name(nnom_layer_t *layer, const char *name);

#include "nnom_tools.h"
#include "nnom_layers.h"
#include "nnom_rnn.h"

#ifdef __cplusplus
}
#endif

#ifndef NNOM_NO_SHORT_NAMES
#include "nnom_names.h"
#endif

#endif
