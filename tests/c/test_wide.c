/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* int16 activations and weights of 4 bits: sums at the ends of what fits, and what is refused. Random layers are in rows. */
#include <string.h>

#include "refuse.h"

enum { TAPS = 2 * 511 + 3, UNITS = 3 };

static int8_t weights[UNITS * TAPS];
static const nnom_weight_t w = {weights, 0};
static const float one[1] = {1.0f};

static nnom_layer_t *wide_input(nnom_shape_t s, float scale)
{
    return nnom_layer_set_quant(nnom_layer_set_type(Input(s, NULL), NNOM_TYPE_S16), scale, 0);
}

static void fill_weights(int8_t value)
{
    memset(weights, value, sizeof weights);
}

/* ---- Values ---- */

/* Every product the largest: TAPS * 2^22 in all, which 32 bits do not hold. Rows come one by one where rolling. */
static void largest_sums(void)
{
    static const int64_t bias[UNITS] = {0, 100000000000, -((int64_t)1 << 33)};
    const nnom_bias_t b = {bias, 0};
    static const nnom_mode_t modes[2] = {NNOM_MODE_WHOLE, NNOM_MODE_SMALLEST};
    fill_weights(-128);
    for (size_t k = 0; k < 2; k++) {
        nnom_model_t m = quiet_model();
        nnom_layer_t *in = wide_input(shape(TAPS / 5, 1, 5), 1.0f);
        nnom_layer_t *dense = nnom_layer_set_quant(Dense(UNITS, &w, &b), 4194304.0f, 0);
        nnom_layer_t *x = m.hook(nnom_layer_set_weight_scales(dense, one, 1),
                                 m.hook(MaxPool(kernel(1, 1), stride(1, 1), PADDING_VALID), in));
        const nnom_options_t options = {.mode = modes[k]};
        CHECK(nnom_compile(&m, in, x, &options) == NNOM_OK, "%s", model_error_text(&m));
        int16_t *values = nnom_input_buffer(&m.instance, 0);
        for (int32_t i = 0; i < TAPS; i++) {
            values[i] = INT16_MIN;
        }
        CHECK(model_run(&m) == NNOM_OK, "model_run");
        const int16_t *y = nnom_output_buffer(&m.instance, 0);
        for (int32_t o = 0; o < UNITS;
             o++) { /* 2^22 = 4194304 is the unit of the output: exact, its multiplier a power of two */
            const int64_t sum = bias[o] + (int64_t)TAPS * 4194304;
            const int64_t expected = (sum + 2097152) >> 22;
            CHECK(y[o] == (expected > INT16_MAX ? INT16_MAX : (expected < INT16_MIN ? INT16_MIN : expected)),
                  "unit %d: %d, expected %ld", (int)o, (int)y[o], (long)expected);
        }
        model_delete(&m);
    }
}

/* What layer `layer` of scale `out` makes of inputs, `count` of them, of one number each. */
static int16_t wide_result(nnom_layer_t *layer, nnom_shape_t s, uint32_t count, int16_t value, float out)
{
    nnom_model_t m = quiet_model();
    nnom_layer_t *in[2] = {NULL, NULL};
    for (uint32_t i = 0; i < count; i++) {
        in[i] = wide_input(s, 1.0f);
        (void)nnom_own(&m, in[i]);
    }
    nnom_layer_t *x = nnom_layer_set_quant(layer, out, 0);
    x = count == 2 ? m.merge(x, in[0], in[1]) : m.hook(x, in[0]);
    CHECK(model_compile(&m, in[0], x) == NNOM_OK, "%s", model_error_text(&m));
    for (uint32_t i = 0; i < count; i++) {
        int16_t *values = nnom_input_buffer(&m.instance, i);
        for (int32_t k = 0; k < s.h * s.w * s.c; k++) {
            values[k] = value;
        }
    }
    CHECK(model_run(&m) == NNOM_OK, "model_run");
    const int16_t y = *(const int16_t *)nnom_output_buffer(&m.instance, 0);
    model_delete(&m);
    return y;
}

