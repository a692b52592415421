/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The calls of the C API in any order, with arguments of any size, on random models: under the sanitizers nothing is read or
 * written outside, no memory stays, a status is one of the list, and what is not compiled does not run. tests/test_fuzz.py repeats
 * it with new seeds.
 */
#include <stdio.h>
#include <string.h>

#include "random_net.h"

enum { MOST_CALLS = 24, ROWS = 12, ARENA_BYTES = 1 << 16, TEST_BYTES = 4096 };

/* A model in use. */
typedef struct use {
    nnom_model_t m;
    net_t net;
    nnom_predict_t *prediction;
    guarded_t arenas[2]; /* given ones; data NULL: none */
    uint32_t calls, compiled, events;
} use_t;

/* ---- Values ---- */

static uint32_t any_size(void)
{
    static const uint32_t sizes[] = {0,         1, 3, 4, 5, 64, 1000, 65535, 65536, INT32_MAX, (uint32_t)INT32_MAX + 1,
                                     UINT32_MAX};
    return random_chance(50) ? (uint32_t)random_in(0, 4000) : sizes[random_in(0, 11)];
}

static void see(void *context, const nnom_instance_t *instance, uint32_t node, nnom_event_t event)
{
    const nnom_tensor_t *tensor;
    use_t *u = context;
    u->events += event == NNOM_EVENT_END && nnom_node_output(instance, node, &tensor) != NULL;
}

static void plan_seen(void *context, const nnom_plan_point_t *point)
{
    ((use_t *)context)->events += point->arena_bytes > 0;
}

static nnom_options_t any_options(use_t *u)
{
    nnom_options_t o = {.mode = NNOM_MODE_AUTO, .all_rows = random_chance(30)};
    o.mode = (nnom_mode_t)(random_chance(95) ? random_in(0, 2) : random_in(-1, 9));
    o.arena_bytes = random_chance(20) ? any_size() : 0;
    o.fast_bytes = random_chance(20) ? any_size() : 0;
    o.target = random_chance(90) ? (uint32_t)random_in(0, 15) : random_u32();
    o.optimize = (nnom_optimize_t)(random_chance(95) ? random_in(0, 2) : random_in(-1, 9));
    o.feed = random_chance(30);
    o.endless = random_chance(o.feed ? 40 : 2);
    o.curve = random_chance(20) ? plan_seen : NULL;
    o.curve_context = u;
    return o;
}

static bool listed(nnom_status_t status)
{
#define STATUS_OR(name, value, text) status == (name) ||
    return NNOM_STATUS_LIST(STATUS_OR) false;
#undef STATUS_OR
}

static void expect_listed(nnom_status_t status, const char *what)
{
    CHECK(listed(status), "%s: status %d", what, (int)status);
}

/* ---- Calls before and between compiles ---- */

static void give_arena(use_t *u)
{
    const int32_t i = random_in(0, 1);
    const uint32_t bytes = random_chance(50) ? (uint32_t)random_in(0, 300) : (uint32_t)random_in(0, ARENA_BYTES);
    const uint32_t odd = random_chance(90) ? 0 : (uint32_t)random_in(1, 3);
    if (u->arenas[i].block != NULL) {
        return; /* it must live as long as the model */
    }
    u->arenas[i] = guarded_new(bytes + odd);
    uint8_t *memory = random_chance(97) ? u->arenas[i].data + odd : NULL;
    expect_listed(i == 0 ? nnom_set_arena(&u->m, memory, bytes) : nnom_set_slow_arena(&u->m, memory, bytes),
                  "set_arena");
}

static void compile(use_t *u)
{
    const nnom_options_t options = any_options(u);
    if (random_chance(3)) {
        (void)heap_fail_at((uint32_t)random_in(1, 60));
    }
    const nnom_status_t status = net_compile(&u->m, &u->net, random_chance(10) ? NULL : &options);
    (void)heap_fail_at(0);
    expect_listed(status, "compile");
    u->compiled += status == NNOM_OK;
    if (status != NNOM_OK) {
        CHECK(model_error_text(&u->m)[0] != '\0', "refused without a word");
        CHECK(model_run(&u->m) == NNOM_NOT_COMPILED && nnom_node_count(&u->m.instance) == 0, "refused, but runs");
    }
}

