/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Around a compiled model: evaluation, statistics, facts, freezing to text. */
#include <stdio.h>
#include <string.h>

#include "random_layers.h"
#include "separate.h"

/* A classifier whose output is its input: class scores are what the test writes. */
static void identity_model(nnom_model_t *m, int32_t classes)
{
    (void)new_model(m);
    nnom_set_verbose(m, false);
    (void)m->add(m, Input(shape(1, 1, classes), qformat(0, 7), NULL));
    (void)m->add(m, ReLU());
    CHECK(sequential_compile(m) == NNOM_OK, "%s", model_error_text(m));
}

static nnom_status_t predict(nnom_predict_t *p, const int8_t *scores, uint32_t classes, uint32_t label, uint32_t *got)
{
    memcpy(nnom_input_buffer(p->model, 0), scores, classes);
    return prediction_run(p, label, got, NULL);
}

/* ---- Evaluation ---- */

static void counts(void)
{
    nnom_model_t m;
    identity_model(&m, 4);
    nnom_predict_t *p = prediction_create(&m, nnom_input_buffer(&m, 0), 4, 4);
    static const int8_t scores[5][4] = {{90, 1, 2, 3}, {10, 20, 30, 40}, {50, 50, 0, 0}, {0, 0, 0, 0}, {1, 2, 127, 3}};
    static const uint32_t labels[5] = {0, 0, 1, 3, 2}, best[5] = {0, 3, 0, 0, 2}, ranks[4] = {2, 1, 0, 2};
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t got = 99;
        CHECK(predict(p, scores[i], 4, labels[i], &got) == NNOM_OK && got == best[i], "sample %d: class %d", (int)i, (int)got);
        CHECK(p->confusion[labels[i] * 4 + best[i]] == 1, "cell (%d, %d)", (int)labels[i], (int)best[i]);
    }
    CHECK(memcmp(p->top_k, ranks, sizeof ranks) == 0, "ranks %lu %lu %lu %lu", (unsigned long)p->top_k[0],
          (unsigned long)p->top_k[1], (unsigned long)p->top_k[2], (unsigned long)p->top_k[3]);
    CHECK(p->predict_count == 5 && p->skipped == 0 && p->t_run_total > 0, "counts");
    prediction_end(p);
    log_clear();
    prediction_summary(p);
    CHECK(strstr(log_text(), "top 1 accuracy: 40.0 %") != NULL && strstr(log_text(), "top 4 accuracy: 100.0 %") != NULL,
          "summary:\n%s", log_text());
    CHECK(strstr(log_text(), "50.0 %") != NULL, "class 0 has no 50 %% in:\n%s", log_text());
    prediction_delete(p);
    model_delete(&m);
}

/* Labels out of range, classes without samples, fewer labels than outputs. */
static void odd_labels(void)
{
    static const int8_t second[4] = {0, 100, 0, 0}, last[4] = {0, 0, 0, 100};
    static const uint32_t wrong[3] = {3, 1000, UINT32_MAX};
    nnom_model_t m;
    identity_model(&m, 4);
    nnom_predict_t *p = prediction_create(&m, NULL, 3, 1);
    for (size_t i = 0; i < 3; i++) {
        CHECK(predict(p, second, 4, wrong[i], NULL) == NNOM_OK, "label %lu", (unsigned long)wrong[i]);
    }
    CHECK(predict(p, last, 4, 1, NULL) == NNOM_OK, "a prediction beyond the labels");
    CHECK(p->skipped == 4 && p->predict_count == 0, "%lu skipped", (unsigned long)p->skipped);
    log_clear();
    prediction_summary(p); /* nothing was counted: no division by zero */
    CHECK(strstr(log_text(), "0 predictions, 4 labels out of range") != NULL, "summary:\n%s", log_text());
    for (uint32_t i = 0; i < 70000; i++) {
        CHECK(predict(p, second, 4, 1, NULL) == NNOM_OK, "run %lu", (unsigned long)i);
    }
    CHECK(p->confusion[1 * 3 + 1] == UINT16_MAX && p->predict_count == 70000, "a count wrapped");
    prediction_delete(p);
    CHECK(prediction_create(&m, NULL, 0, 1) == NULL && prediction_create(&m, NULL, 5, 1) == NULL, "label_num 0 or 5");
    CHECK(prediction_create(&m, NULL, 4, 0) == NULL && prediction_create(&m, NULL, 4, 5) == NULL, "top_k_size 0 or 5");
    CHECK(prediction_create(&m, NULL, SIZE_MAX, 1) == NULL && prediction_create(&m, NULL, 4, SIZE_MAX) == NULL, "SIZE_MAX");
    model_delete(&m);
}

