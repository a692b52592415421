/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Windows that slide over a signal, and states that are kept elsewhere. */
#include <string.h>

#include "harness.h"

enum { ROWS = 60, WIDTH = 2, CHANNELS = 3, ROW = WIDTH * CHANNELS, ZERO = -7 };

static int8_t signal[ROWS * ROW]; /* what came; made by each case */

static nnom_layer_t *quantised(nnom_layer_t *layer)
{
    return nnom_layer_set_quant(layer, 0.25f, ZERO);
}

static void make_signal(void)
{
    random_bytes(signal, sizeof signal);
}

/* Input of `hop` rows, slid to `rows`, then pooled by `pool` rows: the model's output. */
static nnom_status_t sliding(nnom_model_t *m, int32_t hop, int32_t rows, int32_t pool, const nnom_options_t *options)
{
    (void)new_model(m);
    nnom_set_verbose(m, false);
    nnom_layer_t *in = quantised(Input(shape(hop, WIDTH, CHANNELS), NULL));
    nnom_layer_t *y = m->hook(Slide(rows), in);
    y = pool > 1 ? m->hook(MaxPool(kernel(pool, 1), stride(1, 1), PADDING_VALID), y) : y;
    return nnom_compile(m, in, m->hook(Output(shape(rows - pool + 1, WIDTH, CHANNELS), NULL), y), options);
}

/* Row y of the signal, element i; before its begin zero points. */
static int8_t at(int32_t y, int32_t i)
{
    return (int8_t)(y < 0 ? ZERO : signal[y * ROW + i]);
}

/* After `come` rows the output holds the maxima of `pool` rows each, of the last `rows`. */
static bool is_right(const nnom_model_t *m, int32_t come, int32_t rows, int32_t pool)
{
    const int8_t *out = nnom_output_buffer(&m->instance, 0);
    for (int32_t k = 0; k < (rows - pool + 1) * ROW; k++) {
        int8_t most = -128;
        for (int32_t p = 0; p < pool; p++) {
            const int8_t x = at(come - rows + k / ROW + p, k % ROW);
            most = x > most ? x : most;
        }
        if (out[k] != most) {
            return false;
        }
    }
    return true;
}

static void slides_once(uint32_t i)
{
    static const nnom_mode_t modes[] = {NNOM_MODE_WHOLE, NNOM_MODE_AUTO, NNOM_MODE_SMALLEST};
    const int32_t hop = random_in(1, 5), rows = random_in(1, 12);
    const bool ring = rows > hop && random_chance(60); /* the pool makes as many rows as come: none of them moves */
    const int32_t pool = ring ? rows - hop + 1 : random_in(1, rows);
    const bool feed = random_chance(50);
    const nnom_options_t options = {.mode = modes[i % 3], .feed = feed, .endless = feed};
    nnom_model_t m;
    make_signal();
    if (!CHECK(sliding(&m, hop, rows, pool, &options) == NNOM_OK, "%s", model_error_text(&m))) {
        model_delete(&m);
        return;
    }
    for (int32_t round = 0; round < 2; round++) { /* the second one after forgetting */
        for (int32_t come = 0; come + hop <= ROWS; come += hop) {
            if (feed) {
                CHECK(nnom_feed(&m.instance, signal + come * ROW, (uint32_t)hop) == NNOM_OK, "nnom_feed");
            } else {
                memcpy(nnom_input_buffer(&m.instance, 0), signal + come * ROW, (size_t)(hop * ROW));
                CHECK(model_run(&m) == NNOM_OK, "model_run");
            }
            CHECK(is_right(&m, come + hop, rows, pool), "hop %d, %d rows, pool %d, fed %d: after %d rows", (int)hop,
                  (int)rows, (int)pool, (int)feed, (int)(come + hop));
        }
        nnom_forget(&m.instance);
    }
    model_delete(&m);
}

