/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Bad input to the layers of nnom_layers.h, to feeding and to planning. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "random_layers.h"
#include "refuse.h"

static const int8_t bytes[4096];
static const nnom_weight_t w = {bytes, 5};

static void moves(void)
{
    static const int32_t good[2] = {0, 1}, high[2] = {0, 8}, low[2] = {0, -1};
    REFUSE(Gather(3, good, 2), NNOM_BAD_ARGUMENT);
    REFUSE(Gather(-4, good, 2), NNOM_BAD_ARGUMENT);
    REFUSE(Gather(0, NULL, 2), NNOM_NULL);
    REFUSE(Gather(0, good, 0), NNOM_NULL);
    REFUSE(Gather(0, good, -1), NNOM_NULL);
    REFUSE(Gather(0, high, 2), NNOM_BAD_ARGUMENT);
    REFUSE(Gather(1, low, 2), NNOM_BAD_ARGUMENT);
    REFUSE(Tile(shape(0, 1, 1)), NNOM_BAD_ARGUMENT);
    REFUSE(Tile(shape(1, 1, INT32_MAX)), NNOM_BAD_ARGUMENT);
    REFUSE(Tile(shape(30000, 30000, 1)), NNOM_UNSUPPORTED);
    REFUSE(Transpose(shape(0, 0, 2)), NNOM_BAD_ARGUMENT);
    REFUSE(Transpose(shape(0, 1, 3)), NNOM_BAD_ARGUMENT);
    REFUSE(Transpose(shape(INT32_MIN, 1, 2)), NNOM_BAD_ARGUMENT);
    REFUSE(MirrorPad(border(8, 0, 0, 0), 0, 0, false), NNOM_BAD_ARGUMENT);
    REFUSE(MirrorPad(border(9, 0, 0, 0), 0, 0, true), NNOM_BAD_ARGUMENT);
    REFUSE(MirrorPad(border(0, 0, -1, 0), 0, 0, false), NNOM_BAD_ARGUMENT);
    REFUSE(SpaceToDepth(3), NNOM_BAD_SHAPE);
    REFUSE(SpaceToDepth(0), NNOM_BAD_SHAPE);
    REFUSE(SpaceToDepth(INT32_MIN), NNOM_BAD_SHAPE);
    REFUSE(DepthToSpace(2), NNOM_BAD_SHAPE);
    REFUSE(DepthToSpace(-1), NNOM_BAD_SHAPE);
    REFUSE(Pad(border(0, 0, 0, 0), -1, 0, 0.0f), NNOM_BAD_ARGUMENT);
    REFUSE(Pad(border(0, 0, 0, 0), 0, INT32_MAX, 0.0f), NNOM_BAD_ARGUMENT);
}

static void resizing(void)
{
    static const int32_t sizes[] = {0, -1, INT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        REFUSE(ResizeNearest(kernel(sizes[i], 4), NNOM_RESIZE_PLAIN), NNOM_BAD_ARGUMENT);
        REFUSE(ResizeBilinear(kernel(4, sizes[i]), NNOM_RESIZE_HALF_PIXEL), NNOM_BAD_ARGUMENT);
    }
    REFUSE(ResizeNearest(kernel(4, 4), (nnom_resize_t)5), NNOM_BAD_ARGUMENT);
    REFUSE(ResizeBilinear(kernel(4, 4), (nnom_resize_t)-1), NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_quant(ResizeBilinear(kernel(4, 4), NNOM_RESIZE_PLAIN), 3.0f, 1), NNOM_BAD_QUANT);
}