/* One output is the probability of label 1. */
static void binary_classifier(void)
{
    nnom_model_t m;
    identity_model(&m, 1);
    nnom_predict_t *p = prediction_create(&m, NULL, 2, 2);
    for (int32_t score = 0; score < 128; score++) {
        const int8_t byte = (int8_t)score;
        uint32_t label = 99;
        float prob = -1.0f;
        CHECK(predict(p, &byte, 1, 1, &label) == NNOM_OK && label == (score > 64 ? 1u : 0u), "score %d: %d", (int)score, (int)label);
        CHECK(nnom_predict(&m, NULL, &prob) == NNOM_OK && prob == (float)score / 128.0f, "score %d: %d / 1000", (int)score,
              (int)(prob * 1000.0f));
    }
    CHECK(p->top_k[0] == 63 && p->top_k[1] == 65, "ranks %lu, %lu", (unsigned long)p->top_k[0], (unsigned long)p->top_k[1]);
    prediction_delete(p);
    model_delete(&m);
}

static void float_classifier(void)
{
    nnom_model_t m;
    float prob = 0.0f;
    uint32_t label = 0;
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    (void)m.add(&m, nnom_layer_set_type(Input(shape(1, 1, 3), NULL), NNOM_TYPE_F32));
    (void)m.add(&m, Softmax());
    CHECK(sequential_compile(&m) == NNOM_OK, "%s", model_error_text(&m));
    float *in = nnom_input_buffer(&m, 0);
    in[0] = 1.0f;
    in[1] = 1.0f;
    in[2] = 1.5f;
    CHECK(nnom_predict(&m, &label, &prob) == NNOM_OK && label == 2 && prob > 0.451f && prob < 0.452f, "class %d", (int)label);
    model_delete(&m);
}

/* ---- Statistics ---- */

static void branching_model(nnom_model_t *m)
{
    random_float_model(false);
    (void)new_model(m);
    nnom_set_verbose(m, false);
    nnom_layer_t *in = random_source(m, shape(6, 5, 3));
    const weights_t *w = random_weights(4, 27);
    nnom_layer_t *conv = nnom_layer_set_name(weighted(Conv2D(4, kernel(3, 3), stride(1, 1), PADDING_SAME, &w->w, w->bias), w, 27), "first");
    nnom_layer_t *x = m->active(act_relu(), m->hook(conv, in));
    nnom_layer_t *y = m->hook(MaxPool(kernel(2, 2), stride(1, 1), PADDING_SAME), x);
    x = m->hook(Softmax(), m->hook(GlobalAvgPool(), m->merge(Add(), x, y)));
    const nnom_options_t whole = {.mode = NNOM_MODE_WHOLE};
    CHECK(nnom_compile(m, in, x, &whole) == NNOM_OK, "%s", model_error_text(m));
}

static uint32_t begins, ends;

static void count_events(void *context, const nnom_model_t *m, uint32_t node, nnom_event_t event)
{
    (void)m;
    (void)node;
    CHECK(context == &begins, "the context is lost");
    begins += event == NNOM_EVENT_BEGIN;
    ends += event == NNOM_EVENT_END;
}

/* model_stat prints every node with its MACs and leaves the user's observer in place. */
static void statistics(void)
{
    nnom_model_t m;
    branching_model(&m);
    begins = ends = 0;
    nnom_set_observer(&m, count_events, &begins);
    log_clear();
    model_stat(&m);
    CHECK(begins == 0, "the user's observer is called");
    CHECK(strstr(log_text(), "first") != NULL && strstr(log_text(), "3240 MACs") != NULL, "no line of the first layer:\n%s", log_text());
    CHECK(strstr(log_text(), "total") != NULL, "no total:\n%s", log_text());
    CHECK(model_run(&m) == NNOM_OK && begins == nnom_node_count(&m) && ends == begins, "%lu nodes seen", (unsigned long)begins);
    model_delete(&m);
}

