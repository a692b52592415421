/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Softmax of int16: by two tables. */
#include <math.h>

#include "../kernels/fixed.h"
#include "softmax.h"
#include "wide_activation.h"

/*
 * multiplier, shift: of a difference x - max, so that -65535 stands for -10. exp_table, inverse_table: int16 [NNOM_TABLE_S16] of exp(x) on
 * -10 to 0 and of 1 / (1 + x) on 0 to 1, Q15. out_multiplier, out_shift: from Q15 to the output's scale.
 */
#define NNOM_WIDE_SOFTMAX_PARAM(I32, F32, GEOMETRY, ARRAY)                                                             \
    I32(multiplier) I32(shift) I32(out_multiplier) I32(out_shift) ARRAY(exp_table) ARRAY(inverse_table)
NNOM_PARAM_STRUCT(nnom_wide_softmax_param, NNOM_WIDE_SOFTMAX_PARAM)
NNOM_PARAM_FIELDS(nnom_wide_softmax_param, NNOM_WIDE_SOFTMAX_PARAM)

enum { WIDE_SOFTMAX_CHANNELS = 65535 }; /* as many of at most 2^15 fit int32 */

/* 1 / sum as Q15 and what it is to be shifted: sum / 2^(30 - zeros) lies in 1 to 2. */
static int16_t wide_softmax_inverse(const nnom_wide_softmax_param_t *p, int32_t sum, int32_t *shift)
{
    int32_t zeros = 0; /* of bits 30 down */
    while (zeros < 30 && sum >> (30 - zeros) == 0) {
        zeros++;
    }
    const int64_t shifted = ((int64_t)sum * ((int64_t)1 << zeros) + (1 << 13)) >> 14; /* 2^16 to 2^17 */
    *shift = 30 - zeros;
    return nnom_interpolate(p->inverse_table,
                            nnom_clamp_s16((int32_t)shifted - (INT32_C(1) << 15) - (INT32_C(1) << 16)));
}

static void wide_softmax_pixel(const void *param, nnom_pixel_zeros_t zero, const int16_t *x, int16_t *y, int32_t n)
{
    const nnom_wide_softmax_param_t *p = param;
    int32_t max = INT16_MIN, sum = 0, shift;
    (void)zero;
    for (int32_t i = 0; i < n; i++) {
        max = nnom_max_i32(max, x[i]);
    }
    for (int32_t i = 0; i < n; i++) { /* y may lie on x: each is read before it is written */
        const int32_t scaled = nnom_requantize(x[i] - max, p->multiplier, p->shift);
        y[i] = nnom_interpolate(p->exp_table, nnom_clamp_s16(nnom_max_i32(scaled, -65535) + INT16_MAX));
        sum += y[i];
    }
    const int16_t inverse = wide_softmax_inverse(p, sum, &shift);
    for (int32_t i = 0; i < n; i++) {
        const int32_t q = (y[i] * inverse + ((int32_t)1 << (shift - 1))) >> shift; /* below 2^30 + 2^29 before */
        y[i] = nnom_clamp_s16(nnom_requantize(nnom_clamp_i32(q, 0, INT16_MAX), p->out_multiplier, p->out_shift));
    }
}

NNOM_PIXEL_OP(softmax_s16, int16_t, sizeof(nnom_wide_softmax_param_t), wide_softmax_pixel)

static const nnom_form_t softmax_s16_form = {&nnom_softmax_s16_op, "nnom_softmax_s16_op", "nnom_wide_softmax_param",
                                             nnom_wide_softmax_param_fields, NULL};
static const nnom_kernel_t softmax_s16_kernel = {
    &softmax_s16_form,
    0,
    {[NNOM_COST_OUTPUT] = 1220, [NNOM_COST_PIXEL] = 2840, [NNOM_COST_ROW] = 575, [NNOM_COST_CALL] = 1140}};

/* ---- Build ---- */

static float wide_softmax_exp(float x, float alpha)
{
    (void)alpha;
    return expf(x);
}

static float wide_softmax_reciprocal(float x, float alpha)
{
    (void)alpha;
    return 1.0f / (1.0f + x);
}

static nnom_status_t wide_softmax_tables(nnom_layer_t *layer, nnom_wide_softmax_param_t *p)
{
    const float range = 65535.0f;
    int16_t *exp_table = nnom_layer_alloc(layer, NNOM_TABLE_S16, sizeof(int16_t));
    int16_t *inverse_table = nnom_layer_alloc(layer, NNOM_TABLE_S16, sizeof(int16_t));
    if (exp_table == NULL || inverse_table == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its tables");
    }
    nnom_table_s16(10.0f / range, INT16_MAX, 2.0f / range, wide_softmax_exp, 0.0f, exp_table);
    nnom_table_s16(1.0f / range, INT16_MIN, 2.0f / range, wide_softmax_reciprocal, 0.0f, inverse_table);
    p->exp_table = nnom_layer_array(layer, exp_table, NNOM_TABLE_S16, NNOM_TYPE_S16);
    p->inverse_table = nnom_layer_array(layer, inverse_table, NNOM_TABLE_S16, NNOM_TYPE_S16);
    return NNOM_OK;
}

nnom_status_t nnom_wide_softmax_build(nnom_layer_t *layer, float beta)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const double to_out = 1.0 / (32768.0 * (double)layer->out->scale);
    nnom_wide_softmax_param_t *p = nnom_layer_alloc(layer, 1, sizeof *p);
    if (p == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its parameters");
    }
    layer->param = p;
    if (in->shape.c > WIDE_SOFTMAX_CHANNELS) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "%d channels, expected at most %d", (int)in->shape.c,
                               WIDE_SOFTMAX_CHANNELS);
    }
    nnom_quantize_multiplier((double)in->scale * (double)beta / (10.0 / 65535.0), &p->multiplier, &p->shift);
    /* Files tell 1 / 32768 with as few digits as they like. */
    const bool usual = fabs(to_out - 1.0) <= 0.001;
    nnom_quantize_multiplier(usual ? 1.0 : fmin(to_out, NNOM_RATIO_MAX), &p->out_multiplier, &p->out_shift);
    const nnom_status_t status = wide_softmax_tables(layer, p);
    layer->kernel = &softmax_s16_kernel;
    return status == NNOM_OK ? nnom_layer_symmetric(layer) : status;
}
