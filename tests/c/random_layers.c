/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "random_layers.h"

#include <math.h>
#include <string.h>

#include "separate.h"

static bool is_float;
static bool is_wide; /* int16 */
static bool rows_stay;
static float source_scale; /* of the source made last */

/* ---- Parts ---- */

void random_float_model(bool yes)
{
    is_float = yes;
    is_wide = false;
}

static nnom_type_t element_type(void)
{
    return is_float ? NNOM_TYPE_F32 : (is_wide ? NNOM_TYPE_S16 : NNOM_TYPE_S8);
}

static uint32_t element_bytes(void)
{
    return is_float ? 4 : (is_wide ? 2 : 1);
}

bool random_is_float(void)
{
    return is_float;
}

int32_t random_zero(int32_t zero_point)
{
    return is_wide ? 0 : zero_point;
}

/* Often one row, so that compile exchanges rows and columns. */
nnom_shape_t random_shape(void)
{
    return random_chance(20) ? shape(1, random_in(1, 24), random_in(1, 9))
                             : shape(random_in(1, 13), random_in(1, 8), random_in(1, 9));
}

/* Half of all are powers of two without a zero point; int16 has none, or is refused. */
static nnom_layer_t *quantised(nnom_layer_t *layer, float scale)
{
    int exponent;
    if (is_wide) {
        return nnom_layer_set_quant(layer, scale, random_chance(4) ? random_in(-9, 9) : 0);
    }
    (void)frexpf(scale, &exponent);
    if (random_chance(50)) {
        return nnom_layer_set_qformat(layer, qformat(7 + exponent, -exponent));
    }
    return nnom_layer_set_quant(layer, scale, random_in(-128, 127));
}

static nnom_layer_t *maybe_quantised(nnom_layer_t *layer)
{
    return random_chance(50) ? quantised(layer, source_scale * random_float(0.4f, 3.0f)) : layer;
}

static nnom_layer_t *typed(nnom_layer_t *layer)
{
    source_scale = ldexpf(random_float(1.0f, 2.0f), random_in(-8, -2) - (is_wide ? 8 : 0));
    return nnom_layer_set_type(quantised(layer, source_scale), element_type());
}

static nnom_status_t identity(nnom_layer_t *layer)
{
    const nnom_shape_t s = nnom_layer_shape(layer);
    memcpy(nnom_layer_output(layer), nnom_layer_input(layer), (size_t)(s.h * s.w * s.c) * element_bytes());
    return NNOM_OK;
}

void random_rows_stay(bool stay)
{
    rows_stay = stay;
}

nnom_layer_t *random_source(nnom_model_t *m, nnom_shape_t s)
{
    nnom_layer_t *layer = typed(Input(s, NULL));
    (void)nnom_own(m, layer);
    return rows_stay ? m->hook(Lambda(identity, NULL, NULL, NULL), layer) : layer;
}

/* Owned, because a merge that fails leaves it alone. */
static nnom_layer_t *constant(nnom_model_t *m, nnom_shape_t s)
{
    const uint32_t bytes = (uint32_t)(s.h * s.w * s.c) * element_bytes();
    void *data = keep(bytes);
    fill_random(data, element_type(), bytes);
    nnom_layer_t *layer = typed(Constant(s, data));
    (void)nnom_own(m, layer);
    return layer;
}

/* int64, sometimes beyond 32 bits; or int32, as nnom_layer_set_bias_bits() may ask. */
static void *wide_bias(weights_t *k, int32_t channels)
{
    const bool huge = random_chance(20);
    int64_t *b = keep((uint32_t)channels * sizeof *b);
    k->bias_bits = random_chance(60) ? random_in(0, 1) * 64 : 32;
    for (int32_t i = 0; i < channels; i++) {
        const int32_t x = random_in(-5000000, 5000000);
        if (k->bias_bits == 32) {
            ((int32_t *)(void *)b)[i] = x;
        } else {
            b[i] = huge ? (int64_t)x * 5000 : x;
        }
    }
    return b;
}

