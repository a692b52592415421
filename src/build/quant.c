/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <math.h>

#include "../kernels/nibble.h"
#include "builder.h"

/* frexp gives real = fraction * 2^exponent, fraction in [0.5, 1): multiplier = round(fraction * 2^31). */
void nnom_quantize_multiplier(double real, int32_t *multiplier, int32_t *shift)
{
    if (!(real < 2147483648.0)) { /* as from 2^30 on, and for what is no number */
        *multiplier = INT32_MAX;
        *shift = 30;
        return;
    }
    int exponent = 0;
    const double fraction = frexp(real, &exponent);
    int64_t q = (int64_t)round(fraction * 2147483648.0);
    if (q == (int64_t)1 << 31) {
        q /= 2;
        exponent++;
    }
    if (exponent < -31) { /* below half of the smallest step: zero, as the specification has it */
        exponent = 0;
        q = 0;
    }
    if (exponent > 30) {
        exponent = 30;
        q = INT32_MAX;
    }
    *multiplier = (int32_t)q;
    *shift = exponent;
}

int32_t nnom_quantize_real(float x, const nnom_tensor_t *out)
{
    const nnom_type_facts_t *facts = nnom_type_facts(out->type);
    const float q = roundf(x / out->scale) + (float)out->zero_point;
    /* NaN of a scale that compile refuses later, too */
    return q > (float)facts->most ? facts->most : (q > (float)facts->least ? (int32_t)q : facts->least);
}

nnom_status_t nnom_layer_symmetric(const nnom_layer_t *layer)
{
    const nnom_tensor_t *wrong = layer->out->type == NNOM_TYPE_S16 && layer->out->zero_point != 0 ? layer->out : NULL;
    for (uint32_t i = 0; i < nnom_layer_input_number(layer); i++) {
        const nnom_tensor_t *in = nnom_layer_in(layer, i);
        wrong = in->type == NNOM_TYPE_S16 && in->zero_point != 0 ? in : wrong;
    }
    return wrong == NULL ? NNOM_OK
                         : nnom_layer_fail(layer, NNOM_BAD_QUANT, "its %s is int16 with zero point %d, expected 0",
                                           wrong == layer->out ? "output" : "input", (int)wrong->zero_point);
}

void nnom_clamp_limits(nnom_clamp_t clamp, const nnom_tensor_t *out, int32_t *act_min, int32_t *act_max)
{
    *act_min = nnom_type_facts(out->type)->least;
    *act_max = nnom_type_facts(out->type)->most;
    if (clamp == NNOM_CLAMP_RELU || clamp == NNOM_CLAMP_RELU6) {
        *act_min = nnom_quantize_real(0.0f, out);
    }
    if (clamp == NNOM_CLAMP_RELU6) {
        *act_max = nnom_quantize_real(6.0f, out);
    }
    if (clamp == NNOM_CLAMP_RELU_N1_TO_1) {
        *act_min = nnom_quantize_real(-1.0f, out);
        *act_max = nnom_quantize_real(1.0f, out);
    }
}

void nnom_clamp_limits_f32(nnom_clamp_t clamp, float *act_min, float *act_max)
{
    *act_min = clamp == NNOM_CLAMP_NONE ? -INFINITY : (clamp == NNOM_CLAMP_RELU_N1_TO_1 ? -1.0f : 0.0f);
    *act_max = clamp == NNOM_CLAMP_RELU6 ? 6.0f : (clamp == NNOM_CLAMP_RELU_N1_TO_1 ? 1.0f : INFINITY);
}

/* ---- Weights ---- */

typedef struct sums {
    int64_t sum;      /* of the channel's weights */
    int64_t absolute; /* of their absolute values */
} sums_t;

/* Of weights first + t * tap_stride, t < taps. */
static sums_t channel_sums(const nnom_layer_t *layer, const int8_t *weights, size_t first, int32_t taps,
                           int32_t tap_stride)
{
    const bool nibbles = layer->given->weight_bits == 4;
    sums_t s = {0, 0};
    for (int32_t t = 0; t < taps; t++, first += (size_t)tap_stride) {
        const int32_t w = nibbles ? nnom_nibble(weights, first) : weights[first];
        s.sum += w;
        s.absolute += w < 0 ? -w : w;
    }
    return s;
}

bool nnom_layer_is_wide(const nnom_layer_t *layer)
{
    return nnom_layer_in(layer, 0)->type == NNOM_TYPE_S16 && layer->given->bias_bits != 32;
}

