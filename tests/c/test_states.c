/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What is kept from run to run, layers of several outputs, input without end. */
#include <string.h>

#include "harness.h"

#include "../../src/build/kernel.h"

static const nnom_mode_t modes[] = {NNOM_MODE_WHOLE, NNOM_MODE_AUTO, NNOM_MODE_SMALLEST};

static nnom_model_t quiet(void)
{
    nnom_model_t m;
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    return m;
}

static nnom_layer_t *q7(nnom_layer_t *layer)
{
    return nnom_layer_set_quant(layer, 1.0f / 128.0f, 0);
}

/* sum' = sum + input, of which the output is a copy: a counter. */
static nnom_layer_t *counter(nnom_model_t *m, const int8_t *start)
{
    nnom_layer_t *in = Input(shape(4, 1, 3), qformat(0, 7), NULL);
    nnom_layer_t *sum = q7(nnom_state(shape(4, 1, 3), start));
    nnom_layer_t *next = q7(Add());
    (void)m->merge(next, in, sum);
    (void)nnom_state_set(sum, next);
    return m->hook(Output(shape(4, 1, 3), NULL), next);
}

static void fill(nnom_model_t *m, int8_t x)
{
    memset(nnom_input_buffer(&m->instance, 0), x, nnom_input_bytes(&m->instance, 0));
}

static bool all(const nnom_model_t *m, int8_t x)
{
    const int8_t *out = nnom_output_buffer(&m->instance, 0);
    for (uint32_t i = 0; i < nnom_output_bytes(&m->instance, 0); i++) {
        if (out[i] != x) {
            return false;
        }
    }
    return true;
}

static void counts(void)
{
    static const int8_t start[12] = {5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5};
    for (uint32_t k = 0; k < 6; k++) {
        nnom_model_t m = quiet();
        const nnom_options_t options = {.mode = modes[k / 2]};
        const int8_t first = k % 2 == 0 ? 0 : 5;
        nnom_layer_t *out = counter(&m, k % 2 == 0 ? NULL : start);
        if (!CHECK(nnom_compile(&m, out, NULL, &options) == NNOM_OK, "%s", model_error_text(&m))) {
            model_delete(&m);
            return;
        }
        for (int8_t i = 1; i <= 5; i++) {
            fill(&m, 2);
            CHECK(model_run(&m) == NNOM_OK && all(&m, (int8_t)(first + 2 * i)), "run %d", (int)i);
        }
        nnom_reset(&m.instance); /* the next window, the same value */
        fill(&m, 1);
        CHECK(model_run(&m) == NNOM_OK && all(&m, (int8_t)(first + 11)), "after a reset");
        nnom_forget(&m.instance);
        fill(&m, 1);
        CHECK(model_run(&m) == NNOM_OK && all(&m, (int8_t)(first + 1)), "after forgetting");
        model_delete(&m);
    }
}

/* Two states in a row: what was put in two runs ago comes out, whatever the order in which they are made. */
static void delay_line(void)
{
    for (int32_t first = 0; first < 2; first++) {
        nnom_model_t m = quiet();
        nnom_layer_t *in = Input(shape(1, 1, 4), qformat(0, 7), NULL);
        nnom_layer_t *one = q7(nnom_state(shape(1, 1, 4), NULL)), *two = q7(nnom_state(shape(1, 1, 4), NULL));
        (void)nnom_own(&m, first == 0 ? one : two);
        nnom_layer_t *x = m.hook(Slice(shape(0, 0, 0), shape(1, 1, 4), shape(1, 1, 1)), in);
        (void)nnom_state_set(one, x);
        (void)nnom_state_set(two, one);
        nnom_layer_t *out = m.hook(Output(shape(1, 1, 4), NULL), two);
        CHECK(model_compile(&m, in, out) == NNOM_OK, "%s", model_error_text(&m));
        for (int8_t i = 1; i < 6; i++) {
            fill(&m, i);
            CHECK(model_run(&m) == NNOM_OK && all(&m, (int8_t)(i > 2 ? i - 2 : 0)), "run %d", (int)i);
        }
        model_delete(&m);
    }
}

/* ---- Refused ---- */