const weights_t *random_weights(int32_t channels, int32_t taps)
{
    weights_t *k = keep(sizeof *k);
    const uint32_t cell = is_float ? 4 : 1;
    const uint32_t count = (uint32_t)(channels * taps);
    const bool scales = !is_float && random_chance(60);
    void *w = keep(count * cell);
    int32_t *b = keep((uint32_t)channels * 4u);
    fill_random(w, is_float ? NNOM_TYPE_F32 : NNOM_TYPE_S8, count * cell);
    fill_random(b, is_float ? NNOM_TYPE_F32 : NNOM_TYPE_S8, (uint32_t)channels * 4u);
    const weights_t made = {
        {w, (size_t)random_in(4, 9)}, {b, (size_t)random_in(0, 9)}, random_chance(80) ? &k->b : NULL, NULL, 0, 0, 0};
    *k = made;
    if (scales) {
        k->scale_count = random_chance(50) ? 1u : (uint32_t)channels;
        k->scales = keep(k->scale_count * sizeof(float));
        for (uint32_t i = 0; i < k->scale_count; i++) {
            k->scales[i] = random_float(0.001f, 0.05f);
        }
        for (int32_t i = 0; i < channels; i++) {
            b[i] = random_in(-30000, 30000);
        }
    }
    if (!is_float && random_chance(12)) {
        k->weight_bits = random_chance(80) ? 4 : 8;
    }
    if (scales && is_wide) {
        k->b.p_value = wide_bias(k, channels);
    }
    return k;
}

nnom_layer_t *weighted(nnom_layer_t *layer, const weights_t *k, int32_t taps)
{
    const float scale = k->scales != NULL ? k->scales[0] : ldexpf(1.0f, -(int)k->w.shift);
    const float fitting = source_scale * scale * 73.0f * sqrtf((float)taps) * random_float(0.7f, 2.0f);
    layer = random_chance(80) ? quantised(layer, fitting) : layer;
    if (k->weight_bits != 0) {
        layer = nnom_layer_set_weight_bits(layer, k->weight_bits);
    }
    if (k->bias_bits != 0) {
        layer = nnom_layer_set_bias_bits(layer, k->bias_bits);
    }
    return k->scales != NULL ? nnom_layer_set_weight_scales(layer, k->scales, k->scale_count) : layer;
}

/* The layer after `in`, sometimes with an activation attached. */
static nnom_layer_t *then(const nnom_model_t *m, nnom_layer_t *layer, nnom_layer_t *in)
{
    nnom_layer_t *last = m->hook(layer, in);
    switch (random_in(0, 9)) {
    case 0:
        return m->active(act_relu(), last);
    case 1:
        return m->active(act_relu6(), last);
    case 2:
        return m->active(act_relu_n1_to_1(), last);
    default:
        return last;
    }
}

nnom_shape_t random_begin(void)
{
    is_float = random_chance(35);
    is_wide = !is_float && random_chance(25);
    return random_shape();
}

/* As random_begin(), of layers with weights: sometimes many channels, which variants take in blocks. */
static nnom_shape_t begin_channels(int32_t *filters)
{
    const nnom_shape_t s = random_begin();
    if (!random_chance(15)) {
        return s;
    }
    *filters = random_in(1, 70);
    return shape(random_in(1, 4), random_in(1, 9), random_in(1, 70));
}

/* ---- Windows ---- */

static nnom_size_t random_kernel(nnom_shape_t s)
{
    return s.h == 1 && random_chance(80) ? kernel(1, random_in(1, 5)) : kernel(random_in(1, 5), random_in(1, 5));
}

static nnom_size_t random_stride(nnom_shape_t s)
{
    return s.h == 1 && random_chance(80) ? stride(1, random_in(1, 4)) : stride(random_in(1, 4), random_in(1, 4));
}

static nnom_size_t random_dilation(void)
{
    return random_chance(60) ? dilation(1, 1) : dilation(random_in(1, 3), random_in(1, 3));
}

static nnom_padding_t random_padding(void)
{
    return random_chance(50) ? PADDING_SAME : PADDING_VALID;
}