static void add_layer(use_t *u)
{
    const int32_t i = random_in(0, u->net.count - 1);
    nnom_layer_t *layer = net_layer();
    if (random_chance(20)) {
        expect_listed(u->m.add(&u->m, layer), "add");
    } else if (u->net.owned[i] && u->m.hook(layer, u->net.layers[i]) != NULL && random_chance(60)) {
        expect_listed(nnom_own(&u->m, layer), "own");
    } else {
        nnom_discard(layer);
    }
}

static void no_pointers(use_t *u)
{
    uint8_t row[4] = {0};
    CHECK(nnom_run(NULL) != NNOM_OK && nnom_feed(NULL, row, 1) != NNOM_OK && nnom_feed_bytes(NULL, row, 1) != NNOM_OK &&
              nnom_run_many(NULL, NULL, NULL, 1) != NNOM_OK,
          "no instance");
    CHECK(nnom_classify(NULL, NULL, NULL) != NNOM_OK && nnom_prediction_run(NULL, 0, NULL, NULL) != NNOM_OK,
          "no instance");
    CHECK(nnom_prediction_create(NULL, 2, 2) == NULL && nnom_totals(NULL, NULL) != NNOM_OK, "no instance");
    CHECK(nnom_compile(NULL, NULL, NULL, NULL) != NNOM_OK && nnom_predict(NULL, NULL, NULL) != NNOM_OK, "no model");
    CHECK(nnom_totals(&u->m, NULL) != NNOM_OK && nnom_layer_info(&u->m, 0, NULL) != NNOM_OK, "nowhere to write");
    CHECK(nnom_feed(&u->m.instance, NULL, 1) != NNOM_OK, "no rows");
    CHECK(nnom_model_error_text(NULL) != NULL && nnom_own(NULL, NULL) != NNOM_OK, "no model");
    nnom_reset(NULL);
    nnom_forget(NULL);
    nnom_set_observer(NULL, NULL, NULL);
    nnom_prediction_delete(NULL);
    nnom_model_delete(NULL);
    nnom_discard(NULL);
}

/* ---- Calls that run ---- */

static bool is_fed(const use_t *u)
{
    return u->m.instance.program != NULL && u->m.instance.program->fed != 0;
}

/* The input of a fed model has no buffer that could be filled. */
static void fill(use_t *u)
{
    for (uint32_t i = 0; i < nnom_input_count(&u->m.instance); i++) {
        void *to = nnom_input_buffer(&u->m.instance, i);
        if (to != NULL && !is_fed(u) && nnom_input_bytes(&u->m.instance, i) <= TEST_BYTES) {
            random_bytes(to, nnom_input_bytes(&u->m.instance, i));
        }
    }
}

/* Any number of rows, ROWS of which there are: more are refused, or the model takes none. */
static void feed(use_t *u)
{
    const nnom_tensor_t *in = nnom_input_tensor(&u->m.instance, 0);
    const uint32_t row = in != NULL ? (uint32_t)in->row_bytes : 1;
    const bool short_enough = in == NULL || in->shape.h <= ROWS;
    const uint32_t n = random_chance(80) ? (uint32_t)random_in(0, short_enough ? ROWS : 1) : ROWS + any_size();
    if (row > TEST_BYTES || (n > ROWS && !short_enough)) {
        return; /* rows of up to 2 GB are allowed, but are not for a test */
    }
    guarded_t rows = guarded_new((size_t)row * ROWS);
    if (random_chance(50)) {
        expect_listed(nnom_feed(&u->m.instance, rows.data, n), "feed");
    } else if (n <= ROWS) {
        expect_listed(nnom_feed_bytes(&u->m.instance, rows.data, n * row + (random_chance(80) ? 0 : 1)), "feed_bytes");
    }
    (void)guarded_free(&rows);
}

