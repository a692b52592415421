/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The two examples of the README of 2019, compiled as they stand there, and compared with plain loops. */
#include "harness.h"
#include "readme2019.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { W_SHIFT = 9, B_SHIFT = 2, CLASSES = 6 };

/* ---- Plain loops: (1, w, c) int8 tensors in Q7.0, so that the shift of an accumulator is the weights' ---- */

typedef struct plain {
    int32_t w;
    int32_t c;
    int8_t x[64 * 16];
} plain_t;

static int8_t saturated(int32_t x)
{
    return (int8_t)(x < -128 ? -128 : (x > 127 ? 127 : x));
}

static int32_t half_away(int32_t x, int32_t bits)
{
    const int32_t half = 1 << (bits - 1);
    return x >= 0 ? (x + half) >> bits : -((-x + half) >> bits);
}

/* By 2^-9 in two steps, as SPEC.md has it for a multiplier of 2^30: first half, to the next above, then the rest. */
static int8_t shifted(int32_t acc)
{
    return saturated(half_away((acc + 1) >> 1, W_SHIFT - 1));
}

static void plain_conv(const int8_t *x, int32_t width, int32_t channels, const nnom_weight_t *w, const nnom_bias_t *b,
                       int32_t taps, int32_t step, int32_t filters, plain_t *y)
{
    const int32_t out = (width + step - 1) / step;
    const int32_t missing = (out - 1) * step + taps - width;
    const int32_t before = missing > 0 ? missing / 2 : 0;
    y->w = out;
    y->c = filters;
    for (int32_t o = 0; o < out * filters; o++) {
        const int32_t f = o % filters;
        int32_t acc = ((const int8_t *)b->p_value)[f] * (1 << (W_SHIFT - B_SHIFT));
        for (int32_t k = 0; k < taps * channels; k++) {
            const int32_t at = o / filters * step - before + k / channels;
            const int32_t cell = at >= 0 && at < width ? x[at * channels + k % channels] : 0;
            acc += cell * ((const int8_t *)w->p_value)[f * taps * channels + k];
        }
        const int8_t value = shifted(acc);
        y->x[o] = value > 0 ? value : 0;
    }
}

static void plain_max(const plain_t *x, int32_t size, plain_t *y)
{
    y->w = x->w / size;
    y->c = x->c;
    for (int32_t o = 0; o < y->w * y->c; o++) {
        int8_t most = -128;
        for (int32_t k = 0; k < size; k++) {
            const int8_t cell = x->x[(o / x->c * size + k) * x->c + o % x->c];
            most = cell > most ? cell : most;
        }
        y->x[o] = most;
    }
}

static void plain_dense(const int8_t *x, int32_t count, const nnom_weight_t *w, const nnom_bias_t *b, int32_t units,
                        int8_t *y)
{
    for (int32_t u = 0; u < units; u++) {
        int32_t acc = ((const int8_t *)b->p_value)[u] * (1 << (W_SHIFT - B_SHIFT));
        for (int32_t i = 0; i < count; i++) {
            acc += x[i] * ((const int8_t *)w->p_value)[u * count + i];
        }
        y[u] = shifted(acc);
    }
}

/* The network's end: Dense(128), ReLU, Dense(6), Softmax of Q7.0 logits. */
typedef struct end {
    nnom_weight_t ip1_w, ip2_w;
    nnom_bias_t ip1_b, ip2_b;
} end_t;

static void check_end(const int8_t *features, int32_t count, const end_t *end, const int8_t *probabilities)
{
    int8_t hidden[128], logits[CLASSES];
    double sum = 0.0;
    plain_dense(features, count, &end->ip1_w, &end->ip1_b, 128, hidden);
    for (int32_t i = 0; i < 128; i++) {
        hidden[i] = (int8_t)(hidden[i] > 0 ? hidden[i] : 0);
    }
    plain_dense(hidden, 128, &end->ip2_w, &end->ip2_b, CLASSES, logits);
    for (int32_t i = 0; i < CLASSES; i++) {
        sum += exp(logits[i]);
    }
    for (int32_t i = 0; i < CLASSES; i++) {
        const int32_t expected = saturated((int32_t)lround(exp(logits[i]) / sum * 256.0) - 128);
        CHECK(abs(expected - probabilities[i]) <= 1, "class %d: %d, expected %d", (int)i, (int)probabilities[i],
              (int)expected);
    }
}

static nnom_weight_t some_weights(size_t count)
{
    int8_t *values = keep(count);
    for (size_t i = 0; i < count; i++) {
        values[i] = (int8_t)random_in(-60, 60);
    }
    const nnom_weight_t w = {values, W_SHIFT};
    return w;
}

static nnom_bias_t some_bias(size_t count)
{
    const nnom_bias_t b = {keep(count), B_SHIFT};
    return b;
}

