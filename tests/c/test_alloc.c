/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Allocation number k fails, for every k until none does: the error comes out, nothing leaks, and without the failure
 * it works.
 */
#include <string.h>

#include "random_layers.h"
#include "separate.h"

/* Builds, compiles, runs and frees a model. Random numbers start from the same seed at each call. */
typedef nnom_status_t (*scenario_t)(void);

enum { MOST_ALLOCATIONS = 400 };

static void fail_each(const char *name, scenario_t scenario)
{
    const uint32_t before = heap_blocks();
    bool failed = true;
    for (uint32_t k = 1; failed && k < MOST_ALLOCATIONS && !test_failed(); k++) {
        test_context("%s, allocation %lu:", name, (unsigned long)k);
        (void)heap_fail_at(k);
        const nnom_status_t status = scenario();
        failed = heap_failed();
        (void)heap_fail_at(0);
        CHECK(heap_blocks() == before, "%ld blocks leaked", (long)heap_blocks() - (long)before);
        CHECK(!failed || status == NNOM_NO_MEMORY || status == NNOM_NULL, "status %d", (int)status);
        CHECK(failed || status == NNOM_OK, "without a failure: status %d", (int)status);
        CHECK(scenario() == NNOM_OK, "the next try fails");
        forget();
    }
    CHECK(!failed, "no success in %d allocations", (int)MOST_ALLOCATIONS);
}

/* ---- Every layer ---- */

static maker_t maker;
static uint32_t maker_seed;

static nnom_status_t one_layer(void)
{
    nnom_model_t m;
    random_seed(maker_seed);
    if (new_model(&m) == NULL) {
        return NNOM_NO_MEMORY;
    }
    nnom_set_verbose(&m, false);
    nnom_status_t status = model_compile(&m, maker(&m), NULL);
    if (status == NNOM_OK) {
        status = model_run(&m);
    } else {
        CHECK(m.instance.program == NULL && model_error_text(&m)[0] != '\0', "no text for status %d", (int)status);
    }
    model_delete(&m);
    return status;
}

/* A seed with which the layer compiles, from `seed` on. */
static uint32_t good_seed(uint32_t seed)
{
    for (maker_seed = seed; one_layer() != NNOM_OK; maker_seed++) {
    }
    forget();
    return maker_seed;
}

static void every_layer(void)
{
#define ALLOC_MAKER(kind) {#kind, make_##kind},
    static const struct {
        const char *name;
        maker_t make;
    } makers[] = {RANDOM_LAYERS(ALLOC_MAKER)};
    for (size_t k = 0; k < sizeof makers / sizeof makers[0]; k++) {
        uint32_t seed = test_seed;
        maker = makers[k].make;
        for (int i = 0; i < 6; i++, seed++) {
            test_context("%s, seed %lu:", makers[k].name, (unsigned long)seed);
            seed = good_seed(seed);
            fail_each(makers[k].name, one_layer);
        }
    }
}

/* ---- Ways to build ---- */

static nnom_status_t finish(nnom_model_t *m, nnom_status_t status)
{
    if (status == NNOM_OK) {
        status = model_run(m);
    }
    model_delete(m);
    return status;
}

static nnom_status_t by_add(void)
{
    const weights_t *w = random_weights(4, 9 * 3);
    nnom_model_t *m = new_model(NULL);
    if (m == NULL) {
        return NNOM_NO_MEMORY;
    }
    nnom_set_verbose(m, false);
    nnom_status_t status = m->add(m, Input(shape(6, 6, 3), NULL));
    (void)m->add(m, nnom_layer_set_name(Conv2D(4, kernel(3, 3), stride(2, 2), PADDING_SAME, &w->w, w->bias), "first"));
    (void)m->add(m, ReLU());
    (void)m->add(m, Activation(act_sigmoid()));
    (void)m->add(m, GlobalAvgPool());
    (void)m->add(m, Output(shape(1, 1, 4), NULL));
    CHECK(status == NNOM_OK || status == NNOM_NO_MEMORY, "add: %d", (int)status);
    status = sequential_compile(m);
    return finish(m, status);
}