/* Sometimes given in numbers, uneven. */
static nnom_layer_t *padded(nnom_layer_t *layer)
{
    return random_chance(30) ? nnom_layer_set_padding(
                                   layer, border(random_in(0, 3), random_in(0, 3), random_in(0, 3), random_in(0, 3)))
                             : layer;
}

nnom_layer_t *make_conv2d(nnom_model_t *m)
{
    int32_t filters = random_in(1, 9);
    nnom_shape_t s = begin_channels(&filters);
    const bool usual = s.h > 1 && random_chance(30); /* what variants are made for */
    if (usual && random_chance(50)) {
        s = shape(s.h, random_in(5, 18), 4 * random_in(1, 5));
        filters = 2 * random_in(1, 5);
    }
    const nnom_size_t k = usual ? kernel(3, 3) : random_kernel(s);
    const nnom_size_t step = usual ? stride(random_in(1, 2), random_in(1, 2)) : random_stride(s);
    const nnom_size_t far = usual ? dilation(random_in(1, 2), 1) : random_dilation();
    const int32_t taps = k.h * k.w * s.c;
    nnom_layer_t *in = random_source(m, s);
    const weights_t *w = random_weights(filters, taps);
    nnom_layer_t *layer = Conv2D(filters, k, step, far, random_padding(), &w->w, w->bias);
    return then(m, padded(weighted(layer, w, taps)), in);
}

nnom_layer_t *make_dw_conv2d(nnom_model_t *m)
{
    int32_t ignored;
    nnom_shape_t s = begin_channels(&ignored);
    const bool usual = s.h > 1 && random_chance(40); /* what variants are made for */
    const bool one = !usual && random_chance(15);    /* an input channel: is computed as Conv2D */
    s.c = one ? 1 : s.c;
    const nnom_size_t k = usual ? kernel(3, 3) : random_kernel(s);
    const nnom_size_t step = usual ? stride(random_in(1, 3), random_in(1, 2)) : random_stride(s);
    const nnom_size_t far = usual ? dilation(random_in(1, 2), 1) : random_dilation();
    const int32_t multiplier = one ? random_in(1, 20) : (usual || random_chance(50) ? 1 : random_in(2, 3)),
                  taps = k.h * k.w;
    nnom_layer_t *in = random_source(m, s);
    const weights_t *w = random_weights(s.c * multiplier, taps);
    nnom_layer_t *layer = DW_Conv2D(multiplier, k, step, far, random_padding(), &w->w, w->bias);
    return then(m, padded(weighted(layer, w, taps)), in);
}

nnom_layer_t *make_conv2d_transpose(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    const nnom_size_t k = random_kernel(s), step = random_stride(s);
    const int32_t filters = random_in(1, 9), taps = k.h * k.w * s.c;
    nnom_layer_t *in = random_source(m, s);
    const weights_t *w = random_weights(filters, taps);
    nnom_layer_t *layer = Conv2DTranspose(filters, k, step, random_padding(), &w->w, w->bias);
    return then(m, padded(weighted(layer, w, taps)), in);
}

nnom_layer_t *make_dense(nnom_model_t *m)
{
    int32_t units = random_in(1, 20);
    const nnom_shape_t s = begin_channels(&units);
    const int32_t taps = s.h * s.w * s.c;
    nnom_layer_t *in = random_source(m, s);
    const weights_t *w = random_weights(units, taps);
    nnom_layer_t *layer = weighted(Dense(units, &w->w, w->bias), w, taps);
    return then(m, layer, random_chance(30) ? m->hook(Flatten(), in) : in);
}

typedef nnom_layer_t *(*pool_t)(nnom_size_t kernel, nnom_size_t stride, nnom_padding_t padding);

static nnom_layer_t *pool(nnom_model_t *m, pool_t make)
{
    int32_t ignored;
    const nnom_shape_t s = begin_channels(&ignored);
    nnom_layer_t *in = random_source(m, s);
    const nnom_size_t k = random_kernel(s), step = random_stride(s);
    return then(m, padded(maybe_quantised(make(k, step, random_padding()))), in);
}

nnom_layer_t *make_max_pool(nnom_model_t *m)
{
    return pool(m, MaxPool);
}

nnom_layer_t *make_avg_pool(nnom_model_t *m)
{
    return pool(m, AvgPool);
}

