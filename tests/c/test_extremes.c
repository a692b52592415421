/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Every layer, recurrent ones among them, where signals end: silence, full scale up, down and in turn, one run after the other, so
 * that states go where they can. What overflows shows in the builds with sanitizers. nnom_forget() begins the next utterance.
 */
#include <string.h>

#include "random_layers.h"
#include "separate.h"

enum { TRIES = 40, RUNS = 5 };

typedef enum loudness { SILENCE, UP, DOWN, IN_TURN, LOUDNESSES } loudness_t;

static int32_t level_of(loudness_t how, uint32_t i, int32_t least, int32_t most, int32_t zero)
{
    if (how == SILENCE) {
        return zero;
    }
    return how == UP || (how == IN_TURN && i % 2 == 0) ? most : least;
}

static void fill_input(nnom_instance_t *instance, uint32_t input, loudness_t how)
{
    const nnom_tensor_t *t = nnom_input_tensor(instance, input);
    const uint32_t bytes = nnom_input_bytes(instance, input);
    void *to = nnom_input_buffer(instance, input);
    if (t->type == NNOM_TYPE_F32) {
        for (uint32_t i = 0; i < bytes / 4; i++) {
            ((float *)to)[i] = (float)level_of(how, i, -1000, 1000, 0);
        }
    } else if (t->type == NNOM_TYPE_S16) {
        for (uint32_t i = 0; i < bytes / 2; i++) {
            ((int16_t *)to)[i] = (int16_t)level_of(how, i, INT16_MIN, INT16_MAX, t->zero_point);
        }
    } else if (t->type == NNOM_TYPE_S8) {
        for (uint32_t i = 0; i < bytes; i++) {
            ((int8_t *)to)[i] = (int8_t)level_of(how, i, INT8_MIN, INT8_MAX, t->zero_point);
        }
    } else {
        memset(to, 0, bytes); /* indices */
    }
}

static bool run_with(nnom_model_t *m, loudness_t how)
{
    for (uint32_t i = 0; i < nnom_input_count(&m->instance); i++) {
        fill_input(&m->instance, i, how);
    }
    return CHECK(model_run(m) == NNOM_OK, "model_run");
}

/* The first run of an utterance gives the same bytes, whatever came before. */
static void utterances(nnom_model_t *m)
{
    const uint32_t bytes = nnom_output_bytes(&m->instance, 0);
    uint8_t *first = keep(bytes);
    for (loudness_t how = SILENCE; how < LOUDNESSES && !test_failed(); how = (loudness_t)(how + 1)) {
        nnom_forget(&m->instance);
        (void)run_with(m, how);
        memcpy(first, nnom_output_buffer(&m->instance, 0), bytes);
        for (uint32_t k = 0; k < RUNS; k++) {
            (void)run_with(m, k % 2 == 0 ? how : (loudness_t)random_in(SILENCE, IN_TURN));
        }
        nnom_forget(&m->instance);
        (void)run_with(m, how);
        CHECK(memcmp(first, nnom_output_buffer(&m->instance, 0), bytes) == 0, "loudness %d: another utterance is heard",
              (int)how);
    }
}

static bool one_layer(maker_t make)
{
    nnom_model_t m = {0};
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    random_float_model(random_chance(25)); /* and what the layer before chose is forgotten */
    nnom_layer_t *last = make(&m);
    const bool good = nnom_compile(&m, last, NULL, NULL) == NNOM_OK;
    if (good) {
        utterances(&m);
    }
    model_delete(&m);
    forget();
    return good;
}

static void loudnesses_of(maker_t make)
{
    uint32_t good = 0, tries = 0;
    for (; good < test_cases && tries < TRIES * test_cases && !test_failed(); tries++) {
        test_context("seed=%lu:", (unsigned long)(test_seed + tries));
        random_seed(test_seed + tries);
        good += one_layer(make);
    }
    test_context("%s", "");
    CHECK(good == test_cases, "%lu of %lu configurations compile", (unsigned long)good, (unsigned long)tries);
}

static void recurrent(void)
{
    static const maker_t makers[] = {make_simple_rnn, make_gru, make_lstm, make_last_state, make_rnn_2019, make_svdf};
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        loudnesses_of(makers[i]);
    }
}

#define MAKER(kind) make_##kind,

static void all_layers(void)
{
    static const maker_t makers[] = {RANDOM_LAYERS(MAKER) NULL};
    const uint32_t cases = test_cases;
    test_cases = cases / 8 + 1;
    for (size_t i = 0; makers[i] != NULL; i++) {
        loudnesses_of(makers[i]);
    }
    test_cases = cases;
}

const test_t extremes_tests[] = {TEST(recurrent), TEST(all_layers), {NULL, NULL}};
