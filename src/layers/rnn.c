/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Recurrent layers: cells, their layer, and its build. */
#include "rnn_layer.h"

#include <string.h>

#include "elementwise.h"

NNOM_PARAM_FIELDS(nnom_rnn_param, NNOM_RNN_PARAM)

static nnom_status_t rnn_build(nnom_layer_t *layer);
static nnom_status_t rnn_part(const nnom_layer_t *layer, uint32_t i, nnom_tensor_t *out);

static void rnn_array(const nnom_layer_t *layer, uint32_t i, nnom_array_t *array);
static void rnn_release(nnom_layer_t *layer);

#define RNN_CLASS(id, name, states)                                                                                    \
    static const nnom_rare_class_t id##_class = {                                                                      \
        {name, "nnom_rnn_param", nnom_rnn_param_fields, rnn_build, 1, 1 + (states), NNOM_CLASS_RARE},                  \
        states,                                                                                                        \
        rnn_part,                                                                                                      \
        rnn_array,                                                                                                     \
        rnn_release};
RNN_CLASS(simple_rnn, "SimpleRNN", 1)
RNN_CLASS(gru, "GRU", 1)
RNN_CLASS(lstm, "LSTM", 2)

static nnom_status_t rnn_plain(nnom_layer_t *layer)
{
    (void)layer;
    return NNOM_OK; /* all is as build left it */
}

NNOM_RNN_FORMS(ref, rnn_plain)

/* of: NNOM_KERNELS_* of the cell. */
#define RNN_OPS(name, of)                                                                                              \
    static const nnom_kernel_t name##_sequence[] = {of(NNOM_KERNEL_ROW, name##_sequence)};                             \
    static const nnom_kernel_t name##_last[] = {of(NNOM_KERNEL_ROW, name##_last)};                                     \
    static const nnom_kernel_t name##_whole[] = {of(NNOM_KERNEL_ROW, name##_whole)};                                   \
    static const nnom_rnn_ops_t name##_ops = {{name##_sequence, name##_last, name##_whole},                            \
                                              sizeof name##_whole / sizeof name##_whole[0]};
RNN_OPS(simple_rnn_s16, NNOM_KERNELS_SIMPLE_RNN)
RNN_OPS(gru_s16, NNOM_KERNELS_GRU)
RNN_OPS(lstm_s8, NNOM_KERNELS_LSTM_S8)
RNN_OPS(lstm_s16, NNOM_KERNELS_LSTM_S16)
RNN_OPS(lstm_s16_tflite, NNOM_KERNELS_LSTM_S16)

