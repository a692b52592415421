/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "window_layer.h"

nnom_status_t nnom_window_type(const nnom_layer_t *layer)
{
    const nnom_type_t type = nnom_layer_in(layer, 0)->type;
    if (type != NNOM_TYPE_S8 && type != NNOM_TYPE_S16 && type != NNOM_TYPE_F32) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "its input is %s, expected int8_t, int16_t or float",
                               nnom_type_facts(type)->c_type);
    }
    return NNOM_OK;
}

nnom_status_t nnom_window_scratch(nnom_layer_t *layer, int64_t bytes)
{
    if (bytes > INT32_MAX) {
        return nnom_layer_fail(layer, NNOM_OVERFLOW, "%ld bytes of working memory, expected up to %ld", (long)bytes,
                               (long)INT32_MAX);
    }
    layer->scratch_bytes = (uint32_t)bytes;
    return NNOM_OK;
}

/* ---- Convolutions and Dense ---- */

nnom_layer_t *nnom_conv_new(const nnom_class_t *cls, int32_t filters, nnom_size_t kernel, nnom_size_t stride,
                            nnom_size_t dilation, nnom_padding_t padding, const nnom_weight_t *w, const nnom_bias_t *b)
{
    nnom_conv_layer_t *conv = nnom_layer_new(cls, sizeof(*conv));
    if (conv == NULL) {
        return NULL;
    }
    const nnom_geometry_t g = {kernel.h, kernel.w, stride.h, stride.w, dilation.h, dilation.w, 0, 0, 0, 0};
    conv->param.geometry = g;
    conv->super.geometry = &conv->param.geometry;
    conv->super.padding = padding;
    conv->filters = filters;
    conv->w = w;
    conv->b = b;
    return &conv->super;
}

/* Weights of 4 bits are for int8. */
static nnom_status_t conv_check_weight_bits(const nnom_layer_t *layer)
{
    const nnom_type_t type = nnom_layer_in(layer, 0)->type;
    const uint8_t bits = layer->given->weight_bits;
    if (bits == 0 || bits == 8 || (bits == 4 && type == NNOM_TYPE_S8)) {
        return NNOM_OK;
    }
    return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT,
                           "nnom_layer_set_weight_bits: expected 4 or 8, and int8_t, it has %s",
                           nnom_type_facts(type)->c_type);
}

static nnom_status_t conv_check_bias_bits(const nnom_layer_t *layer)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    if (layer->given->bias_bits == 0 || (layer->given->bias_bits != UINT8_MAX && in->type == NNOM_TYPE_S16)) {
        return NNOM_OK;
    }
    return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT,
                           "nnom_layer_set_bias_bits: expected 32 or 64 and int16_t, it has %s",
                           nnom_type_facts(in->type)->c_type);
}

nnom_status_t nnom_conv_check(const nnom_conv_layer_t *conv, const char *what)
{
    if (conv->filters < 1) {
        return nnom_layer_fail(&conv->super, NNOM_BAD_ARGUMENT, "%s is %d, expected 1 or more", what,
                               (int)conv->filters);
    }
    const nnom_status_t status = nnom_window_type(&conv->super);
    if (status != NNOM_OK) {
        return status;
    }
    const nnom_status_t bits = conv_check_weight_bits(&conv->super);
    return bits == NNOM_OK ? conv_check_bias_bits(&conv->super) : bits;
}

/* The parameters of int16 kernels, from those that nnom_conv_prepare() made. */
static nnom_status_t conv_wide_param(nnom_conv_layer_t *conv, const void *bias_high)
{
    nnom_layer_t *layer = &conv->super;
    const nnom_conv_param_t *p = &conv->param;
    const nnom_conv_s16_param_t wide = {.geometry = p->geometry,
                                        .act_min = p->act_min,
                                        .act_max = p->act_max,
                                        .narrow = nnom_layer_is_wide(layer) ? 0 : 1,
                                        .weights = p->weights,
                                        .bias = p->bias,
                                        .multiplier = p->multiplier,
                                        .shift = p->shift,
                                        .bias_high = bias_high};
    nnom_conv_s16_param_t *param = nnom_layer_alloc(layer, 1, sizeof *param);
    if (param == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its parameters");
    }
    *param = wide;
    layer->param = param;
    return nnom_layer_symmetric(layer);
}