/* Sums and products of -32768 alone, as long as are taken; a number further is refused, see `refused`. */
static void largest_of_two(void)
{
    enum { DEPTH = 20000, COUNT = 65535 };
    const int16_t least = INT16_MIN;
    CHECK(wide_result(BatchMatmul(false, true), shape(1, 1, DEPTH), 2, least, 1073741824.0f) == DEPTH, "products");
    CHECK(wide_result(BatchMatmul(false, true), shape(1, 1, DEPTH), 2, least, 1.0f) == INT16_MAX, "saturated");
    CHECK(wide_result(Reduce(NNOM_REDUCE_SUM, true, false, false), shape(COUNT, 1, 1), 1, least, 65536.0f) == least,
          "sum");
    CHECK(wide_result(Reduce(NNOM_REDUCE_MEAN, true, false, false), shape(COUNT, 1, 1), 1, least, 1.0f) == least,
          "mean");
    CHECK(wide_result(Reduce(NNOM_REDUCE_MIN, true, false, false), shape(7, 1, 3), 1, least, 2.0f) == least / 2, "min");
    CHECK(wide_result(Maximum(), shape(2, 2, 2), 2, least, 0.5f) == least, "saturated below");
    CHECK(wide_result(PReLU(), shape(2, 2, 2), 2, least, 32768.0f) == INT16_MAX, "slopes");
    CHECK(wide_result(nnom_squared_difference(), shape(2, 2, 2), 2, least, 5.0f) == 0, "difference");
    CHECK(wide_result(nnom_act_layer(nnom_act_abs()), shape(2, 2, 2), 1, least, 1.0f) == INT16_MAX, "abs");
    CHECK(wide_result(nnom_act_layer(nnom_act_neg()), shape(2, 2, 2), 1, least, 1.0f) == INT16_MAX, "neg");
    CHECK(wide_result(nnom_act_layer(nnom_act_exp()), shape(2, 2, 2), 1, INT16_MAX, 1.0f) == INT16_MAX, "exp");
    CHECK(wide_result(nnom_act_layer(nnom_act_rsqrt()), shape(2, 2, 2), 1, 0, 1e-4f) == INT16_MAX, "rsqrt");
    CHECK(wide_result(ResizeBilinear(nnom_make_size(5, 5), NNOM_RESIZE_HALF_PIXEL), shape(2, 2, 2), 1, least, 1.0f) ==
              least,
          "resize");
}

/* (64 * 32740 + 5) / 64 times a little more than 1: 32740.57 by 31 bits of the multiplier, 32740.08 by 15. */
static void multipliers(void)
{
    static const int32_t narrow_bias[1] = {64 * 32740 + 5};
    static const int64_t wide_bias[1] = {64 * 32740 + 5};
    static const float scale[1] = {1.0f + 0.49f / 32768.0f};
    for (int32_t bits = 32; bits <= 64; bits += 32) {
        const nnom_bias_t b = {bits == 32 ? (const void *)narrow_bias : (const void *)wide_bias, 0};
        nnom_model_t m = quiet_model();
        fill_weights(0);
        (void)m.add(&m, wide_input(shape(1, 1, 4), 1.0f));
        nnom_layer_t *dense = nnom_layer_set_weight_scales(nnom_layer_set_quant(Dense(1, &w, &b), 64.0f, 0), scale, 1);
        (void)m.add(&m, nnom_layer_set_bias_bits(dense, bits));
        CHECK(sequential_compile(&m) == NNOM_OK, "%s", model_error_text(&m));
        CHECK(model_run(&m) == NNOM_OK, "model_run");
        const int16_t y = *(const int16_t *)nnom_output_buffer(&m.instance, 0);
        CHECK(y == (bits == 32 ? 32741 : 32740), "%d bits: %d", (int)bits, (int)y);
        model_delete(&m);
    }
}

/* ---- Weights of 4 bits ---- */

enum { NIBBLE_IN = 5, NIBBLE_OUT = 7 };

static nnom_layer_t *nibble_layer(int32_t kind, const nnom_weight_t *weight)
{
    switch (kind) {
    case 0:
        return Dense(NIBBLE_OUT, weight, NULL);
    case 1:
        return Conv2D(NIBBLE_OUT, kernel(3, 3), stride(1, 2), PADDING_SAME, weight, NULL);
    default:
        return DW_Conv2D(1, kernel(3, 3), stride(2, 1), PADDING_SAME, weight, NULL);
    }
}