static void sequential(void)
{
    fail_each("add", by_add);
}

static nnom_status_t by_hook(void)
{
    const weights_t *w = random_weights(4, 3);
    nnom_model_t m;
    if (new_model(&m) == NULL) {
        return NNOM_NO_MEMORY;
    }
    nnom_set_verbose(&m, false);
    nnom_layer_t *in = Input(shape(6, 6, 3), NULL);
    nnom_layer_t *x =
        m.active(act_relu(), m.hook(Conv2D(4, kernel(1, 1), stride(1, 1), PADDING_SAME, &w->w, w->bias), in));
    nnom_layer_t *x1 = m.hook(TanH(), x);
    nnom_layer_t *x2 = m.hook(MaxPool(kernel(3, 3), stride(1, 1), PADDING_SAME), x);
    nnom_layer_t *x3 = m.hook(Lambda(NULL, NULL, NULL, NULL), x);
    nnom_layer_t *lone = Input(shape(1, 1, 1), NULL);
    (void)m.hook(ReLU(), lone);
    nnom_discard(lone); /* of no model */
    x = m.mergex(Concat(-1), 2, x1, x2);
    x = m.merge(Add(), x, m.hook(Sigmoid(), x));
    (void)x3;
    return finish(&m, model_compile(&m, in, x));
}

static nnom_status_t identity(nnom_layer_t *layer)
{
    memcpy(nnom_layer_output(layer), nnom_layer_input(layer), 36);
    return NNOM_OK;
}

static uint32_t freed;

static nnom_status_t count_free(nnom_layer_t *layer)
{
    CHECK(nnom_layer_param(layer) == &freed, "the user's parameter is lost");
    freed++;
    return NNOM_OK;
}

static nnom_status_t by_functions(void)
{
    nnom_model_t m;
    if (new_model(&m) == NULL) {
        return NNOM_NO_MEMORY;
    }
    nnom_set_verbose(&m, false);
    nnom_layer_t *in = Input(shape(6, 6, 1), NULL);
    nnom_layer_t *lambda = Lambda(identity, NULL, count_free, &freed);
    const uint32_t due = freed + (lambda != NULL ? 1u : 0u);
    nnom_layer_t *x = m.hook(lambda, in);
    x = m.mergex(Concat(-1), 3, x, m.hook(TanH(), in), m.hook(Sigmoid(), in));
    x = m.active(act_leaky_relu(0.2f), x);
    const nnom_status_t status = finish(&m, model_compile(&m, in, x));
    CHECK(freed == due, "the user's free was called %ld times too few", (long)due - (long)freed);
    return status;
}

static void functional(void)
{
    fail_each("hook", by_functions);
    /* A layer that no output needs is an error with or without memory. */
    for (uint32_t k = 0; k < 60; k++) {
        test_context("%s", "");
        (void)heap_fail_at(k);
        CHECK(by_hook() < 0, "a layer whose function is NULL compiles");
        CHECK(heap_blocks() == 0, "allocation %lu: %lu blocks leaked", (unsigned long)k, (unsigned long)heap_blocks());
    }
}

static nnom_status_t by_own(void)
{
    nnom_model_t m;
    if (new_model(&m) == NULL) {
        return NNOM_NO_MEMORY;
    }
    nnom_set_verbose(&m, false);
    nnom_layer_t *a = Input(shape(5, 4, 2), NULL), *b = Input(shape(5, 4, 2), NULL);
    (void)nnom_own(&m, a);
    (void)nnom_own(&m, b);
    nnom_layer_t *sum = m.merge(Add(), a, b);
    nnom_layer_t *product = m.merge(Mult(), m.hook(ReLU(), a), m.hook(TanH(), b));
    nnom_layer_t *out1 = m.hook(Output(shape(5, 4, 2), NULL), sum);
    nnom_layer_t *out2 = m.hook(Output(shape(5, 4, 2), NULL), product);
    (void)nnom_own(&m, out2);
    (void)nnom_own(&m, out1);
    nnom_status_t status = model_compile(&m, a, NULL);
    if (status == NNOM_OK) {
        CHECK(nnom_input_count(&m.instance) == 2 && nnom_output_count(&m.instance) == 2, "not two inputs and outputs");
    }
    return finish(&m, status);
}