static void refuse_state(nnom_layer_t *state, nnom_layer_t *left, nnom_status_t expected, const char *text)
{
    nnom_model_t m = quiet();
    nnom_layer_t *in = Input(shape(1, 1, 4), qformat(0, 7), NULL);
    nnom_layer_t *x = m.hook(left, in);
    (void)nnom_state_set(state, x);
    nnom_layer_t *y = m.merge(q7(Add()), x, state);
    const nnom_status_t status = model_compile(&m, in, y);
    CHECK(status == expected && strstr(model_error_text(&m), text) != NULL, "status %d, %s", (int)status,
          model_error_text(&m));
    model_delete(&m);
}

static void refused(void)
{
    refuse_state(q7(nnom_state(shape(1, 1, 4), NULL)), nnom_layer_set_quant(Softmax(), 0.5f, 3), NNOM_BAD_QUANT,
                 "quantisation");
    refuse_state(nnom_layer_set_type(nnom_state(shape(1, 1, 4), NULL), NNOM_TYPE_S16), q7(Softmax()), NNOM_UNSUPPORTED,
                 "int16_t");
    refuse_state(q7(nnom_state(shape(1, 1, 1), NULL)), q7(Softmax()), NNOM_BAD_SHAPE, "what is left");
    nnom_model_t m = quiet();
    nnom_layer_t *in = Input(shape(1, 1, 4), qformat(0, 7), NULL), *a = q7(nnom_state(shape(1, 1, 4), NULL));
    nnom_layer_t *b = q7(nnom_state(shape(1, 1, 4), NULL)), *y = m.mergex(Concat(-1), 3, in, a, b);
    CHECK(model_compile(&m, in, y) == NNOM_BAD_GRAPH && strstr(model_error_text(&m), "nnom_state_set"), "%s",
          model_error_text(&m));
    (void)nnom_state_set(a, b);
    (void)nnom_state_set(b, a);
    CHECK(model_compile(&m, in, y) == NNOM_BAD_GRAPH && strstr(model_error_text(&m), "each other"), "%s",
          model_error_text(&m));
    model_delete(&m);
    m = quiet();
    in = Input(shape(1, 1, 4), qformat(0, 7), NULL), a = q7(nnom_state(shape(1, 1, 4), NULL));
    (void)nnom_state_set(a, m.hook(q7(Softmax()), in));
    y = m.hook(Flatten(), a);
    CHECK(model_compile(&m, in, y) == NNOM_BAD_GRAPH && strstr(model_error_text(&m), "hook an Output"), "%s",
          model_error_text(&m));
    model_delete(&m);
    CHECK(nnom_state_set(NULL, NULL) == NULL && nnom_layer_part(NULL, 1) == NULL, "NULL passes through");
}

/* ---- Several outputs ---- */

/* A layer of two outputs: twice and three times its input. */
static void run_both(const nnom_call_t *call)
{
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    const uint16_t second = nnom_node_output_index(call->node, 1);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        const int8_t *x = (const int8_t *)nnom_row(&from, y);
        int8_t *twice = (int8_t *)nnom_row(&to, y);
        for (int32_t i = 0; i < to.row_bytes; i++) {
            twice[i] = (int8_t)(2 * x[i]);
        }
        if (second != NNOM_NO_TENSOR) {
            const nnom_rows_t more = nnom_tensor_rows(&call->program->tensors[second], call->arena);
            int8_t *thrice = (int8_t *)nnom_row(&more, y);
            for (int32_t i = 0; i < to.row_bytes; i++) {
                thrice[i] = (int8_t)(3 * x[i]);
            }
        }
    }
}

static const nnom_op_t both_op = {run_both, NULL, 0, 0};
NNOM_PLAIN_KERNEL(both, both_op, NNOM_COSTS_PLAIN)

static nnom_status_t build_both(nnom_layer_t *layer)
{
    layer->out->shape = nnom_layer_in(layer, 0)->shape;
    nnom_layer_follow(layer);
    layer->kernel = &both_kernel;
    return NNOM_OK;
}

static nnom_status_t part_of_both(const nnom_layer_t *layer, uint32_t i, nnom_tensor_t *out)
{
    (void)i;
    *out = *layer->out;
    return NNOM_OK;
}

static const nnom_rare_class_t both_class = {
    .super = {"Both", NULL, NULL, build_both, 1, 1, NNOM_CLASS_RARE}, .more_outputs = 1, .part = part_of_both};