/* Every byte that NNoM holds is counted, schedules included. */
static void memory(void)
{
    const size_t before = heap_bytes();
    nnom_model_t m;
    nnom_totals_t totals;
    branching_model(&m);
    log_clear();
    const size_t bytes = nnom_mem_stat(&m);
    CHECK(bytes == heap_bytes() - before, "%lu bytes reported, %lu held", (unsigned long)bytes, (unsigned long)(heap_bytes() - before));
    CHECK(nnom_totals(&m, &totals) == NNOM_OK && totals.descriptor_bytes + totals.arena_bytes == bytes,
          "totals: %lu + %lu bytes", (unsigned long)totals.descriptor_bytes, (unsigned long)totals.arena_bytes);
    CHECK(strstr(log_text(), "memory:") != NULL, "log '%s'", log_text());
    const nnom_options_t smallest = {.mode = NNOM_MODE_SMALLEST};
    CHECK(nnom_compile(&m, m.builder->layers, NULL, &smallest) == NNOM_OK && m.program->segments != NULL, "no plan that rolls");
    const size_t rolling = nnom_mem_stat(&m);
    CHECK(rolling == heap_bytes() - before, "rolling: %lu bytes reported, %lu held", (unsigned long)rolling,
          (unsigned long)(heap_bytes() - before));
    model_delete(&m);
}

static void facts(void)
{
    nnom_model_t m;
    nnom_layer_info_t info;
    const nnom_tensor_t *t = NULL;
    branching_model(&m);
    CHECK(nnom_layer_info(&m, 1, &info) == NNOM_OK && strcmp(info.name, "first") == 0 && strcmp(info.kind, "Conv2D") == 0, "layer 1");
    CHECK(strcmp(info.activation, "ReLU") == 0 && info.macs == 3240 && info.input_bytes == 90 && info.output_bytes == 120, "layer 1");
    CHECK(nnom_layer_info(&m, 2, &info) == NNOM_OK && info.node == NNOM_NO_NODE && strcmp(info.lies_in, "first") == 0, "the ReLU");
    CHECK(nnom_layer_info(&m, 99, &info) == NNOM_BAD_ARGUMENT, "layer 99");
    CHECK(nnom_node_output(&m, 0, &t) != NULL && t->shape.c == 4, "node 0");
    CHECK(nnom_node_output(&m, 99, &t) == NULL && nnom_node_output(&m, 0, NULL) == NULL, "node 99");
    CHECK(nnom_input_tensor(&m, 1) == NULL && nnom_output_buffer(&m, 7) == NULL && nnom_input_bytes(&m, 2) == 0, "ports");
    log_clear();
    model_print(&m);
    CHECK(strstr(log_text(), "in first") != NULL && strstr(log_text(), "ReLU") != NULL, "table:\n%s", log_text());
    model_delete(&m);
}

/* Names are cut, not overrun; compile prints its table unless it is told not to. */
static void names(void)
{
    nnom_model_t m;
    nnom_layer_info_t info;
    char name[100];
    memset(name, 'x', sizeof name);
    name[99] = '\0';
    (void)new_model(&m);
    (void)m.add(&m, nnom_layer_set_name(Input(shape(1, 1, 3), NULL), name));
    (void)m.add(&m, TanH());
    log_clear();
    CHECK(sequential_compile(&m) == NNOM_OK && strstr(log_text(), "TanH_2") != NULL, "table:\n%s", log_text());
    CHECK(nnom_layer_info(&m, 0, &info) == NNOM_OK && strlen(info.name) == 31, "name of %lu characters", (unsigned long)strlen(info.name));
    nnom_set_verbose(&m, false);
    log_clear();
    CHECK(sequential_compile(&m) == NNOM_OK && log_text()[0] == '\0', "it prints");
    model_delete(&m);
}

/* ---- Freezing ---- */

typedef struct text {
    char *bytes;
    size_t length;
    size_t stop_at; /* writing fails from here on */
} text_t;

enum { TEXT_MAX = 1 << 18 };

static int append(void *context, const char *piece, size_t bytes)
{
    text_t *text = context;
    if (text->length + bytes > text->stop_at) {
        return -1;
    }
    memcpy(text->bytes + text->length, piece, bytes);
    text->length += bytes;
    text->bytes[text->length] = '\0';
    return 0;
}

static text_t new_text(size_t stop_at)
{
    const text_t text = {keep(TEXT_MAX + 1), 0, stop_at};
    text.bytes[0] = '\0';
    return text;
}

static void check_braces(const text_t *text)
{
    int32_t depth = 0;
    for (size_t i = 0; i < text->length; i++) {
        depth += text->bytes[i] == '{' || text->bytes[i] == '(' ? 1 : 0;
        depth -= text->bytes[i] == '}' || text->bytes[i] == ')' ? 1 : 0;
        CHECK(depth >= 0, "a closing bracket too many");
    }
    CHECK(depth == 0, "%d brackets stay open", (int)depth);
}

