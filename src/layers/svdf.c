/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../kernels/svdf.h"

#include "elementwise.h"

typedef struct svdf_layer {
    nnom_layer_t super;
    nnom_svdf_config_t config;
    nnom_svdf_param_t param;
} svdf_layer_t;

NNOM_PARAM_FIELDS(nnom_svdf_param, NNOM_SVDF_PARAM)

static nnom_status_t svdf_check(const svdf_layer_t *svdf)
{
    const nnom_layer_t *layer = &svdf->super;
    const nnom_svdf_config_t *config = &svdf->config;
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    if (in->type != NNOM_TYPE_S8 && in->type != NNOM_TYPE_F32) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "its input is %s, expected int8_t or float",
                               nnom_type_facts(in->type)->c_type);
    }
    if (in->shape.h != 1 || (int64_t)in->shape.w * in->shape.c > 65536) { /* 2^16 * 128 * 255 < 2^31 */
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "its input is (%d, %d, %d), expected one row of up to 65536",
                               (int)in->shape.h, (int)in->shape.w, (int)in->shape.c);
    }
    if (config->units < 1 || config->rank < 1 || config->memory < 1 || config->units > 8192 || config->rank > 8192 ||
        config->memory > 8192) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "%d units of rank %d over %d steps, expected 1 to 8192 each",
                               (int)config->units, (int)config->rank, (int)config->memory);
    }
    const int64_t filters = (int64_t)config->units * config->rank; /* <= 2^26 */
    if (filters * in->shape.w * in->shape.c > INT32_MAX) {
        return nnom_layer_fail(layer, NNOM_OVERFLOW, "%ld filters over (%d, %d), expected less than 2^31 weights",
                               (long)filters, (int)in->shape.w, (int)in->shape.c);
    }
    if (config->features == NULL || config->time == NULL) {
        return nnom_layer_fail(layer, NNOM_NULL, "its weights are NULL");
    }
    return NNOM_OK;
}

static nnom_status_t svdf_check_state(const svdf_layer_t *svdf)
{
    const nnom_layer_t *layer = &svdf->super;
    const nnom_tensor_t *state = nnom_layer_in(layer, 1);
    const bool real = nnom_layer_in(layer, 0)->type == NNOM_TYPE_F32;
    const uint64_t numbers =
        (uint64_t)svdf->config.units * (uint64_t)svdf->config.rank * (uint64_t)svdf->config.memory; /* <= 2^39 */
    if ((uint64_t)nnom_shape_elements(state->shape) != numbers || state->shape.h != 1 ||
        state->type != (real ? NNOM_TYPE_F32 : NNOM_TYPE_S16)) {
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "its state is (%d, %d, %d) of %s, expected a row of %ld %s",
                               (int)state->shape.h, (int)state->shape.w, (int)state->shape.c,
                               nnom_type_facts(state->type)->c_type, (long)numbers, real ? "float" : "int16_t");
    }
    if (!real && state->zero_point != 0) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "its state has zero point %d, expected 0",
                               (int)state->zero_point);
    }
    return NNOM_OK;
}

/* Scales are multiplied in float, as the reference does. */
static nnom_status_t svdf_numbers(svdf_layer_t *svdf)
{
    const nnom_layer_t *layer = &svdf->super;
    const nnom_svdf_config_t *config = &svdf->config;
    const float state = nnom_layer_in(layer, 1)->scale;
    const float features = nnom_layer_in(layer, 0)->scale * config->feature_scale, time = state * config->time_scale;
    const float newest = features / state, out = time / layer->out->scale;
    if (!(newest > 0.0f && newest < 65536.0f && out > 0.0f && out < 65536.0f)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "its scales are out of range");
    }
    nnom_quantize_multiplier((double)newest, &svdf->param.feature_multiplier, &svdf->param.feature_shift);
    nnom_quantize_multiplier((double)out, &svdf->param.out_multiplier, &svdf->param.out_shift);
    return NNOM_OK;
}

static nnom_status_t svdf_build(nnom_layer_t *layer)
{
    svdf_layer_t *svdf = (svdf_layer_t *)layer;
    const nnom_svdf_config_t *config = &svdf->config;
    nnom_status_t status = svdf_check(svdf);
    status = status == NNOM_OK ? svdf_check_state(svdf) : status;
    if (status != NNOM_OK) {
        return status;
    }
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const nnom_svdf_param_t given = {.units = config->units,
                                     .rank = config->rank,
                                     .memory = config->memory,
                                     .features = config->features,
                                     .time = config->time,
                                     .bias = config->bias};
    svdf->param = given;
    layer->param = &svdf->param;
    nnom_layer_follow_quant(layer, in->scale, in->zero_point);
    layer->out->shape = nnom_make_shape(1, 1, config->units);
    layer->macs = (uint64_t)config->units * (uint64_t)config->rank *
                  ((uint64_t)in->shape.w * (uint64_t)in->shape.c + (uint64_t)config->memory);
    layer->overlap = NNOM_NO_OVERLAP;
    const bool real = in->type == NNOM_TYPE_F32;
    if (real) {
        NNOM_LAYER_SET_OP(layer, nnom_svdf_f32_op, NNOM_COSTS_PLAIN);
        return NNOM_OK;
    }
    NNOM_LAYER_SET_OP(layer, nnom_svdf_s8_op, NNOM_COSTS_PLAIN);
    return svdf_numbers(svdf);
}

static nnom_status_t svdf_part(const nnom_layer_t *layer, uint32_t i, nnom_tensor_t *out)
{
    (void)i;
    const nnom_tensor_t *state = nnom_layer_in(layer, 1);
    out->shape = state->shape;
    out->type = state->type;
    out->scale = state->scale;
    out->zero_point = state->zero_point;
    return NNOM_OK;
}

/* In the order of NNOM_SVDF_PARAM. */
static void svdf_array(const nnom_layer_t *layer, uint32_t i, nnom_array_t *array)
{
    const svdf_layer_t *svdf = (const svdf_layer_t *)layer;
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    static const nnom_type_t types[3] = {NNOM_TYPE_S8, NNOM_TYPE_S16, NNOM_TYPE_S32};
    const int32_t filters = svdf->param.units * svdf->param.rank;
    const int32_t counts[3] = {filters * in->shape.w * in->shape.c, filters * svdf->param.memory, svdf->param.units};
    if (i < 3) {
        array->count = (uint32_t)counts[i];
        array->type = in->type == NNOM_TYPE_F32 ? NNOM_TYPE_F32 : types[i];
    }
}

static const nnom_rare_class_t svdf_class = {
    {"SVDF", "nnom_svdf_param", nnom_svdf_param_fields, svdf_build, 2, 2, NNOM_CLASS_RARE | NNOM_CLASS_NO_SWAP},
    1,
    svdf_part,
    svdf_array,
    NULL};

nnom_layer_t *nnom_svdf(const nnom_svdf_config_t *config)
{
    svdf_layer_t *layer = config != NULL ? nnom_layer_new(&svdf_class.super, sizeof *layer) : NULL;
    if (layer == NULL) {
        return NULL;
    }
    layer->config = *config;
    return &layer->super;
}
