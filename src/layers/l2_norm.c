/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* L2Norm: each pixel divided by the length of the vector of its channels. */
#include <math.h>

#include "../kernels/fixed.h"
#include "../kernels/fixed_point.h"
#include "elementwise.h"

/* |sum of squares| <= 255^2 * channels < 2^31 */
enum { MAX_CHANNELS = 33025 };

static void l2_norm_pixel_s8(const void *param, nnom_pixel_zeros_t zero, const int8_t *x, int8_t *y, int32_t n)
{
    (void)param;
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (x[i] - zero.in) * (x[i] - zero.in);
    }
    int32_t multiplier, shift;
    nnom_fp_inverse_sqrt(sum, &multiplier, &shift);
    for (int32_t i = 0; i < n; i++) {
        const int32_t q = nnom_requantize(x[i] - zero.in, multiplier, shift + 7); /* output scale 2^-7 */
        y[i] = (int8_t)nnom_clamp_i32(q, -128, 127);
    }
}

static void l2_norm_pixel_f32(const void *param, nnom_pixel_zeros_t zero, const float *x, float *y, int32_t n)
{
    (void)param;
    (void)zero;
    float sum = 0.0f;
    for (int32_t i = 0; i < n; i++) {
        sum += x[i] * x[i];
    }
    const float length = sqrtf(sum) > 1e-6f ? sqrtf(sum) : 1e-6f;
    for (int32_t i = 0; i < n; i++) {
        y[i] = x[i] / length;
    }
}

NNOM_PIXEL_OP(l2_norm_s8, int8_t, 0, l2_norm_pixel_s8)
NNOM_PIXEL_OP(l2_norm_f32, float, 0, l2_norm_pixel_f32)

static nnom_status_t l2_norm_build(nnom_layer_t *layer)
{
    const nnom_status_t status = nnom_layer_check_types(layer);
    if (status != NNOM_OK) {
        return status;
    }
    nnom_layer_follow_quant(layer, 1.0f / 128.0f, 0);
    layer->out->shape = nnom_layer_in(layer, 0)->shape;
    layer->overlap = 0;
    if (layer->out->type == NNOM_TYPE_F32) {
        NNOM_LAYER_SET_OP(
            layer, nnom_l2_norm_f32_op, [NNOM_COST_OUTPUT] = 160, [NNOM_COST_PIXEL] = 330, [NNOM_COST_CALL] = 900);
        return NNOM_OK;
    }
    NNOM_LAYER_SET_OP(layer,
                      nnom_l2_norm_s8_op, [NNOM_COST_OUTPUT] = 660, [NNOM_COST_PIXEL] = 1100, [NNOM_COST_CALL] = 900);
    if (layer->out->scale != 1.0f / 128.0f || layer->out->zero_point != 0) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "its int8 output always has scale 1/128, zero point 0");
    }
    if (layer->out->shape.c > MAX_CHANNELS) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "%d channels, expected at most %d", (int)layer->out->shape.c,
                               MAX_CHANNELS);
    }
    return NNOM_OK;
}

static const nnom_class_t l2_norm_class = {"L2Norm", NULL, NULL, l2_norm_build, 1, 1, 0};

nnom_layer_t *nnom_l2_norm(void)
{
    return nnom_layer_new(&l2_norm_class, sizeof(nnom_layer_t));
}
