/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Around a compiled model: evaluation, statistics, facts. */
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
    memcpy(nnom_input_buffer(p->instance, 0), scores, classes);
    return prediction_run(p, label, got, NULL);
}

/* ---- Evaluation ---- */

static void counts(void)
{
    nnom_model_t m;
    identity_model(&m, 4);
    nnom_predict_t *p = prediction_create(&m, nnom_input_buffer(&m.instance, 0), 4, 4);
    static const int8_t scores[5][4] = {{90, 1, 2, 3}, {10, 20, 30, 40}, {50, 50, 0, 0}, {0, 0, 0, 0}, {1, 2, 127, 3}};
    static const uint32_t labels[5] = {0, 0, 1, 3, 2}, best[5] = {0, 3, 0, 0, 2}, ranks[4] = {2, 1, 0, 2};
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t got = 99;
        CHECK(predict(p, scores[i], 4, labels[i], &got) == NNOM_OK && got == best[i], "sample %d: class %d", (int)i,
              (int)got);
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
    CHECK(prediction_create(&m, NULL, SIZE_MAX, 1) == NULL && prediction_create(&m, NULL, 4, SIZE_MAX) == NULL,
          "SIZE_MAX");
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
        CHECK(predict(p, &byte, 1, 1, &label) == NNOM_OK && label == (score > 64 ? 1u : 0u), "score %d: %d", (int)score,
              (int)label);
        CHECK(nnom_predict(&m, NULL, &prob) == NNOM_OK && prob == (float)score / 128.0f, "score %d: %d / 1000",
              (int)score, (int)(prob * 1000.0f));
    }
    CHECK(p->top_k[0] == 63 && p->top_k[1] == 65, "ranks %lu, %lu", (unsigned long)p->top_k[0],
          (unsigned long)p->top_k[1]);
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
    float *in = nnom_input_buffer(&m.instance, 0);
    in[0] = 1.0f;
    in[1] = 1.0f;
    in[2] = 1.5f;
    CHECK(nnom_predict(&m, &label, &prob) == NNOM_OK && label == 2 && prob > 0.451f && prob < 0.452f, "class %d",
          (int)label);
    model_delete(&m);
}

/* ---- Statistics ---- */

static uint32_t begins, ends;

static void count_events(void *context, const nnom_instance_t *instance, uint32_t node, nnom_event_t event)
{
    (void)instance;
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
    nnom_set_observer(&m.instance, count_events, &begins);
    log_clear();
    model_stat(&m);
    CHECK(begins == 0, "the user's observer is called");
    CHECK(strstr(log_text(), "first") != NULL && strstr(log_text(), "3240 MACs") != NULL,
          "no line of the first layer:\n%s", log_text());
    CHECK(strstr(log_text(), "total") != NULL, "no total:\n%s", log_text());
    CHECK(model_run(&m) == NNOM_OK && begins == nnom_node_count(&m.instance) && ends == begins, "%lu nodes seen",
          (unsigned long)begins);
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
    CHECK(bytes == heap_bytes() - before, "%lu bytes reported, %lu held", (unsigned long)bytes,
          (unsigned long)(heap_bytes() - before));
    CHECK(nnom_totals(&m, &totals) == NNOM_OK && totals.descriptor_bytes + totals.arena_bytes == bytes,
          "totals: %lu + %lu bytes", (unsigned long)totals.descriptor_bytes, (unsigned long)totals.arena_bytes);
    CHECK(strstr(log_text(), "memory:") != NULL, "log '%s'", log_text());
    const nnom_options_t smallest = {.mode = NNOM_MODE_SMALLEST};
    CHECK(nnom_compile(&m, m.builder->layers, NULL, &smallest) == NNOM_OK && m.instance.program->segments != NULL,
          "no plan that rolls");
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
    CHECK(nnom_layer_info(&m, 1, &info) == NNOM_OK && strcmp(info.name, "first") == 0 &&
              strcmp(info.kind, "Conv2D") == 0,
          "layer 1");
    CHECK(strcmp(info.activation, "ReLU") == 0 && info.macs == 3240 && info.input_bytes == 90 &&
              info.output_bytes == 120,
          "layer 1");
    CHECK(nnom_layer_info(&m, 2, &info) == NNOM_OK && info.node == NNOM_NO_NODE && strcmp(info.lies_in, "first") == 0,
          "the ReLU");
    CHECK(nnom_layer_info(&m, 99, &info) == NNOM_BAD_ARGUMENT, "layer 99");
    CHECK(nnom_node_output(&m.instance, 0, &t) != NULL && t->shape.c == 4, "node 0");
    CHECK(nnom_node_output(&m.instance, 99, &t) == NULL && nnom_node_output(&m.instance, 0, NULL) == NULL, "node 99");
    CHECK(nnom_input_tensor(&m.instance, 1) == NULL && nnom_output_buffer(&m.instance, 7) == NULL &&
              nnom_input_bytes(&m.instance, 2) == 0,
          "ports");
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
    CHECK(nnom_layer_info(&m, 0, &info) == NNOM_OK && strlen(info.name) == 31, "name of %lu characters",
          (unsigned long)strlen(info.name));
    nnom_set_verbose(&m, false);
    log_clear();
    CHECK(sequential_compile(&m) == NNOM_OK && log_text()[0] == '\0', "it prints");
    model_delete(&m);
}