#define RNN_PLAIN_OPS(name)                                                                                            \
    NNOM_PLAIN_KERNEL(name##_sequence, nnom_##name##_sequence_op, NNOM_COSTS_PLAIN)                                    \
    NNOM_PLAIN_KERNEL(name##_last, nnom_##name##_last_op, NNOM_COSTS_PLAIN)                                            \
    NNOM_PLAIN_KERNEL(name##_whole, nnom_##name##_whole_op, NNOM_COSTS_PLAIN)                                          \
    static const nnom_rnn_ops_t name##_ops = {{&name##_sequence_kernel, &name##_last_kernel, &name##_whole_kernel}, 1};
RNN_PLAIN_OPS(simple_rnn_f32)
RNN_PLAIN_OPS(gru_f32)
RNN_PLAIN_OPS(lstm_f32)

static const nnom_rnn_kind_t simple_rnn_kind = {
    &simple_rnn_class.super, 1, 0, 1, false, NULL, &simple_rnn_s16_ops, NULL, &simple_rnn_f32_ops};
static const nnom_rnn_kind_t gru_kind = {&gru_class.super, 3, 2, 4, false, NULL, &gru_s16_ops, NULL, &gru_f32_ops};
static const nnom_rnn_kind_t lstm_kind = {
    &lstm_class.super, 4, 2, 4, true, &lstm_s8_ops, &lstm_s16_ops, &lstm_s16_tflite_ops, &lstm_f32_ops};

/* ---- Build ---- */

static nnom_status_t rnn_check_states(const nnom_rnn_layer_t *rnn)
{
    const nnom_layer_t *layer = &rnn->super;
    const uint32_t count = nnom_layer_input_number(layer), states = rnn->cell->kind->has_cell ? 2 : 1;
    if (count != 1 && count != 1 + states) {
        return nnom_layer_fail(layer, NNOM_BAD_GRAPH, "%d inputs, expected the sequence, or that and %d states",
                               (int)count, (int)states);
    }
    for (uint32_t i = 1; i < count; i++) {
        nnom_tensor_t want = *nnom_layer_in(layer, i);
        const nnom_tensor_t in = want;
        (void)rnn_part(layer, i, &want);
        if (nnom_shape_elements(in.shape) != rnn->param.units || in.type != want.type) {
            return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "state %d is (%d, %d, %d) of %s, expected %d numbers of %s",
                                   (int)i, (int)in.shape.h, (int)in.shape.w, (int)in.shape.c,
                                   nnom_type_facts(in.type)->c_type, (int)rnn->param.units,
                                   nnom_type_facts(want.type)->c_type);
        }
        if (in.type != NNOM_TYPE_F32 && (in.scale != want.scale || in.zero_point != want.zero_point)) {
            return nnom_layer_fail(layer, NNOM_BAD_QUANT,
                                   "state %d has another quantisation than the layer keeps it in", (int)i);
        }
    }
    return NNOM_OK;
}

static nnom_status_t rnn_check(const nnom_rnn_layer_t *rnn)
{
    const nnom_layer_t *layer = &rnn->super;
    const nnom_cell_t *cell = rnn->cell;
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const bool quantised = in->type == NNOM_TYPE_S8 || in->type == NNOM_TYPE_S16;
    if (!quantised && in->type != NNOM_TYPE_F32) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "its input is %s, expected int8_t, int16_t or float",
                               nnom_type_facts(in->type)->c_type);
    }
    if (in->shape.w != 1) {
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "its input is (%d, %d, %d), expected (steps, 1, features)",
                               (int)in->shape.h, (int)in->shape.w, (int)in->shape.c);
    }
    if (cell->config.units < 1 || cell->config.units > 8192) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "%d units, expected 1 to 8192", (int)cell->config.units);
    }
    const int64_t rows = (int64_t)cell->kind->gates * cell->config.units;
    if (rows * in->shape.c > INT32_MAX) {
        return nnom_layer_fail(layer, NNOM_OVERFLOW, "%ld rows of %d weights, expected less than 2^31 in all",
                               (long)rows, (int)in->shape.c);
    }
    if (cell->unknown_activation || (uint32_t)cell->config.activation > NNOM_CELL_LINEAR) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "its activation is none of tanh, sigmoid and ReLU");
    }
    if (in->type == NNOM_TYPE_S16 && in->zero_point != 0) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "its int16_t input has zero point %d, expected 0",
                               (int)in->zero_point);
    }
    return NNOM_OK;
}

/* What was said and means nothing here is an error, not left unread. */
static nnom_status_t rnn_check_config(const nnom_rnn_layer_t *rnn)
{
    const nnom_layer_t *layer = &rnn->super;
    const nnom_rnn_kind_t *kind = rnn->cell->kind;
    const nnom_cell_config_t *config = &rnn->cell->config;
    if (config->reset_after && kind != &gru_kind) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "reset_after, which is of GRU alone");
    }
    if (config->tflite_curves && !kind->has_cell) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "tflite_curves, which is of LSTM alone");
    }
    if (!kind->has_cell && (config->cell_scale != 0.0f || config->cell_clip != 0.0f)) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "cell_scale or cell_clip, which are of LSTM alone");
    }
    if (!(config->cell_clip >= 0.0f)) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "its cell_clip is no number from 0 on");
    }
    if (config->state_zero_point < INT8_MIN || config->state_zero_point > INT8_MAX) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "zero point %d of its state, expected -128 to 127",
                               (int)config->state_zero_point);
    }
    if (rnn->config.reverse && !rnn->config.return_sequence) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "reverse, which turns a sequence, without return_sequence");
    }
    if (config->state_type != NNOM_TYPE_S8 && config->state_type != NNOM_TYPE_S16) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "element type %d of its state, expected int8_t or int16_t",
                               (int)config->state_type);
    }
    return NNOM_OK;
}