static void reductions(void)
{
    REFUSE(Reduce((nnom_reduce_t)9, true, true, false), NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_quant(Reduce(NNOM_REDUCE_SUM, true, true, true), 1e-20f, 0), NNOM_OVERFLOW);
    REFUSE(ArgMax(3), NNOM_BAD_ARGUMENT);
    REFUSE(ArgMin(-4), NNOM_BAD_ARGUMENT);
    REFUSE(Cast((nnom_type_t)9), NNOM_BAD_ARGUMENT);
    REFUSE(Quantize((nnom_type_t)9), NNOM_UNSUPPORTED);
    REFUSE(Quantize(NNOM_TYPE_S32), NNOM_UNSUPPORTED);
    REFUSE(nnom_layer_set_quant(Quantize(NNOM_TYPE_U8), 0.1f, 256), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(Quantize(NNOM_TYPE_U8), NAN, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(LogSoftmax(), 0.5f, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(L2Norm(), 0.5f, 0), NNOM_BAD_QUANT);
}

static void many_channels(void)
{
    nnom_layer_t *(*const layers[])(void) = {Softmax, LogSoftmax, L2Norm};
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        refuse_after(shape(1, 1, 1 << 20), layers[i](), NNOM_UNSUPPORTED, "channels");
    }
    for (size_t i = 0; i < 2; i++) { /* inputs so fine that exp() is 1 */
        nnom_model_t m = quiet_model();
        (void)m.add(&m, nnom_layer_set_quant(Input(shape(1, 1, 4), NULL), 1e-12f, 0));
        (void)m.add(&m, nnom_layer_set_name(layers[i](), "bad"));
        expect_refusal(&m, sequential_compile(&m), NNOM_BAD_QUANT, "layer 'bad'");
    }
}

static void matrices(void)
{
    static const nnom_shape_t seconds[3] = {{4, 5, 6}, {2, 3, 6}, {4, 3, 6}};
    for (size_t i = 0; i < 3; i++) {
        nnom_model_t m = quiet_model();
        nnom_layer_t *a = Input(shape(4, 5, 3), NULL), *c = Input(seconds[i], NULL);
        nnom_layer_t *product = nnom_layer_set_quant(BatchMatmul(false, false), i == 2 ? 1e-20f : 1.0f, 0);
        nnom_layer_t *x = m.merge(nnom_layer_set_name(product, "bad"), a, c);
        expect_refusal(&m, model_compile(&m, a, x), i == 2 ? NNOM_OVERFLOW : NNOM_BAD_SHAPE, "layer 'bad'");
    }
}

/* An output scale far below the input's: every value saturates on its own side, none wraps to the other. */
static void saturation(void)
{
    for (int32_t kind = 0; kind < 8; kind++) {
        nnom_model_t m = quiet_model();
        nnom_layer_t *in = Input(shape(1, 1, 256), qformat(0, 7), NULL);
        nnom_layer_t *other = nnom_layer_set_quant(Constant(shape(1, 1, 1), bytes), 1.0f / 128.0f, -64); /* 0.5 */
        nnom_layer_t *layers[8] = {
            Concat(-1),           Maximum(), Minimum(), PReLU(), ReLU(), LeakyReLU(0.25f), Quantize(NNOM_TYPE_S8),
            Activation(act_abs())};
        nnom_layer_t *x = m.hook(nnom_layer_set_quant(layers[kind], 1e-20f, 0), in);
        x = kind < 4 ? m.hook(x, other) : x;
        for (int32_t i = 0; i < 8; i++) {
            nnom_discard(i == kind ? NULL : layers[i]);
        }
        nnom_discard(kind < 4 ? NULL : other);
        test_context("layer %d:", (int)kind);
        if (CHECK(model_compile(&m, in, x) == NNOM_OK, "%s", model_error_text(&m))) {
            int8_t *values = nnom_input_buffer(&m.instance, 0);
            for (int32_t i = 0; i < 256; i++) {
                values[i] = (int8_t)(i - 128);
            }
            CHECK(model_run(&m) == NNOM_OK, "model_run");
            const int8_t *got = nnom_output_buffer(&m.instance, 0);
            for (int32_t i = 0; i < 256; i++) {
                const int32_t v = i - 128;
                const bool positive = v > 0 || kind == 1 || (kind == 7 && v != 0);
                const int32_t negative = kind == 4 ? 0 : -128;
                CHECK(got[i] == (positive ? 127 : (v == 0 ? 0 : negative)), "%d gives %d", (int)v, (int)got[i]);
            }
        }
        model_delete(&m);
    }
}

/* ---- Feeding ---- */

static void feeding(void)
{
    static const int8_t rows[6 * 4] = {0};
    const nnom_options_t feed = {.feed = true};
    nnom_model_t m = quiet_model();
    CHECK(nnom_feed(&m.instance, rows, 1) == NNOM_NOT_COMPILED &&
              nnom_feed_bytes(&m.instance, rows, 4) == NNOM_NOT_COMPILED,
          "before compile");
    nnom_layer_t *in = Input(shape(6, 1, 4), NULL);
    nnom_layer_t *x = m.hook(Softmax(), m.hook(GlobalAvgPool(), in));
    CHECK(model_compile(&m, in, x) == NNOM_OK && nnom_feed(&m.instance, rows, 1) == NNOM_NOT_FED,
          "compiled without feed");
    CHECK(nnom_compile(&m, in, x, &feed) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(nnom_feed(NULL, rows, 1) == NNOM_NULL && nnom_feed(&m.instance, NULL, 1) == NNOM_NULL, "NULL");
    CHECK(nnom_feed_bytes(&m.instance, rows, 3) == NNOM_BAD_SHAPE &&
              nnom_feed_bytes(&m.instance, rows, 5) == NNOM_BAD_SHAPE,
          "parts of rows");
    CHECK(nnom_feed(&m.instance, NULL, 0) == NNOM_MORE && nnom_feed_bytes(&m.instance, rows, 8) == NNOM_MORE,
          "two rows");
    CHECK(nnom_feed(&m.instance, rows, 5) == NNOM_BAD_ARGUMENT &&
              nnom_feed(&m.instance, rows, UINT32_MAX) == NNOM_BAD_ARGUMENT,
          "too many");
    CHECK(nnom_feed(&m.instance, rows, 4) == NNOM_OK, "the last four rows");
    CHECK(nnom_feed(&m.instance, rows, 1) == NNOM_BAD_ARGUMENT && nnom_feed(&m.instance, NULL, 0) == NNOM_BAD_ARGUMENT,
          "after the end");
    nnom_reset(&m.instance);
    nnom_reset(NULL);
    CHECK(nnom_feed(&m.instance, rows, 6) == NNOM_OK, "again");
    model_delete(&m);
}

/* ---- Many samples ---- */

static nnom_status_t stop_at_seven(nnom_layer_t *layer)
{
    const int8_t *x = nnom_layer_input(layer);
    int8_t *y = nnom_layer_output(layer);
    *y = *x;
    return *x == 7 ? NNOM_IO : NNOM_OK;
}

static void many(void)
{
    const int8_t samples[5] = {1, 2, 7, 4, 5};
    int8_t got[5] = {-1, -1, -1, -1, -1};
    const void *in[1] = {samples}, *nothing[1] = {NULL};
    void *out[1] = {got}, *unwanted[1] = {NULL};
    nnom_model_t m = quiet_model();
    CHECK(nnom_run_many(NULL, in, out, 1) == NNOM_NOT_COMPILED &&
              nnom_run_many(&m.instance, in, out, 1) == NNOM_NOT_COMPILED,
          "before compile");
    nnom_layer_t *first = Input(shape(1, 1, 1), NULL);
    nnom_layer_t *x = m.hook(Lambda(stop_at_seven, NULL, NULL, NULL), first);
    CHECK(model_compile(&m, first, x) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(nnom_run_many(&m.instance, NULL, out, 1) == NNOM_NULL &&
              nnom_run_many(&m.instance, nothing, out, 1) == NNOM_NULL && got[0] == -1,
          "no samples");
    CHECK(nnom_run_many(&m.instance, NULL, NULL, 0) == NNOM_OK, "none of nothing");
    CHECK(nnom_run_many(&m.instance, in, NULL, 2) == NNOM_OK && nnom_run_many(&m.instance, in, unwanted, 2) == NNOM_OK,
          "nowhere");
    const uint32_t blocks = heap_blocks();
    (void)heap_fail_at(1);
    CHECK(nnom_run_many(&m.instance, in, out, 5) == NNOM_IO, "the third fails");
    (void)heap_fail_at(0);
    CHECK(heap_blocks() == blocks && got[0] == 1 && got[1] == 2 && got[2] == -1 && got[3] == -1, "%d %d %d %d",
          (int)got[0], (int)got[1], (int)got[2], (int)got[3]);
    model_delete(&m);
}

/* ---- Two regions of memory ---- */

/* Both regions given by the caller, each of every size around what is needed. */
static void two_arenas(void)
{
    for (int32_t fast = -2; fast <= 2; fast++) {
        for (int32_t slow = -2; slow <= 2; slow++) {
            const nnom_options_t options = {.mode = NNOM_MODE_WHOLE, .fast_bytes = 200};
            nnom_totals_t totals = {0};
            nnom_model_t m = quiet_model();
            nnom_layer_t *in = Input(shape(8, 8, 3), NULL);
            nnom_layer_t *x = m.hook(Conv2D(4, kernel(3, 3), stride(1, 1), PADDING_SAME, &w, NULL), in);
            x = m.hook(Softmax(), m.merge(Add(), x, m.hook(TanH(), x)));
            CHECK(nnom_compile(&m, in, x, &options) == NNOM_OK, "%s", model_error_text(&m));
            CHECK(nnom_totals(&m, &totals) == NNOM_OK && totals.arena_bytes <= 200 && totals.slow_bytes > 0,
                  "no second region");
            guarded_t a = guarded_new((size_t)((int32_t)totals.arena_bytes + fast));
            guarded_t s = guarded_new((size_t)((int32_t)totals.slow_bytes + slow));
            CHECK(nnom_set_arena(&m, a.data, (uint32_t)a.bytes) == NNOM_OK, "nnom_set_arena");
            CHECK(nnom_set_slow_arena(&m, s.data, (uint32_t)s.bytes) == NNOM_OK, "nnom_set_slow_arena");
            const nnom_status_t status = nnom_compile(&m, in, x, &options);
            CHECK(status == (fast < 0 || slow < 0 ? NNOM_TOO_SMALL : NNOM_OK), "fast %+d, slow %+d: status %d",
                  (int)fast, (int)slow, (int)status);
            CHECK(model_run(&m) == (status == NNOM_OK ? NNOM_OK : NNOM_NOT_COMPILED), "model_run");
            model_delete(&m);
            CHECK(guarded_free(&a) && guarded_free(&s), "writes around an arena");
        }
    }
}

/* ---- More than the tables hold ---- */

static void many_layers(void)
{
    nnom_model_t m = quiet_model();
    (void)m.add(&m, Input(shape(1, 1, 4), NULL));
    for (int32_t i = 0; i < 300; i++) {
        (void)m.add(&m, TanH());
    }
    CHECK(sequential_compile(&m) == NNOM_OK && model_run(&m) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(nnom_node_count(&m.instance) == 300, "%lu nodes", (unsigned long)nnom_node_count(&m.instance));
    model_delete(&m);
}

/* ---- Tall tensors ---- */

/* What of the input is overwritten was read before, also where the rows are looked at in blocks; little more room is
 * kept than rows need. */
static void tall_overlap(void)
{
    enum { ROWS = 150000, ABOVE = 5 }; /* blocks of 3 rows */
    nnom_model_t m = quiet_model();
    nnom_totals_t totals;
    (void)m.add(&m, Input(shape(ROWS, 1, 1), NULL));
    (void)m.add(&m, ZeroPadding(border(ABOVE, 0, 0, 0)));
    CHECK(sequential_compile(&m) == NNOM_OK && nnom_totals(&m, &totals) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(totals.arena_bytes < ROWS + 4 * ABOVE, "arena of %lu bytes", (unsigned long)totals.arena_bytes);
    int8_t *in = nnom_input_buffer(&m.instance, 0);
    for (int32_t i = 0; i < ROWS; i++) {
        in[i] = (int8_t)(i % 251 - 125);
    }
    CHECK(model_run(&m) == NNOM_OK, "model_run");
    const int8_t *out = nnom_output_buffer(&m.instance, 0);
    int32_t wrong = 0;
    for (int32_t i = 0; i < ROWS + ABOVE; i++) {
        wrong += out[i] != (i < ABOVE ? 0 : (int8_t)((i - ABOVE) % 251 - 125));
    }
    CHECK(wrong == 0, "%ld of %ld bytes are wrong", (long)wrong, (long)(ROWS + ABOVE));
    model_delete(&m);
}

/* Boards have no clock; their instructions are counted elsewhere. */
static double processor_seconds(void)
{
#ifdef TEST_BOARD
    return 0.0;
#else
    return (double)clock() / CLOCKS_PER_SEC;
#endif
}

/* Layers as tall as this compile in seconds: 0.3 s of CPU for 1,000 of them, ten times that with sanitizers. */
static void tall_layers(void)
{
    nnom_model_t m = quiet_model();
    const double begin = processor_seconds();
    (void)m.add(&m, Input(shape(2000000, 1, 1), NULL));
    for (int32_t i = 0; i < 1000; i++) {
        (void)m.add(&m, i % 2 == 0 ? MaxPool(kernel(3, 1), stride(1, 1), PADDING_SAME) : UpSample(kernel(1, 1)));
    }
    CHECK(sequential_compile(&m) == NNOM_OK, "%s", model_error_text(&m));
    const double seconds = processor_seconds() - begin;
    CHECK(seconds < 10.0, "1,000 layers of 2,000,000 rows took %d s", (int)seconds);
    model_delete(&m);
}

const test_t limits_tests[] = {TEST(moves),      TEST(resizing),    TEST(reductions),   TEST(many_channels),
                               TEST(matrices),   TEST(saturation),  TEST(feeding),      TEST(many),
                               TEST(two_arenas), TEST(many_layers), TEST(tall_overlap), TEST(tall_layers),
                               {NULL, NULL}};
