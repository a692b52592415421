/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <float.h>
#include <math.h>

#include "../kernels/fixed.h"
#include "../kernels/fixed_point.h"
#include "softmax.h"

/*
 * Differences to the pixel's largest value are taken to 5 integer bits with multiplier and shift; those below diff_min
 * count as exp(-infinity). The result in units of 1/256 is brought to the output's scale: usually the same, and then
 * unchanged.
 */
#define NNOM_SOFTMAX_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                  \
    I32(multiplier) I32(shift) I32(diff_min) I32(out_multiplier) I32(out_shift) F32(beta)
NNOM_PARAM_STRUCT(nnom_softmax_param, NNOM_SOFTMAX_PARAM)
NNOM_PARAM_FIELDS(nnom_softmax_param, NNOM_SOFTMAX_PARAM)

enum { DIFF_BITS = 5, SUM_BITS = 12, MAX_CHANNELS = (1 << SUM_BITS) - 1 };

static int32_t softmax_largest(const int8_t *x, int32_t n)
{
    int32_t max = -128;
    for (int32_t i = 0; i < n; i++) {
        max = nnom_max_i32(max, x[i]);
    }
    return max;
}

/* exp(scale * diff) as Q0. */
static int32_t exp_of(const nnom_softmax_param_t *p, int32_t diff)
{
    return nnom_fp_exp(nnom_requantize(diff, p->multiplier, p->shift), DIFF_BITS);
}

static NNOM_SMALL void softmax_pixel_s8(const void *param, nnom_pixel_zeros_t zero, const int8_t *x, int8_t *y,
                                        int32_t n)
{
    const nnom_softmax_param_t *p = param;
    const int32_t max = softmax_largest(x, n);
    int32_t sum = 0; /* <= n * 2^19 < 2^31, as n <= MAX_CHANNELS */
    for (int32_t i = 0; i < n; i++) {
        if (x[i] - max >= p->diff_min) {
            sum += nnom_shift_round(exp_of(p, x[i] - max), SUM_BITS);
        }
    }
    int32_t over;
    const int32_t inverse = nnom_fp_reciprocal(sum, SUM_BITS, &over);
    for (int32_t i = 0; i < n; i++) {
        int32_t q = 0;
        if (x[i] - max >= p->diff_min && over <= 8) { /* else it is below 2^-9 and rounds to 0 */
            q = nnom_shift_round(nnom_high_mul(inverse, exp_of(p, x[i] - max)), over + 23);
        }
        q = nnom_requantize(q, p->out_multiplier, p->out_shift) + zero.out; /* 0 <= q <= 256 before */
        y[i] = (int8_t)nnom_clamp_i32(q, -128, 127);
    }
}

static void softmax_pixel_f32(const void *param, nnom_pixel_zeros_t zero, const float *x, float *y, int32_t n)
{
    (void)zero;
    const float beta = ((const nnom_softmax_param_t *)param)->beta;
    float max = x[0];
    for (int32_t i = 1; i < n; i++) {
        max = x[i] > max ? x[i] : max;
    }
    float sum = 0.0f;
    for (int32_t i = 0; i < n; i++) {
        y[i] = expf((x[i] - max) * beta);
        sum += y[i];
    }
    for (int32_t i = 0; i < n; i++) {
        y[i] /= sum;
    }
}

NNOM_PIXEL_OP_AS(static NNOM_SMALL, softmax_s8, int8_t, sizeof(nnom_softmax_param_t), softmax_pixel_s8)
NNOM_PIXEL_OP(softmax_f32, float, sizeof(nnom_softmax_param_t), softmax_pixel_f32)

/* ---- Build ---- */

typedef struct softmax_layer {
    nnom_layer_t super;
    nnom_softmax_param_t param;
} softmax_layer_t;

static nnom_status_t softmax_build_s8(nnom_layer_t *layer, nnom_softmax_param_t *p)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const double real = (double)p->beta * (double)in->scale * 67108864.0; /* 2^26: 5 integer bits */
    if (in->shape.c > MAX_CHANNELS) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "%d channels, expected at most %d", (int)in->shape.c,
                               MAX_CHANNELS);
    }
    if (!(real > 1.0)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "the scale of its input is too small, expected over 2^-26");
    }
    const double to_out = 1.0 / (256.0 * (double)layer->out->scale);
    if (!(to_out < 1048576.0)) { /* 256 * 2^20 fits int32 */
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "its output scale is too small, expected over 2^-28");
    }
    nnom_quantize_multiplier(to_out, &p->out_multiplier, &p->out_shift);
    nnom_quantize_multiplier(real < 2147483647.0 ? real : 2147483647.0, &p->multiplier, &p->shift);
    p->diff_min = -(int32_t)floor(ldexp(31.0, 26 - p->shift));
    NNOM_LAYER_SET_OP(layer, nnom_softmax_s8_op, [NNOM_COST_OUTPUT] = 5600, [NNOM_COST_PIXEL] = 2000);
    return NNOM_OK;
}

static nnom_status_t softmax_build(nnom_layer_t *layer)
{
    nnom_softmax_param_t *p = &((softmax_layer_t *)layer)->param;
    const nnom_status_t status = nnom_layer_check_types(layer);
    if (status != NNOM_OK) {
        return status;
    }
    if (!(p->beta > 0.0f && p->beta <= FLT_MAX)) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "beta is no number above 0");
    }
    const bool wide = nnom_layer_in(layer, 0)->type == NNOM_TYPE_S16;
    nnom_layer_follow_quant(layer, wide ? 1.0f / 32768.0f : 1.0f / 256.0f, wide ? 0 : -128);
    layer->out->shape = nnom_layer_in(layer, 0)->shape;
    layer->overlap = 0;
    layer->param = p;
    if (layer->out->type == NNOM_TYPE_S8) {
        return softmax_build_s8(layer, p);
    }
    if (wide) {
        return nnom_wide_softmax_build(layer, p->beta);
    }
    NNOM_LAYER_SET_OP(layer, nnom_softmax_f32_op, [NNOM_COST_OUTPUT] = 924, [NNOM_COST_PIXEL] = 575);
    return NNOM_OK;
}

static const nnom_class_t softmax_class = {"Softmax", "nnom_softmax_param", nnom_softmax_param_fields, softmax_build, 1,
                                           1,         NNOM_CLASS_WIDE};

nnom_layer_t *nnom_softmax(float beta)
{
    softmax_layer_t *layer = nnom_layer_new(&softmax_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->param.beta = beta;
    return &layer->super;
}
