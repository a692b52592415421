/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "wide_activation.h"

#include <float.h>
#include <math.h>

#include "../build/kernel.h"
#include "../kernels/fixed_point.h"
#include "../kernels/gate.h"
#include "elementwise.h"

/*
 * Scaled: x * multiplier * 2^(shift - 31), of negative x with the numbers of their own, their sign turned if `turn`; then the limits.
 * Gates: (x * multiplier + 2^(shift - 1)) >> shift is what nnom_gates_tflite take. table: int16
 * [NNOM_TABLE_S16], or NULL.
 */
/* clang-format off */
#define NNOM_WIDE_MAP_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                 \
    I32(multiplier) I32(shift) I32(below_multiplier) I32(below_shift) I32(turn) I32(act_min) I32(act_max) ARRAY(table)
/* clang-format on */
NNOM_PARAM_STRUCT(nnom_wide_map_param, NNOM_WIDE_MAP_PARAM)
NNOM_PARAM_FIELDS(nnom_wide_map_param, NNOM_WIDE_MAP_PARAM)

/* ---- Running ---- */

static inline int16_t wide_scaled(const nnom_wide_map_param_t *p, int16_t x)
{
    int32_t y =
        x >= 0 ? nnom_requantize(x, p->multiplier, p->shift) : nnom_requantize(x, p->below_multiplier, p->below_shift);
    if (x < 0 && p->turn != 0) {
        y = -y;
    }
    return (int16_t)nnom_clamp_i32(y, p->act_min, p->act_max);
}

static inline int16_t wide_abs(const nnom_wide_map_param_t *p, int16_t x)
{
    return nnom_clamp_s16(nnom_requantize(x < 0 ? -x : x, p->multiplier, p->shift));
}

static inline int16_t wide_neg(const nnom_wide_map_param_t *p, int16_t x)
{
    return nnom_clamp_s16(nnom_requantize(-x, p->multiplier, p->shift));
}

/* x^(-1/2) with 20 bits after the point, then to the output's scale: at most 2^20 before. x <= 0 gives the largest output. */
static inline int16_t wide_rsqrt(const nnom_wide_map_param_t *p, int16_t x)
{
    int32_t root, root_shift;
    if (x <= 0) {
        return INT16_MAX;
    }
    nnom_fp_inverse_sqrt(x, &root, &root_shift);
    return nnom_clamp_s16(nnom_requantize(nnom_requantize(1, root, root_shift + 20), p->multiplier, p->shift));
}

/* |x * multiplier| <= 2^15 * (2^16 - 1); with a shift, <= 2^15 * (2^15 - 1), and 2^30 is added at most. */
static inline int32_t wide_gate(const nnom_wide_map_param_t *p, int16_t x)
{
    const int32_t half = p->shift > 0 ? (int32_t)1 << (p->shift - 1) : 0;
    return (x * p->multiplier + half) >> p->shift;
}

static inline int16_t wide_tanh(const nnom_wide_map_param_t *p, int16_t x)
{
    return nnom_gates_tflite.tanh(wide_gate(p, x));
}

static inline int16_t wide_sigmoid(const nnom_wide_map_param_t *p, int16_t x)
{
    return nnom_gates_tflite.sigmoid(wide_gate(p, x));
}

static inline int16_t wide_table(const nnom_wide_map_param_t *p, int16_t x)
{
    return nnom_interpolate(p->table, x);
}