nnom_status_t nnom_conv_prepare(nnom_conv_layer_t *conv, int32_t channels, int64_t taps, int64_t channel_stride,
                                int64_t tap_stride)
{
    nnom_layer_t *layer = &conv->super;
    nnom_conv_param_t *p = &conv->param;
    /* With a channel's bias, multiplier and shift, 9 bytes. */
    if (taps + 9 > INT32_MAX / channels) {
        return nnom_layer_fail(layer, NNOM_OVERFLOW,
                               "%d outputs of %ld weights each, expected up to %ld bytes of weights and tables in all",
                               (int)channels, (long)taps, (long)INT32_MAX);
    }
    nnom_quant_weights_t q;
    const nnom_status_t status = nnom_layer_weights(layer, conv->w, conv->b, channels, (int32_t)taps,
                                                    (int32_t)channel_stride, (int32_t)tap_stride, &q);
    if (status != NNOM_OK) {
        return status;
    }
    const nnom_conv_param_t param = {.geometry = *layer->geometry,
                                     .weights = conv->w->p_value,
                                     .bias = q.bias,
                                     .multiplier = q.one ? &conv->one_multiplier : q.multiplier,
                                     .shift = q.one ? conv->one_shift : q.shift};
    *p = param;
    if (q.one) {
        conv->one_multiplier = q.one_multiplier;
        conv->one_shift[0] = q.one_shift[0];
        conv->one_shift[1] = q.one_shift[1];
    }
    if (layer->out->type == NNOM_TYPE_F32) {
        nnom_clamp_limits_f32(layer->fused, &p->act_min_f, &p->act_max_f);
    } else {
        nnom_clamp_limits(layer->fused, layer->out, &p->act_min, &p->act_max);
    }
    layer->param = p;
    conv->is_one = q.one;
    conv->channels = channels;
    conv->taps = (int32_t)taps;
    conv->channel_stride = (int32_t)channel_stride;
    conv->tap_stride = (int32_t)tap_stride;
    return layer->out->type == NNOM_TYPE_S16 ? conv_wide_param(conv, q.bias_high) : NNOM_OK;
}

int32_t nnom_conv_weight(const nnom_conv_layer_t *conv, int32_t channel, int32_t tap)
{
    if (channel >= conv->channels || tap >= conv->taps) {
        return 0;
    }
    const int8_t *weights = conv->param.weights; /* of 8 bits: those of 4 have no variants */
    return weights[(size_t)channel * (size_t)conv->channel_stride + (size_t)tap * (size_t)conv->tap_stride];
}

void nnom_conv_array(const nnom_layer_t *layer, uint32_t i, nnom_array_t *array)
{
    const nnom_conv_layer_t *conv = (const nnom_conv_layer_t *)layer;
    const uint32_t n = (uint32_t)conv->channels;
    const void *const known[] = {conv->w->p_value, conv->b != NULL ? conv->b->p_value : NULL, &conv->one_multiplier,
                                 conv->one_shift}; /* so begin the parameters of all variants */
    const uint32_t weights = n * (uint32_t)conv->taps;
    const uint32_t counts[] = {layer->given->weight_bits == 4 ? (weights + 1) / 2 : weights, n, 1, 2};
    if (i >= sizeof known / sizeof known[0] || array->data != known[i]) {
        return;
    }
    array->count = counts[i];
    array->type = array->data == &conv->one_multiplier ? NNOM_TYPE_S32 : NNOM_TYPE_S8;
    if (layer->out->type == NNOM_TYPE_F32) {
        array->type = NNOM_TYPE_F32;
    }
}

