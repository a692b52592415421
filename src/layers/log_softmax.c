/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <math.h>

#include "../kernels/fixed.h"
#include "../kernels/fixed_point.h"
#include "elementwise.h"

/*
 * multiplier, shift: differences to the pixel's largest value to 5 integer bits; back_multiplier, back_shift: the
 * reverse. Differences below diff_min count as exp(-infinity).
 */
#define NNOM_LOG_SOFTMAX_PARAM(I32, F32, GEOMETRY, ARRAY)                                                              \
    I32(multiplier) I32(shift) I32(back_multiplier) I32(back_shift) I32(diff_min)
NNOM_PARAM_STRUCT(nnom_log_softmax_param, NNOM_LOG_SOFTMAX_PARAM)
NNOM_PARAM_FIELDS(nnom_log_softmax_param, NNOM_LOG_SOFTMAX_PARAM)

enum { DIFF_BITS = 5, SUM_BITS = 12, OUT_BITS = 4, MAX_CHANNELS = (1 << SUM_BITS) - 1 };

static int32_t log_softmax_rescaled(const nnom_log_softmax_param_t *p, int32_t diff)
{
    return nnom_requantize(diff, p->multiplier, p->shift);
}

/* Logarithm of the sum of exponentials, with DIFF_BITS integer bits. */
static int32_t log_of_sum(const nnom_log_softmax_param_t *p, const int8_t *x, int32_t n, int32_t max)
{
    int32_t sum = 0; /* <= n * 2^19 < 2^31, as n <= MAX_CHANNELS */
    for (int32_t i = 0; i < n; i++) {
        if (x[i] - max >= p->diff_min) {
            sum += nnom_shift_round(nnom_fp_exp(log_softmax_rescaled(p, x[i] - max), DIFF_BITS), SUM_BITS);
        }
    }
    return nnom_fp_log(sum);
}

static void log_softmax_pixel_s8(const void *param, nnom_pixel_zeros_t zero, const int8_t *x, int8_t *y, int32_t n)
{
    const nnom_log_softmax_param_t *p = param;
    (void)zero;
    int32_t max = -128;
    for (int32_t i = 0; i < n; i++) {
        max = nnom_max_i32(max, x[i]);
    }
    const int32_t log_sum = log_of_sum(p, x, n, max);
    const int32_t least = nnom_requantize(log_sum + INT32_MIN, p->back_multiplier, p->back_shift); /* log_sum >= 0 */
    const int32_t diff_min = nnom_max_i32(p->diff_min - 1, least);
    for (int32_t i = 0; i < n; i++) {
        int32_t q = -128;
        if (x[i] - max > diff_min) {
            q = nnom_shift_round(log_softmax_rescaled(p, x[i] - max) - log_sum, 31 - DIFF_BITS - OUT_BITS) + 127;
        }
        y[i] = (int8_t)nnom_clamp_i32(q, -128, 127);
    }
}

static void log_softmax_pixel_f32(const void *param, nnom_pixel_zeros_t zero, const float *x, float *y, int32_t n)
{
    (void)param;
    (void)zero;
    float max = x[0];
    for (int32_t i = 1; i < n; i++) {
        max = x[i] > max ? x[i] : max;
    }
    float sum = 0.0f;
    for (int32_t i = 0; i < n; i++) {
        sum += expf(x[i] - max);
    }
    const float log_sum = logf(sum);
    for (int32_t i = 0; i < n; i++) {
        y[i] = x[i] - max - log_sum;
    }
}

NNOM_PIXEL_OP(log_softmax_s8, int8_t, sizeof(nnom_log_softmax_param_t), log_softmax_pixel_s8)
NNOM_PIXEL_OP(log_softmax_f32, float, sizeof(nnom_log_softmax_param_t), log_softmax_pixel_f32)

/* ---- Build ---- */

typedef struct log_softmax_layer {
    nnom_layer_t super;
    nnom_log_softmax_param_t param;
} log_softmax_layer_t;

static nnom_status_t log_softmax_build_s8(nnom_layer_t *layer, nnom_log_softmax_param_t *p)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const double real = (double)in->scale * 67108864.0; /* 2^26 */
    if (in->shape.c > MAX_CHANNELS) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "%d channels, expected at most %d", (int)in->shape.c,
                               MAX_CHANNELS);
    }
    if (!(real > 1.0)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "the scale of its input is too small, expected over 2^-26");
    }
    if (layer->out->scale != 1.0f / 16.0f || layer->out->zero_point != 127) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "its int8 output always has scale 1/16, zero point 127");
    }
    nnom_quantize_multiplier(real < 2147483647.0 ? real : 2147483647.0, &p->multiplier, &p->shift);
    nnom_quantize_multiplier(ldexp(1.0, 31 - p->shift) / (double)p->multiplier, &p->back_multiplier, &p->back_shift);
    p->diff_min = -(int32_t)floor(ldexp(31.0, 26 - p->shift));
    NNOM_LAYER_SET_OP(layer, nnom_log_softmax_s8_op, [NNOM_COST_OUTPUT] = 1577, [NNOM_COST_PIXEL] = 5500);
    return NNOM_OK;
}

static nnom_status_t log_softmax_build(nnom_layer_t *layer)
{
    nnom_log_softmax_param_t *p = &((log_softmax_layer_t *)layer)->param;
    const nnom_status_t status = nnom_layer_check_types(layer);
    if (status != NNOM_OK) {
        return status;
    }
    nnom_layer_follow_quant(layer, 1.0f / 16.0f, 127);
    layer->out->shape = nnom_layer_in(layer, 0)->shape;
    layer->overlap = 0;
    layer->param = p;
    if (layer->out->type == NNOM_TYPE_S8) {
        return log_softmax_build_s8(layer, p);
    }
    NNOM_LAYER_SET_OP(layer, nnom_log_softmax_f32_op, [NNOM_COST_OUTPUT] = 894, [NNOM_COST_PIXEL] = 1730);
    return NNOM_OK;
}

static const nnom_class_t log_softmax_class = {
    "LogSoftmax", "nnom_log_softmax_param", nnom_log_softmax_param_fields, log_softmax_build, 1, 1, 0};

nnom_layer_t *nnom_log_softmax(void)
{
    return nnom_layer_new(&log_softmax_class, sizeof(log_softmax_layer_t));
}