nnom_layer_t *make_sum_pool(nnom_model_t *m)
{
    return pool(m, SumPool);
}

/* Sometimes more cells than 16 bits can add up. */
static nnom_layer_t *global(nnom_model_t *m, nnom_layer_t *(*make)(void))
{
    int32_t ignored;
    nnom_shape_t s = begin_channels(&ignored);
    if (random_chance(10)) {
        s = shape(random_in(1, 20), random_in(1, 300), random_in(1, 9));
    }
    nnom_layer_t *in = random_source(m, s);
    return then(m, maybe_quantised(make()), in);
}

nnom_layer_t *make_global_max_pool(nnom_model_t *m)
{
    return global(m, GlobalMaxPool);
}

nnom_layer_t *make_global_avg_pool(nnom_model_t *m)
{
    return global(m, GlobalAvgPool);
}

nnom_layer_t *make_global_sum_pool(nnom_model_t *m)
{
    return global(m, GlobalSumPool);
}

/* ---- Several inputs ---- */

nnom_layer_t *make_concat(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    const int32_t axis = random_in(-3, 2), count = random_in(1, 5);
    nnom_layer_t *in[5] = {NULL, NULL, NULL, NULL, NULL};
    for (int32_t i = 0; i < count; i++) {
        nnom_shape_t part = s;
        int32_t *side = axis % 3 == 0 ? &part.h : ((axis + 3) % 3 == 1 ? &part.w : &part.c);
        *side = random_in(1, 6);
        in[i] = random_chance(15) && i > 0 ? constant(m, part) : random_source(m, part);
    }
    nnom_layer_t *layer = maybe_quantised(Concat(axis));
    for (int32_t i = 0; i < count; i++) {
        layer = m->hook(layer, in[i]);
    }
    return layer;
}

static int32_t repeated(int32_t side)
{
    return random_chance(25) ? 1 : side;
}

/* Two inputs, either repeated along any side, the second sometimes constant or the first again. */
static nnom_layer_t *binary(nnom_model_t *m, nnom_layer_t *layer, bool quant)
{
    const nnom_shape_t s = random_begin();
    const bool plain = random_chance(50);
    const nnom_shape_t a = plain || random_chance(50) ? s : shape(repeated(s.h), repeated(s.w), repeated(s.c));
    const nnom_shape_t b = plain ? s : shape(repeated(s.h), repeated(s.w), repeated(s.c));
    nnom_layer_t *first = random_source(m, a);
    nnom_layer_t *second = first;
    if (!random_chance(10)) {
        second = random_chance(25) ? constant(m, b) : random_source(m, b);
    }
    if (!quant) { /* one quantisation for all */
        (void)nnom_layer_set_quant(first, source_scale, 5);
        (void)nnom_layer_set_quant(second, source_scale, 5);
    }
    layer = m->merge(quant ? maybe_quantised(layer) : layer, first, second);
    return random_chance(20) ? m->active(act_relu(), layer) : layer;
}

nnom_layer_t *make_add(nnom_model_t *m)
{
    return binary(m, Add(), true);
}

nnom_layer_t *make_sub(nnom_model_t *m)
{
    return binary(m, Sub(1), true);
}

nnom_layer_t *make_mult(nnom_model_t *m)
{
    return binary(m, Mult(), true);
}

nnom_layer_t *make_maximum(nnom_model_t *m)
{
    return binary(m, Maximum(), false);
}

nnom_layer_t *make_minimum(nnom_model_t *m)
{
    return binary(m, Minimum(), false);
}

nnom_layer_t *make_prelu(nnom_model_t *m)
{
    return binary(m, PReLU(), true);
}

/* ---- Moving data ---- */

nnom_layer_t *make_upsample(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *in = random_source(m, s);
    return then(m, UpSample(kernel(random_in(1, 3), random_in(1, 3))), in);
}

static nnom_border_t random_border(void)
{
    return border(random_in(0, 4), random_in(0, 4), random_in(0, 3), random_in(0, 3));
}

nnom_layer_t *make_zero_padding(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *in = random_source(m, s);
    return then(m, ZeroPadding(random_border()), in);
}

