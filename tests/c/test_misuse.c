/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Models as nobody should write them: random layers with arguments that are sometimes absurd, connected in random ways.
 * Whatever compile says, nothing crashes, an error has a text, what compiled runs, and all memory comes back.
 */
#include <math.h>
#include <string.h>

#include "random_net.h"

static const int8_t bytes[4096];
static const nnom_weight_t weight = {bytes, 6};
static const float scales[6] = {0.01f, 0.5f, 0.1f, 1e-3f, 0.25f, 2.0f};

/* ---- Compiling, running, giving back ---- */

static void run(nnom_model_t *m)
{
    for (uint32_t i = 0; i < nnom_input_count(&m->instance); i++) {
        memset(nnom_input_buffer(&m->instance, i), random_in(0, 255), nnom_input_bytes(&m->instance, i));
    }
    CHECK(model_run(m) == NNOM_OK, "it does not run");
}

static void anything(void)
{
    uint32_t compiled = 0;
    for (uint32_t i = 0; i < 30 * test_cases && !test_failed(); i++) {
        nnom_model_t m = quiet_model();
        net_t net;
        random_seed(test_seed * 1000003u + i);
        test_context("model %ld:", (long)i);
        net_make(&m, &net);
        if (net_compile(&m, &net, NULL) == NNOM_OK) {
            compiled++;
            run(&m);
        } else {
            CHECK(model_error_text(&m)[0] != '\0', "refused without a word");
            CHECK(model_run(&m) == NNOM_NOT_COMPILED, "refused, but runs");
        }
        model_delete(&m);
        net_discard(&net);
        CHECK(heap_blocks() == 0, "%ld blocks left", (long)heap_blocks());
    }
    test_context("%s", "");
    CHECK(compiled >= 3 * test_cases, "only %ld models compiled", (long)compiled);
}

/* ---- After compile ---- */

static nnom_layer_t *smooth(void)
{
    static const int8_t taps[3] = {1, 1, 1};
    static const nnom_weight_t w = {taps, 0};
    return Conv2D(1, kernel(1, 3), stride(1, 1), PADDING_SAME, &w, NULL);
}

