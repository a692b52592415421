/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A model under every plan: whole, rolling, within budgets, fed. */
#include <string.h>

#include "separate.h"

enum { MAX_POINTS = 64 };

/* Kernel variants that the models of this file are compiled with. */
static uint32_t target;

samples_t samples_of(const separate_t *s)
{
    samples_t k = {{NULL}, {NULL}, s->program.input_count, s->program.output_count};
    CHECK(k.inputs <= MAX_PORTS && k.outputs <= MAX_PORTS, "a test with more than %d inputs or outputs",
          (int)MAX_PORTS);
    for (uint32_t i = 0; i < k.inputs && i < MAX_PORTS; i++) {
        k.in[i] = separate_bytes(s, s->program.inputs[i]);
    }
    for (uint32_t i = 0; i < k.outputs && i < MAX_PORTS; i++) {
        k.out[i] = separate_bytes(s, s->program.outputs[i]);
    }
    return k;
}

static void check_outputs(const nnom_model_t *m, const samples_t *k, const char *what)
{
    for (uint32_t i = 0; i < k->outputs; i++) {
        CHECK(memcmp(nnom_output_buffer(&m->instance, i), k->out[i], nnom_output_bytes(&m->instance, i)) == 0,
              "%s: output %d differs", what, (int)i);
    }
}

static void run_and_compare(nnom_model_t *m, const samples_t *k, const char *what)
{
    for (uint32_t i = 0; i < k->inputs; i++) {
        memcpy(nnom_input_buffer(&m->instance, i), k->in[i], nnom_input_bytes(&m->instance, i));
    }
    nnom_forget(&m->instance);
    CHECK(model_run(m) == NNOM_OK, "%s: model_run", what);
    check_outputs(m, k, what);
}

/* The sample between two others of zeros, all in one call: none changes what the next one gives. */
static void check_many(nnom_model_t *m, const samples_t *k, const char *what)
{
    enum { COUNT = 3 };
    if (m->instance.program->state_count > 0) {
        return; /* they do change it */
    }
    const void *in[MAX_PORTS] = {NULL};
    void *out[MAX_PORTS] = {NULL};
    for (uint32_t i = 0; i < k->inputs; i++) {
        const size_t bytes = nnom_input_bytes(&m->instance, i);
        uint8_t *all = keep(COUNT * bytes);
        memset(all, 0, COUNT * bytes);
        memcpy(all + bytes, k->in[i], bytes);
        in[i] = all;
    }
    for (uint32_t i = 0; i < k->outputs; i++) {
        out[i] = i > 0 && random_chance(50) ? NULL : keep(COUNT * (size_t)nnom_output_bytes(&m->instance, i));
    }
    CHECK(nnom_run_many(&m->instance, in, out, COUNT) == NNOM_OK, "%s: nnom_run_many", what);
    for (uint32_t i = 0; i < k->outputs; i++) {
        const size_t bytes = nnom_output_bytes(&m->instance, i);
        const uint8_t *got = out[i];
        CHECK(got == NULL || memcmp(got + bytes, k->out[i], bytes) == 0, "%s: of many, output %d differs", what,
              (int)i);
        CHECK(got == NULL || memcmp(got, got + 2 * bytes, bytes) == 0, "%s: zeros give two outputs %d", what, (int)i);
    }
}

static uint32_t compile_as(nnom_model_t *m, nnom_layer_t *last, const nnom_options_t *options, const char *what)
{
    nnom_totals_t totals = {0};
    const nnom_status_t status = nnom_compile(m, last, NULL, options);
    CHECK(status == NNOM_OK && nnom_totals(m, &totals) == NNOM_OK, "%s: status %d, %s", what, (int)status,
          model_error_text(m));
    return totals.arena_bytes;
}

typedef struct curve {
    nnom_plan_point_t points[MAX_POINTS];
    uint32_t count;
} curve_t;

static void record(void *context, const nnom_plan_point_t *point)
{
    curve_t *curve = context;
    if (curve->count < MAX_POINTS) {
        curve->points[curve->count++] = *point;
    }
}

/* A budget is kept or refused, with the name of the layer that needs more. */
static bool check_budget(nnom_model_t *m, nnom_layer_t *last, const samples_t *k, uint32_t budget)
{
    const nnom_options_t options = {.target = target, .arena_bytes = budget};
    const nnom_status_t status = nnom_compile(m, last, NULL, &options);
    nnom_totals_t totals = {0};
    if (status == NNOM_OK) {
        CHECK(nnom_totals(m, &totals) == NNOM_OK && totals.arena_bytes <= budget,
              "a budget of %lu gives an arena of %lu", (unsigned long)budget, (unsigned long)totals.arena_bytes);
        run_and_compare(m, k, "budget");
        return true;
    }
    nnom_least_t least = {0};
    CHECK(status == NNOM_TOO_SMALL && strstr(model_error_text(m), "layer '") != NULL, "status %d, text '%s'",
          (int)status, model_error_text(m));
    CHECK(nnom_least(m, &least) == NNOM_OK && least.arena_bytes > budget && least.layer != NULL &&
              strstr(model_error_text(m), least.layer) != NULL,
          "least %lu, layer '%s'", (unsigned long)least.arena_bytes, least.layer != NULL ? least.layer : "");
    CHECK(model_run(m) == NNOM_NOT_COMPILED, "it runs");
    return false;
}

