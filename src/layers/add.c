/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Add, Sub. */
#include "../build/kernel.h"
#include "../kernels/float_ops.h"
#include "../kernels/sum.h"
#include "binary.h"

static inline float add_element_f32(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, float a, float b)
{
    (void)zero;
    return nnom_clamp_f32(a + b, p->act_min_f, p->act_max_f);
}

static inline float sub_element_f32(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, float a, float b)
{
    (void)zero;
    return nnom_clamp_f32(a - b, p->act_min_f, p->act_max_f);
}

/* Of indices; wraps as in two's complement. */
static inline int32_t add_element_s32(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int32_t a,
                                      int32_t b)
{
    (void)p;
    (void)zero;
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

NNOM_BINARY_OP(add_f32, float, add_element_f32)
NNOM_BINARY_OP(sub_f32, float, sub_element_f32)
NNOM_BINARY_OP(add_s32, int32_t, add_element_s32)

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_binary_param, NNOM_BINARY_PARAM)

NNOM_FORM(add_s8_ref, nnom_binary_window, 0, nnom_binary_param, nnom_binary_plain)
NNOM_FORM(sub_s8_ref, nnom_binary_window, 0, nnom_binary_param, nnom_binary_plain)
NNOM_FORM(add_s16_ref, nnom_binary_window, 0, nnom_binary_param, nnom_binary_plain)
NNOM_FORM(sub_s16_ref, nnom_binary_window, 0, nnom_binary_param, nnom_binary_plain)

static const nnom_kernel_t add_s8[] = {NNOM_KERNELS_ADD_S8(NNOM_KERNEL_ROW)};
static const nnom_kernel_t add_s16[] = {NNOM_KERNELS_ADD_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t sub_s16[] = {NNOM_KERNELS_SUB_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t sub_s8[] = {NNOM_KERNELS_SUB_S8(NNOM_KERNEL_ROW)};

/* The three factors of an integer sum. */
static nnom_status_t sum_multipliers(nnom_binary_layer_t *binary)
{
    nnom_layer_t *layer = &binary->super;
    nnom_binary_param_t *p = &binary->param;
    const double a = (double)nnom_layer_in(layer, 0)->scale, b = (double)nnom_layer_in(layer, 1)->scale;
    const double twice = 2.0 * (a > b ? a : b); /* the common scale */
    const int32_t bits = layer->out->type == NNOM_TYPE_S16 ? NNOM_SUM_SHIFT_S16 : NNOM_SUM_SHIFT;
    const double out = twice / ((double)((int32_t)1 << bits) * (double)layer->out->scale);
    if (!(out > 0.0 && out < 1.0)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT,
                               "its output scale is too small: expected over 2^-%d of the larger input scale",
                               (int)bits - 1);
    }
    nnom_quantize_multiplier(a / twice, &p->multiplier_a, &p->shift_a);
    nnom_quantize_multiplier(b / twice, &p->multiplier_b, &p->shift_b);
    nnom_quantize_multiplier(out, &p->multiplier, &p->shift);
    return NNOM_OK;
}

static nnom_status_t add_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    const nnom_status_t status = nnom_binary_build(binary);
    if (status != NNOM_OK) {
        return status;
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_add_f32_op, NNOM_COSTS_FLOAT_PAIRS);
        return NNOM_OK;
    }
    if (layer->out->type == NNOM_TYPE_S32) {
        NNOM_LAYER_SET_OP(layer, nnom_add_s32_op, NNOM_COSTS_FLOAT_PAIRS);
        return layer->fused == NNOM_CLAMP_NONE
                   ? NNOM_OK
                   : nnom_layer_fail(layer, NNOM_UNSUPPORTED, "an activation of int32 sums, expected none");
    }
    const nnom_status_t fits = sum_multipliers(binary);
    if (fits != NNOM_OK) {
        return fits;
    }
    return layer->out->type == NNOM_TYPE_S16 ? NNOM_CHOOSE_KERNEL(layer, add_s16) : NNOM_CHOOSE_KERNEL(layer, add_s8);
}

static nnom_status_t sub_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    const nnom_status_t status = nnom_binary_build(binary);
    if (status != NNOM_OK) {
        return status;
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_sub_f32_op, NNOM_COSTS_FLOAT_PAIRS);
        return NNOM_OK;
    }
    const nnom_status_t fits = sum_multipliers(binary);
    if (fits != NNOM_OK) {
        return fits;
    }
    return layer->out->type == NNOM_TYPE_S16 ? NNOM_CHOOSE_KERNEL(layer, sub_s16) : NNOM_CHOOSE_KERNEL(layer, sub_s8);
}

static const nnom_class_t add_class = {
    "Add", "nnom_binary_param", nnom_binary_param_fields, add_build, 2, 2, NNOM_CLASS_CLAMPS | NNOM_CLASS_WIDE};
static const nnom_class_t sub_class = {
    "Sub", "nnom_binary_param", nnom_binary_param_fields, sub_build, 2, 2, NNOM_CLASS_CLAMPS | NNOM_CLASS_WIDE};

nnom_layer_t *nnom_add(int32_t oshift)
{
    nnom_layer_t *layer = nnom_binary_new(&add_class, oshift);
    if (layer != NULL) {
        ((nnom_binary_layer_t *)layer)->integers = true;
    }
    return layer;
}

nnom_layer_t *nnom_sub(int32_t oshift)
{
    return nnom_binary_new(&sub_class, oshift);
}