static nnom_type_t rnn_state_type(const nnom_rnn_layer_t *rnn)
{
    const bool narrow = rnn->cell->kind->s8 != NULL && rnn->cell->config.state_type == NNOM_TYPE_S8 &&
                        rnn->cell->config.state_scale > 0.0f;
    const bool real = nnom_layer_in(&rnn->super, 0)->type == NNOM_TYPE_F32;
    return real ? NNOM_TYPE_F32 : (narrow ? NNOM_TYPE_S8 : NNOM_TYPE_S16);
}

/* Of numbers in [-1, 1): the state is a fraction. */
static bool rnn_is_fraction(const nnom_rnn_layer_t *rnn)
{
    return rnn->cell->config.activation <= NNOM_CELL_SIGMOID;
}

static void rnn_set_states(nnom_rnn_layer_t *rnn)
{
    const nnom_cell_config_t *config = &rnn->cell->config;
    const bool fixed = rnn_is_fraction(rnn) && !rnn->cell->kind->has_cell;
    rnn->state_type = rnn_state_type(rnn);
    rnn->state_scale = config->state_scale > 0.0f && !fixed ? config->state_scale : 1.0f / 32768.0f;
    rnn->cell_scale = config->cell_scale > 0.0f ? config->cell_scale : 1.0f / 2048.0f;
    rnn->param.hidden_zero_point = rnn->state_type == NNOM_TYPE_S8 ? config->state_zero_point : 0;
}

/* By default of the state's range, in the input's type. */
static void rnn_set_output(nnom_rnn_layer_t *rnn)
{
    nnom_layer_t *layer = &rnn->super;
    const bool narrow = rnn->state_type == NNOM_TYPE_S8;
    const bool shorter = !narrow && nnom_layer_in(layer, 0)->type == NNOM_TYPE_S8;
    nnom_layer_follow_quant(layer, shorter ? rnn->state_scale * 256.0f : rnn->state_scale,
                            narrow ? rnn->param.hidden_zero_point : 0);
    const int32_t steps = nnom_layer_in(layer, 0)->shape.h;
    layer->out->shape = nnom_make_shape(rnn->config.return_sequence ? steps : 1, 1, rnn->param.units);
    const uint64_t products = (uint64_t)rnn->cell->kind->gates * (uint64_t)rnn->param.units *
                              ((uint64_t)rnn->features + (uint64_t)rnn->param.units);
    layer->macs = (uint64_t)steps * products;
    layer->overlap = NNOM_NO_OVERLAP;
}

static void rnn_set_scratch(nnom_rnn_layer_t *rnn)
{
    const nnom_rnn_kind_t *kind = rnn->cell->kind;
    const int32_t units = rnn->param.units;
    const nnom_type_t inner = rnn->state_type == NNOM_TYPE_F32 ? NNOM_TYPE_F32 : NNOM_TYPE_S16;
    const int32_t cell = kind->has_cell ? nnom_rnn_vector(units, inner) : 0;
    rnn->plain_scratch =
        (uint32_t)(nnom_rnn_vector(units, rnn->state_type) + cell + kind->vectors * nnom_rnn_vector(units, inner));
    rnn->super.scratch_bytes = rnn->plain_scratch;
}

