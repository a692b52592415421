/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Every layer computes ranges of rows from rings as it computes all rows at once. Replay of one configuration: the
 * failure's seed, as in `tests rows.conv2d seed=17 cases=1`.
 */
#include "random_layers.h"

#include <math.h>
#include <string.h>

#include "separate.h"
#include "../../src/build/kernel.h"
#include "../../src/kernels/packed/requantize.h"
#include "../../src/kernels/sum.h"
#include "../../src/layers/binary.h"

enum { TRIES = 40 };

#define TARGET_BITS(name, bits) | (uint32_t)(bits)
static const uint32_t all_targets = 0 NNOM_TARGETS(TARGET_BITS);

/* A computer tries the kernels of every target, an emulated core those that are for it: the others are the computer's C there. */
#if defined(__ARM_FEATURE_MVE)
static const uint32_t my_targets = NNOM_TARGET_MVE | NNOM_TARGET_DSP | NNOM_TARGET_FPU | NNOM_TARGET_CMSIS_NN;
#elif defined(__ARM_FEATURE_DSP)
static const uint32_t my_targets = NNOM_TARGET_DSP | NNOM_TARGET_FPU | NNOM_TARGET_CMSIS_NN;
#elif defined(__arm__) || (defined(__riscv) && __riscv_xlen == 32)
static const uint32_t my_targets = NNOM_TARGET_PACKED | NNOM_TARGET_CMSIS_NN;
#else
static const uint32_t my_targets = UINT32_MAX;
#endif

static const nnom_form_t *form_of(const nnom_model_t *m, uint32_t node)
{
    const nnom_form_t *form = layer_of(m, node)->kernel->form;
    return form->pack != NULL ? form : NULL; /* else it has no variants */
}

/* The kernel variants of a target, if it has any for these layers: the bytes of the plain ones (k), in ranges of rows, rings and every plan. */
static void one_target(nnom_model_t *m, nnom_layer_t *last, const samples_t *k, uint32_t target)
{
    const nnom_options_t options = {.mode = NNOM_MODE_WHOLE,
                                    .target = target,
                                    .optimize = (nnom_optimize_t)random_in(NNOM_OPTIMIZE_DEFAULT, NNOM_OPTIMIZE_SIZE)};
    if (!CHECK(nnom_compile(m, last, NULL, &options) == NNOM_OK, "target %lu: %s", (unsigned long)target,
               model_error_text(m))) {
        return;
    }
    uint32_t variants = 0;
    separate_t t = separate_new(m);
    for (uint32_t n = 0; n < nnom_node_count(&m->instance); n++) {
        if (form_of(m, n) != NULL && strstr(form_of(m, n)->symbol, "_ref_op") == NULL) {
            check_rows(&t, n);
            check_overlap(&t, n);
            variants++;
        }
    }
    separate_free(&t);
    if (variants > 0) {
        check_modes(m, last, k, target);
    }
}

/* False if compile refused what came out. */
static bool one_configuration(maker_t make)
{
    nnom_model_t m;
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    const nnom_options_t whole = {.mode = NNOM_MODE_WHOLE};
    nnom_layer_t *last = make(&m);
    const nnom_status_t status = nnom_compile(&m, last, NULL, &whole);
    if (status == NNOM_OK) {
        separate_t s = separate_new(&m);
        for (uint32_t n = 0; n < nnom_node_count(&m.instance); n++) {
            check_rows(&s, n);
            check_overlap(&s, n);
        }
        check_model_run(&s);
        const samples_t samples = samples_of(&s);
        check_modes(&m, last, &samples, NNOM_TARGET_PLAIN);
        for (uint32_t bit = 1; bit <= all_targets && !test_failed(); bit <<= 1) {
            if ((bit & all_targets & my_targets) != 0) {
                one_target(&m, last, &samples, bit);
            }
        }
        separate_free(&s);
    } else {
        const bool expected = status == NNOM_BAD_SHAPE || status == NNOM_BAD_ARGUMENT || status == NNOM_BAD_QUANT ||
                              status == NNOM_OVERFLOW || status == NNOM_UNSUPPORTED;
        CHECK(expected && strstr(model_error_text(&m), "layer '") != NULL, "status %d, text '%s'", (int)status,
              model_error_text(&m));
    }
    model_delete(&m);
    forget();
    return status == NNOM_OK;
}

