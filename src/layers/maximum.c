/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Maximum and Minimum of two inputs, each brought to the output's quantisation first (usually all three are equal). */
#include "../kernels/fixed.h"
#include "../kernels/float_ops.h"
#include "binary.h"

static inline int8_t extremum_s8(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int8_t a, int8_t b,
                                 bool max)
{
    const int32_t u = nnom_requantize(a - zero->a, p->multiplier_a, p->shift_a);
    const int32_t v = nnom_requantize(b - zero->b, p->multiplier_b, p->shift_b);
    const int32_t best = max ? nnom_max_i32(u, v) : nnom_min_i32(u, v);
    return (int8_t)nnom_clamp_i32(best + zero->out, p->act_min, p->act_max);
}

/* Without zero points. */
static inline int16_t extremum_s16(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int16_t a, int16_t b,
                                   bool max)
{
    (void)zero;
    const int32_t u = nnom_requantize(a, p->multiplier_a, p->shift_a);
    const int32_t v = nnom_requantize(b, p->multiplier_b, p->shift_b);
    return (int16_t)nnom_clamp_i32(max ? nnom_max_i32(u, v) : nnom_min_i32(u, v), p->act_min, p->act_max);
}

static inline float extremum_f32(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, float a, float b,
                                 bool max)
{
    (void)zero;
    return nnom_clamp_f32((a > b) == max ? a : b, p->act_min_f, p->act_max_f);
}

/* An element and its operation. */
#define EXTREMUM(name, suffix, type, max)                                                                              \
    static inline type name##_element_##suffix(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, type a,  \
                                               type b)                                                                 \
    {                                                                                                                  \
        return extremum_##suffix(p, zero, a, b, max);                                                                  \
    }                                                                                                                  \
    NNOM_BINARY_OP(name##_##suffix, type, name##_element_##suffix)

EXTREMUM(maximum, s8, int8_t, true)
EXTREMUM(maximum, s16, int16_t, true)
EXTREMUM(maximum, f32, float, true)
EXTREMUM(minimum, s8, int8_t, false)
EXTREMUM(minimum, s16, int16_t, false)
EXTREMUM(minimum, f32, float, false)

NNOM_PARAM_FIELDS(nnom_binary_param, NNOM_BINARY_PARAM)

static nnom_status_t extremum_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    nnom_binary_param_t *p = &binary->param;
    const nnom_status_t status = nnom_binary_build(binary);
    if (status == NNOM_OK && layer->out->type != NNOM_TYPE_F32) {
        nnom_rescale_multiplier(nnom_layer_in(layer, 0), layer->out, &p->multiplier_a, &p->shift_a);
        nnom_rescale_multiplier(nnom_layer_in(layer, 1), layer->out, &p->multiplier_b, &p->shift_b);
    }
    return status;
}

static nnom_status_t maximum_build(nnom_layer_t *layer)
{
    const nnom_status_t status = extremum_build(layer);
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_maximum_f32_op, NNOM_COSTS_FLOAT_PAIRS);
    } else if (layer->out->type == NNOM_TYPE_S16) {
        NNOM_LAYER_SET_OP(layer, nnom_maximum_s16_op, NNOM_COSTS_PAIRS);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_maximum_s8_op, NNOM_COSTS_PAIRS);
    }
    return status;
}

static nnom_status_t minimum_build(nnom_layer_t *layer)
{
    const nnom_status_t status = extremum_build(layer);
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_minimum_f32_op, NNOM_COSTS_FLOAT_PAIRS);
    } else if (layer->out->type == NNOM_TYPE_S16) {
        NNOM_LAYER_SET_OP(layer, nnom_minimum_s16_op, NNOM_COSTS_PAIRS);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_minimum_s8_op, NNOM_COSTS_PAIRS);
    }
    return status;
}

static const nnom_class_t maximum_class = {
    "Maximum", "nnom_binary_param", nnom_binary_param_fields, maximum_build, 2, 2, NNOM_CLASS_CLAMPS | NNOM_CLASS_WIDE};
static const nnom_class_t minimum_class = {
    "Minimum", "nnom_binary_param", nnom_binary_param_fields, minimum_build, 2, 2, NNOM_CLASS_CLAMPS | NNOM_CLASS_WIDE};

nnom_layer_t *nnom_maximum(void)
{
    return nnom_binary_new(&maximum_class, 0);
}

nnom_layer_t *nnom_minimum(void)
{
    return nnom_binary_new(&minimum_class, 0);
}
