/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Arenas given by the caller: every size, and what of it is touched. */
#include <string.h>

#include "random_layers.h"
#include "separate.h"

enum { MORE = 16 };

/* A small model with branches, scratch, in-place layers and a view. All random numbers come from `seed`. */
static nnom_status_t build(nnom_model_t *m, uint32_t seed, void *arena, uint32_t bytes)
{
    random_seed(seed);
    random_float_model(false);
    (void)new_model(m);
    nnom_set_verbose(m, false);
    nnom_layer_t *in = random_source(m, shape(7, 6, 3));
    const weights_t *w[3] = {random_weights(5, 27), random_weights(5, 9), random_weights(7, 42 * 10)};
    nnom_layer_t *x =
        m->hook(weighted(Conv2D(5, kernel(3, 3), stride(1, 1), PADDING_SAME, &w[0]->w, w[0]->bias), w[0], 27), in);
    nnom_layer_t *y =
        m->hook(weighted(DW_Conv2D(1, kernel(3, 3), stride(1, 1), PADDING_SAME, &w[1]->w, w[1]->bias), w[1], 9), x);
    x = m->mergex(Concat(-1), 2, m->hook(TanH(), x), y);
    x = m->hook(Flatten(), x);
    x = m->hook(Softmax(), m->hook(weighted(Dense(7, &w[2]->w, w[2]->bias), w[2], 420), x));
    if (arena != NULL) {
        CHECK(nnom_set_arena(m, arena, bytes) == NNOM_OK, "nnom_set_arena");
    }
    return model_compile(m, in, x);
}

static void fill_input(nnom_model_t *m)
{
    random_seed(99);
    random_bytes(nnom_input_buffer(&m->instance, 0), nnom_input_bytes(&m->instance, 0));
}

/* The output with an arena of NNoM's own, and the bytes that it takes. */
static uint32_t own_arena(int8_t output[7])
{
    nnom_model_t m;
    nnom_totals_t totals = {0};
    CHECK(build(&m, test_seed, NULL, 0) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(nnom_totals(&m, &totals) == NNOM_OK, "nnom_totals");
    fill_input(&m);
    CHECK(model_run(&m) == NNOM_OK, "model_run");
    memcpy(output, nnom_output_buffer(&m.instance, 0), 7);
    model_delete(&m);
    return totals.arena_bytes;
}

static void every_size(void)
{
    int8_t expected[7];
    const uint32_t needed = own_arena(expected);
    for (uint32_t bytes = 0; bytes <= needed + MORE; bytes++) {
        nnom_model_t m;
        guarded_t arena = guarded_new(bytes);
        const nnom_status_t status = build(&m, test_seed, arena.data, bytes);
        test_context("%lu of %lu bytes:", (unsigned long)bytes, (unsigned long)needed);
        CHECK(status == (bytes < needed ? NNOM_TOO_SMALL : NNOM_OK), "status %d", (int)status);
        if (status == NNOM_OK) {
            fill_input(&m);
            CHECK(model_run(&m) == NNOM_OK, "model_run");
            CHECK(memcmp(nnom_output_buffer(&m.instance, 0), expected, sizeof expected) == 0, "other bytes");
        } else {
            nnom_least_t least = {0};
            CHECK(strstr(model_error_text(&m), "arena") != NULL, "text '%s'", model_error_text(&m));
            CHECK(nnom_least(&m, &least) == NNOM_OK && least.arena_bytes == needed && least.layer == NULL, "least %lu",
                  (unsigned long)least.arena_bytes);
            CHECK(model_run(&m) == NNOM_NOT_COMPILED, "it runs");
        }
        model_delete(&m);
        CHECK(guarded_free(&arena), "writes around the arena");
        forget();
    }
}

/* Bytes of a painted arena that a run changes: up to the one that was reported, and none after it. */
static void touched(void)
{
    for (uint32_t seed = test_seed; seed < test_seed + 40; seed++) {
        int8_t unused[7];
        const uint32_t needed = own_arena(unused);
        uint8_t *arena = keep(needed + 64);
        uint32_t last = 0;
        for (int paint = 0; paint < 256; paint += 85) {
            nnom_model_t m;
            memset(arena, paint, needed + 64);
            CHECK(build(&m, seed, arena, needed + 64) == NNOM_OK, "%s", model_error_text(&m));
            fill_input(&m);
            CHECK(model_run(&m) == NNOM_OK, "model_run");
            for (uint32_t i = 0; i < needed + 64; i++) {
                last = arena[i] != paint && i > last ? i : last;
            }
            model_delete(&m);
        }
        CHECK(last < needed && last + 4 >= needed, "touches bytes 0 to %lu of %lu", (unsigned long)last,
              (unsigned long)needed);
        forget();
    }
}

static void alignment(void)
{
    nnom_model_t m;
    uint32_t memory[4];
    (void)new_model(&m);
    CHECK(nnom_set_arena(&m, (uint8_t *)memory + 1, 8) == NNOM_BAD_ARGUMENT, "an odd address");
    CHECK(nnom_set_arena(&m, (uint8_t *)memory + 2, 8) == NNOM_BAD_ARGUMENT, "an address modulo 4 of 2");
    CHECK(strstr(model_error_text(&m), "aligned") != NULL, "text '%s'", model_error_text(&m));
    CHECK(nnom_set_arena(&m, NULL, 8) == NNOM_NULL && nnom_set_arena(NULL, memory, 8) == NNOM_NULL, "NULL");
    CHECK(nnom_set_arena(&m, memory, sizeof memory) == NNOM_OK, "an aligned address");
    model_delete(&m);
    CHECK(nnom_set_arena(&m, memory, sizeof memory) == NNOM_NULL, "a deleted model");
}

/* The output's buffer holds what its shape says; another number of elements is refused. */
static void output_shape(void)
{
    for (int32_t c = 1; c <= 8; c++) {
        nnom_model_t m;
        guarded_t buffer = guarded_new((size_t)c);
        (void)new_model(&m);
        nnom_set_verbose(&m, false);
        (void)m.add(&m, Input(shape(1, 1, 6), NULL));
        (void)m.add(&m, Softmax());
        (void)m.add(&m, Output(shape(c, 1, 1), buffer.data));
        const nnom_status_t status = sequential_compile(&m);
        CHECK(status == (c == 6 ? NNOM_OK : NNOM_TOO_SMALL), "%d elements: status %d", (int)c, (int)status);
        CHECK(c == 6 || strstr(model_error_text(&m), "Output_3") != NULL, "text '%s'", model_error_text(&m));
        CHECK(model_run(&m) == (c == 6 ? NNOM_OK : NNOM_NOT_COMPILED), "%d elements: model_run", (int)c);
        model_delete(&m);
        CHECK(guarded_free(&buffer), "writes beyond the output's buffer");
    }
}

const test_t arena_tests[] = {TEST(every_size), TEST(touched), TEST(alignment), TEST(output_shape), {NULL, NULL}};