/* One channel's scale of the weights: set by the user, or 2^-shift. */
static double weight_scale(const nnom_layer_t *layer, const nnom_weight_t *w, int32_t channel)
{
    if (layer->given->weight_scales != NULL) {
        return layer->given->weight_scales[layer->given->weight_scale_count == 1 ? 0 : channel];
    }
#ifdef NNOM_SHIFTS_2020
    /* The output's right shift r was stored: in.frac + w.frac - out.frac = r. */
    return ldexp((double)layer->out->scale / nnom_layer_in(layer, 0)->scale, -(int)w->shift);
#else
    return ldexp(1.0, -(int)w->shift);
#endif
}

/* The channel's bias in units of input scale * weight scale. */
static double channel_bias(const nnom_layer_t *layer, const nnom_bias_t *b, double accumulator_scale, int32_t channel)
{
    if (b == NULL || b->p_value == NULL) {
        return 0.0;
    }
    if (layer->given->weight_scales != NULL) {
        return nnom_layer_is_wide(layer) ? (double)((const int64_t *)b->p_value)[channel] /* refused from 2^47 on */
                                         : (double)((const int32_t *)b->p_value)[channel];
    }
    const double value = (double)((const int8_t *)b->p_value)[channel];
#ifdef NNOM_SHIFTS_2020
    (void)accumulator_scale;
    return ldexp(value, (int)b->shift);
#else
    return round(ldexp(value, -(int)b->shift) / accumulator_scale);
#endif
}

static nnom_status_t quant_check_scales(const nnom_layer_t *layer, const nnom_weight_t *w, const nnom_bias_t *b,
                                        int32_t channels)
{
    if (layer->given->weight_scales == NULL) {
        const size_t shift = b != NULL && b->shift > w->shift ? b->shift : w->shift;
        return shift <= 31 ? NNOM_OK
                           : nnom_layer_fail(layer, NNOM_BAD_QUANT, "shift %ld of weights or bias, expected 0 to 31",
                                             (long)shift);
    }
    if (layer->given->weight_scale_count != 1 && layer->given->weight_scale_count != (uint32_t)channels) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "%ld weight scales, expected 1 or %d",
                               (long)layer->given->weight_scale_count, (int)channels);
    }
    return NNOM_OK;
}

/* What a channel's kernel computes with. */
typedef struct channel_numbers {
    int64_t bias;
    int32_t multiplier;
    int32_t shift; /* -31 to 30 */
} channel_numbers_t;

/* The largest sum: with shift 0 it may get through requantising as it is. */
static double most_of_sums(const nnom_layer_t *layer, int32_t shift)
{
    if (nnom_layer_is_wide(layer)) {
        return 140737488355327.0; /* 2^47 - 1 */
    }
    return shift == 0 ? (double)NNOM_ACCUMULATOR_MAX : 2147483647.0;
}

static nnom_status_t channel_numbers(const nnom_layer_t *layer, const nnom_weight_t *w, const nnom_bias_t *b,
                                     int32_t channel, sums_t sums, channel_numbers_t *numbers)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const double scale = (double)in->scale * weight_scale(layer, w, channel);
    const double bias = channel_bias(layer, b, scale, channel) - (double)in->zero_point * (double)sums.sum;
    const double real = scale / (double)layer->out->scale;
    if (!(real >= 0.0 && real < (nnom_layer_is_wide(layer) ? 128.0 : 1073741824.0))) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT,
                               "channel %d: input scale * weight scale / output scale is out of range", (int)channel);
    }
    nnom_quantize_multiplier(real, &numbers->multiplier, &numbers->shift);
    /* Every partial sum lies within |bias| + 128 * sum |w|, of int16 32768 * sum |w|. */
    const double largest = -(double)nnom_type_facts(in->type)->least;
    if (fabs(bias) + largest * (double)sums.absolute > most_of_sums(layer, numbers->shift)) {
        return nnom_layer_fail(layer, NNOM_OVERFLOW,
                               "channel %d can overflow its %s-bit accumulator: weights or bias too large",
                               (int)channel, nnom_layer_is_wide(layer) ? "48" : "32");
    }
    numbers->bias = (int64_t)bias;
    return NNOM_OK;
}

