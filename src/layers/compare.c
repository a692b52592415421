/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Compare: 1 where a comparison of two inputs holds, else 0, in the inputs' type. */
#include "../kernels/fixed.h"
#include "binary.h"

/* order: less, equal, greater as -1, 0, 1; 2: one of the two is NaN, of which only "not equal" holds. */
static bool compare_holds(int32_t relation, int32_t order)
{
    switch (relation) {
    case NNOM_EQUAL:
        return order == 0;
    case NNOM_NOT_EQUAL:
        return order != 0;
    case NNOM_LESS:
        return order == -1;
    case NNOM_LESS_EQUAL:
        return order == -1 || order == 0;
    case NNOM_GREATER:
        return order == 1;
    default:
        return order == 1 || order == 0;
    }
}

static int32_t order_i32(int32_t a, int32_t b)
{
    return a < b ? -1 : (a > b ? 1 : 0);
}

static int32_t order_f32(float a, float b)
{
    return a < b ? -1 : (a > b ? 1 : (a == b ? 0 : 2));
}

/* Both scaled as real numbers with 8 more bits: |result| <= 255 * 2^8. */
static inline int8_t compare_element_s8(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int8_t a,
                                        int8_t b)
{
    const int32_t u = nnom_requantize((a - zero->a) * 256, p->multiplier_a, p->shift_a);
    const int32_t v = nnom_requantize((b - zero->b) * 256, p->multiplier_b, p->shift_b);
    return compare_holds(p->multiplier, order_i32(u, v)) ? 1 : 0;
}

static inline int32_t compare_element_s32(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int32_t a,
                                          int32_t b)
{
    (void)zero;
    return compare_holds(p->multiplier, order_i32(a, b)) ? 1 : 0;
}

static inline float compare_element_f32(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, float a, float b)
{
    (void)zero;
    return compare_holds(p->multiplier, order_f32(a, b)) ? 1.0f : 0.0f;
}

NNOM_BINARY_OP(compare_s8, int8_t, compare_element_s8)
NNOM_BINARY_OP(compare_s32, int32_t, compare_element_s32)
NNOM_BINARY_OP(compare_f32, float, compare_element_f32)

NNOM_PARAM_FIELDS(nnom_binary_param, NNOM_BINARY_PARAM)

/* The scales themselves as factors, as specified; both are divided alike where one is not below 1. */
static void compare_multipliers(const nnom_layer_t *layer, nnom_binary_param_t *p)
{
    const double a = (double)nnom_layer_in(layer, 0)->scale;
    const double b = (double)nnom_layer_in(layer, 1)->scale;
    const double unit = a < 1.0 && b < 1.0 ? 1.0 : 2.0 * (a > b ? a : b);
    nnom_quantize_multiplier(a / unit, &p->multiplier_a, &p->shift_a);
    nnom_quantize_multiplier(b / unit, &p->multiplier_b, &p->shift_b);
}

static nnom_status_t compare_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *compare = (nnom_binary_layer_t *)layer;
    const nnom_status_t status = nnom_binary_build(compare);
    if (status != NNOM_OK) {
        return status;
    }
    if (compare->param.multiplier < NNOM_EQUAL || compare->param.multiplier > NNOM_GREATER_EQUAL) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "relation %d, expected 0 to %d",
                               (int)compare->param.multiplier, (int)NNOM_GREATER_EQUAL);
    }
    nnom_layer_follow_quant(layer, 1.0f, 0);
    if (layer->out->scale != 1.0f || layer->out->zero_point != 0) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "its output is 0 or 1: scale 1, zero point 0, set no other");
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_compare_f32_op, [NNOM_COST_OUTPUT] = 425, [NNOM_COST_CALL] = 5400);
    } else if (layer->out->type == NNOM_TYPE_S32) {
        NNOM_LAYER_SET_OP(layer, nnom_compare_s32_op, NNOM_COSTS_PAIRS);
    } else {
        NNOM_LAYER_SET_OP(layer, nnom_compare_s8_op, NNOM_COSTS_PAIRS);
        compare_multipliers(layer, &compare->param);
    }
    return NNOM_OK;
}

static const nnom_class_t compare_class = {
    "Compare", "nnom_binary_param", nnom_binary_param_fields, compare_build, 2, 2, 0};

nnom_layer_t *nnom_compare(nnom_relation_t relation)
{
    nnom_layer_t *layer = nnom_binary_new(&compare_class, 0);
    if (layer != NULL) {
        ((nnom_binary_layer_t *)layer)->integers = true;
        ((nnom_binary_layer_t *)layer)->param.multiplier = (int32_t)relation;
    }
    return layer;
}