static void rows_of(maker_t make)
{
    uint32_t good = 0, tries = 0;
    for (; good < test_cases && tries < TRIES * test_cases && !test_failed(); tries++) {
        test_context("seed=%lu:", (unsigned long)(test_seed + tries));
        random_seed(test_seed + tries);
        good += one_configuration(make);
    }
    test_context("%s", "");
    CHECK(good == test_cases, "%lu of %lu configurations compile", (unsigned long)good, (unsigned long)tries);
}

/* ---- (1, w, c) models ---- */

typedef struct run {
    nnom_status_t status;
    uint32_t count; /* bytes of output 0 */
    uint8_t *bytes;
} run_t;

static run_t run_once(maker_t make, uint32_t seed, bool stay)
{
    nnom_model_t m;
    random_seed(seed);
    random_rows_stay(stay);
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    run_t r = {model_compile(&m, make(&m), NULL), 0, NULL};
    random_rows_stay(false);
    if (r.status == NNOM_OK) {
        random_seed(seed);
        for (uint32_t i = 0; i < nnom_input_count(&m.instance); i++) {
            fill_random(nnom_input_buffer(&m.instance, i), nnom_input_tensor(&m.instance, i)->type,
                        nnom_input_bytes(&m.instance, i));
        }
        CHECK(model_run(&m) == NNOM_OK, "model_run fails");
        r.count = nnom_output_bytes(&m.instance, 0);
        r.bytes = keep(r.count);
        memcpy(r.bytes, nnom_output_buffer(&m.instance, 0), r.count);
    }
    model_delete(&m);
    return r;
}

/* The same bytes whether compile takes columns as rows or not. */
static void time_as_rows(void)
{
#define ROWS_MAKER(kind) {#kind, make_##kind},
    static const struct {
        const char *name;
        maker_t make;
    } makers[] = {RANDOM_LAYERS(ROWS_MAKER)};
    for (size_t k = 0; k < sizeof makers / sizeof makers[0]; k++) {
        for (uint32_t i = 0; i < test_cases; i++) {
            test_context("%s, seed=%lu:", makers[k].name, (unsigned long)(test_seed + i));
            const run_t a = run_once(makers[k].make, test_seed + i, false);
            const run_t b = run_once(makers[k].make, test_seed + i, true);
            CHECK(a.status == b.status && a.count == b.count, "status %d and %d, %lu and %lu bytes", (int)a.status,
                  (int)b.status, (unsigned long)a.count, (unsigned long)b.count);
            CHECK(test_failed() || a.count == 0 || memcmp(a.bytes, b.bytes, a.count) == 0, "other bytes");
            forget();
        }
    }
}

/* ---- Requantising with fewer instructions ---- */

static int32_t any_int32(void)
{
    const int32_t near = random_in(0, 3);
    const int32_t x = random_chance(30) ? INT32_MAX - near : random_in(0, INT32_MAX - 1) >> random_in(0, 30);
    return random_chance(50) ? -x : x;
}

/* SPEC.md, word for word. */
static int32_t spec_high_mul(int32_t a, int32_t b)
{
    const int64_t p = (int64_t)a * b;
    return (int32_t)((p + (p >= 0 ? (int64_t)1 << 30 : 1 - ((int64_t)1 << 30))) / ((int64_t)1 << 31));
}