static nnom_status_t weights_f32(const nnom_bias_t *b, nnom_quant_weights_t *result)
{
    result->bias = b != NULL ? b->p_value : NULL;
    result->multiplier = NULL;
    result->shift = NULL;
    result->bias_high = NULL;
    result->one = false;
    return NNOM_OK;
}

/*
 * One multiplier serves all channels and a bias is its int8 shifted by *bias_shift: what channel_bias() gives, exactly. An input
 * scale of 2^exponent makes it bias * 2^(weight shift - bias shift - exponent); in the reading of 2020 the shift is given.
 */
static bool is_qformat(const nnom_layer_t *layer, const nnom_weight_t *w, const nnom_bias_t *b, int32_t *bias_shift)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    const bool asked = (layer->cls->flags & NNOM_CLASS_QFORMAT) != 0 && layer->model->builder->options->target == 0;
    if (!asked || layer->given->weight_scales != NULL || in->zero_point != 0 || in->type != NNOM_TYPE_S8 ||
        layer->given->weight_bits == 4) {
        return false;
    }
    const int32_t shift = b != NULL ? (int32_t)b->shift : 0; /* <= 31, as w's */
#ifdef NNOM_SHIFTS_2020
    (void)w;
    *bias_shift = shift;
    const bool power = true;
#else
    int exponent = 0;
    const bool power = frexpf(in->scale, &exponent) == 0.5f;
    *bias_shift = (int32_t)w->shift - shift - (exponent - 1);
#endif
    return power && *bias_shift >= -31 && *bias_shift <= 23; /* 128 * 2^23 fits */
}

/* Puts channel o's bias into the low words and, if it does not fit there, the high ones, which are made then. */
static nnom_status_t quant_put_bias(nnom_layer_t *layer, int32_t *low, int16_t **high, size_t n, size_t o, int64_t bias)
{
    low[o] = (int32_t)(uint32_t)((uint64_t)bias & UINT32_MAX);
    if (low[o] == bias) {
        return NNOM_OK;
    }
    if (*high == NULL) {
        *high = nnom_layer_alloc(layer, n, sizeof(int16_t));
    }
    if (*high == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %d biases", (int)n);
    }
    (*high)[o] = (int16_t)((bias - low[o]) / ((int64_t)1 << 32));
    return NNOM_OK;
}

nnom_status_t nnom_layer_weights(nnom_layer_t *layer, const nnom_weight_t *w, const nnom_bias_t *b, int32_t channels,
                                 int32_t taps, int32_t channel_stride, int32_t tap_stride, nnom_quant_weights_t *result)
{
    if (w == NULL || w->p_value == NULL) {
        return nnom_layer_fail(layer, NNOM_NULL, "its weights are NULL");
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        return weights_f32(b, result);
    }
    nnom_status_t status = quant_check_scales(layer, w, b, channels);
    if (status != NNOM_OK) {
        return status;
    }
    int32_t bias_shift = 0;
    result->one = is_qformat(layer, w, b, &bias_shift);
    const size_t n = (size_t)channels;
    int32_t *bias = result->one ? NULL : nnom_layer_alloc(layer, n, sizeof(int32_t));
    int32_t *multiplier = result->one ? &result->one_multiplier : nnom_layer_alloc(layer, n, sizeof(int32_t));
    int8_t *shift = result->one ? result->one_shift : nnom_layer_alloc(layer, n, sizeof(int8_t));
    int16_t *high = NULL;
    if ((bias == NULL && !result->one) || multiplier == NULL || shift == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %d biases and multipliers", (int)n);
    }
    for (int32_t o = 0; o < channels && status == NNOM_OK; o++) {
        const size_t first = (size_t)o * (size_t)channel_stride;
        const size_t at = result->one ? 0 : (size_t)o; /* they are all the same */
        channel_numbers_t numbers = {0, 0, 0};
        status = channel_numbers(layer, w, b, o, channel_sums(layer, w->p_value, first, taps, tap_stride), &numbers);
        multiplier[at] = numbers.multiplier;
        shift[at] = (int8_t)numbers.shift;
        if (!result->one && status == NNOM_OK) {
            status = quant_put_bias(layer, bias, &high, n, at, numbers.bias);
        }
    }
    if (result->one) {
        shift[1] = (int8_t)bias_shift;
    }
    result->bias = !result->one ? bias : (b != NULL ? b->p_value : NULL);
    result->bias_high = high;
    result->multiplier = multiplier;
    result->shift = shift;
    return status;
}