bool nnom_conv_may_pack(const nnom_conv_layer_t *conv, uint64_t packed, int32_t each)
{
    enum { CONSTANTS = 17 };
    const uint64_t plain = (uint64_t)conv->channels * ((uint64_t)conv->taps + CONSTANTS);
    return nnom_may_pack(&conv->super, plain, packed, each == 1);
}

bool nnom_conv_may_fill(const nnom_conv_layer_t *conv, int32_t channels)
{
    const uint64_t output = ((uint64_t)conv->taps + 1) * sizeof(float);
    return nnom_may_pack(&conv->super, (uint64_t)conv->channels * output, (uint64_t)channels * output, true);
}

bool nnom_conv_may_grow(const nnom_conv_layer_t *conv)
{
    return conv->super.model->builder->options->optimize == NNOM_OPTIMIZE_SPEED;
}

void nnom_conv_register(nnom_conv_layer_t *conv)
{
    const nnom_conv_param_t *p = &conv->param;
    const uint32_t n = (uint32_t)conv->channels;
    nnom_layer_array(&conv->super, p->bias, n, NNOM_TYPE_S32);
    nnom_layer_array(&conv->super, p->multiplier, n, NNOM_TYPE_S32);
    nnom_layer_array(&conv->super, p->shift, n, NNOM_TYPE_S8);
}

/* ---- Pools ---- */

nnom_layer_t *nnom_pool_new(const nnom_class_t *cls, nnom_geometry_t geometry)
{
    nnom_pool_layer_t *pool = nnom_layer_new(cls, sizeof(*pool));
    if (pool == NULL) {
        return NULL;
    }
    pool->param.geometry = geometry;
    pool->super.geometry = &pool->param.geometry;
    return &pool->super;
}

nnom_status_t nnom_pool_plain(nnom_layer_t *layer)
{
    (void)layer;
    return NNOM_OK;
}

static void pool_limits(nnom_pool_layer_t *pool)
{
    nnom_layer_t *layer = &pool->super;
    nnom_pool_param_t *p = &pool->param;
    if (layer->out->type == NNOM_TYPE_F32) {
        nnom_clamp_limits_f32(layer->fused, &p->act_min_f, &p->act_max_f);
    } else {
        nnom_clamp_limits(layer->fused, layer->out, &p->act_min, &p->act_max);
    }
}

static nnom_status_t pool_multiplier(nnom_pool_layer_t *pool)
{
    const nnom_layer_t *layer = &pool->super;
    nnom_pool_param_t *p = &pool->param;
    const double real = (double)nnom_layer_in(layer, 0)->scale / (double)layer->out->scale;
    nnom_quantize_multiplier(real, &p->multiplier, &p->shift);
    if (p->multiplier == 0) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "the output's scale is over 2^31 times its input's");
    }
    return NNOM_OK;
}

nnom_status_t nnom_pool_param(nnom_pool_layer_t *pool, int64_t cells, bool always)
{
    nnom_layer_t *layer = &pool->super;
    const nnom_pool_param_t param = {.geometry = *layer->geometry};
    pool->param = param;
    layer->param = &pool->param;
    nnom_layer_follow(layer);
    const int32_t most = NNOM_ACCUMULATOR_MAX / (layer->out->type == NNOM_TYPE_S16 ? 32768 : 255);
    if (cells > most) {
        return nnom_layer_fail(layer, NNOM_OVERFLOW, "a window of %ld cells, expected up to %d", (long)cells,
                               (int)most);
    }
    const bool requantize = layer->out->type != NNOM_TYPE_F32 && (always || !nnom_layer_same_quant(layer, 0));
    pool_limits(pool);
    const nnom_status_t status = nnom_layer_symmetric(layer);
    return status == NNOM_OK && requantize ? pool_multiplier(pool) : status;
}