/* The bytes of a layer whose weights are `bits` wide. */
static uint32_t nibble_run(int32_t kind, int32_t bits, const int8_t *values, uint32_t count, int8_t *out)
{
    static const float scale[1] = {0.02f};
    int8_t packed[512] = {0};
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t half = (uint8_t)(values[i] & 15);
        packed[i / 2] = (int8_t)((uint8_t)packed[i / 2] | (uint8_t)(i % 2 == 0 ? half : half << 4));
    }
    const nnom_weight_t weight = {bits == 4 ? packed : values, 0};
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = nnom_layer_set_quant(Input(shape(3, 3, NIBBLE_IN), NULL), 0.1f, 7);
    nnom_layer_t *layer = nnom_layer_set_weight_bits(nibble_layer(kind, &weight), bits);
    nnom_layer_t *x = m.hook(nnom_layer_set_quant(nnom_layer_set_weight_scales(layer, scale, 1), 0.15f, -3), in);
    const nnom_options_t options = {.mode = random_chance(50) ? NNOM_MODE_SMALLEST : NNOM_MODE_WHOLE};
    CHECK(nnom_compile(&m, in, x, &options) == NNOM_OK, "%s", model_error_text(&m));
    int8_t *input = nnom_input_buffer(&m.instance, 0);
    for (int32_t i = 0; i < 9 * NIBBLE_IN; i++) {
        input[i] = (int8_t)(i * 37 % 251 - 125);
    }
    CHECK(model_run(&m) == NNOM_OK, "model_run");
    const uint32_t bytes = nnom_output_bytes(&m.instance, 0);
    memcpy(out, nnom_output_buffer(&m.instance, 0), bytes);
    model_delete(&m);
    return bytes;
}

/* The same bytes as those of 8 bits that hold the same numbers: odd counts, so that channels begin in the middle of a byte. */
static void nibbles(void)
{
    static const uint32_t counts[3] = {NIBBLE_OUT * 9 * NIBBLE_IN, NIBBLE_OUT * 9 * NIBBLE_IN, 9 * NIBBLE_IN};
    int8_t values[NIBBLE_OUT * 9 * NIBBLE_IN], four[256], eight[256];
    for (uint32_t i = 0; i < 30 && !test_failed(); i++) {
        random_seed(test_seed + i);
        const int32_t kind = (int32_t)(i % 3);
        for (size_t k = 0; k < sizeof values; k++) {
            values[k] = (int8_t)random_in(-8, 7);
        }
        const uint32_t bytes = nibble_run(kind, 8, values, counts[kind], eight);
        CHECK(nibble_run(kind, 4, values, counts[kind], four) == bytes && memcmp(four, eight, bytes) == 0,
              "kind %d: other bytes", (int)kind);
    }
}

/* ---- Refusals ---- */

static void refuse_wide(nnom_layer_t *layer, nnom_status_t expected, const char *text)
{
    nnom_model_t m = quiet_model();
    test_context("%s:", text);
    (void)m.add(&m, wide_input(shape(4, 4, 3), 0.01f));
    (void)m.add(&m, nnom_layer_set_name(layer, "bad"));
    expect_refusal(&m, sequential_compile(&m), expected, text);
}

static nnom_layer_t *scaled(nnom_layer_t *layer)
{
    static const float tenth[1] = {0.1f};
    return nnom_layer_set_weight_scales(layer, tenth, 1);
}