/* The cheapest variant of the operation; of float there is one. */
static nnom_status_t rnn_choose(nnom_rnn_layer_t *rnn)
{
    const nnom_rnn_kind_t *kind = rnn->cell->kind;
    const nnom_rnn_ops_t *const s16 = rnn->cell->config.tflite_curves ? kind->s16_tflite : kind->s16;
    const bool turned = rnn->config.reverse && rnn->config.return_sequence;
    const int32_t form = rnn->config.go_backwards || turned ? 2 : (rnn->config.return_sequence ? 0 : 1);
    if (rnn->state_type == NNOM_TYPE_F32) {
        rnn->super.kernel = kind->f32->kernels[form];
        return NNOM_OK;
    }
    const nnom_rnn_ops_t *const ops = rnn->state_type == NNOM_TYPE_S8 ? kind->s8 : s16;
    return nnom_choose_kernel(&rnn->super, ops->kernels[form], ops->count);
}

/* Arrays of float models, as they are. */
static void rnn_plain_arrays(nnom_rnn_layer_t *rnn)
{
    const nnom_cell_t *cell = rnn->cell;
    const size_t inputs = (size_t)cell->kind->gates * (size_t)cell->config.units * (size_t)rnn->features;
    const float *all = cell->w != NULL ? cell->w->p_value : NULL;
    nnom_rnn_param_t *p = &rnn->param;
    p->weights = all != NULL ? all : cell->config.weights;
    p->recurrent = all != NULL ? all + inputs : cell->config.recurrent;
    p->bias = cell->w == NULL ? cell->config.bias : (cell->b != NULL ? cell->b->p_value : NULL);
    p->recurrent_bias = cell->config.recurrent_bias;
}

/* The caller's: weights; in float models biases as well. In the order of NNOM_RNN_PARAM. */
static void rnn_array(const nnom_layer_t *layer, uint32_t i, nnom_array_t *array)
{
    const nnom_rnn_layer_t *rnn = (const nnom_rnn_layer_t *)layer;
    const int32_t rows = rnn->cell->kind->gates * rnn->param.units;
    const int32_t columns[4] = {rnn->features, rnn->param.units, 1, 1};
    if (i < 4) {
        array->count = (uint32_t)(rows * columns[i]);
        array->type = rnn->state_type == NNOM_TYPE_F32 ? NNOM_TYPE_F32 : NNOM_TYPE_S8;
    }
}

static bool rnn_lacks_weights(const nnom_cell_t *cell)
{
    return cell->w != NULL ? cell->w->p_value == NULL : cell->config.weights == NULL || cell->config.recurrent == NULL;
}

static nnom_status_t rnn_build(nnom_layer_t *layer)
{
    nnom_rnn_layer_t *rnn = (nnom_rnn_layer_t *)layer;
    const nnom_cell_config_t *config = &rnn->cell->config;
    nnom_status_t status = rnn_check(rnn);
    status = status == NNOM_OK ? rnn_check_config(rnn) : status;
    if (status == NNOM_OK && rnn_lacks_weights(rnn->cell)) {
        status = nnom_layer_fail(layer, NNOM_NULL, "its weights are NULL");
    }
    if (status != NNOM_OK) {
        return status;
    }
    rnn->features = nnom_layer_in(layer, 0)->shape.c;
    const nnom_rnn_param_t given = {.units = config->units,
                                    .backwards = rnn->config.go_backwards,
                                    .sequence = rnn->config.return_sequence,
                                    .reversed = rnn->config.reverse,
                                    .activation = (int32_t)config->activation,
                                    .reset_after = config->reset_after,
                                    .clip_f = config->cell_clip};
    rnn->param = given;
    layer->param = &rnn->param;
    rnn_set_states(rnn);
    rnn_set_output(rnn);
    rnn_set_scratch(rnn);
    status = rnn_check_states(rnn);
    if (status == NNOM_OK && rnn->state_type != NNOM_TYPE_F32) {
        status = nnom_rnn_numbers(rnn);
    } else if (status == NNOM_OK) {
        rnn_plain_arrays(rnn);
    }
    return status == NNOM_OK ? rnn_choose(rnn) : status;
}