static void several_inputs(void)
{
    fail_each("own", by_own);
}

/* ---- Compile again after a failure ---- */

static void compile_again(void)
{
    bool failed = true;
    for (uint32_t k = 1; failed && k < MOST_ALLOCATIONS; k++) {
        const weights_t *w = random_weights(4, 9 * 3);
        nnom_model_t m;
        (void)new_model(&m);
        nnom_set_verbose(&m, false);
        (void)m.add(&m, Input(shape(6, 6, 3), NULL));
        (void)m.add(&m, weighted(Conv2D(4, kernel(3, 3), stride(1, 1), PADDING_SAME, &w->w, w->bias), w, 27));
        (void)m.add(&m, Sigmoid());
        test_context("allocation %lu:", (unsigned long)k);
        (void)heap_fail_at(k);
        const nnom_status_t status = sequential_compile(&m);
        failed = heap_failed();
        (void)heap_fail_at(0);
        CHECK(status == (failed ? NNOM_NO_MEMORY : NNOM_OK), "status %d", (int)status);
        CHECK(!failed || (nnom_node_count(&m.instance) == 0 && model_error_text(&m)[0] != '\0'),
              "half compiled, or no text");
        CHECK(sequential_compile(&m) == NNOM_OK && model_error_text(&m)[0] == '\0', "again: %s", model_error_text(&m));
        CHECK(model_run(&m) == NNOM_OK, "model_run");
        model_delete(&m);
        forget();
    }
}

/* ---- Evaluation ---- */

static void prediction(void)
{
    nnom_model_t m;
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    (void)m.add(&m, Input(shape(1, 1, 5), NULL));
    (void)m.add(&m, Softmax());
    CHECK(sequential_compile(&m) == NNOM_OK, "%s", model_error_text(&m));
    const uint32_t before = heap_blocks();
    bool failed = true;
    for (uint32_t k = 1; failed && k < 10; k++) {
        (void)heap_fail_at(k);
        nnom_predict_t *p = prediction_create(&m, nnom_input_buffer(&m.instance, 0), 5, 3);
        failed = heap_failed();
        (void)heap_fail_at(0);
        CHECK((p == NULL) == failed, "allocation %lu: %s", (unsigned long)k, p == NULL ? "NULL" : "not NULL");
        CHECK(p == NULL || prediction_run(p, 0, NULL, NULL) == NNOM_OK, "prediction_run");
        prediction_delete(p);
        CHECK(heap_blocks() == before, "a leak");
    }
    /* Running allocates nothing. */
    (void)heap_fail_at(0);
    CHECK(model_run(&m) == NNOM_OK && nnom_predict(&m, NULL, NULL) == NNOM_OK, "a run");
    model_print(&m);
    CHECK(heap_fail_at(0) == 0, "a run allocates");
    /* A profile takes memory for its sums, and gives it back. */
    for (uint32_t k = 1; k < 3; k++) {
        const size_t held = heap_blocks();
        (void)heap_fail_at(k);
        log_clear();
        model_stat(&m);
        const bool told = strstr(log_text(), "out of memory") != NULL;
        CHECK(told == heap_failed() && told == (k == 1), "allocation %lu: %s", (unsigned long)k, log_text());
        (void)heap_fail_at(0);
        CHECK(heap_blocks() == held, "a leak");
    }
    model_delete(&m);
}

const test_t alloc_tests[] = {TEST(every_layer),   TEST(sequential), TEST(functional), TEST(several_inputs),
                              TEST(compile_again), TEST(prediction), {NULL, NULL}};
