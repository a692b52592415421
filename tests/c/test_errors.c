/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Bad input: the documented status, a text that names the layer, no crash, no leak. */
#include <math.h>
#include <string.h>

#include "refuse.h"

static const int8_t bytes[4096];
static const nnom_weight_t w = {bytes, 5};
static const nnom_bias_t b = {bytes, 5};

/* ---- Arguments ---- */

static void kernels(void)
{
    static const int32_t sizes[] = {0, -1, INT32_MIN, INT32_MAX, 32769};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const int32_t n = sizes[i];
        REFUSE(Conv2D(4, kernel(n, 3), stride(1, 1), PADDING_SAME, &w, &b), NNOM_BAD_ARGUMENT);
        REFUSE(Conv2D(4, kernel(3, n), stride(1, 1), PADDING_SAME, &w, &b), NNOM_BAD_ARGUMENT);
        REFUSE(Conv2D(4, kernel(3, 3), stride(n, 1), PADDING_SAME, &w, &b), NNOM_BAD_ARGUMENT);
        REFUSE(Conv2D(4, kernel(3, 3), stride(1, 1), dilation(1, n), PADDING_SAME, &w, &b), NNOM_BAD_ARGUMENT);
        REFUSE(DW_Conv2D(1, kernel(n, 3), stride(1, 1), PADDING_VALID, &w, &b), NNOM_BAD_ARGUMENT);
        REFUSE(DW_Conv2D(1, kernel(3, 3), stride(1, n), PADDING_VALID, &w, &b), NNOM_BAD_ARGUMENT);
        REFUSE(Conv2DTranspose(4, kernel(3, n), stride(1, 1), PADDING_SAME, &w, &b), NNOM_BAD_ARGUMENT);
        REFUSE(Conv2DTranspose(4, kernel(3, 3), stride(n, 1), PADDING_SAME, &w, &b), NNOM_BAD_ARGUMENT);
        REFUSE(MaxPool(kernel(n, 2), stride(1, 1), PADDING_SAME), NNOM_BAD_ARGUMENT);
        REFUSE(AvgPool(kernel(2, n), stride(1, 1), PADDING_SAME), NNOM_BAD_ARGUMENT);
        REFUSE(SumPool(kernel(2, 2), stride(n, 1), PADDING_SAME), NNOM_BAD_ARGUMENT);
        if (n <= 0) {
            REFUSE(UpSample(kernel(n, 1)), NNOM_BAD_ARGUMENT);
            REFUSE(UpSample(kernel(1, n)), NNOM_BAD_ARGUMENT);
        }
    }
    REFUSE(Conv2D(4, kernel(9, 1), stride(1, 1), PADDING_VALID, &w, &b), NNOM_BAD_SHAPE);
    REFUSE(MaxPool(kernel(1, 9), stride(1, 1), PADDING_VALID), NNOM_BAD_SHAPE);
    REFUSE(MaxPool(kernel(2, 2), stride(1, 1), (nnom_padding_t)7), NNOM_BAD_ARGUMENT);
    REFUSE(Conv2D(4, kernel(2, 2), stride(1, 1), (nnom_padding_t)-1, &w, &b), NNOM_BAD_ARGUMENT);
    REFUSE(Conv2DTranspose(4, kernel(2, 2), stride(1, 1), (nnom_padding_t)3, &w, &b), NNOM_BAD_ARGUMENT);
    REFUSE(Conv2DTranspose(4, kernel(2, 2), stride(1, 1), dilation(2, 1), PADDING_SAME, &w, &b), NNOM_UNSUPPORTED);
}

static void counts(void)
{
    static const int32_t numbers[] = {0, -1, INT32_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const int32_t n = numbers[i];
        REFUSE(Conv2D(n, kernel(1, 1), stride(1, 1), PADDING_SAME, &w, &b), NNOM_BAD_ARGUMENT);
        REFUSE(DW_Conv2D(n, kernel(1, 1), stride(1, 1), PADDING_SAME, &w, &b), NNOM_BAD_ARGUMENT);
        REFUSE(Conv2DTranspose(n, kernel(1, 1), stride(1, 1), PADDING_SAME, &w, &b), NNOM_BAD_ARGUMENT);
        REFUSE(Dense(n, &w, &b), NNOM_BAD_ARGUMENT);
    }
}

