/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Functions of one element that converted models use as layers: each an activation (activation.h). */
#include <math.h>

#include "../kernels/fixed.h"
#include "../kernels/fixed_point.h"
#include "activation.h"
#include "elementwise.h"

/* ---- In float ---- */

static float elu(float x, float alpha)
{
    return x < 0.0f ? alpha * (expf(x) - 1.0f) : x;
}

static float hard_swish(float x, float alpha)
{
    (void)alpha;
    const float gate = x + 3.0f < 0.0f ? 0.0f : (x + 3.0f > 6.0f ? 6.0f : x + 3.0f);
    return x * gate / 6.0f;
}

static float gelu(float x, float alpha)
{
    (void)alpha;
    return x * 0.5f * (1.0f + erff(x * 0.70710678118654752440f));
}

/* The approximation with tanh that some frameworks train with. */
static float gelu_tanh(float x, float alpha)
{
    (void)alpha;
    return 0.5f * x * (1.0f + tanhf(0.79788456080286535588f * (x + 0.044715f * x * x * x)));
}

static float exponential(float x, float alpha)
{
    (void)alpha;
    return expf(x);
}

static float logarithm(float x, float alpha)
{
    (void)alpha;
    return logf(x);
}

static float square_root(float x, float alpha)
{
    (void)alpha;
    return sqrtf(x);
}

static float inverse_root(float x, float alpha)
{
    (void)alpha;
    return 1.0f / sqrtf(x);
}

static float absolute(float x, float alpha)
{
    (void)alpha;
    return fabsf(x);
}

static float negative(float x, float alpha)
{
    (void)alpha;
    return -x;
}

static float squared(float x, float alpha)
{
    (void)alpha;
    return x * x;
}

static float sine(float x, float alpha)
{
    (void)alpha;
    return sinf(x);
}

static float cosine(float x, float alpha)
{
    (void)alpha;
    return cosf(x);
}

static float round_down(float x, float alpha)
{
    (void)alpha;
    return floorf(x);
}

static float round_up(float x, float alpha)
{
    (void)alpha;
    return ceilf(x);
}

/* To nearest, ties to even, whatever the rounding mode. */
static float round_even(float x, float alpha)
{
    (void)alpha;
    const float nearest = roundf(x);
    return fabsf(nearest - x) == 0.5f ? 2.0f * roundf(x / 2.0f) : nearest;
}

static float sign(float x, float alpha)
{
    (void)alpha;
    return x > 0.0f ? 1.0f : (x < 0.0f ? -1.0f : x);
}

static float power(float x, float alpha)
{
    return powf(x, alpha);
}

/* ---- int8 tables in integer arithmetic ---- */

static int8_t unary_saturate(int32_t x)
{
    return (int8_t)nnom_clamp_i32(x, -128, 127);
}

static void table_abs(const nnom_tensor_t *in, const nnom_tensor_t *out, float alpha, int8_t *table)
{
    int32_t multiplier, shift;
    const float ratio = in->scale / out->scale;
    (void)alpha;
    nnom_quantize_multiplier(fmin((double)ratio, NNOM_RATIO_MAX), &multiplier, &shift);
    for (int32_t q = -128; q < 128; q++) {
        const int32_t x = q < in->zero_point ? in->zero_point - q : q - in->zero_point;
        table[q + 128] = unary_saturate(nnom_requantize(x, multiplier, shift) + out->zero_point);
    }
}

/* The reference truncates; negative values give the least output. */
static void table_sqrt(const nnom_tensor_t *in, const nnom_tensor_t *out, float alpha, int8_t *table)
{
    (void)alpha;
    for (int32_t q = -128; q < 128; q++) {
        const float root = sqrtf(in->scale * (float)(q - in->zero_point)) / out->scale;
        const bool defined = q >= in->zero_point;
        table[q + 128] = defined ? unary_saturate((int32_t)fminf(root, 255.0f) + out->zero_point) : -128;
    }
}

/* x^(-1/2) with 20 bits after the point, then to the output's scale. Values <= 0 give the largest output. */
static void table_rsqrt(const nnom_tensor_t *in, const nnom_tensor_t *out, float alpha, int8_t *table)
{
    int32_t multiplier, shift, root, root_shift;
    const float scale = sqrtf(in->scale) * out->scale;
    (void)alpha;
    nnom_root_multiplier(scale, &multiplier, &shift);
    for (int32_t q = -128; q < 128; q++) {
        table[q + 128] = 127;
        if (q > in->zero_point) {
            nnom_fp_inverse_sqrt(q - in->zero_point, &root, &root_shift);
            const int32_t x = nnom_requantize(1, root, root_shift + 20);
            table[q + 128] = unary_saturate(nnom_requantize(x, multiplier, shift) + out->zero_point);
        }
    }
}

static int32_t saturate_16(int32_t x)
{
    return nnom_clamp_i32(x, -32768, 32767);
}

/* 16-bit relatives of nnom_high_mul: rounded, and truncated. */
static int32_t high_mul_16(int32_t a, int32_t b)
{
    const int32_t product = a * b; /* |product| <= 2^30 */
    return saturate_16((product + (product >= 0 ? 16384 : -16383)) / 32768);
}

static int32_t high_mul_16_truncated(int32_t a, int32_t b)
{
    return saturate_16(a * b / 32768);
}

typedef struct scale_16 {
    int32_t multiplier; /* 15 bits */
    int32_t exponent;
} scale_16_t;

static scale_16_t to_scale_16(double real)
{
    scale_16_t s;
    nnom_quantize_multiplier(real, &s.multiplier, &s.exponent);
    s.multiplier = s.multiplier >= INT32_MAX - 32768 ? 32767 : (s.multiplier + 32768) >> 16;
    return s;
}