static void refused(void)
{
    static const int64_t far[4] = {0, (int64_t)1 << 47, 0, 0};
    static const int32_t large[4] = {INT32_MAX, 0, 0, 0};
    const nnom_bias_t beyond = {far, 0}, b = {large, 0};
    fill_weights(127);
    refuse_wide(scaled(Dense(2, &w, &beyond)), NNOM_OVERFLOW, "48-bit");
    refuse_wide(nnom_layer_set_bias_bits(scaled(Dense(2, &w, &b)), 32), NNOM_OVERFLOW, "32-bit");
    refuse_wide(nnom_layer_set_bias_bits(scaled(Dense(2, &w, NULL)), 16), NNOM_BAD_ARGUMENT, "32 or 64");
    refuse_wide(nnom_layer_set_bias_bits(ReLU(), 32), NNOM_BAD_ARGUMENT, "no weights");
    refuse_wide(nnom_layer_set_quant(scaled(Dense(2, &w, NULL)), 1.0f, 3), NNOM_BAD_QUANT, "zero point 3");
    refuse_wide(nnom_layer_set_quant(scaled(Dense(2, &w, NULL)), 1e-6f, 0), NNOM_BAD_QUANT, "out of range");
    refuse_wide(nnom_layer_set_quant(AvgPool(kernel(2, 2), stride(1, 1), PADDING_SAME), 1.0f, 1), NNOM_BAD_QUANT,
                "zero point 1");
    refuse_wide(nnom_layer_set_quant(Softmax(), 1.0f / 32768.0f, 1), NNOM_BAD_QUANT, "zero point 1");
    refuse_wide(nnom_layer_set_quant(LeakyReLU(0.1f), 0.01f, -1), NNOM_BAD_QUANT, "zero point -1");
    refuse_wide(nnom_layer_set_quant(Reduce(NNOM_REDUCE_MEAN, true, true, false), 0.01f, 2), NNOM_BAD_QUANT,
                "zero point 2");
    refuse_wide(LogSoftmax(), NNOM_UNSUPPORTED, "int16_t");
    refuse_wide(L2Norm(), NNOM_UNSUPPORTED, "int16_t");
    refuse_wide(nnom_layer_set_quant(MaxPool(kernel(2, 2), stride(1, 1), PADDING_SAME), 1e29f, 0), NNOM_BAD_QUANT,
                "2^31");
    refuse_wide(nnom_layer_set_quant(Slice(shape(0, 0, 0), shape(1, 1, 1), shape(1, 1, 1)), 0.02f, 0), NNOM_BAD_QUANT,
                "only moves");
    refuse_wide(nnom_layer_set_weight_bits(scaled(Dense(2, &w, NULL)), 4), NNOM_BAD_ARGUMENT, "it has int16_t");
    REFUSE(nnom_layer_set_bias_bits(Dense(2, &w, NULL), 32), NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_weight_bits(scaled(Dense(2, &w, NULL)), 5), NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_weight_bits(MaxPool(kernel(2, 2), stride(1, 1), PADDING_SAME), 4), NNOM_BAD_ARGUMENT);
    REFUSE(
        nnom_layer_set_weight_bits(scaled(Conv2DTranspose(2, kernel(2, 2), stride(1, 1), PADDING_SAME, &w, NULL)), 4),
        NNOM_UNSUPPORTED);
}

static void refused_inputs(void)
{
    nnom_model_t m = quiet_model();
    (void)m.add(&m, nnom_layer_set_quant(wide_input(shape(4, 4, 3), 1.0f), 0.01f, 5));
    (void)m.add(&m, nnom_layer_set_name(scaled(Dense(2, &w, NULL)), "bad"));
    expect_refusal(&m, sequential_compile(&m), NNOM_BAD_QUANT, "input is int16 with zero point 5");
    m = quiet_model();
    (void)m.add(&m, wide_input(shape(65536, 1, 1), 1.0f));
    (void)m.add(&m, nnom_layer_set_name(Reduce(NNOM_REDUCE_SUM, true, false, false), "bad"));
    expect_refusal(&m, sequential_compile(&m), NNOM_OVERFLOW, "overflow 32 bits");
    m = quiet_model();
    (void)m.add(&m, wide_input(shape(4, 4, 3), 5.5f));
    (void)m.add(&m, nnom_layer_set_name(Sigmoid(), "bad"));
    expect_refusal(&m, sequential_compile(&m), NNOM_BAD_QUANT, "5.33");
    m = quiet_model();
    nnom_layer_t *a = wide_input(shape(4, 4, 3), 0.01f), *c = Input(shape(4, 4, 3), NULL);
    (void)nnom_own(&m, a);
    (void)nnom_own(&m, c);
    nnom_layer_t *sum = m.merge(nnom_layer_set_name(Add(), "bad"), a, c);
    expect_refusal(&m, model_compile(&m, a, sum), NNOM_UNSUPPORTED, "input 1 is int8_t, expected int16_t");
}

const test_t wide_tests[] = {TEST(largest_sums), TEST(largest_of_two), TEST(multipliers), TEST(nibbles),
                             TEST(refused),      TEST(refused_inputs), {NULL, NULL}};