/* One weight for each of n outputs: the tables beside them are what does not fit. */
static void refuse_outputs(int32_t n)
{
    nnom_model_t m = quiet_model();
    test_context("Dense(%d) of one input:", (int)n);
    (void)m.add(&m, Input(shape(1, 1, 1), NULL));
    (void)m.add(&m, nnom_layer_set_name(Dense(n, &w, &b), "wide"));
    expect_refusal(&m, sequential_compile(&m), NNOM_OVERFLOW, "layer 'wide'");
}

/* Products of sides that do not fit 32 bits: found before memory is asked for or weights are read. */
static void huge(void)
{
    const int32_t most = INT32_MAX;
    REFUSE(Conv2D(most, kernel(3, 3), stride(1, 1), PADDING_SAME, &w, &b), NNOM_OVERFLOW);
    REFUSE(Dense(most, &w, &b), NNOM_OVERFLOW);
    refuse_outputs(most);
    refuse_outputs(1 << 30);
    REFUSE(DW_Conv2D(most, kernel(3, 3), stride(1, 1), PADDING_SAME, &w, &b), NNOM_OVERFLOW);
    REFUSE(DW_Conv2D(most / 3, kernel(3, 3), stride(1, 1), PADDING_SAME, &w, &b), NNOM_OVERFLOW);
    REFUSE(Conv2D(4, kernel(32768, 32768), stride(1, 1), PADDING_SAME, &w, &b), NNOM_OVERFLOW);
    REFUSE(Conv2DTranspose(4, kernel(32768, 32768), stride(1, 1), PADDING_SAME, &w, &b), NNOM_OVERFLOW);
    REFUSE(UpSample(kernel(most, most)), NNOM_BAD_ARGUMENT);
    REFUSE(UpSample(kernel(30000, 30000)), NNOM_BAD_SHAPE);
    REFUSE(ZeroPadding(border(most, 0, 0, 0)), NNOM_BAD_ARGUMENT);
    REFUSE(ZeroPadding(border(32767, 32767, 32767, 32767)), NNOM_BAD_SHAPE);
    REFUSE(SumPool(kernel(32768, 32768), stride(32768, 32768), PADDING_SAME), NNOM_OVERFLOW);
    static const nnom_shape_t shapes[] = {{INT32_MAX, INT32_MAX, INT32_MAX},
                                          {INT32_MAX, 2, 1},
                                          {65536, 65536, 1},
                                          {0, 1, 1},
                                          {1, -1, 1},
                                          {1, 1, INT32_MIN}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        nnom_model_t m = quiet_model();
        test_context("Input %d:", (int)i);
        (void)m.add(&m, nnom_layer_set_name(Input(shapes[i], NULL), "bad"));
        (void)m.add(&m, ReLU());
        expect_refusal(&m, sequential_compile(&m), NNOM_BAD_SHAPE, "layer 'bad'");
    }
}

static void weights(void)
{
    static const nnom_weight_t none = {NULL, 5}, wide = {bytes, 32}, wider = {bytes, SIZE_MAX};
    static const float scales[3] = {0.1f, 0.2f, 0.3f}, nan_scale[1] = {NAN}, big[1] = {1e30f};
    REFUSE(Conv2D(4, kernel(3, 3), stride(1, 1), PADDING_SAME, NULL, &b), NNOM_NULL);
    REFUSE(Conv2D(4, kernel(3, 3), stride(1, 1), PADDING_SAME, &none, &b), NNOM_NULL);
    REFUSE(DW_Conv2D(1, kernel(3, 3), stride(1, 1), PADDING_SAME, NULL, NULL), NNOM_NULL);
    REFUSE(Conv2DTranspose(1, kernel(3, 3), stride(1, 1), PADDING_SAME, &none, NULL), NNOM_NULL);
    REFUSE(Dense(4, NULL, NULL), NNOM_NULL);
    REFUSE(Dense(4, &wide, NULL), NNOM_BAD_QUANT);
    REFUSE(Dense(4, &wider, NULL), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_weight_scales(Dense(4, &w, NULL), scales, 3), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_weight_scales(Dense(4, &w, NULL), nan_scale, 1), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_weight_scales(Dense(4, &w, NULL), big, 1), NNOM_BAD_QUANT);
}