/* Every plan of the curve is reached by a budget of its size. */
static void check_budgets(nnom_model_t *m, nnom_layer_t *last, const samples_t *k, const curve_t *curve)
{
    for (uint32_t i = 0; i < curve->count && !test_failed(); i++) {
        const uint32_t budget = curve->points[i].arena_bytes;
        if (budget > 1) {
            CHECK(check_budget(m, last, k, budget), "a budget of %lu, as on the curve, is refused",
                  (unsigned long)budget);
            (void)check_budget(m, last, k, budget - 1);
            CHECK(!check_budget(m, last, k, 1), "a budget of 1 byte is met");
        }
    }
}

/* Rows come in random portions; twice, the second time after an interruption. */
static void check_fed(nnom_model_t *m, nnom_layer_t *last, const samples_t *k)
{
    const nnom_options_t options = {.target = target, .feed = true};
    const nnom_status_t status = nnom_compile(m, last, NULL, &options);
    if (k->inputs != 1) {
        CHECK(status == NNOM_UNSUPPORTED, "fed with %d inputs: status %d", (int)k->inputs, (int)status);
        return;
    }
    if (!CHECK(status == NNOM_OK, "fed: %s", model_error_text(m))) {
        return;
    }
    const nnom_tensor_t *in = nnom_input_tensor(&m->instance, 0);
    const int32_t h = in->shape.h;
    check_many(m, k, "fed");
    nnom_forget(&m->instance);
    for (int32_t round = 0; round < 2; round++) {
        for (int32_t y = 0; y < h;) {
            const int32_t n = random_in(1, h - y);
            const nnom_status_t got = nnom_feed(&m->instance, k->in[0] + y * in->row_bytes, (uint32_t)n);
            y += n;
            CHECK(got == (y < h ? NNOM_MORE : NNOM_OK), "fed %d of %d rows: status %d", (int)y, (int)h, (int)got);
        }
        check_outputs(m, k, "fed");
        CHECK(nnom_feed(&m->instance, k->in[0], 1) == NNOM_BAD_ARGUMENT, "a row too many is taken");
        nnom_reset(&m->instance);
        CHECK(h == 1 || nnom_feed(&m->instance, k->in[0], 1) == NNOM_MORE, "the first row after a reset");
        CHECK(nnom_feed(&m->instance, k->in[0], (uint32_t)h + 1u) == NNOM_BAD_ARGUMENT, "more rows than there are");
        nnom_forget(&m->instance);
    }
}

/* A fast memory smaller than the arena: the rest lies in the slow one. */
static void check_regions(nnom_model_t *m, nnom_layer_t *last, const samples_t *k, uint32_t arena_bytes)
{
    const nnom_options_t options = {.target = target,
                                    .mode = random_chance(50) ? NNOM_MODE_WHOLE : NNOM_MODE_AUTO,
                                    .fast_bytes = (uint32_t)random_in(1, (int32_t)arena_bytes + 8)};
    nnom_totals_t totals = {0};
    const uint32_t fast = compile_as(m, last, &options, "two regions");
    CHECK(nnom_totals(m, &totals) == NNOM_OK && fast <= options.fast_bytes,
          "%lu bytes of %lu in fast memory, %lu in slow", (unsigned long)fast, (unsigned long)options.fast_bytes,
          (unsigned long)totals.slow_bytes);
    run_and_compare(m, k, "two regions");
}

void check_modes(nnom_model_t *m, nnom_layer_t *last, const samples_t *k, uint32_t with_target)
{
    target = with_target;
    curve_t curve = {.count = 0};
    const nnom_options_t smallest = {
        .target = target, .mode = NNOM_MODE_SMALLEST, .curve = record, .curve_context = &curve};
    const nnom_options_t automatic = {.target = target, .mode = NNOM_MODE_AUTO},
                         whole = {.target = target, .mode = NNOM_MODE_WHOLE};
    const uint32_t most = compile_as(m, last, &whole, "whole");
    run_and_compare(m, k, "whole");
    const uint32_t some = compile_as(m, last, &automatic, "automatic");
    run_and_compare(m, k, "automatic");
    check_many(m, k, "automatic");
    const uint32_t least = compile_as(m, last, &smallest, "smallest");
    run_and_compare(m, k, "smallest");
    run_and_compare(m, k, "smallest, once more");
    CHECK(least <= some && some <= most, "arenas: smallest %lu, automatic %lu, whole %lu", (unsigned long)least,
          (unsigned long)some, (unsigned long)most);
    check_budgets(m, last, k, &curve);
    check_regions(m, last, k, most);
    check_fed(m, last, k);
}
