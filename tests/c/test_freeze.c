/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Freezing to text. Hosts only; that the text compiles and runs is tested from Python. */
#include <string.h>

#include "random_layers.h"
#include "separate.h"

typedef struct text {
    char *bytes;
    size_t length;
    size_t stop_at; /* writing fails from here on */
} text_t;

enum { TEXT_MAX = 1 << 20 };

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
    random_bytes(nnom_input_buffer(&m.instance, 0), nnom_input_bytes(&m.instance, 0));
    text_t source = new_text(TEXT_MAX), header = new_text(TEXT_MAX);
    CHECK(nnom_freeze(&m, "net", false, append, &source) == NNOM_OK, "source: %s", model_error_text(&m));
    CHECK(nnom_freeze(&m, "net", true, append, &header) == NNOM_OK, "header: %s", model_error_text(&m));
    CHECK(strstr(source.bytes, "net_selftest") != NULL && strstr(source.bytes, "nnom_conv2d_s8_") != NULL, "source");
    CHECK(strstr(header.bytes, "NET_ARENA_BYTES") != NULL && strstr(header.bytes, "net_run") != NULL, "header:\n%.300s",
          header.bytes);
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
    CHECK(nnom_freeze(NULL, "a", false, append, &source) == NNOM_NULL, "no model");
    model_delete(&m);
}

/* Freezes the model that make() builds with these options, if it compiles. */
static void freeze_one(maker_t make, bool own_buffer, const nnom_options_t *options)
{
    nnom_model_t m;
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    if (nnom_compile(&m, make(&m), NULL, options) == NNOM_OK) {
        text_t source = new_text(TEXT_MAX), header = new_text(TEXT_MAX);
        if (options->feed) {
            const nnom_tensor_t *in = nnom_input_tensor(&m.instance, 0);
            void *rows = keep(tensor_size(in));
            fill_random(rows, in->type, tensor_size(in));
            CHECK(nnom_freeze(&m, "x", false, append, &source) == NNOM_NULL, "frozen without a test input");
            CHECK(nnom_set_test_input(&m, rows) == NNOM_OK, "nnom_set_test_input");
        }
        const nnom_status_t status = nnom_freeze(&m, "x", false, append, &source);
        CHECK(status == (own_buffer ? NNOM_UNSUPPORTED : NNOM_OK), "status %d: %s", (int)status, model_error_text(&m));
        CHECK(own_buffer || nnom_freeze(&m, "x", true, append, &header) == NNOM_OK, "header");
        check_braces(&source);
        check_braces(&header);
    }
    model_delete(&m);
    forget();
}

/* Every layer has a C form, in every plan. */
static void freeze_layers(void)
{
#define FREEZE_MAKER(kind) {#kind, make_##kind},
    static const struct {
        const char *name;
        maker_t make;
    } makers[] = {RANDOM_LAYERS(FREEZE_MAKER)};
    static const nnom_options_t options[4] = {
        {.mode = NNOM_MODE_SMALLEST}, {.feed = true}, {.mode = NNOM_MODE_WHOLE}, {.fast_bytes = 64}};
    for (size_t k = 0; k < sizeof makers / sizeof makers[0]; k++) {
        for (uint32_t i = 0; i < 12; i++) {
            test_context("%s, seed %lu:", makers[k].name, (unsigned long)(test_seed + i));
            random_seed(test_seed + i);
            freeze_one(makers[k].make, strcmp(makers[k].name, "output") == 0, &options[i % 4]);
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
    CHECK(nnom_set_test_input(&m, NULL) == NNOM_NULL && nnom_set_test_input(NULL, &text) == NNOM_NULL, "no test input");
    CHECK(nnom_set_provenance(NULL, "") == NNOM_NULL, "no model");
    (void)m.add(&m, Input(shape(1, 1, 3), NULL));
    (void)m.add(&m, nnom_layer_set_name(Lambda(nothing, NULL, NULL, NULL), "mine"));
    CHECK(sequential_compile(&m) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(nnom_freeze(&m, "a", false, append, &text) == NNOM_UNSUPPORTED, "a Lambda");
    CHECK(strstr(model_error_text(&m), "layer 'mine'") != NULL, "text '%s'", model_error_text(&m));
    model_delete(&m);
}

/* Names come from models of anybody: none ends the comment that it stands in. */
static void freeze_names(void)
{
    nnom_model_t m;
    text_t text = new_text(TEXT_MAX);
    (void)new_model(&m);
    nnom_set_verbose(&m, false);
    (void)m.add(&m, Input(shape(1, 1, 3), NULL));
    (void)m.add(&m, nnom_layer_set_name(TanH(), "a */ int evil; /*\n*\\\n/"));
    CHECK(sequential_compile(&m) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(nnom_freeze(&m, "a", false, append, &text) == NNOM_OK, "%s", model_error_text(&m));
    CHECK(strstr(text.bytes, "evil") != NULL && strstr(text.bytes, "*/ int evil") == NULL, "the comment ends");
    model_delete(&m);
}

const test_t freeze_tests[] = {
    TEST(freeze_text), TEST(freeze_layers), TEST(freeze_refuses), TEST(freeze_names), {NULL, NULL}};