/* relu6(x + 3) / 6 as a 15-bit fraction; x has 7 more bits than the input. */
static int32_t hard_gate(int32_t x, scale_16_t s)
{
    int32_t gate = x;
    if (s.exponent > 0) {
        gate = s.exponent - 1 > 15 ? (gate > 0 ? 32767 : (gate < 0 ? -32768 : 0))
                                   : saturate_16(gate * ((int32_t)1 << (s.exponent - 1)));
    }
    gate = high_mul_16(gate, s.multiplier);
    if (s.exponent > 0) {
        gate = saturate_16(gate * 2);
    } else {
        gate = nnom_shift_round(gate, -s.exponent);
    }
    return (gate + 32768) >> 1;
}

static void table_hard_swish(const nnom_tensor_t *in, const nnom_tensor_t *out, float alpha, int8_t *table)
{
    const float fine = (1.0f / 128.0f) * in->scale;
    const float gate_ratio = fine / (3.0f / 32768.0f);
    const float out_ratio = fine / out->scale;
    const scale_16_t gate_scale = to_scale_16((double)gate_ratio);
    const scale_16_t out_scale = to_scale_16((double)out_ratio);
    if (out_scale.exponent > 0) { /* beyond the integer arithmetic */
        nnom_table_function(in, out, hard_swish, alpha, table);
        return;
    }
    for (int32_t q = -128; q < 128; q++) {
        const int32_t x = (q - in->zero_point) * 128;
        const int32_t y = high_mul_16_truncated(hard_gate(x, gate_scale), high_mul_16(x, out_scale.multiplier));
        table[q + 128] = unary_saturate(nnom_shift_round(y, -out_scale.exponent) + out->zero_point);
    }
}

/* ---- The list ---- */

NNOM_ACTIVATION(elu, "ELU", NNOM_CLAMP_NONE, elu, NULL, 0.0f, 0)
NNOM_ACTIVATION(hard_swish, "HardSwish", NNOM_CLAMP_NONE, hard_swish, table_hard_swish, 0.0f, 0)
NNOM_ACTIVATION(gelu, "GELU", NNOM_CLAMP_NONE, gelu, NULL, 0.0f, 0)
NNOM_ACTIVATION(gelu_tanh, "GELU", NNOM_CLAMP_NONE, gelu_tanh, NULL, 0.0f, 0)
NNOM_ACTIVATION(exp, "Exp", NNOM_CLAMP_NONE, exponential, NULL, 0.0f, 0)
NNOM_ACTIVATION(log, "Log", NNOM_CLAMP_NONE, logarithm, NULL, 0.0f, 0)
NNOM_ACTIVATION(sqrt, "Sqrt", NNOM_CLAMP_NONE, square_root, table_sqrt, 0.0f, 0)
NNOM_ACTIVATION_OF(NNOM_WIDE_RSQRT, rsqrt, "Rsqrt", NNOM_CLAMP_NONE, inverse_root, table_rsqrt, 0.0f, 0)
NNOM_ACTIVATION_OF(NNOM_WIDE_ABS, abs, "Abs", NNOM_CLAMP_NONE, absolute, table_abs, 0.0f, 0)
NNOM_ACTIVATION_OF(NNOM_WIDE_NEG, neg, "Neg", NNOM_CLAMP_NONE, negative, NULL, 0.0f, 0)
NNOM_ACTIVATION(square, "Square", NNOM_CLAMP_NONE, squared, NULL, 0.0f, 0)
NNOM_ACTIVATION(sin, "Sin", NNOM_CLAMP_NONE, sine, NULL, 0.0f, 0)
NNOM_ACTIVATION(cos, "Cos", NNOM_CLAMP_NONE, cosine, NULL, 0.0f, 0)
NNOM_ACTIVATION(floor, "Floor", NNOM_CLAMP_NONE, round_down, NULL, 0.0f, 0)
NNOM_ACTIVATION(ceil, "Ceil", NNOM_CLAMP_NONE, round_up, NULL, 0.0f, 0)
NNOM_ACTIVATION(round, "Round", NNOM_CLAMP_NONE, round_even, NULL, 0.0f, 0)
NNOM_ACTIVATION(sign, "Sign", NNOM_CLAMP_NONE, sign, NULL, 0.0f, 0)
NNOM_ACTIVATION(power, "Power", NNOM_CLAMP_NONE, power, NULL, 0.0f, 0)

nnom_activation_t *nnom_act_elu(float alpha)
{
    return nnom_activation_new(&elu_activation, alpha);
}

nnom_activation_t *nnom_act_power(float exponent)
{
    return nnom_activation_new(&power_activation, exponent);
}

#define CONSTRUCTOR(name)                                                                                              \
    nnom_activation_t *nnom_act_##name(void)                                                                           \
    {                                                                                                                  \
        return nnom_activation_new(&name##_activation, 0.0f);                                                          \
    }

CONSTRUCTOR(hard_swish)
CONSTRUCTOR(gelu)
CONSTRUCTOR(gelu_tanh)
CONSTRUCTOR(exp)
CONSTRUCTOR(log)
CONSTRUCTOR(sqrt)
CONSTRUCTOR(rsqrt)
CONSTRUCTOR(abs)
CONSTRUCTOR(neg)
CONSTRUCTOR(square)
CONSTRUCTOR(sin)
CONSTRUCTOR(cos)
CONSTRUCTOR(floor)
CONSTRUCTOR(ceil)
CONSTRUCTOR(round)
CONSTRUCTOR(sign)