/* Both forms of a multiplication, whichever this core uses. */
static void requantize(void)
{
    for (uint32_t i = 0; i < 1000 * test_cases && !test_failed(); i++) {
        const int32_t a = any_int32(), b = any_int32(), m = b & INT32_MAX, shift = random_in(-31, 30), x = a / 2;
        const int32_t expected = spec_high_mul(a, b);
        CHECK(nnom_high_mul_long(a, b) == expected && nnom_high_mul_short(a, b) == expected, "%ld * %ld", (long)a,
              (long)b);
        CHECK(nnom_high_mul_short(INT32_MIN, m) == spec_high_mul(INT32_MIN, m), "-2^31 * %ld", (long)m);
        const int32_t y =
            shift > 0 ? spec_high_mul(nnom_shift_left(a, shift), m) : nnom_shift_round(spec_high_mul(a, m), -shift);
        CHECK(nnom_requantize(a, m, shift) == y, "%ld * %ld, shift %d", (long)a, (long)m, (int)shift);
        CHECK(nnom_packed_requantize(x, m, shift) == nnom_requantize(x, m, shift), "%ld * %ld, shift %d", (long)x,
              (long)m, (int)shift);
    }
}

/* ---- Sums as a linear form: every pair of bytes ---- */

static float sum_scale(float near, int32_t octaves)
{
    const float factor = random_chance(30) ? 1.0f : 1.0f + (float)random_in(0, 9999) / 10000.0f;
    return ldexpf(near * factor, random_in(-octaves, octaves));
}

static nnom_layer_t *sum_input(nnom_model_t *m, float scale)
{
    nnom_layer_t *layer = nnom_layer_set_quant(Input(shape(256, 1, 1), NULL), scale, random_in(-128, 127));
    (void)nnom_own(m, layer);
    return layer;
}

/* True if the layer was taken as a linear form. */
static bool all_pairs(void)
{
    nnom_model_t m;
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    const bool add = random_chance(50);
    const float scale = sum_scale(0.05f, 2);
    const float other = sum_scale(scale, 4), larger = other > scale ? other : scale;
    nnom_layer_t *a = sum_input(&m, scale), *b = sum_input(&m, other);
    nnom_layer_t *sum = nnom_layer_set_quant(add ? Add() : Sub(0), sum_scale(larger, 1), random_in(-128, 127));
    nnom_layer_t *last = m.merge(sum, a, b);
    last = random_chance(30) ? m.active(act_relu(), last) : last;
    CHECK(model_compile(&m, a, last) == NNOM_OK, "%s", model_error_text(&m));
    const nnom_binary_param_t *p = &((const nnom_binary_layer_t *)sum)->param;
    const nnom_binary_zeros_t zero = {a->out->zero_point, b->out->zero_point, sum->out->zero_point};
    for (int32_t u = -128; u < 128 && !test_failed(); u++) {
        int8_t *y = nnom_input_buffer(&m.instance, 1);
        memset(nnom_input_buffer(&m.instance, 0), (int)u, 256);
        for (int32_t v = -128; v < 128; v++) {
            y[v + 128] = (int8_t)v;
        }
        CHECK(model_run(&m) == NNOM_OK, "model_run fails");
        const int8_t *got = nnom_output_buffer(&m.instance, 0);
        for (int32_t v = -128; v < 128; v++) {
            const int8_t expected = add ? nnom_add_element(p, &zero, (int8_t)u, (int8_t)v)
                                        : nnom_sub_element(p, &zero, (int8_t)u, (int8_t)v);
            CHECK(got[v + 128] == expected, "%ld and %ld: %d, expected %d", (long)u, (long)v, (int)got[v + 128],
                  (int)expected);
        }
    }
    const bool linear = strstr(sum->kernel->form->symbol, "_linear_op") != NULL;
    model_delete(&m);
    return linear;
}

static void linear_sums(void)
{
    uint32_t linear = 0;
    const uint32_t cases =
        test_cases < 100 ? 100 : test_cases; /* of fewer, chance alone decides what share is linear */
    for (uint32_t i = 0; i < cases && !test_failed(); i++) {
        test_context("seed=%lu:", (unsigned long)(test_seed + i));
        random_seed(test_seed + i);
        linear += all_pairs();
    }
    test_context("%s", "");
    CHECK(10 * linear >= 9 * cases, "%lu of %lu sums are linear", (unsigned long)linear, (unsigned long)cases);
}

/* ---- Convolutions of 3 x 3 as tiles: what random layers seldom are ---- */