static void freeze_text(void)
{
    nnom_model_t m;
    branching_model(&m);
    random_bytes(nnom_input_buffer(&m, 0), nnom_input_bytes(&m, 0));
    text_t source = new_text(TEXT_MAX), header = new_text(TEXT_MAX);
    CHECK(nnom_freeze(&m, "net", false, append, &source) == NNOM_OK, "source: %s", model_error_text(&m));
    CHECK(nnom_freeze(&m, "net", true, append, &header) == NNOM_OK, "header: %s", model_error_text(&m));
    CHECK(strstr(source.bytes, "net_selftest") != NULL && strstr(source.bytes, "nnom_conv2d_s8_op") != NULL, "source");
    CHECK(strstr(header.bytes, "NET_ARENA_BYTES") != NULL && strstr(header.bytes, "net_run") != NULL, "header:\n%.300s", header.bytes);
    check_braces(&source);
    check_braces(&header);
    for (size_t at = 0; at < source.length; at += source.length / 50 + 1) {
        text_t cut = new_text(at);
        CHECK(nnom_freeze(&m, "net", false, append, &cut) == NNOM_IO, "writing fails at %lu", (unsigned long)at);
    }
    static const char *const bad[] = {"", "1a", "a-b", "a b", "0123456789012345678901234567890123456789012345678"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(nnom_freeze(&m, bad[i], false, append, &source) == NNOM_BAD_ARGUMENT, "name '%s'", bad[i]);
    }
    CHECK(nnom_freeze(&m, NULL, false, append, &source) == NNOM_BAD_ARGUMENT, "name NULL");
    CHECK(nnom_freeze(&m, "a", false, NULL, NULL) == NNOM_NULL, "no function to write");
    model_delete(&m);
}

/* Every layer has a C form, in every plan. */
static void freeze_layers(void)
{
#define FREEZE_MAKER(kind) {#kind, make_##kind},
    static const struct {
        const char *name;
        maker_t make;
    } makers[] = {RANDOM_LAYERS(FREEZE_MAKER)};
    for (size_t k = 0; k < sizeof makers / sizeof makers[0]; k++) {
        for (uint32_t i = 0; i < 12; i++) {
            nnom_model_t m;
            const nnom_options_t options = {.mode = i % 3 == 0 ? NNOM_MODE_SMALLEST : NNOM_MODE_WHOLE, .feed = i % 3 == 1};
            test_context("%s, seed %lu:", makers[k].name, (unsigned long)(test_seed + i));
            random_seed(test_seed + i);
            (void)new_model(&m);
            nnom_set_verbose(&m, false);
            if (nnom_compile(&m, makers[k].make(&m), NULL, &options) == NNOM_OK && !options.feed) {
                text_t source = new_text(TEXT_MAX);
                const nnom_status_t status = nnom_freeze(&m, "x", false, append, &source);
                const bool own_buffer = strcmp(makers[k].name, "output") == 0;
                CHECK(status == (own_buffer ? NNOM_UNSUPPORTED : NNOM_OK), "status %d: %s", (int)status, model_error_text(&m));
                check_braces(&source);
            }
            model_delete(&m);
            forget();
        }
    }
}

static nnom_status_t nothing(nnom_layer_t *layer)
{
    (void)layer;
    return NNOM_OK;
}

static void freeze_refuses(void)
{
    nnom_model_t m;
    text_t text = new_text(TEXT_MAX);
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    CHECK(nnom_freeze(&m, "a", false, append, &text) == NNOM_NOT_COMPILED, "not compiled");
    (void)m.add(&m, Input(shape(1, 1, 3), NULL));
    (void)m.add(&m, nnom_layer_set_name(Lambda(nothing, NULL, NULL, NULL), "mine"));
    CHECK(sequential_compile(&m) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(nnom_freeze(&m, "a", false, append, &text) == NNOM_UNSUPPORTED, "a Lambda");
    CHECK(strstr(model_error_text(&m), "layer 'mine'") != NULL, "text '%s'", model_error_text(&m));
    model_delete(&m);
}

const test_t tools_tests[] = {TEST(counts),     TEST(odd_labels), TEST(binary_classifier), TEST(float_classifier),
                              TEST(statistics), TEST(memory),     TEST(facts),             TEST(names),
                              TEST(freeze_text), TEST(freeze_layers), TEST(freeze_refuses), {NULL, NULL}};