static nnom_status_t rnn_part(const nnom_layer_t *layer, uint32_t i, nnom_tensor_t *out)
{
    const nnom_rnn_layer_t *rnn = (const nnom_rnn_layer_t *)layer;
    const bool real = rnn->state_type == NNOM_TYPE_F32;
    out->shape = nnom_make_shape(1, 1, rnn->param.units);
    out->type = i == 2 && !real ? NNOM_TYPE_S16 : rnn->state_type;
    out->scale = i == 2 ? rnn->cell_scale : rnn->state_scale;
    out->zero_point = i == 2 ? 0 : rnn->param.hidden_zero_point;
    return NNOM_OK;
}

/* ---- Constructors ---- */

static nnom_cell_t *cell_new(const nnom_rnn_kind_t *kind, const nnom_cell_config_t *config)
{
    nnom_cell_t *cell = config != NULL ? nnom_allocate(sizeof *cell, 0, 1) : NULL;
    if (cell != NULL) {
        const nnom_cell_t made = {.kind = kind, .config = *config};
        *cell = made;
    }
    return cell;
}

static nnom_cell_t *cell_of_2019(const nnom_rnn_kind_t *kind, int32_t units, const nnom_weight_t *w,
                                 const nnom_bias_t *b)
{
    static const nnom_weight_t none = {NULL, 0};
    const nnom_cell_config_t config = {.units = units};
    nnom_cell_t *cell = cell_new(kind, &config);
    if (cell != NULL) {
        cell->w = w != NULL ? w : &none;
        cell->b = b;
    }
    return cell;
}

nnom_cell_t *nnom_simple_cell_s(const nnom_cell_config_t *config)
{
    return cell_new(&simple_rnn_kind, config);
}

nnom_cell_t *nnom_gru_cell_s(const nnom_cell_config_t *config)
{
    return cell_new(&gru_kind, config);
}

nnom_cell_t *nnom_lstm_cell_s(const nnom_cell_config_t *config)
{
    return cell_new(&lstm_kind, config);
}

/* The kind of an activation, by the layer that it makes. */
static void cell_take_activation(nnom_cell_t *cell, const nnom_activation_t *act)
{
    const char *name = act != NULL ? act->cls->name : "TanH";
    cell->unknown_activation = false;
    if (strcmp(name, "Sigmoid") == 0) {
        cell->config.activation = NNOM_CELL_SIGMOID;
    } else if (strcmp(name, "ReLU") == 0) {
        cell->config.activation = NNOM_CELL_RELU;
    } else {
        cell->unknown_activation = strcmp(name, "TanH") != 0;
    }
}

nnom_cell_t *nnom_simple_cell(int32_t units, nnom_activation_t *act, const nnom_weight_t *w, const nnom_bias_t *b)
{
    nnom_cell_t *cell = cell_of_2019(&simple_rnn_kind, units, w, b);
    if (cell != NULL) {
        cell_take_activation(cell, act);
    }
    if (act != NULL && act->owned) {
        nnom_free(act);
    }
    return cell;
}

nnom_cell_t *nnom_gru_cell(int32_t units, const nnom_weight_t *w, const nnom_bias_t *b)
{
    return cell_of_2019(&gru_kind, units, w, b);
}

nnom_cell_t *nnom_lstm_cell(int32_t units, const nnom_weight_t *w, const nnom_bias_t *b)
{
    return cell_of_2019(&lstm_kind, units, w, b);
}

static void rnn_release(nnom_layer_t *layer)
{
    nnom_free(((nnom_rnn_layer_t *)layer)->cell);
}

nnom_layer_t *nnom_rnn_s(nnom_cell_t *cell, const nnom_rnn_config_t *config)
{
    nnom_rnn_layer_t *rnn = cell != NULL && config != NULL ? nnom_layer_new(cell->kind->cls, sizeof *rnn) : NULL;
    if (rnn == NULL) {
        if (cell != NULL) {
            nnom_free(cell);
        }
        return NULL;
    }
    rnn->cell = cell;
    rnn->config = *config;
    return &rnn->super;
}

nnom_layer_t *nnom_rnn(nnom_cell_t *cell, bool return_sequence)
{
    const nnom_rnn_config_t config = {.return_sequence = return_sequence};
    return nnom_rnn_s(cell, &config);
}