static void several_outputs(void)
{
    for (uint32_t k = 0; k < 6; k++) {
        nnom_model_t m = quiet();
        const nnom_options_t options = {.mode = modes[k / 2], .feed = k % 2 == 1};
        nnom_layer_t *in = Input(shape(6, 2, 3), qformat(0, 7), NULL);
        nnom_layer_t *pooled = m.hook(MaxPool(kernel(2, 1), stride(2, 1), PADDING_VALID), in);
        nnom_layer_t *both = m.hook(nnom_layer_new(&both_class.super, sizeof(nnom_layer_t)), pooled);
        nnom_layer_t *part = m.hook(MaxPool(kernel(3, 1), stride(1, 1), PADDING_SAME), nnom_layer_part(both, 1));
        nnom_layer_t *out = m.merge(q7(Add()), both, part);
        if (!CHECK(nnom_compile(&m, in, out, &options) == NNOM_OK, "%s", model_error_text(&m))) {
            model_delete(&m);
            return;
        }
        static const int8_t rows[6 * 6] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
                                           7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
        nnom_status_t status = NNOM_OK;
        if (options.feed) {
            status = nnom_feed(&m.instance, rows, 6);
        } else {
            fill(&m, 7);
            status = model_run(&m);
        }
        CHECK(status == NNOM_OK && all(&m, 5 * 7), "mode %d", (int)k);
        model_delete(&m);
    }
}

/* A further output that nobody reads, and one that the layer does not have. */
static void parts(void)
{
    nnom_model_t m = quiet();
    nnom_layer_t *in = Input(shape(1, 1, 3), qformat(0, 7), NULL);
    nnom_layer_t *both = m.hook(nnom_layer_new(&both_class.super, sizeof(nnom_layer_t)), in);
    CHECK(model_compile(&m, in, both) == NNOM_OK, "%s", model_error_text(&m));
    fill(&m, 4);
    CHECK(model_run(&m) == NNOM_OK && all(&m, 8), "one output is read");
    nnom_layer_t *part = nnom_layer_part(both, 2);
    CHECK(model_compile(&m, in, part) == NNOM_BAD_ARGUMENT && strstr(model_error_text(&m), "output 2"), "%s",
          model_error_text(&m));
    model_delete(&m);
}

/* ---- Input without end ---- */

static void endless(void)
{
    nnom_model_t m = quiet();
    const nnom_options_t options = {.feed = true, .endless = true};
    nnom_layer_t *out = counter(&m, NULL);
    CHECK(nnom_compile(&m, out, NULL, &options) == NNOM_OK, "%s", model_error_text(&m));
    static const int8_t rows[4 * 3] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    for (int8_t i = 1; i <= 4; i++) {
        CHECK(nnom_feed(&m.instance, rows, 3) == NNOM_MORE && nnom_feed(&m.instance, rows, 1) == NNOM_OK, "window %d",
              (int)i);
        CHECK(all(&m, i), "window %d", (int)i);
    }
    CHECK(nnom_feed(&m.instance, rows, 5) == NNOM_BAD_ARGUMENT && nnom_feed(&m.instance, rows, 4) == NNOM_OK &&
              all(&m, 5),
          "more than a window at a time");
    model_delete(&m);
}

/* ---- SVDF against plain sums: what three inputs leave in a memory of two ---- */

enum { SVDF_UNITS = 3, SVDF_RANK = 2, SVDF_INPUTS = 4, SVDF_MEMORY = 2, SVDF_FILTERS = SVDF_UNITS * SVDF_RANK };

typedef struct svdf_case {
    float features[SVDF_FILTERS * SVDF_INPUTS], time[SVDF_FILTERS * SVDF_MEMORY], bias[SVDF_UNITS];
    int8_t features_s8[SVDF_FILTERS * SVDF_INPUTS];
    int16_t time_s16[SVDF_FILTERS * SVDF_MEMORY];
    int32_t bias_s32[SVDF_UNITS];
} svdf_case_t;

/* Whole numbers, so that both forms mean the same: scales 1/128, 1/64, state 1/8192, time 1/4096. */
static svdf_case_t svdf_case(void)
{
    svdf_case_t k;
    for (int32_t i = 0; i < SVDF_FILTERS * SVDF_INPUTS; i++) {
        k.features_s8[i] = (int8_t)random_in(-60, 60);
        k.features[i] = (float)k.features_s8[i] / 64.0f;
    }
    for (int32_t i = 0; i < SVDF_FILTERS * SVDF_MEMORY; i++) {
        k.time_s16[i] = (int16_t)random_in(-2000, 2000);
        k.time[i] = (float)k.time_s16[i] / 4096.0f;
    }
    for (int32_t i = 0; i < SVDF_UNITS; i++) {
        k.bias_s32[i] = random_in(-1000000, 1000000);
        k.bias[i] = (float)k.bias_s32[i] / 8192.0f / 4096.0f;
    }
    return k;
}