static end_t some_end(size_t features)
{
    const end_t end = {some_weights(features * 128), some_weights(128 * CLASSES), some_bias(128), some_bias(CLASSES)};
    return end;
}

/* ---- The examples ---- */

static void sequential(void)
{
    int8_t input_buf[INPUT_HIGHT * INPUT_WIDTH * INPUT_CH], output_buf[CLASSES];
    const nnom_weight_t c1_w = some_weights(16 * 9 * 9);
    const nnom_bias_t c1_b = some_bias(16);
    const end_t end = some_end(256);
    const nnom_weight_t w[3] = {c1_w, end.ip1_w, end.ip2_w};
    const nnom_bias_t b[3] = {c1_b, end.ip1_b, end.ip2_b};
    nnom_model_t model;
    new_model(&model);
    CHECK(readme_sequential(&model, w, b, input_buf, output_buf) == NNOM_OK, "%s", model_error_text(&model));
    for (int32_t i = 0; i < 20 && !test_failed(); i++) {
        plain_t conv, pooled;
        random_bytes(input_buf, sizeof input_buf);
        plain_conv(input_buf, INPUT_WIDTH, INPUT_CH, &c1_w, &c1_b, 9, 2, 16, &conv);
        plain_max(&conv, 4, &pooled);
        CHECK(model_run(&model) == NNOM_OK, "model_run");
        check_end(pooled.x, pooled.w * pooled.c, &end, output_buf);
    }
    model_delete(&model);
}

/* The three branches of the second example, joined: [16][3 * 16]. */
static void plain_inception(const int8_t *input, const nnom_weight_t *w, const nnom_bias_t *b, int8_t *joined)
{
    plain_t conv, x, pooled[3];
    plain_conv(input, INPUT_WIDTH, INPUT_CH, &w[0], &b[0], 9, 2, 16, &conv);
    plain_max(&conv, 2, &x);
    plain_conv(x.x, x.w, 16, &w[1], &b[1], 5, 1, 16, &conv);
    plain_max(&conv, 2, &pooled[0]);
    plain_conv(x.x, x.w, 16, &w[2], &b[2], 3, 1, 16, &conv);
    plain_max(&conv, 2, &pooled[1]);
    plain_max(&x, 2, &pooled[2]);
    for (int32_t i = 0; i < 16 * 48; i++) {
        joined[i] = pooled[i % 48 / 16].x[i / 48 * 16 + i % 16];
    }
}

static void functional(void)
{
    int8_t input_buf[INPUT_HIGHT * INPUT_WIDTH * INPUT_CH], output_buf[CLASSES], joined[16 * 48];
    const nnom_weight_t conv_w[3] = {some_weights(16 * 9 * 9), some_weights(16 * 5 * 16), some_weights(16 * 3 * 16)};
    const nnom_bias_t conv_b[3] = {some_bias(16), some_bias(16), some_bias(16)};
    const end_t end = some_end(16 * 48);
    const nnom_weight_t w[5] = {conv_w[0], conv_w[1], conv_w[2], end.ip1_w, end.ip2_w};
    const nnom_bias_t b[5] = {conv_b[0], conv_b[1], conv_b[2], end.ip1_b, end.ip2_b};
    nnom_model_t model;
    new_model(&model);
    CHECK(readme_inception(&model, w, b, input_buf, output_buf) == NNOM_OK, "%s", model_error_text(&model));
    for (int32_t i = 0; i < 20 && !test_failed(); i++) {
        random_bytes(input_buf, sizeof input_buf);
        plain_inception(input_buf, conv_w, conv_b, joined);
        CHECK(model_run(&model) == NNOM_OK, "model_run");
        check_end(joined, 16 * 48, &end, output_buf);
    }
    model_delete(&model);
}

/* ---- Forms of calls that came and went ---- */

/* Input and Output with and without a format, Conv2D and DW_Conv2D with and without dilation: the same model. */
static void both_forms(void)
{
    const nnom_weight_t w = some_weights(4 * 9 * 3);
    const nnom_bias_t b = some_bias(12);
    int8_t in[2][6 * 5 * 3], out[2][6 * 5 * 4];
    for (int32_t i = 0; i < 2; i++) {
        nnom_model_t m;
        new_model(&m);
        if (i == 0) {
            m.add(&m, Input(shape(6, 5, 3), qformat(0, 7), in[0]));
            m.add(&m, DW_Conv2D(1, kernel(3, 3), stride(1, 1), PADDING_SAME, &w, &b));
            m.add(&m, Conv2D(4, kernel(3, 3), stride(1, 1), PADDING_SAME, &w, &b));
            m.add(&m, Output(shape(6, 5, 4), qformat(0, 7), out[0]));
        } else {
            m.add(&m, Input(shape(6, 5, 3), in[1]));
            m.add(&m, DW_Conv2D(1, kernel(3, 3), stride(1, 1), dilation(1, 1), PADDING_SAME, &w, &b));
            m.add(&m, Conv2D(4, kernel(3, 3), stride(1, 1), dilation(1, 1), PADDING_SAME, &w, &b));
            m.add(&m, Output(shape(6, 5, 4), out[1]));
        }
        CHECK(sequential_compile(&m) == NNOM_OK, "form %d: %s", (int)i, model_error_text(&m));
        random_seed(7);
        random_bytes(in[i], sizeof in[i]);
        CHECK(model_run(&m) == NNOM_OK, "model_run");
        model_delete(&m);
    }
    for (size_t i = 0; i < sizeof out[0]; i++) {
        CHECK(out[0][i] == out[1][i], "byte %d differs", (int)i);
    }
}