nnom_layer_t *make_pad(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *in = random_source(m, s);
    return then(m, Pad(random_border(), random_in(0, 3), random_in(0, 3), random_float(-2.0f, 2.0f)), in);
}

nnom_layer_t *make_cropping(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *in = random_source(m, s);
    return then(m, Cropping(random_border()), in);
}

/* begin, size and step along one side, negative steps included. */
static void slice_side(int32_t length, int32_t *first, int32_t *size, int32_t *step)
{
    *first = random_in(0, length - 1);
    *step = random_chance(60) ? 1 : (random_chance(50) ? random_in(2, 3) : -random_in(1, 3));
    *size = random_in(1, *step > 0 ? (length - 1 - *first) / *step + 1 : *first / -*step + 1);
}

nnom_layer_t *make_slice(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_shape_t first, size, step;
    nnom_layer_t *in = random_source(m, s);
    slice_side(s.h, &first.h, &size.h, &step.h);
    slice_side(s.w, &first.w, &size.w, &step.w);
    slice_side(s.c, &first.c, &size.c, &step.c);
    return then(m, Slice(first, size, step), in);
}

/* ---- One input, element by element ---- */

static nnom_layer_t *activation(nnom_model_t *m, nnom_activation_t *act)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *in = random_source(m, s);
    return m->hook(maybe_quantised(Activation(act)), in);
}

nnom_layer_t *make_relu(nnom_model_t *m)
{
    return activation(m, act_relu());
}

nnom_layer_t *make_relu6(nnom_model_t *m)
{
    return activation(m, act_relu6());
}

nnom_layer_t *make_relu1(nnom_model_t *m)
{
    return activation(m, act_relu_n1_to_1());
}

nnom_layer_t *make_leaky_relu(nnom_model_t *m)
{
    return activation(m, act_leaky_relu(random_float(-0.5f, 1.5f)));
}

nnom_layer_t *make_tanh(nnom_model_t *m)
{
    return activation(m, act_tanh());
}

nnom_layer_t *make_sigmoid(nnom_model_t *m)
{
    return activation(m, act_sigmoid());
}

nnom_layer_t *make_unary(nnom_model_t *m)
{
    static nnom_activation_t *(*const plain[])(void) = {
        act_hard_swish, act_gelu,   act_gelu_tanh, act_exp,      act_log,         act_sqrt,     act_rsqrt, act_abs,
        act_neg,        act_square, act_silu,      act_softplus, act_log_sigmoid, act_softsign, act_mish,  act_selu,
        act_sin,        act_cos,    act_floor,     act_ceil,     act_round,       act_sign,
    };
    static nnom_activation_t *(*const bent[])(float) = {act_elu, act_celu, act_hard_sigmoid, act_power};
    const int32_t count = sizeof plain / sizeof plain[0];
    const int32_t i = random_in(0, count + 3);
    return activation(m, i < count ? plain[i]() : bent[i - count](random_float(0.2f, 1.5f)));
}

nnom_layer_t *make_softmax(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *in = random_source(m, s);
    nnom_layer_t *layer = random_chance(50) ? Softmax() : nnom_softmax(random_float(0.3f, 4.0f));
    return m->hook(random_chance(20) ? maybe_quantised(layer) : layer, in);
}

/* ---- Views and outputs: something that runs stands before and after ---- */

nnom_layer_t *make_flatten(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *x = m->hook(TanH(), random_source(m, s));
    return m->hook(Softmax(), m->hook(Flatten(), x));
}

nnom_layer_t *make_reshape(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    nnom_layer_t *x = m->hook(TanH(), random_source(m, s));
    return m->hook(Softmax(), m->hook(Reshape(random_chance(50) ? shape(s.w, s.h, s.c) : shape(s.c, s.h, s.w)), x));
}

nnom_layer_t *make_output(nnom_model_t *m)
{
    const nnom_shape_t s = random_begin();
    void *buffer = keep((size_t)(s.h * s.w * s.c) * sizeof(float));
    nnom_layer_t *in = random_source(m, s);
    return m->hook(Output(s, buffer), in);
}