static nnom_status_t svdf_compile(nnom_model_t *m, const svdf_case_t *k, bool real)
{
    const nnom_svdf_config_t config = {.units = SVDF_UNITS,
                                       .rank = SVDF_RANK,
                                       .memory = SVDF_MEMORY,
                                       .features = real ? (const void *)k->features : k->features_s8,
                                       .time = real ? (const void *)k->time : k->time_s16,
                                       .bias = real ? (const void *)k->bias : k->bias_s32,
                                       .feature_scale = 1.0f / 64.0f,
                                       .time_scale = 1.0f / 4096.0f};
    const nnom_type_t type = real ? NNOM_TYPE_F32 : NNOM_TYPE_S8, inner = real ? NNOM_TYPE_F32 : NNOM_TYPE_S16;
    nnom_layer_t *in = nnom_layer_set_type(q7(Input(shape(1, 1, SVDF_INPUTS), NULL)), type);
    nnom_layer_t *state = nnom_layer_set_type(nnom_state(shape(1, 1, SVDF_FILTERS * SVDF_MEMORY), NULL), inner);
    state = nnom_layer_set_quant(state, 1.0f / 8192.0f, 0);
    nnom_layer_t *y = nnom_layer_set_quant(nnom_svdf(&config), 1.0f / 32.0f, 0);
    (void)m->hook(m->hook(y, in), state);
    (void)nnom_state_set(state, nnom_layer_part(y, 1));
    return model_compile(m, in, m->hook(Output(shape(1, 1, SVDF_UNITS), NULL), y));
}

static float svdf_expected(const svdf_case_t *k, const float x[][SVDF_INPUTS], int32_t step, int32_t unit)
{
    float sum = k->bias[unit];
    for (int32_t f = unit * SVDF_RANK; f < (unit + 1) * SVDF_RANK; f++) {
        for (int32_t t = 0; t < SVDF_MEMORY; t++) {
            const int32_t at = step - (SVDF_MEMORY - 1) + t;
            for (int32_t i = 0; at >= 0 && i < SVDF_INPUTS; i++) {
                sum += k->time[f * SVDF_MEMORY + t] * k->features[f * SVDF_INPUTS + i] * x[at][i];
            }
        }
    }
    return sum;
}

static void svdf_run(bool real)
{
    enum { STEPS = 4 };
    float x[STEPS][SVDF_INPUTS];
    const svdf_case_t k = svdf_case();
    nnom_model_t m = quiet();
    CHECK(svdf_compile(&m, &k, real) == NNOM_OK, "%s", model_error_text(&m));
    for (int32_t step = 0; step < STEPS && !test_failed(); step++) {
        for (int32_t i = 0; i < SVDF_INPUTS; i++) {
            const int8_t q = (int8_t)random_in(-120, 120);
            x[step][i] = (float)q / 128.0f;
            if (real) {
                ((float *)nnom_input_buffer(&m.instance, 0))[i] = x[step][i];
            } else {
                ((int8_t *)nnom_input_buffer(&m.instance, 0))[i] = q;
            }
        }
        CHECK(model_run(&m) == NNOM_OK, "model_run");
        for (int32_t u = 0; u < SVDF_UNITS; u++) {
            const void *out = nnom_output_buffer(&m.instance, 0);
            const float got = real ? ((const float *)out)[u] : (float)((const int8_t *)out)[u] / 32.0f;
            const float miss = got - svdf_expected(&k, (const float(*)[SVDF_INPUTS])x, step, u);
            const float most = real ? 1e-5f : 0.02f; /* half a step of the output, and roundings */
            CHECK(miss < most && miss > -most, "step %d, unit %d: off by %d / 1000", (int)step, (int)u,
                  (int)(miss * 1000.0f));
        }
    }
    model_delete(&m);
}

static void svdf(void)
{
    for (uint32_t i = 0; i < 20 && !test_failed(); i++) {
        random_seed(test_seed + i);
        svdf_run(i % 2 == 0);
    }
}

const test_t states_tests[] = {TEST(counts), TEST(delay_line), TEST(refused), TEST(several_outputs),
                               TEST(parts),  TEST(endless),    TEST(svdf),    {NULL, NULL}};