enum { TILES_H = 5, TILES_W = 17, TILES_IN = 48, TILES_OUT = 8 };

/* w, channels of the input; name: of the kernel on DSP cores. */
typedef struct tiles_case {
    int32_t w, channels;
    const char *name;
} tiles_case_t;

static void tiles_run(const tiles_case_t *k, uint32_t target, int8_t *out, bool *tiles)
{
    static const float scales[1] = {0.01f};
    static int8_t weights[TILES_OUT * 9 * TILES_IN];
    int32_t bias[TILES_OUT];
    const int32_t most = random_in(1, 127);
    for (int32_t i = 0; i < TILES_OUT * 9 * k->channels; i++) {
        weights[i] = (int8_t)random_in(-most - 1, most);
    }
    for (int32_t i = 0; i < TILES_OUT; i++) {
        bias[i] = random_in(-2000, 2000);
    }
    const nnom_weight_t w = {weights, 0};
    const nnom_bias_t b = {bias, 0};
    const nnom_options_t options = {.target = target, .optimize = NNOM_OPTIMIZE_SPEED, .mode = NNOM_MODE_WHOLE};
    nnom_model_t m;
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    nnom_layer_t *in = nnom_layer_set_quant(Input(shape(TILES_H, k->w, k->channels), NULL), 0.05f, random_in(-50, 50));
    nnom_layer_t *conv =
        nnom_layer_set_weight_scales(Conv2D(TILES_OUT, kernel(3, 3), stride(1, 1), PADDING_SAME, &w, &b), scales, 1);
    nnom_layer_t *y = m.hook(nnom_layer_set_quant(conv, 0.3f, random_in(-50, 50)), in);
    CHECK(nnom_compile(&m, in, m.hook(Output(shape(0, 0, 0), out), y), &options) == NNOM_OK, "%s",
          model_error_text(&m));
    *tiles = !test_failed() && form_of(&m, 0) != NULL && strstr(form_of(&m, 0)->symbol, k->name) != NULL;
    random_bytes(nnom_input_buffer(&m.instance, 0), nnom_input_bytes(&m.instance, 0));
    CHECK(model_run(&m) == NNOM_OK, "model_run");
    model_delete(&m);
}

static void tiles(void)
{
    static const tiles_case_t cases[] = {{14, 16, "dsp_tiles"}, {8, 12, "dsp_tiles"}, {16, 32, "dsp_tiles"},
                                         {8, 48, "dsp_tile_"},  {7, 40, "dsp_tile_"}, {17, 40, "dsp_tile_"}};
    static int8_t plain[TILES_H * TILES_W * TILES_OUT], fast[sizeof plain];
    for (uint32_t i = 0; i < 24 && !test_failed(); i++) {
        const tiles_case_t *k = &cases[i % (sizeof cases / sizeof cases[0])];
        bool as_tiles = false;
        random_seed(test_seed + i);
        tiles_run(k, NNOM_TARGET_PLAIN, plain, &as_tiles);
        random_seed(test_seed + i);
        tiles_run(k, NNOM_TARGET_DSP, fast, &as_tiles);
        CHECK(as_tiles || (NNOM_TARGET_DSP & ~my_targets) != 0, "%ld x %ld: %s was not taken", (long)k->w,
              (long)k->channels, k->name);
        CHECK(memcmp(plain, fast, (size_t)(TILES_H * TILES_OUT * k->w)) == 0, "%ld x %ld, seed %lu: other bytes",
              (long)k->w, (long)k->channels, (unsigned long)(test_seed + i));
    }
}

#define ROWS_CASE(kind)                                                                                                \
    static void rows_of_##kind(void)                                                                                   \
    {                                                                                                                  \
        rows_of(make_##kind);                                                                                          \
    }
RANDOM_LAYERS(ROWS_CASE)

#define ROWS_ENTRY(kind) {#kind, rows_of_##kind},
const test_t rows_tests[] = {
    RANDOM_LAYERS(ROWS_ENTRY) TEST(time_as_rows), TEST(requantize), TEST(linear_sums), TEST(tiles), {NULL, NULL}};