/* ---- Quantisation ---- */

static void quantisation(void)
{
    REFUSE(nnom_layer_set_quant(TanH(), 0.0f, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(TanH(), -0.1f, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(TanH(), NAN, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(TanH(), INFINITY, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(TanH(), 0.1f, 300), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(TanH(), 0.1f, -129), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(TanH(), 0.1f, INT32_MIN), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_qformat(ReLU(), qformat(0, 400)), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_qformat(ReLU(), qformat(0, -400)), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_qformat(ReLU(), qformat(0, INT32_MIN)), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(Dense(4, &w, &b), 0.0f, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(Dense(4, &w, &b), NAN, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(Conv2D(4, kernel(1, 1), stride(1, 1), PADDING_SAME, &w, &b), 1e-30f, 0),
           NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(GlobalAvgPool(), 0.0f, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(AvgPool(kernel(2, 2), stride(2, 2), PADDING_SAME), NAN, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(SumPool(kernel(2, 2), stride(2, 2), PADDING_SAME), 0.1f, 300), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(Softmax(), 0.0f, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(Softmax(), NAN, 0), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(UpSample(kernel(2, 2)), 0.5f, 3), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(Flatten(), 0.5f, 3), NNOM_BAD_QUANT);
    REFUSE(nnom_layer_set_quant(LeakyReLU(0.1f), NAN, 3), NNOM_BAD_QUANT);
    for (int32_t i = 0; i < 4; i++) {
        static const float scales[4] = {0.0f, NAN, -1.0f, 0.1f};
        nnom_model_t m = quiet_model();
        test_context("input quantisation %d:", (int)i);
        (void)m.add(&m, nnom_layer_set_name(
                            nnom_layer_set_quant(Input(shape(1, 1, 4), NULL), scales[i], i == 3 ? 300 : 0), "bad"));
        (void)m.add(&m, Dense(2, &w, &b));
        expect_refusal(&m, sequential_compile(&m), NNOM_BAD_QUANT, "layer 'bad'");
    }
}

static void binary_quantisation(void)
{
    for (int32_t kind = 0; kind < 12; kind++) {
        static const float scales[4] = {0.0f, NAN, 1e-30f, 1e-12f};
        nnom_model_t m = quiet_model();
        nnom_layer_t *in = Input(shape(2, 2, 2), NULL);
        nnom_layer_t *layer = kind % 3 == 0 ? Add() : (kind % 3 == 1 ? Sub() : Mult());
        nnom_layer_t *last =
            m.merge(nnom_layer_set_quant(nnom_layer_set_name(layer, "bad"), scales[kind / 3], 0), in, in);
        test_context("method %d, scale %d:", (int)kind % 3, (int)kind / 3);
        expect_refusal(&m, model_compile(&m, in, last), NNOM_BAD_QUANT, "layer 'bad'");
    }
    for (int32_t oshift = -32; oshift <= 32; oshift += 64) {
        nnom_model_t m = quiet_model();
        nnom_layer_t *in = Input(shape(2, 2, 2), NULL);
        nnom_layer_t *last = m.merge(nnom_layer_set_name(Add(oshift), "bad"), in, in);
        expect_refusal(&m, model_compile(&m, in, last), NNOM_BAD_ARGUMENT, "layer 'bad'");
    }
}

/* ---- Shapes ---- */

static void mismatched(void)
{
    for (int32_t kind = 0; kind < 6; kind++) {
        nnom_model_t m = quiet_model();
        nnom_layer_t *in = Input(shape(4, 6, 3), NULL);
        nnom_layer_t *half = m.hook(MaxPool(kernel(2, 2), stride(2, 2), PADDING_SAME), in);
        nnom_layer_t *layers[6] = {Add(), Sub(), Mult(), Concat(-1), Concat(1), Concat(0)};
        for (int32_t i = 0; i < 6; i++) {
            if (i != kind) {
                nnom_discard(layers[i]);
            }
        }
        test_context("method %d:", (int)kind);
        nnom_layer_t *last = m.merge(nnom_layer_set_name(layers[kind], "bad"), in, half);
        expect_refusal(&m, model_compile(&m, in, last), NNOM_BAD_SHAPE, "layer 'bad'");
    }
    REFUSE(Concat(3), NNOM_BAD_ARGUMENT);
    REFUSE(Concat(-4), NNOM_BAD_ARGUMENT);
    REFUSE(Reshape(shape(8, 8, 2)), NNOM_BAD_SHAPE);
    REFUSE(Reshape(shape(-8, -8, 3)), NNOM_BAD_SHAPE);
    REFUSE(Cropping(border(4, 4, 0, 0)), NNOM_BAD_ARGUMENT);
    REFUSE(Cropping(border(-1, 0, 0, 0)), NNOM_BAD_ARGUMENT);
    REFUSE(Cropping(border(INT32_MAX, INT32_MAX, 0, 0)), NNOM_BAD_ARGUMENT);
    REFUSE(ZeroPadding(border(0, -1, 0, 0)), NNOM_BAD_ARGUMENT);
    REFUSE(Slice(shape(0, 0, 0), shape(9, 1, 1), shape(1, 1, 1)), NNOM_BAD_ARGUMENT);
    REFUSE(Slice(shape(0, 0, 0), shape(2, 1, 1), shape(-1, 1, 1)), NNOM_BAD_ARGUMENT);
    REFUSE(Slice(shape(0, 8, 0), shape(1, 1, 1), shape(1, 1, 1)), NNOM_BAD_ARGUMENT);
    REFUSE(Slice(shape(0, 0, 0), shape(2, 1, 1), shape(0, 1, 1)), NNOM_BAD_ARGUMENT);
    REFUSE(Slice(shape(0, 0, 0), shape(INT32_MAX, 1, 1), shape(INT32_MAX, 1, 1)), NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_padding(MaxPool(kernel(2, 2), stride(1, 1), PADDING_SAME), border(0, 0, 2, 0)),
           NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_padding(MaxPool(kernel(2, 2), stride(1, 1), PADDING_SAME), border(-1, 0, 0, 0)),
           NNOM_BAD_ARGUMENT);
    REFUSE(nnom_layer_set_padding(AvgPool(kernel(2, 2), stride(1, 1), PADDING_SAME), border(0, 5, 0, 0)),
           NNOM_BAD_ARGUMENT);
}

/* ---- Graphs ---- */

static void dangling(void)
{
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = Input(shape(4, 4, 2), NULL);
    nnom_layer_t *x = m.hook(ReLU(), in);
    (void)m.hook(nnom_layer_set_name(TanH(), "loose"), in);
    expect_refusal(&m, model_compile(&m, in, x), NNOM_BAD_GRAPH, "layer 'loose'");

    m = quiet_model();
    in = Input(shape(4, 4, 2), NULL);
    (void)m.hook(ReLU(), in);
    (void)m.hook(TanH(), in);
    expect_refusal(&m, model_compile(&m, in, NULL), NNOM_BAD_GRAPH, "2 layers are so");

    m = quiet_model();
    in = Input(shape(4, 4, 2), NULL);
    x = m.merge(nnom_layer_set_name(ReLU(), "two"), in, in);
    expect_refusal(&m, model_compile(&m, in, x), NNOM_BAD_GRAPH, "layer 'two'");

    m = quiet_model();
    in = Input(shape(4, 4, 2), NULL);
    x = m.hook(nnom_layer_set_name(Add(), "half"), in);
    expect_refusal(&m, model_compile(&m, in, x), NNOM_BAD_GRAPH, "layer 'half'");

    m = quiet_model();
    in = Input(shape(4, 4, 2), NULL);
    x = m.hook(nnom_layer_set_name(Input(shape(4, 4, 2), NULL), "fed"), in);
    expect_refusal(&m, model_compile(&m, in, x), NNOM_BAD_GRAPH, "layer 'fed'");
}

static void cycles(void)
{
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = Input(shape(4, 4, 2), NULL);
    nnom_layer_t *a = nnom_layer_set_name(Add(), "round"), *r = nnom_layer_set_name(ReLU(), "round");
    (void)m.hook(a, in);
    (void)m.hook(r, a);
    (void)m.hook(a, r);
    expect_refusal(&m, model_compile(&m, in, NULL), NNOM_BAD_GRAPH, "layer 'round'");

    m = quiet_model();
    in = Input(shape(4, 4, 2), NULL);
    a = nnom_layer_set_name(Add(), "round");
    (void)m.hook(a, a);
    (void)m.hook(a, in);
    expect_refusal(&m, model_compile(&m, in, a), NNOM_BAD_GRAPH, "layer 'round'");

    m = quiet_model();
    r = nnom_layer_set_name(ReLU(), "round");
    (void)m.hook(r, r);
    expect_refusal(&m, model_compile(&m, r, r), NNOM_BAD_GRAPH, "layer 'round'");
}

/* Layers of two models hooked together; either may go first. */
static void foreign(void)
{
    for (int32_t order = 0; order < 4; order++) {
        nnom_model_t m[2] = {quiet_model(), quiet_model()};
        nnom_layer_t *a = Input(shape(4, 4, 2), NULL), *c = Input(shape(4, 4, 2), NULL);
        nnom_layer_t *b1 = m[0].hook(nnom_layer_set_name(ReLU(), "theirs"), a);
        CHECK(model_compile(&m[0], a, b1) == NNOM_OK, "%s", model_error_text(&m[0]));
        nnom_layer_t *x = m[1].merge(nnom_layer_set_name(Add(), "mine"), c, b1);
        test_context("order %d:", (int)order);
        const nnom_status_t status = order < 2 ? model_compile(&m[1], c, x) : model_compile(&m[1], b1, NULL);
        CHECK(status == NNOM_BAD_GRAPH, "status %d", (int)status);
        CHECK(strstr(model_error_text(&m[1]), order < 2 ? "mine" : "theirs") != NULL, "text '%s'",
              model_error_text(&m[1]));
        if (order >= 2) {
            CHECK(nnom_own(&m[1], b1) == NNOM_BAD_GRAPH, "nnom_own takes a layer of another model");
            nnom_discard(b1); /* is owned: nothing happens */
            nnom_discard(c);
        }
        model_delete(&m[order % 2]);
        model_delete(&m[1 - order % 2]);
    }
}

static void added_twice(void)
{
    nnom_model_t m = quiet_model();
    (void)m.add(&m, Input(shape(4, 4, 2), NULL));
    nnom_layer_t *layer = nnom_layer_set_name(ReLU(), "twice");
    CHECK(m.add(&m, layer) == NNOM_OK, "first time");
    CHECK(m.add(&m, layer) == NNOM_BAD_GRAPH, "second time");
    CHECK(strstr(model_error_text(&m), "twice") != NULL, "text '%s'", model_error_text(&m));
    expect_refusal(&m, sequential_compile(&m), NNOM_BAD_GRAPH, "layer 'twice'");

    nnom_model_t other = quiet_model();
    m = quiet_model();
    layer = nnom_layer_set_name(Input(shape(4, 4, 2), NULL), "theirs");
    CHECK(m.add(&m, layer) == NNOM_OK && other.add(&other, layer) == NNOM_BAD_GRAPH, "added to two models");
    expect_refusal(&other, sequential_compile(&other), NNOM_BAD_GRAPH, "layer 'theirs'");
    model_delete(&m);
}

static void no_input(void)
{
    nnom_model_t m = quiet_model();
    expect_refusal(&m, sequential_compile(&m), NNOM_NULL, "no input");
    m = quiet_model();
    (void)m.add(&m, nnom_layer_set_name(ReLU(), "first"));
    expect_refusal(&m, sequential_compile(&m), NNOM_BAD_GRAPH, "layer 'first'");
    m = quiet_model();
    CHECK(m.add(&m, NULL) == NNOM_NO_MEMORY, "add of NULL");
    (void)m.add(&m, Input(shape(1, 1, 1), NULL));
    expect_refusal(&m, sequential_compile(&m), NNOM_NO_MEMORY, "could not be made");
    m = quiet_model();
    CHECK(nnom_own(&m, NULL) == NNOM_NO_MEMORY, "own of NULL");
    (void)m.add(&m, Input(shape(1, 1, 1), NULL));
    expect_refusal(&m, sequential_compile(&m), NNOM_NO_MEMORY, "could not be made");
    m = quiet_model();
    (void)m.add(&m, nnom_layer_set_name(Output(shape(1, 1, 1), NULL), "alone"));
    expect_refusal(&m, sequential_compile(&m), NNOM_BAD_GRAPH, "layer 'alone'");
}

static void float_and_int(void)
{
    for (int32_t kind = 0; kind < 4; kind++) {
        nnom_model_t m = quiet_model();
        nnom_layer_t *a = Input(shape(4, 4, 2), NULL);
        nnom_layer_t *c = nnom_layer_set_type(Input(shape(4, 4, 2), NULL), NNOM_TYPE_F32);
        nnom_layer_t *layer = kind == 0 ? Add() : (kind == 1 ? Sub() : (kind == 2 ? Mult() : Concat(-1)));
        nnom_layer_t *x = m.merge(nnom_layer_set_name(layer, "mixed"), a, c);
        expect_refusal(&m, model_compile(&m, a, x), NNOM_UNSUPPORTED, "layer 'mixed'");
    }
    nnom_layer_t *(*const layers[])(void) = {ReLU, TanH, Softmax, GlobalMaxPool, GlobalAvgPool, GlobalSumPool};
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        nnom_model_t m = quiet_model();
        test_context("int32 into layer %d:", (int)i);
        (void)m.add(&m, nnom_layer_set_type(Input(shape(4, 4, 2), NULL), NNOM_TYPE_S32));
        (void)m.add(&m, nnom_layer_set_name(layers[i](), "bad"));
        expect_refusal(&m, sequential_compile(&m), NNOM_UNSUPPORTED, "layer 'bad'");
    }
    nnom_model_t m = quiet_model();
    (void)m.add(&m, nnom_layer_set_name(nnom_layer_set_type(Input(shape(4, 4, 2), NULL), (nnom_type_t)77), "bad"));
    (void)m.add(&m, ReLU());
    const nnom_status_t status = sequential_compile(&m);
    CHECK(status < 0, "an unknown type compiles");
    model_delete(&m);
}

static nnom_status_t refuse_shape(nnom_layer_t *layer)
{
    return nnom_layer_set_shape(layer, shape(0, 1, 1));
}

static nnom_status_t refuse_run(nnom_layer_t *layer)
{
    (void)layer;
    return NNOM_IO;
}

static void lambda(void)
{
    REFUSE(Lambda(NULL, NULL, NULL, NULL), NNOM_NULL);
    REFUSE(Lambda(refuse_run, refuse_shape, NULL, NULL), NNOM_BAD_SHAPE);
    REFUSE(Lambda(refuse_run, refuse_run, NULL, NULL), NNOM_IO);
    nnom_model_t m = quiet_model();
    (void)m.add(&m, Input(shape(2, 2, 1), NULL));
    (void)m.add(&m, Lambda(refuse_run, NULL, NULL, NULL));
    (void)m.add(&m, ReLU());
    CHECK(sequential_compile(&m) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(model_run(&m) == NNOM_IO, "the user's status is lost");
    model_delete(&m);
}

/* More inputs than a node can have. Compile must say so in little time. */
static void many_inputs(void)
{
    nnom_model_t m = quiet_model();
    nnom_layer_t *in = Input(shape(1, 1, 1), NULL);
    nnom_layer_t *x = nnom_layer_set_name(Add(), "many");
    for (int32_t i = 0; i < 100; i++) {
        (void)m.hook(x, in);
    }
    expect_refusal(&m, model_compile(&m, in, x), NNOM_BAD_GRAPH, "layer 'many'");
}

/* ---- NULL ---- */

static void null_pointers(void)
{
    nnom_model_t m = quiet_model();
    nnom_layer_info_t info;
    nnom_totals_t totals;
    model_delete(NULL);
    nnom_discard(NULL);
    prediction_delete(NULL);
    prediction_end(NULL);
    prediction_matrix(NULL);
    prediction_top_k(NULL);
    prediction_summary(NULL);
    nnom_set_verbose(NULL, true);
    nnom_set_observer(NULL, NULL, NULL);
    model_print(NULL);
    model_stat(NULL);
    model_print(&m);
    model_stat(&m);
    CHECK(nnom_mem_stat(NULL) == 0, "nnom_mem_stat");
    CHECK(model_run(NULL) == NNOM_NOT_COMPILED && model_run(&m) == NNOM_NOT_COMPILED, "model_run");
    CHECK(model_compile(NULL, NULL, NULL) == NNOM_NULL && sequential_compile(NULL) == NNOM_NULL, "compile");
    CHECK(nnom_own(NULL, NULL) == NNOM_NULL && m.add(NULL, NULL) == NNOM_NULL, "own, add");
    CHECK(model_error_text(NULL)[0] == '\0' && nnom_input_count(NULL) == 0 && nnom_output_count(&m.instance) == 0,
          "counts");
    CHECK(nnom_input_bytes(&m.instance, 0) == 0 && nnom_output_bytes(NULL, 3) == 0 &&
              nnom_output_buffer(&m.instance, 0) == NULL,
          "buffers");
    CHECK(nnom_totals(&m, &totals) == NNOM_NOT_COMPILED && nnom_totals(NULL, &totals) == NNOM_NULL, "totals");
    nnom_least_t least = {1, NULL};
    CHECK(nnom_least(NULL, &least) == NNOM_NULL && nnom_least(&m, NULL) == NNOM_NULL, "least");
    CHECK(nnom_least(&m, &least) == NNOM_OK && least.arena_bytes == 0 && least.layer == NULL, "nothing is too small");
    CHECK(nnom_layer_info(&m, 0, &info) == NNOM_NOT_COMPILED && nnom_layer_info(&m, 0, NULL) == NNOM_NULL, "info");
    CHECK(nnom_layer_output_node(NULL) == NNOM_NO_NODE && nnom_node_output(NULL, 0, NULL) == NULL, "nodes");
    CHECK(nnom_predict(&m, NULL, NULL) == NNOM_NOT_COMPILED && prediction_run(NULL, 0, NULL, NULL) == NNOM_NULL,
          "predict");
    CHECK(prediction_create(&m, NULL, 3, 1) == NULL && prediction_create(NULL, NULL, 3, 1) == NULL, "create");
    CHECK(m.hook(NULL, NULL) == NULL && m.merge(NULL, NULL, NULL) == NULL && m.mergex(NULL, 0) == NULL, "hook, merge");
    CHECK(m.active(NULL, NULL) == NULL && Activation(NULL) == NULL, "active");
    CHECK(nnom_layer_set_quant(NULL, 1.0f, 0) == NULL && nnom_layer_set_name(NULL, "x") == NULL, "settings");
    CHECK(nnom_layer_set_type(NULL, NNOM_TYPE_F32) == NULL && nnom_layer_set_padding(NULL, border(1, 1, 1, 1)) == NULL,
          "settings");
    CHECK(nnom_layer_set_weight_scales(NULL, NULL, 0) == NULL &&
              nnom_layer_set_shape(NULL, shape(1, 1, 1)) == NNOM_NULL,
          "settings");
    CHECK(nnom_layer_input(NULL) == NULL && nnom_layer_output(NULL) == NULL && nnom_layer_param(NULL) == NULL,
          "lambda");
    CHECK(nnom_layer_input_shape(NULL).h == 0 && nnom_layer_shape(NULL).h == 0, "shapes");
    model_delete(&m);
    model_delete(&m);
    CHECK(model_run(&m) == NNOM_NOT_COMPILED && model_compile(&m, NULL, NULL) == NNOM_NULL, "after model_delete");
    CHECK(strcmp(nnom_status_text(NNOM_OK), "ok") == 0 && nnom_status_text((nnom_status_t)-99) != NULL, "texts");
}

const test_t errors_tests[] = {TEST(kernels),      TEST(counts),      TEST(huge),          TEST(weights),
                               TEST(quantisation), TEST(mismatched),  TEST(dangling),      TEST(cycles),
                               TEST(foreign),      TEST(added_twice), TEST(no_input),      TEST(float_and_int),
                               TEST(lambda),       TEST(many_inputs), TEST(null_pointers), TEST(binary_quantisation),
                               {NULL, NULL}};
