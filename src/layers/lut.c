/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "lut.h"

#include <math.h>

#include "../kernels/fixed.h"
#include "../kernels/fixed_point.h"

/* ---- Running ---- */

void nnom_map_f32(const nnom_call_t *call, float (*f)(float x, float alpha))
{
    const nnom_map_param_t *p = call->node->param;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_shape_t shape = nnom_call_output(call)->shape;
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        const float *x = (const float *)(const void *)nnom_row(&from, y);
        float *row = (float *)(void *)nnom_row(&to, y);
        for (int32_t i = 0; i < shape.w * shape.c; i++) {
            row[i] = f(x[i], p->alpha);
        }
    }
}

/* ---- Kernels ---- */

NNOM_PARAM_FIELDS(nnom_map_param, NNOM_MAP_PARAM)

static nnom_status_t lut_plain(nnom_layer_t *layer)
{
    (void)layer;
    return NNOM_OK;
}

NNOM_FORM(lut_s8_ref, NULL, 0, nnom_map_param, lut_plain)

static const nnom_kernel_t lut_s8[] = {NNOM_KERNELS_LUT_S8(NNOM_KERNEL_ROW)};

nnom_status_t nnom_lut_kernel(nnom_layer_t *layer)
{
    return NNOM_CHOOSE_KERNEL(layer, lut_s8);
}

/* ---- Making tables ---- */

static int8_t lut_saturate(int32_t x)
{
    return (int8_t)nnom_clamp_i32(x, -128, 127);
}

void nnom_table_function(const nnom_tensor_t *in, const nnom_tensor_t *out, float (*f)(float x, float alpha),
                         float alpha, int8_t *table)
{
    const float inverse = 1.0f / out->scale;
    for (int32_t q = -128; q < 128; q++) {
        const float value =
            roundf(f(in->scale * (float)(q - in->zero_point), alpha) * inverse) + (float)out->zero_point;
        const float low = value > -128.0f ? value : -128.0f; /* NaN becomes -128 */
        table[q + 128] = (int8_t)(low < 127.0f ? low : 127.0f);
    }
}

void nnom_table_clamp(const nnom_tensor_t *in, const nnom_tensor_t *out, nnom_clamp_t clamp, int8_t *table)
{
    int32_t multiplier, shift, lo, hi;
    const float ratio = in->scale / out->scale; /* in float, as the specification has it */
    nnom_quantize_multiplier(fmin((double)ratio, NNOM_RATIO_MAX), &multiplier, &shift);
    nnom_clamp_limits(clamp, out, &lo, &hi);
    for (int32_t q = -128; q < 128; q++) {
        const int32_t y = nnom_requantize(q - in->zero_point, multiplier, shift) + out->zero_point;
        table[q + 128] = (int8_t)nnom_clamp_i32(y, lo, hi);
    }
}

void nnom_table_leaky_relu(const nnom_tensor_t *in, const nnom_tensor_t *out, float alpha, int8_t *table)
{
    int32_t multiplier[2], shift[2];
    const float ratio = in->scale / out->scale;
    const float slope = in->scale * fabsf(alpha) / out->scale; /* the sign is applied to the result */
    nnom_quantize_multiplier(fmin((double)ratio, NNOM_RATIO_MAX), &multiplier[0], &shift[0]);
    nnom_quantize_multiplier(fmin((double)slope, NNOM_RATIO_MAX), &multiplier[1], &shift[1]);
    for (int32_t q = -128; q < 128; q++) {
        const int32_t x = q - in->zero_point;
        const int32_t side = x < 0 ? 1 : 0;
        const int32_t y = nnom_requantize(x, multiplier[side], shift[side]);
        table[q + 128] = lut_saturate((side == 1 && alpha < 0.0f ? -y : y) + out->zero_point);
    }
}

/* A sigmoid-like function of inputs rescaled to 4 integer bits; beyond +-15 it has reached its limits. */
static void table_s_shaped(const nnom_tensor_t *in, int32_t (*f)(int32_t a, int32_t bits), int32_t out_shift,
                           int32_t out_zero_point, int8_t *table)
{
    int32_t multiplier, shift;
    int exponent;
    const double real = (double)in->scale * 134217728.0; /* 2^27: 4 integer bits */
    nnom_quantize_multiplier(real, &multiplier, &shift);
    (void)frexp(real, &exponent);
    /*
     * |x| < radius: x * 2^exponent < 2^31. TFLite Micro saturates from 15/16 of it on, rounded down: the same bytes while
     * a step of the input is at most 4, and wrong ones above (from 15 on even for x = 0).
     */
    const double radius = ldexp(16.0, 27 - exponent);
    for (int32_t q = -128; q < 128; q++) {
        const int32_t x = q - in->zero_point;
        if ((double)x <= -radius || (double)x >= radius) {
            table[q + 128] = (double)x <= -radius ? -128 : 127;
        } else {
            const int32_t y = f(nnom_requantize(x, multiplier, shift), 4);
            table[q + 128] = lut_saturate(nnom_shift_round(y, out_shift) + out_zero_point);
        }
    }
}

void nnom_table_tanh(const nnom_tensor_t *in, const nnom_tensor_t *out, float alpha, int8_t *table)
{
    (void)out;
    (void)alpha;
    table_s_shaped(in, nnom_fp_tanh, 24, 0, table);
}

void nnom_table_logistic(const nnom_tensor_t *in, const nnom_tensor_t *out, float alpha, int8_t *table)
{
    (void)out;
    (void)alpha;
    table_s_shaped(in, nnom_fp_logistic, 23, -128, table);
}

int8_t *nnom_layer_table(nnom_layer_t *layer, nnom_map_param_t *param)
{
    int8_t *table = nnom_layer_alloc(layer, NNOM_TABLE_SIZE, sizeof(int8_t));
    param->table = nnom_layer_array(layer, table, NNOM_TABLE_SIZE, NNOM_TYPE_S8);
    return table;
}