static uint32_t lines_of(const char *text)
{
    uint32_t lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

static uint32_t clock_reads, clock_step;

static uint32_t count_reads(void)
{
    clock_reads++;
    return clock_reads * clock_step;
}

/* The steps of a rolling model are added up, a line for each node; a step without work counts as nothing, however long the clock takes. */
static void profile(void)
{
    nnom_model_t m;
    uint64_t ticks[16] = {77, 77};
    nnom_profile_t p;
    branching_model(&m);
    const nnom_options_t smallest = {.mode = NNOM_MODE_SMALLEST};
    CHECK(nnom_compile(&m, m.builder->layers, NULL, &smallest) == NNOM_OK && m.instance.program->segments != NULL,
          "no plan that rolls");
    const uint32_t nodes = nnom_node_count(&m.instance);
    CHECK(nodes <= 16, "%lu nodes", (unsigned long)nodes);
    log_clear();
    model_stat(&m);
    CHECK(lines_of(log_text()) == nodes + 1, "%lu lines for %lu nodes:\n%s", (unsigned long)lines_of(log_text()),
          (unsigned long)nodes, log_text());
    for (clock_step = 1; clock_step != 0; clock_step *= 8) { /* up to where it wraps at each reading */
        clock_reads = 0;
        nnom_profile_start(&p, &m.instance, ticks, count_reads);
        CHECK(model_run(&m) == NNOM_OK && clock_reads > 2 * nodes, "%lu readings", (unsigned long)clock_reads);
        nnom_set_observer(&m.instance, NULL, NULL);
        for (uint32_t n = 0; n < nodes; n++) {
            CHECK(ticks[n] == 0, "node %lu: %lu ticks", (unsigned long)n, (unsigned long)ticks[n]);
        }
    }
    nnom_instance_t empty = {0};
    log_clear();
    nnom_profile_start(&p, &empty, ticks, NULL);
    nnom_profile_start(NULL, &m.instance, ticks, NULL);
    nnom_profile_start(&p, &m.instance, NULL, NULL);
    CHECK(m.instance.observer == NULL && empty.observer == NULL, "a profile without memory");
    nnom_print_layers(&empty, NULL);
    nnom_print_layers(&m.instance, NULL);
    nnom_profile_print(&p, &m.instance, NULL);
    CHECK(log_text()[0] == '\0', "it prints %s", log_text());
    model_delete(&m);
}

/* The rows that freeze writes. */
static void table(void)
{
    nnom_model_t m;
    nnom_layer_row_t rows[16];
    nnom_layer_info_t info;
    branching_model(&m);
    for (uint32_t i = 0; nnom_layer_info(&m, i, &info) == NNOM_OK; i++) {
        if (info.node != NNOM_NO_NODE) {
            const nnom_layer_row_t row = {info.name, info.kind, info.activation, info.macs};
            rows[info.node] = row;
        }
    }
    log_clear();
    nnom_print_layers(&m.instance, rows);
    CHECK(lines_of(log_text()) == nnom_node_count(&m.instance) + 2 &&
              strstr(log_text(), "first                  Conv2D          ReLU") != NULL,
          "table:\n%s", log_text());
    model_delete(&m);
}

const test_t tools_tests[] = {TEST(counts),
                              TEST(odd_labels),
                              TEST(binary_classifier),
                              TEST(float_classifier),
                              TEST(statistics),
                              TEST(memory),
                              TEST(facts),
                              TEST(names),
                              TEST(profile),
                              TEST(table),
                              {NULL, NULL}};