/* An operation nnom_<name>_s16_op that computes each element by element(&parameters, x), and its record name_kernel. */
#define WIDE_OP(name, element)                                                                                         \
    static void name##_run(const nnom_call_t *call)                                                                    \
    {                                                                                                                  \
        const nnom_wide_map_param_t *p = call->node->param;                                                            \
        const nnom_rows_t from = nnom_call_input_rows(call, 0);                                                        \
        const nnom_rows_t to = nnom_call_output_rows(call);                                                            \
        for (int32_t y = call->y.lo; y < call->y.hi; y++) {                                                            \
            const int16_t *x = (const int16_t *)(const void *)nnom_row(&from, y);                                      \
            int16_t *row = (int16_t *)(void *)nnom_row(&to, y);                                                        \
            for (int32_t i = 0; i < to.row_bytes / 2; i++) {                                                           \
                row[i] = element(p, x[i]);                                                                             \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    extern const nnom_op_t nnom_##name##_s16_op;                                                                       \
    const nnom_op_t nnom_##name##_s16_op = {name##_run, NULL, 0, sizeof(nnom_wide_map_param_t)};                       \
    static const nnom_form_t name##_form = {&nnom_##name##_s16_op, "nnom_" #name "_s16_op", "nnom_wide_map_param",     \
                                            nnom_wide_map_param_fields, NULL};                                         \
    static const nnom_kernel_t name##_kernel = {&name##_form, 0, {NNOM_COSTS_PLAIN}};

WIDE_OP(scaled, wide_scaled)
WIDE_OP(wide_abs, wide_abs)
WIDE_OP(wide_neg, wide_neg)
WIDE_OP(wide_rsqrt, wide_rsqrt)
WIDE_OP(wide_tanh, wide_tanh)
WIDE_OP(wide_sigmoid, wide_sigmoid)
WIDE_OP(interpolated, wide_table)

/* ---- Making tables ---- */

static int16_t wide_limited(float y)
{
    return (int16_t)(y > 32767.0f ? 32767.0f : (y > -32768.0f ? y : -32768.0f));
}

/* A function, and the output that it is to fit: least and most are its range, inverse the steps in a unit. */
typedef struct wide_curve {
    float (*f)(float x, float alpha);
    float alpha;
    float least, most, inverse;
} wide_curve_t;

/* f(x) in steps; what is no finite number becomes an end of the range. */
static float wide_steps(const wide_curve_t *curve, float x)
{
    const float y = curve->f(x, curve->alpha) * curve->inverse;
    if (fabsf(y) <= FLT_MAX) {
        return y;
    }
    return (y > 0.0f ? curve->most : curve->least) * curve->inverse;
}

/* All in float, in the order in which the specification computes. */
void nnom_table_s16(float in, int32_t zero, float out, float (*f)(float x, float alpha), float alpha, int16_t *table)
{
    enum { STEPS = NNOM_TABLE_S16 - 1 };
    const float least = in * (float)(INT16_MIN - zero), most = in * (float)(INT16_MAX - zero);
    const float step = (most - least) / (float)STEPS;
    const float half = step / 2.0f;
    wide_curve_t curve = {f, alpha, out * (float)INT16_MIN, out * (float)INT16_MAX, 0.0f};
    curve.inverse = 65536.0f / (curve.most - curve.least);
    for (int32_t i = 0; i < STEPS; i++) {
        const float at = least + (float)i * step;
        const float next = wide_steps(&curve, least + (float)(i + 1) * step);
        const float value = roundf(wide_steps(&curve, at));
        const float line = roundf((next + value) / 2.0f);
        const float off = line - roundf(wide_steps(&curve, at + half));
        table[i] = wide_limited(value - roundf(off / 2.0f));
    }
    table[STEPS] = wide_limited(roundf(wide_steps(&curve, most)));
}

/* ---- Build ---- */

static void wide_leaky_numbers(const nnom_layer_t *layer, float alpha, nnom_wide_map_param_t *p)
{
    const double in = (double)nnom_layer_in(layer, 0)->scale, out = (double)layer->out->scale;
    nnom_quantize_multiplier(fmin(in / out, NNOM_RATIO_MAX), &p->multiplier, &p->shift);
    nnom_quantize_multiplier(fmin(in * (double)fabsf(alpha) / out, NNOM_RATIO_MAX), &p->below_multiplier,
                             &p->below_shift);
    p->turn = alpha < 0.0f ? 1 : 0;
}

/* True if the scale is 2^*exponent, about. */
static bool wide_power(float scale, int32_t *exponent)
{
    const float log2 = logf(scale) * (1.0f / logf(2.0f));
    const float whole = roundf(log2);
    *exponent = (int32_t)whole;
    return fabsf(log2 - whole) < 1e-3f;
}

/* Inputs in units of 1 / (3 * 4096); powers of two near to it exactly. */
static nnom_status_t wide_gate_numbers(const nnom_layer_t *layer, int32_t most_shift, nnom_wide_map_param_t *p)
{
    const float scale = nnom_layer_in(layer, 0)->scale;
    int32_t exponent = 0;
    if (wide_power(scale, &exponent) && exponent + 12 >= 0 && exponent + 12 <= most_shift) {
        p->multiplier = 3 * ((int32_t)1 << (exponent + 12));
        p->shift = 0;
        return NNOM_OK;
    }
    double multiplier = (double)scale * 4096.0 * 3.0;
    if (!(multiplier < 65536.0)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "the scale of its input is too large, expected below 5.33");
    }
    p->shift = 0;
    while (multiplier <= 32767.0 / 2.0 && p->shift <= 30) {
        p->shift++;
        multiplier *= 2.0;
    }
    p->multiplier = (int32_t)multiplier;
    return NNOM_OK;
}

static nnom_status_t wide_function(nnom_layer_t *layer, const nnom_activation_t *act, nnom_wide_map_param_t *p)
{
    int16_t *table = nnom_layer_alloc(layer, NNOM_TABLE_S16, sizeof(int16_t));
    if (table == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for a table of %d numbers", NNOM_TABLE_S16);
    }
    nnom_table_s16(nnom_layer_in(layer, 0)->scale, 0, layer->out->scale, act->function, act->alpha, table);
    p->table = nnom_layer_array(layer, table, NNOM_TABLE_S16, NNOM_TYPE_S16);
    layer->kernel = &interpolated_kernel;
    return NNOM_OK;
}

static nnom_status_t wide_rescaled(nnom_layer_t *layer, nnom_wide_map_param_t *p, const nnom_kernel_t *kernel)
{
    nnom_rescale_multiplier(nnom_layer_in(layer, 0), layer->out, &p->multiplier, &p->shift);
    layer->kernel = kernel;
    return NNOM_OK;
}

/* Root and product in float, as specified. */
static nnom_status_t wide_rsqrt_numbers(nnom_layer_t *layer, nnom_wide_map_param_t *p)
{
    const float scale = sqrtf(nnom_layer_in(layer, 0)->scale) * layer->out->scale;
    nnom_root_multiplier(scale, &p->multiplier, &p->shift);
    layer->kernel = &wide_rsqrt_kernel;
    return NNOM_OK;
}

nnom_status_t nnom_wide_activation(nnom_layer_t *layer, const nnom_activation_t *act)
{
    const nnom_wide_kind_t kind = (nnom_wide_kind_t)act->wide;
    int32_t exponent = 0;
    nnom_wide_map_param_t *p = nnom_layer_alloc(layer, 1, sizeof *p);
    if (p == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its parameters");
    }
    layer->param = p;
    if ((kind == NNOM_WIDE_TANH || kind == NNOM_WIDE_SIGMOID) && wide_power(layer->out->scale, &exponent) &&
        exponent == -15) {
        layer->kernel = kind == NNOM_WIDE_TANH ? &wide_tanh_kernel : &wide_sigmoid_kernel;
        return wide_gate_numbers(layer, kind == NNOM_WIDE_TANH ? 1 : 0, p);
    }
    if (kind == NNOM_WIDE_LEAKY || act->clamp != NNOM_CLAMP_NONE) {
        wide_leaky_numbers(layer, kind == NNOM_WIDE_LEAKY ? act->alpha : 1.0f, p);
        nnom_clamp_limits(act->clamp, layer->out, &p->act_min, &p->act_max);
        layer->kernel = &scaled_kernel;
        return NNOM_OK;
    }
    if (kind == NNOM_WIDE_ABS || kind == NNOM_WIDE_NEG) {
        return wide_rescaled(layer, p, kind == NNOM_WIDE_ABS ? &wide_abs_kernel : &wide_neg_kernel);
    }
    return kind == NNOM_WIDE_RSQRT ? wide_rsqrt_numbers(layer, p) : wide_function(layer, act, p);
}