/* Add() keeps the format, Add(1) has one fraction bit less; the same for Sub and Mult. */
static void binary_oshift(void)
{
    for (int32_t kind = 0; kind < 6; kind++) {
        int8_t in[2] = {96, 40}, out = 0;
        nnom_model_t m;
        new_model(&m);
        nnom_layer_t *a = Input(shape(1, 1, 1), qformat(1, 6), &in[0]);
        nnom_layer_t *b = Input(shape(1, 1, 1), qformat(1, 6), &in[1]);
        nnom_layer_t *methods[6] = {Add(), Add(1), Sub(), Sub(1), Mult(), Mult(1)};
        static const int8_t expected[6] = {127, 68, 56, 28, 60, 30}; /* 1.5 and 0.625 */
        nnom_layer_t *x = m.merge(methods[kind], a, b);
        x = m.hook(Output(shape(1, 1, 1), qformat(1, 6), &out), x);
        for (int32_t i = 0; i < 6; i++) {
            if (i != kind) {
                nnom_discard(methods[i]);
            }
        }
        CHECK(model_compile(&m, a, x) == NNOM_OK, "%s", model_error_text(&m));
        CHECK(model_run(&m) == NNOM_OK && out == expected[kind], "method %d: %d, expected %d", (int)kind, (int)out,
              (int)expected[kind]);
        model_delete(&m);
    }
}

/* What a layer gives for random input, compiled for a target or none; status of compile. */
static nnom_status_t q_layer(uint32_t seed, bool dense, uint32_t target, int8_t *out)
{
    enum { H = 3, W = 4, C = 3, UNITS = 5 };
    int8_t in[H * W * C], weights[UNITS * H * W * C], bias[UNITS];
    nnom_model_t m;
    nnom_options_t options = {0};
    options.target = target;
    random_seed(seed);
    random_bytes(weights, sizeof weights);
    random_bytes(bias, sizeof bias);
    const nnom_weight_t w = {weights, (size_t)random_in(0, 12)};
    const nnom_bias_t b = {random_chance(90) ? bias : NULL, (size_t)random_in(0, 14)};
    const int32_t n = random_in(0, 7), to = random_in(0, 7);
    new_model(&m);
    nnom_set_verbose(&m, false);
    nnom_layer_t *x = Input(shape(H, W, C), qformat(7 - n, n), in);
    nnom_layer_t *layer =
        dense ? Dense(UNITS, &w, &b) : Conv2D(UNITS, kernel(2, 3), stride(1, 1), PADDING_SAME, &w, &b);
    nnom_layer_t *y = m.hook(Output(shape(0, 0, 0), out),
                             m.active(act_relu(), m.hook(nnom_layer_set_qformat(layer, qformat(7 - to, to)), x)));
    const nnom_status_t status = nnom_compile(&m, x, y, &options);
    random_bytes(in, sizeof in);
    CHECK(status != NNOM_OK || model_run(&m) == NNOM_OK, "model_run");
    model_delete(&m);
    return status;
}

/* One multiplier and the int8 bias give the bytes of the tables by channel, which any target keeps. */
static void one_multiplier(void)
{
    uint32_t ran = 0;
    for (uint32_t i = 0; i < 400 && !test_failed(); i++) {
        int8_t one[3 * 4 * 5] = {0}, tables[3 * 4 * 5] = {0};
        const nnom_status_t status = q_layer(i, i % 2 == 0, NNOM_TARGET_PLAIN, one);
        CHECK(q_layer(i, i % 2 == 0, NNOM_TARGET_AVX2, tables) == status, "case %d: another status", (int)i);
        CHECK(memcmp(one, tables, sizeof one) == 0, "case %d: other bytes", (int)i);
        ran += status == NNOM_OK;
    }
    CHECK(ran > 300, "only %d layers ran", (int)ran);
}

const test_t readme2019_tests[] = {TEST(sequential),    TEST(functional),     TEST(both_forms),
                                   TEST(binary_oshift), TEST(one_multiplier), {NULL, NULL}};
