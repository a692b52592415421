/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Maximum and Minimum of two inputs, each brought to the output's quantisation first (usually all three are equal). */
#include "../kernels/fixed.h"
#include "../kernels/float_ops.h"
#include "binary.h"

static int32_t in_output_units(const int8_t *x, int32_t zero_point, int32_t multiplier, int32_t shift)
{
    return nnom_requantize(*x - zero_point, multiplier, shift);
}

static void extremum_s8(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out, bool max)
{
    const int8_t *x = a.data;
    const int8_t *y = b.data;
    int8_t *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        const int32_t u = in_output_units(x, a.zero_point, p->multiplier_a, p->shift_a);
        const int32_t v = in_output_units(y, b.zero_point, p->multiplier_b, p->shift_b);
        const int32_t best = max ? nnom_max_i32(u, v) : nnom_min_i32(u, v);
        to[i] = (int8_t)nnom_clamp_i32(best + out.zero_point, p->act_min, p->act_max);
    }
}

static void extremum_f32(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out, bool max)
{
    const float *x = a.data;
    const float *y = b.data;
    float *to = out.data;
    for (int32_t i = 0; i < out.count; i++, x += a.step, y += b.step) {
        to[i] = nnom_clamp_f32((*x > *y) == max ? *x : *y, p->act_min_f, p->act_max_f);
    }
}

/* The two functions of both element types and their operations. */
#define EXTREMUM(name, type, max)                                                                                      \
    static void name##_##type(const nnom_binary_param_t *p, nnom_operand_t a, nnom_operand_t b, nnom_result_t out)     \
    {                                                                                                                  \
        extremum_##type(p, a, b, out, max);                                                                            \
    }                                                                                                                  \
    static void run_##name##_##type(const nnom_call_t *call)                                                           \
    {                                                                                                                  \
        nnom_binary_run(call, name##_##type);                                                                          \
    }                                                                                                                  \
    extern const nnom_op_t nnom_##name##_##type##_op;                                                                  \
    const nnom_op_t nnom_##name##_##type##_op = {run_##name##_##type, nnom_binary_window, 0,                           \
                                                 sizeof(nnom_binary_param_t)};

EXTREMUM(maximum, s8, true)
EXTREMUM(maximum, f32, true)
EXTREMUM(minimum, s8, false)
EXTREMUM(minimum, f32, false)

static nnom_status_t extremum_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    nnom_binary_param_t *p = &binary->param;
    const nnom_status_t status = nnom_binary_build(binary);
    if (status == NNOM_OK && layer->out->type == NNOM_TYPE_S8) {
        nnom_rescale_multiplier(nnom_layer_in(layer, 0), layer->out, &p->multiplier_a, &p->shift_a);
        nnom_rescale_multiplier(nnom_layer_in(layer, 1), layer->out, &p->multiplier_b, &p->shift_b);
    }
    return status;
}

static nnom_status_t maximum_build(nnom_layer_t *layer)
{
    const nnom_status_t status = extremum_build(layer);
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_maximum_f32_op);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_maximum_s8_op);
    }
    return status;
}

static nnom_status_t minimum_build(nnom_layer_t *layer)
{
    const nnom_status_t status = extremum_build(layer);
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_minimum_f32_op);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_minimum_s8_op);
    }
    return status;
}

static const nnom_class_t maximum_class = {"Maximum", "nnom_binary_param", nnom_binary_param_fields, maximum_build, 2,
                                           2,         NNOM_CLASS_CLAMPS};
static const nnom_class_t minimum_class = {"Minimum", "nnom_binary_param", nnom_binary_param_fields, minimum_build, 2,
                                           2,         NNOM_CLASS_CLAMPS};

nnom_layer_t *nnom_maximum(void)
{
    return nnom_binary_new(&maximum_class, 0);
}

nnom_layer_t *nnom_minimum(void)
{
    return nnom_binary_new(&minimum_class, 0);
}
