/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <float.h>
#include <math.h>

#include "activation.h"
#include "elementwise.h"

static float relu(float x, float alpha)
{
    (void)alpha;
    return x < 0.0f ? 0.0f : x;
}

static float relu6(float x, float alpha)
{
    return relu(x, alpha) > 6.0f ? 6.0f : relu(x, alpha);
}

static float relu_n1_to_1(float x, float alpha)
{
    (void)alpha;
    return x < -1.0f ? -1.0f : (x > 1.0f ? 1.0f : x);
}

static float leaky_relu(float x, float alpha)
{
    return x > 0.0f ? x : x * alpha;
}

static float hyperbolic_tangent(float x, float alpha)
{
    (void)alpha;
    return tanhf(x);
}

static float sigmoid(float x, float alpha)
{
    (void)alpha;
    return 1.0f / (1.0f + expf(-x));
}

typedef struct activation_layer {
    nnom_activation_layer_t base;
    nnom_map_param_t param;
} activation_layer_t;

/* Tables of an activation with an output quantisation of its own hold for that one. */
static bool activation_table_applies(const nnom_activation_t *act, const nnom_tensor_t *out)
{
    return act->table != NULL &&
           (!(act->scale > 0.0f) || (out->scale == act->scale && out->zero_point == act->zero_point));
}

static void fill_table(const nnom_activation_t *act, const nnom_tensor_t *in, const nnom_tensor_t *out, int8_t *table)
{
    if (act->clamp != NNOM_CLAMP_NONE) {
        nnom_table_clamp(in, out, act->clamp, table);
    } else if (activation_table_applies(act, out)) {
        act->table(in, out, act->alpha, table);
    } else {
        nnom_table_function(in, out, act->function, act->alpha, table);
    }
}

static nnom_status_t activation_build_s8(nnom_layer_t *layer, const nnom_activation_t *act, nnom_map_param_t *param)
{
    int8_t *table = nnom_layer_table(layer, param);
    if (table == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for a table of %d bytes", NNOM_TABLE_SIZE);
    }
    fill_table(act, nnom_layer_in(layer, 0), layer->out, table);
    return nnom_lut_kernel(layer);
}

static nnom_status_t activation_build_s16(nnom_layer_t *layer, const nnom_activation_t *act)
{
    const nnom_status_t status = nnom_layer_symmetric(layer);
    return status == NNOM_OK ? nnom_wide_activation(layer, act) : status;
}

nnom_status_t nnom_activation_build(nnom_layer_t *layer)
{
    const nnom_activation_t *act = ((nnom_activation_layer_t *)layer)->act;
    nnom_map_param_t *param = &((activation_layer_t *)layer)->param;
    const nnom_status_t status = nnom_layer_check_types(layer);
    if (status != NNOM_OK) {
        return status;
    }
    if (!(fabsf(act->alpha) <= FLT_MAX)) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "its parameter is no finite number");
    }
    layer->out->shape = nnom_layer_in(layer, 0)->shape;
    layer->overlap = 0;
    layer->param = param;
    param->alpha = act->alpha;
    const bool wide = nnom_layer_in(layer, 0)->type == NNOM_TYPE_S16;
    if (act->scale > 0.0f) {
        nnom_layer_follow_quant(layer, wide ? 1.0f / 32768.0f : act->scale, wide ? 0 : act->zero_point);
    } else {
        nnom_layer_follow(layer);
    }
    if (layer->out->type == NNOM_TYPE_S8) {
        return activation_build_s8(layer, act, param);
    }
    if (wide) {
        return activation_build_s16(layer, act);
    }
    param->table = nnom_layer_array(layer, NULL, 0, NNOM_TYPE_S8);
    layer->kernel = act->kernel_f32;
    return NNOM_OK;
}

static void activation_free(nnom_activation_t *act)
{
    if (act->owned) {
        nnom_free(act);
    }
}

void nnom_activation_release(nnom_layer_t *layer)
{
    activation_free(((nnom_activation_layer_t *)layer)->act);
}

nnom_layer_t *nnom_act_layer(nnom_activation_t *act)
{
    if (act == NULL) {
        return NULL;
    }
    activation_layer_t *layer = nnom_layer_new(act->cls, sizeof(*layer));
    if (layer == NULL) {
        activation_free(act);
        return NULL;
    }
    layer->base.act = act;
    layer->base.super.bytes = (uint16_t)(layer->base.super.bytes + (act->owned ? sizeof(*act) : 0));
    return &layer->base.super;
}

nnom_activation_t *nnom_activation_new(const nnom_activation_t *prototype, float alpha)
{
    if (alpha == prototype->alpha) { /* nothing is its own: the constant one, which nobody writes to */
        return (nnom_activation_t *)prototype;
    }
    nnom_activation_t *act = nnom_malloc(sizeof(*act));
    if (act != NULL) {
        *act = *prototype;
        act->owned = true;
        act->alpha = alpha;
    }
    return act;
}

/*       id            name           clamp                     function            table                  scale, zero
 * point */
NNOM_ACTIVATION(relu, "ReLU", NNOM_CLAMP_RELU, relu, NULL, 0.0f, 0)
NNOM_ACTIVATION(relu6, "ReLU6", NNOM_CLAMP_RELU6, relu6, NULL, 0.0f, 0)
NNOM_ACTIVATION(relu_n1_to_1, "ReLU-1..1", NNOM_CLAMP_RELU_N1_TO_1, relu_n1_to_1, NULL, 0.0f, 0)
NNOM_ACTIVATION_OF(NNOM_WIDE_LEAKY, leaky_relu, "LeakyReLU", NNOM_CLAMP_NONE, leaky_relu, nnom_table_leaky_relu, 0.0f,
                   0)
NNOM_ACTIVATION_OF(NNOM_WIDE_TANH, tanh, "TanH", NNOM_CLAMP_NONE, hyperbolic_tangent, nnom_table_tanh, 1.0f / 128.0f, 0)
NNOM_ACTIVATION_OF(NNOM_WIDE_SIGMOID, sigmoid, "Sigmoid", NNOM_CLAMP_NONE, sigmoid, nnom_table_logistic, 1.0f / 256.0f,
                   -128)

nnom_activation_t *nnom_act_relu(void)
{
    return nnom_activation_new(&relu_activation, 0.0f);
}

nnom_activation_t *nnom_act_relu6(void)
{
    return nnom_activation_new(&relu6_activation, 0.0f);
}

nnom_activation_t *nnom_act_relu_n1_to_1(void)
{
    return nnom_activation_new(&relu_n1_to_1_activation, 0.0f);
}

nnom_activation_t *nnom_act_leaky_relu(float alpha)
{
    return nnom_activation_new(&leaky_relu_activation, alpha);
}

nnom_activation_t *nnom_act_tanh(void)
{
    return nnom_activation_new(&tanh_activation, 0.0f);
}

nnom_activation_t *nnom_act_sigmoid(void)
{
    return nnom_activation_new(&sigmoid_activation, 0.0f);
}

nnom_layer_t *nnom_relu(void)
{
    return nnom_act_layer(nnom_act_relu());
}

nnom_layer_t *nnom_relu6(void)
{
    return nnom_act_layer(nnom_act_relu6());
}

nnom_layer_t *nnom_leaky_relu(float alpha)
{
    return nnom_act_layer(nnom_act_leaky_relu(alpha));
}

nnom_layer_t *nnom_tanh(void)
{
    return nnom_act_layer(nnom_act_tanh());
}

nnom_layer_t *nnom_sigmoid(void)
{
    return nnom_act_layer(nnom_act_sigmoid());
}