static void slides(void)
{
    for (uint32_t i = 0; i < 40 + test_cases && !test_failed(); i++) {
        test_context("seed=%lu:", (unsigned long)(test_seed + i));
        random_seed(test_seed + i);
        slides_once(i);
    }
}

static void refuses(void)
{
    nnom_model_t m;
    CHECK(sliding(&m, 2, 0, 1, NULL) == NNOM_BAD_ARGUMENT && strstr(model_error_text(&m), "keeps 0 rows"), "%s",
          model_error_text(&m));
    model_delete(&m);
    const nnom_options_t whole = {.warm_up = 1}, none = {.feed = true, .warm_up = 1};
    CHECK(sliding(&m, 2, 4, 1, &whole) == NNOM_BAD_ARGUMENT && strstr(model_error_text(&m), "warm_up"), "%s",
          model_error_text(&m));
    model_delete(&m);
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    nnom_layer_t *in = quantised(Input(shape(2, 1, 3), NULL));
    CHECK(nnom_compile(&m, in, m.hook(Softmax(), in), &none) == NNOM_BAD_ARGUMENT, "to warm up without states");
    model_delete(&m);
}

/* Of a window of 6 rows at a hop of 2 the first two outputs tell of rows that never came. */
static void warms_up(void)
{
    const nnom_options_t options = {.feed = true, .endless = true, .warm_up = 2};
    nnom_model_t m;
    make_signal();
    CHECK(sliding(&m, 2, 6, 2, &options) == NNOM_OK, "%s", model_error_text(&m));
    for (int32_t round = 0; round < 2; round++) {
        for (int32_t come = 0; come < 20; come += 2) {
            CHECK(nnom_feed(&m.instance, signal + come * ROW, 1) == NNOM_MORE, "half a hop");
            const nnom_status_t status = nnom_feed(&m.instance, signal + (come + 1) * ROW, 1);
            CHECK(status == (come < 4 ? NNOM_MORE : NNOM_OK), "after %d rows: status %d", (int)come + 2, (int)status);
            CHECK(is_right(&m, come + 2, 6, 2), "after %d rows", (int)come + 2);
        }
        CHECK(nnom_feed(&m.instance, signal, 3) == NNOM_BAD_ARGUMENT, "more than a hop");
        CHECK(nnom_feed(&m.instance, signal + 20 * ROW, 2) == NNOM_OK && is_right(&m, 22, 6, 2), "after the error");
        nnom_forget(&m.instance);
    }
    const void *in[] = {signal};
    int8_t out[10 * 5 * ROW];
    void *const outs[] = {out};
    CHECK(nnom_run_many(&m.instance, in, outs, 10) == NNOM_OK && is_right(&m, 20, 6, 2), "many");
    model_delete(&m);
}

/* ---- States kept elsewhere ---- */

/* What is saved after `come` rows goes on in another instance, and in this one after other rows. */
static void saves_after(int32_t come, int32_t pool)
{
    const nnom_options_t options = {.feed = true, .endless = true, .warm_up = 3};
    uint8_t kept[200];
    nnom_model_t m, other;
    make_signal();
    CHECK(sliding(&m, 2, 7, pool, &options) == NNOM_OK && sliding(&other, 2, 7, pool, &options) == NNOM_OK, "compile");
    const uint32_t bytes = nnom_state_bytes(&m.instance);
    CHECK(bytes == 12 + 7 * ROW, "%lu bytes", (unsigned long)bytes);
    for (int32_t y = 0; y < come; y += 2) {
        (void)nnom_feed(&m.instance, signal + y * ROW, 2);
    }
    CHECK(nnom_state_save(&m.instance, kept + 1, bytes) == NNOM_OK, "save"); /* of any alignment */
    (void)nnom_feed(&m.instance, signal + 30 * ROW, 2);
    (void)nnom_feed(&other.instance, signal + 40 * ROW, 1); /* in the midst of a hop */
    nnom_model_t *models[] = {&m, &other};
    for (uint32_t k = 0; k < 2; k++) {
        CHECK(nnom_state_restore(&models[k]->instance, kept + 1, bytes) == NNOM_OK, "restore");
        for (int32_t y = come; y < come + 20; y += 2) {
            const nnom_status_t status = nnom_feed(&models[k]->instance, signal + y * ROW, 2);
            CHECK(status == (y < 6 ? NNOM_MORE : NNOM_OK) && is_right(models[k], y + 2, 7, pool), "after %d rows",
                  (int)y + 2);
        }
        model_delete(models[k]);
    }
}