/* A few samples, of no port or of small ones. */
static void run_some(use_t *u)
{
    const void *in[ROWS] = {NULL};
    void *out[ROWS] = {NULL};
    const uint32_t n = (uint32_t)random_in(0, 3);
    const nnom_instance_t *instance = &u->m.instance;
    if (nnom_input_count(instance) > ROWS || nnom_output_count(instance) > ROWS) {
        return;
    }
    for (uint32_t i = 0; i < nnom_input_count(instance) && nnom_input_bytes(instance, i) <= TEST_BYTES; i++) {
        in[i] = random_chance(95) ? keep(3 * TEST_BYTES) : NULL;
    }
    for (uint32_t i = 0; i < nnom_output_count(instance) && nnom_output_bytes(instance, i) <= TEST_BYTES; i++) {
        out[i] = random_chance(80) ? keep(3 * TEST_BYTES) : NULL;
    }
    expect_listed(nnom_run_many(&u->m.instance, random_chance(95) ? in : NULL, random_chance(95) ? out : NULL, n),
                  "run_many");
}

/* A classifier of a billion classes is right and takes minutes. */
static bool too_many_classes(const use_t *u)
{
    return nnom_output_bytes(&u->m.instance, 0) > 1u << 20;
}

static void classify(use_t *u)
{
    uint32_t label = 7;
    float probability = 0.5f;
    if (too_many_classes(u)) {
        return;
    }
    fill(u);
    expect_listed(
        nnom_classify(&u->m.instance, random_chance(80) ? &label : NULL, random_chance(80) ? &probability : NULL),
        "classify");
    expect_listed(nnom_predict(&u->m, random_chance(80) ? &label : NULL, random_chance(80) ? &probability : NULL),
                  "predict");
}

static void predict(use_t *u)
{
    uint32_t label;
    float probability;
    if (u->prediction == NULL) {
        u->prediction = nnom_prediction_create(&u->m.instance, any_size(), any_size() % 100);
        u->prediction = u->prediction != NULL
                            ? u->prediction
                            : nnom_prediction_create(&u->m.instance, (size_t)random_in(0, 4), (size_t)random_in(0, 9));
    }
    if (u->prediction == NULL || too_many_classes(u)) {
        return;
    }
    for (int32_t i = random_in(0, 3); i > 0; i--) {
        fill(u);
        expect_listed(nnom_prediction_run(u->prediction, random_chance(80) ? (uint32_t)random_in(0, 4) : any_size(),
                                          &label, &probability),
                      "prediction_run");
    }
    if (random_chance(20)) {
        nnom_prediction_matrix(u->prediction);
        nnom_prediction_top_k(u->prediction);
        nnom_prediction_summary(u->prediction);
    }
    if (random_chance(30)) {
        nnom_prediction_delete(u->prediction);
        u->prediction = NULL;
    }
}

static void ask(use_t *u)
{
    const nnom_tensor_t *tensor = NULL;
    nnom_layer_info_t info;
    nnom_totals_t totals;
    expect_listed(nnom_totals(&u->m, &totals), "totals");
    expect_listed(nnom_layer_info(&u->m, random_chance(80) ? (uint32_t)random_in(0, MOST) : any_size(), &info),
                  "layer_info");
    const uint32_t i = random_chance(80) ? (uint32_t)random_in(0, MOST) : any_size();
    (void)nnom_node_output(&u->m.instance, i, &tensor);
    CHECK(nnom_input_buffer(&u->m.instance, i) == NULL || nnom_input_bytes(&u->m.instance, i) > 0, "input %ld",
          (long)i);
    CHECK(nnom_output_tensor(&u->m.instance, i) == NULL || nnom_output_buffer(&u->m.instance, i) != NULL, "output %ld",
          (long)i);
    if (random_chance(20)) {
        model_print(&u->m);
        nnom_model_stat(&u->m);
        (void)nnom_mem_stat(&u->m);
    }
    log_clear();
}