/* What is added to a compiled model is no part of it before the next compile; nothing of the first one stays. */
static void compiled_twice(void)
{
    static const int8_t expected[8] = {9, 18, 27, 36, 45, 54, 54, 36};
    int8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = Input(shape(1, 8, 1), qformat(7, 0), data);
    nnom_layer_t *x = m.hook(smooth(), in);
    CHECK(model_compile(&m, in, x) == NNOM_OK, "%s", model_error_text(&m));
    x = m.hook(smooth(), x);
    CHECK(model_compile(&m, in, x) == NNOM_OK && model_run(&m) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(memcmp(nnom_output_buffer(&m.instance, 0), expected, sizeof expected) == 0,
          "another result than of one compile");
    model_delete(&m);
}

static void added_after_compile(void)
{
    nnom_layer_info_t info;
    nnom_model_t m = quiet_model();
    (void)m.add(&m, Input(shape(2, 2, 1), NULL));
    (void)m.add(&m, ReLU());
    CHECK(sequential_compile(&m) == NNOM_OK, "%s", model_error_text(&m));
    (void)m.add(&m, TanH());
    CHECK(model_run(&m) == NNOM_NOT_COMPILED, "it runs without the new layer");
    CHECK(nnom_layer_info(&m, 0, &info) == NNOM_NOT_COMPILED, "it has a plan without the new layer");
    model_print(&m);
    CHECK(sequential_compile(&m) == NNOM_OK && model_run(&m) == NNOM_OK, "%s", model_error_text(&m));
    model_delete(&m);
}

/* ---- Arguments at the edges of their types ---- */

static void extreme_arguments(void)
{
    static const nnom_weight_t far = {bytes, SIZE_MAX / 2 + 1};
    const int32_t most = INT32_MAX;
    REFUSE(Dense(2, &weight, &far), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(LeakyReLU(0.1f), 0.1f, most), NNOM_BAD_QUANT);
    refuse_after(shape(1, 1, 4), nnom_layer_set_quant(Activation(act_hard_swish()), 0.0f, 0), NNOM_BAD_QUANT,
                 "scale 0");
    refuse_after(shape(most, 1, 1), Conv2D(1, kernel(1, 1), stride(32768, 1), PADDING_VALID, &weight, NULL),
                 NNOM_OVERFLOW, "rows up to 2^31");
    REFUSE(Pad(border(1, 1, 1, 1), 0, 0, NAN), NNOM_BAD_ARGUMENT);
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = Input(shape(4, 4, 4), NULL);
    nnom_layer_t *out = m.hook(Slice(shape(0, 0, 0), shape(4, 1, 1), shape(1, most, most)), in);
    CHECK(model_compile(&m, in, out) == NNOM_OK && model_run(&m) == NNOM_OK, "%s", model_error_text(&m));
    model_delete(&m);
}

static void sources(void)
{
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = Input(shape(1, 1, 4), NULL);
    nnom_layer_t *none = nnom_layer_set_name(Constant(shape(1, 1, 4), NULL), "none");
    expect_refusal(&m, model_compile(&m, in, m.merge(Add(), in, none)), NNOM_NULL, "layer 'none'");
    m = quiet_model();
    in = Input(shape(1, 1, 4), NULL);
    CHECK(nnom_own(&m, in) == NNOM_OK, "it is not owned");
    expect_refusal(&m, model_compile(&m, in, NULL), NNOM_BAD_GRAPH, "no output");
    m = quiet_model();
    in = nnom_layer_set_type(Input(shape(1, 1, 4), NULL), (nnom_type_t)99);
    expect_refusal(&m, model_compile(&m, in, m.hook(Flatten(), in)), NNOM_BAD_ARGUMENT, "element type 99");
}

/* A true class whose score is no number is last, not first. */
static void scores_that_are_none(void)
{
    const float scores[3] = {1.0f, NAN, 2.0f};
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = nnom_layer_set_type(Input(shape(1, 1, 3), (void *)scores), NNOM_TYPE_F32);
    CHECK(model_compile(&m, in, m.hook(Reshape(shape(1, 1, 3)), in)) == NNOM_OK, "%s", model_error_text(&m));
    nnom_predict_t *p = prediction_create(&m, NULL, 3, 3);
    CHECK(p != NULL && prediction_run(p, 1, NULL, NULL) == NNOM_OK, "it does not run");
    CHECK(p->top_k[0] == 0 && p->top_k[2] == 1, "rank of NaN");
    prediction_delete(p);
    model_delete(&m);
}

/* ---- What was ignored once ---- */

static void settings_without_meaning(void)
{
    REFUSE(nnom_layer_set_padding(Dense(2, &weight, NULL), border(1, 1, 1, 1)), NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_padding(ReLU(), border(1, 1, 1, 1)), NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_weight_scales(ReLU(), scales, 1), NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_weight_scales(MaxPool(kernel(1, 1), stride(1, 1), PADDING_VALID), scales, 1),
           NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_type(Softmax(), NNOM_TYPE_F32), NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_qformat(TanH(), qformat(8, 8)), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_qformat(TanH(), qformat(0, 70)), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_qformat(TanH(), qformat(-63, 70)), NNOM_BAD_QUANT);
}

/* The kind: a float parameter that is no number made every output one. */
static void parameters_that_are_none(void)
{
    static const float none[] = {NAN, INFINITY, -INFINITY};
    for (int32_t i = 0; i < 3; i++) {
        REFUSE(nnom_softmax(none[i]), NNOM_BAD_ARGUMENT);
        REFUSE(LeakyReLU(none[i]), NNOM_BAD_ARGUMENT);
        REFUSE(Activation(act_elu(none[i])), NNOM_BAD_ARGUMENT);
        REFUSE(Activation(act_power(none[i])), NNOM_BAD_ARGUMENT);
    }
    REFUSE(nnom_softmax(0.0f), NNOM_BAD_ARGUMENT);
    REFUSE(nnom_softmax(-1.0f), NNOM_BAD_ARGUMENT);
}

/* There may be any number of arrays; one that nobody knows would be missing in the frozen model. */
static void a_seventh_array(void)
{
    REFUSE(layer_of_arrays(6), NNOM_BAD_ARGUMENT);
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = Input(shape(1, 1, 4), NULL);
    nnom_layer_info_t info = {0};
    CHECK(model_compile(&m, in, m.hook(layer_of_arrays(7), in)) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(nnom_layer_info(&m, 1, &info) == NNOM_OK && info.weight_bytes == 28, "%lu bytes of arrays",
          (unsigned long)info.weight_bytes);
    model_delete(&m);
}

static void arena_not_taken(void)
{
    uint32_t memory[64];
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = Input(shape(1, 1, 4), NULL);
    nnom_layer_t *out = m.hook(TanH(), in);
    CHECK(nnom_set_arena(&m, (uint8_t *)memory + 1, 200) == NNOM_BAD_ARGUMENT, "an odd address");
    CHECK(model_compile(&m, in, out) == NNOM_BAD_ARGUMENT && strstr(model_error_text(&m), "arena") != NULL,
          "forgotten");
    CHECK(nnom_set_arena(&m, memory, sizeof memory) == NNOM_OK && model_compile(&m, in, out) == NNOM_OK, "%s",
          model_error_text(&m));
    model_delete(&m);
}

static void hooked_twice(void)
{
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = Input(shape(1, 1, 4), NULL);
    nnom_layer_t *a = m.hook(ReLU(), in);
    nnom_layer_t *b = m.hook(a, m.hook(TanH(), a));
    expect_refusal(&m, model_compile(&m, in, b), NNOM_BAD_GRAPH, "layer 'ReLU_");
    const nnom_model_t forgotten = {0};
    CHECK(strstr(model_error_text(&forgotten), "new_model") != NULL, "no text without new_model");
}

/* ---- The user's own layer fails ---- */

static nnom_status_t fails(nnom_layer_t *layer)
{
    (void)layer;
    return NNOM_IO;
}

/* While rows are fed: the outputs are never said to be complete. */
static void lambda_fails(void)
{
    const nnom_options_t options = {.feed = true};
    const int8_t rows[8 * 4] = {0};
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = Input(shape(8, 2, 2), NULL);
    nnom_layer_t *a = m.hook(Lambda(fails, NULL, NULL, NULL), m.hook(Cropping(border(0, 6, 0, 0)), in));
    nnom_layer_t *b = m.hook(Cropping(border(6, 0, 0, 0)), in);
    nnom_layer_t *out = m.hook(GlobalMaxPool(), m.mergex(Concat(0), 2, a, b));
    CHECK(nnom_compile(&m, in, out, &options) == NNOM_OK, "%s", model_error_text(&m));
    bool failed = false;
    for (int32_t y = 0; y < 8; y++) {
        const nnom_status_t status = nnom_feed(&m.instance, rows + 4 * y, 1);
        CHECK(status != NNOM_OK && (!failed || status == NNOM_BAD_ARGUMENT), "row %d: status %d", (int)y, (int)status);
        failed = failed || status == NNOM_IO;
    }
    CHECK(failed, "the error is lost");
    nnom_reset(&m.instance);
    CHECK(nnom_feed(&m.instance, rows, 1) != NNOM_BAD_ARGUMENT, "no new start");
    model_delete(&m);
}

/* ---- Cells: what means nothing for them, or does not fit, is told ---- */

typedef nnom_cell_t *(*cell_maker_t)(const nnom_cell_config_t *config);

static nnom_status_t cell_status(cell_maker_t make, const nnom_cell_config_t *config, bool reverse, int32_t features)
{
    const nnom_rnn_config_t flags = {.reverse = reverse};
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = Input(shape(2, 1, features), qformat(0, 7), NULL);
    nnom_layer_t *layer = m.hook(rnn_s(make(config), &flags), in);
    const nnom_status_t status = model_compile(&m, in, m.hook(Output(shape(0, 0, 0), NULL), layer));
    CHECK(status == NNOM_OK || strstr(model_error_text(&m), "layer '") != NULL, "'%s'", model_error_text(&m));
    model_delete(&m);
    return status;
}

static void cells(void)
{
    const nnom_cell_config_t good = {.units = 2,
                                     .weights = bytes,
                                     .recurrent = bytes,
                                     .weight_scales = scales,
                                     .recurrent_scales = scales,
                                     .scale_count = 4};
    nnom_cell_config_t c = good;
    CHECK(cell_status(lstm_cell_s, &c, false, 3) == NNOM_OK, "a good one");
    CHECK(cell_status(lstm_cell_s, &c, true, 3) == NNOM_BAD_ARGUMENT, "a last state turned round");
    CHECK(cell_status(lstm_cell_s, &c, false, INT32_MAX / 2) == NNOM_OVERFLOW, "2^33 weights");
    c.reset_after = true;
    CHECK(cell_status(lstm_cell_s, &c, false, 3) == NNOM_BAD_ARGUMENT, "reset_after");
    c = good;
    c.cell_clip = -1.0f;
    CHECK(cell_status(lstm_cell_s, &c, false, 3) == NNOM_BAD_ARGUMENT, "a clip below 0");
    c.cell_clip = NAN;
    CHECK(cell_status(lstm_cell_s, &c, false, 3) == NNOM_BAD_ARGUMENT, "a clip that is no number");
    c.cell_clip = 1.0f;
    c.scale_count = 3;
    CHECK(cell_status(gru_cell_s, &c, false, 3) == NNOM_BAD_ARGUMENT, "a cell's clip in GRU");
    c = good;
    c.state_type = NNOM_TYPE_F32;
    CHECK(cell_status(lstm_cell_s, &c, false, 3) == NNOM_BAD_ARGUMENT, "a float state");
    c = good;
    c.state_zero_point = 128;
    CHECK(cell_status(lstm_cell_s, &c, false, 3) == NNOM_BAD_QUANT, "zero point 128");
    c = good;
    c.scale_count = 2;
    CHECK(cell_status(lstm_cell_s, &c, false, 3) == NNOM_BAD_QUANT, "two scales");
    c = good;
    c.recurrent = NULL;
    CHECK(cell_status(lstm_cell_s, &c, false, 3) == NNOM_NULL, "no weights");
    c = good;
    c.units = 0;
    CHECK(cell_status(lstm_cell_s, &c, false, 3) == NNOM_BAD_ARGUMENT, "no units");
    CHECK(rnn_s(NULL, NULL) == NULL && lstm_cell_s(NULL) == NULL, "NULL");
}

const test_t misuse_tests[] = {TEST(anything),
                               TEST(compiled_twice),
                               TEST(added_after_compile),
                               TEST(extreme_arguments),
                               TEST(sources),
                               TEST(scores_that_are_none),
                               TEST(lambda_fails),
                               TEST(settings_without_meaning),
                               TEST(arena_not_taken),
                               TEST(hooked_twice),
                               TEST(parameters_that_are_none),
                               TEST(a_seventh_array),
                               TEST(cells),
                               {NULL, NULL}};