static void saves(void)
{
    for (int32_t come = 0; come < 36; come += 2) {
        saves_after(come, 3);
        saves_after(come, 6); /* as many rows as come: in a ring */
    }
}

static void refuses_states(void)
{
    const nnom_options_t options = {.feed = true, .endless = true},
                         warm = {.feed = true, .endless = true, .warm_up = 1};
    nnom_model_t m, same, taller, warmer;
    uint8_t kept[200], before[200], after[200];
    make_signal();
    CHECK(sliding(&m, 2, 6, 2, &options) == NNOM_OK && sliding(&same, 2, 6, 2, NULL) == NNOM_OK &&
              sliding(&taller, 2, 7, 2, &options) == NNOM_OK && sliding(&warmer, 2, 6, 2, &warm) == NNOM_OK,
          "compile");
    const uint32_t bytes = nnom_state_bytes(&m.instance);
    CHECK(nnom_state_save(&m.instance, kept, bytes - 1) == NNOM_TOO_SMALL, "too small");
    CHECK(nnom_state_save(&m.instance, NULL, bytes) == NNOM_NULL && nnom_state_save(NULL, kept, bytes) == NNOM_NULL &&
              nnom_state_restore(NULL, kept, bytes) == NNOM_NULL && nnom_state_bytes(NULL) == 0,
          "NULL");
    CHECK(nnom_feed(&m.instance, signal, 1) == NNOM_MORE && nnom_state_save(&m.instance, kept, bytes) == NNOM_MORE,
          "in the midst of a hop");
    CHECK(nnom_feed(&m.instance, signal, 1) == NNOM_OK && nnom_state_save(&m.instance, kept, bytes) == NNOM_OK, "save");
    memset(before, 0, sizeof before);
    CHECK(nnom_state_save(&taller.instance, before, sizeof before) == NNOM_OK, "save");
    CHECK(nnom_state_restore(&taller.instance, kept, sizeof kept) == NNOM_OTHER_STATE, "another model");
    CHECK(nnom_state_restore(&warmer.instance, kept, bytes) == NNOM_OTHER_STATE, "another start");
    memset(after, 0, sizeof after);
    CHECK(nnom_state_save(&taller.instance, after, sizeof after) == NNOM_OK && memcmp(before, after, sizeof after) == 0,
          "nothing is changed");
    CHECK(nnom_state_restore(&same.instance, kept, bytes) == NNOM_OK, "the same model under another plan");
    for (uint32_t i = 0; i < bytes; i++) {
        kept[i] ^= 4;
        CHECK(nnom_state_restore(&m.instance, kept, bytes) == NNOM_OTHER_STATE, "byte %lu damaged", (unsigned long)i);
        kept[i] ^= 4;
    }
    CHECK(nnom_state_restore(&m.instance, kept, bytes - 1) == NNOM_TOO_SMALL, "cut off");
    nnom_instance_t empty = {0};
    CHECK(nnom_state_bytes(&empty) == 0 && nnom_state_save(&empty, kept, bytes) == NNOM_NOT_COMPILED &&
              nnom_state_restore(&empty, kept, bytes) == NNOM_NOT_COMPILED,
          "not compiled");
    nnom_model_t *all[] = {&m, &same, &taller, &warmer};
    for (uint32_t k = 0; k < 4; k++) {
        model_delete(all[k]);
    }
}

const test_t slide_tests[] = {TEST(slides), TEST(refuses),        TEST(warms_up),
                              TEST(saves),  TEST(refuses_states), {NULL, NULL}};