/* ---- Freezing: not on boards ---- */

#ifdef TEST_BOARD
static void freeze(use_t *u)
{
    (void)u;
}
#else
static int count_down(void *context, const char *text, size_t bytes)
{
    int32_t *left = context;
    (void)text;
    (void)bytes;
    return --*left < 0;
}

static void freeze(use_t *u)
{
    static const char *const names[] = {"net", "", "1a", "a b", "%s"};
    int32_t pieces = random_chance(60) ? INT32_MAX : random_in(0, 20);
    const nnom_tensor_t *in = nnom_input_tensor(&u->m.instance, 0);
    if (in != NULL && nnom_input_bytes(&u->m.instance, 0) > TEST_BYTES) {
        return;
    }
    if (random_chance(50)) {
        expect_listed(nnom_set_test_input(&u->m, random_chance(90) ? keep(TEST_BYTES) : NULL), "set_test_input");
    }
    fill(u);
    expect_listed(
        nnom_freeze(&u->m, names[random_chance(80) ? 0 : random_in(1, 4)], random_chance(50), count_down, &pieces),
        "freeze");
}
#endif

/* ---- Sequences ---- */

static void run(use_t *u)
{
    fill(u);
    const nnom_status_t status = model_run(&u->m);
    CHECK(status == NNOM_OK || status == NNOM_FED || status == NNOM_NOT_COMPILED, "run: status %d", (int)status);
}

static void watch(use_t *u)
{
    nnom_set_observer(&u->m.instance, random_chance(70) ? see : NULL, u);
}

static void start_again(use_t *u)
{
    if (random_chance(70)) {
        nnom_reset(&u->m.instance);
    } else {
        nnom_forget(&u->m.instance);
    }
}

typedef void (*call_t)(use_t *u);

/* The frequent ones several times. */
static const call_t calls[] = {give_arena, compile, compile,     add_layer, no_pointers, run,      run,
                               run,        feed,    feed,        feed,      feed,        classify, predict,
                               predict,    ask,     start_again, watch,     freeze,      run_some};

static void give_back(use_t *u)
{
    nnom_prediction_delete(u->prediction);
    model_delete(&u->m);
    net_discard(&u->net);
    for (int32_t i = 0; i < 2; i++) {
        CHECK(u->arenas[i].block == NULL || guarded_free(&u->arenas[i]), "writes around arena %d", (int)i);
    }
    forget();
    CHECK(heap_blocks() == 0, "%ld blocks left", (long)heap_blocks());
}

static void one_model(use_t *u)
{
    net_make(&u->m, &u->net);
    if (random_chance(90)) {
        if (random_chance(25)) {
            give_arena(u);
        }
        compile(u);
    }
    for (int32_t n = random_in(1, MOST_CALLS); n > 0 && !test_failed(); n--, u->calls++) {
        calls[random_in(0, (int32_t)(sizeof calls / sizeof calls[0]) - 1)](u);
    }
    give_back(u);
}

static void any_order(void)
{
    uint32_t models = 0, done = 0, compiled = 0;
    for (; models < 30 * test_cases && !test_failed(); models++) {
        use_t u;
        memset(&u, 0, sizeof u);
        u.m = quiet_model();
        random_seed(test_seed * 1000033u + models);
        test_context("model %ld:", (long)models);
        one_model(&u);
        done += u.calls;
        compiled += u.compiled > 0;
    }
    test_context("%s", "");
    CHECK(compiled >= 3 * test_cases, "only %ld models compiled", (long)compiled);
    (void)printf("%lu models, %lu calls, %lu models compiled\n", (unsigned long)models, (unsigned long)done,
                 (unsigned long)compiled);
}

const test_t api_tests[] = {TEST(any_order), {NULL, NULL}};
