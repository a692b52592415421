/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../build/kernel.h"
#include "../kernels/float_ops.h"
#include "binary.h"

static inline float mult_element_f32(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, float a, float b)
{
    (void)zero;
    return nnom_clamp_f32(a * b, p->act_min_f, p->act_max_f);
}

NNOM_BINARY_OP(mult_f32, float, mult_element_f32)

NNOM_PARAM_FIELDS(nnom_binary_param, NNOM_BINARY_PARAM)

NNOM_FORM(mult_s8_ref, nnom_binary_window, 0, nnom_binary_param, nnom_binary_plain)
NNOM_FORM(mult_s16_ref, nnom_binary_window, 0, nnom_binary_param, nnom_binary_plain)

static const nnom_kernel_t mult_s16[] = {NNOM_KERNELS_MULT_S16(NNOM_KERNEL_ROW)};
static const nnom_kernel_t mult_s8[] = {NNOM_KERNELS_MULT_S8(NNOM_KERNEL_ROW)};

static nnom_status_t mult_build(nnom_layer_t *layer)
{
    nnom_binary_layer_t *binary = (nnom_binary_layer_t *)layer;
    const nnom_status_t status = nnom_binary_build(binary);
    if (status != NNOM_OK) {
        return status;
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(layer, nnom_mult_f32_op, NNOM_COSTS_FLOAT_PAIRS);
        return NNOM_OK;
    }
    const double real =
        (double)nnom_layer_in(layer, 0)->scale * (double)nnom_layer_in(layer, 1)->scale / (double)layer->out->scale;
    if (!(real > 0.0 && real < 32768.0)) { /* so that product * real fits int32 */
        return nnom_layer_fail(layer, NNOM_BAD_QUANT,
                               "scale of input 0 * scale of input 1 / output scale is out of range");
    }
    nnom_quantize_multiplier(real, &binary->param.multiplier, &binary->param.shift);
    return layer->out->type == NNOM_TYPE_S16 ? NNOM_CHOOSE_KERNEL(layer, mult_s16) : NNOM_CHOOSE_KERNEL(layer, mult_s8);
}

static const nnom_class_t mult_class = {
    "Mult", "nnom_binary_param", nnom_binary_param_fields, mult_build, 2, 2, NNOM_CLASS_CLAMPS | NNOM_CLASS_WIDE};

nnom_layer_t *nnom_mult(int32_t oshift)
{
    return nnom_binary_new(&mult_class, oshift);
}
