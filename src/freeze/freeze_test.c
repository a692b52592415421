/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The self test of a frozen model: inputs and outputs as they are up to NNOM_TEST_WHOLE bytes. Of a larger input its first
 * NNOM_TEST_PART bytes are stored and repeated; of a larger output a sum is compared.
 */
#include <inttypes.h>
#include <string.h>

#include "freeze.h"

enum { NNOM_TEST_WHOLE = 65536, NNOM_TEST_PART = 4096 };

static uint32_t freeze_test_elements(const nnom_tensor_t *t)
{
    return (uint32_t)(t->shape.h * t->shape.w * t->shape.c);
}

static uint32_t bytes_of(const nnom_tensor_t *t)
{
    return freeze_test_elements(t) * nnom_type_bytes(t->type);
}

/* How many elements of an input are stored. A fed model's are whole rows. */
static uint32_t stored(const nnom_tensor_t *t, bool fed)
{
    if (bytes_of(t) <= NNOM_TEST_WHOLE) {
        return freeze_test_elements(t);
    }
    const uint32_t row = (uint32_t)(t->shape.w * t->shape.c), most = NNOM_TEST_PART / nnom_type_bytes(t->type);
    return !fed ? most : (row > most ? row : most / row * row);
}

/* FNV-1a over elements of `size` 1 or 4, so that the order of bytes does not matter; as write_sum() writes it. */
static uint32_t freeze_test_sum(const uint8_t *data, uint32_t count, uint32_t size)
{
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t word = data[i * size];
        if (size == sizeof word) {
            memcpy(&word, data + i * size, sizeof word);
        }
        hash = (hash ^ word) * 16777619u;
    }
    return hash;
}

/* ---- Running it now ---- */

static void repeat(uint8_t *data, uint32_t part, uint32_t bytes)
{
    for (uint32_t i = part; i < bytes; i++) {
        data[i] = data[i - part];
    }
}

static nnom_status_t freeze_test_run_fed(nnom_model_t *m)
{
    const nnom_tensor_t *t = nnom_input_tensor(&m->instance, 0);
    const uint32_t h = (uint32_t)t->shape.h, rows = stored(t, true) / (uint32_t)(t->shape.w * t->shape.c);
    nnom_status_t status = NNOM_MORE;
    nnom_forget(&m->instance);
    for (uint32_t k = 0; k <= m->instance.program->warm_up; k++) {
        nnom_reset(&m->instance);
        for (uint32_t y = 0; y < h; y += rows) {
            status = nnom_feed(&m->instance, m->builder->test_input, h - y < rows ? h - y : rows);
        }
    }
    return status;
}

static nnom_status_t freeze_test_run_whole(nnom_model_t *m)
{
    for (uint32_t i = 0; i < nnom_input_count(&m->instance); i++) {
        const nnom_tensor_t *t = nnom_input_tensor(&m->instance, i);
        repeat(nnom_input_buffer(&m->instance, i), stored(t, false) * nnom_type_bytes(t->type), bytes_of(t));
    }
    nnom_forget(&m->instance);
    return nnom_model_run(m);
}

/* ---- Writing it ---- */

static void write_samples(nnom_writer_t *w, const char *kind, uint32_t i, const nnom_tensor_t *t, const void *data,
                          uint32_t count)
{
    const char *type = nnom_type_facts(t->type)->c_type;
    nnom_writer_print(w, "\nstatic const %s %s_test_%s%" PRIu32 "[%" PRIu32 "] = {", type, w->name, kind, i, count);
    nnom_writer_values(w, data, count, t->type);
    nnom_writer_print(w, "};\n");
}

/* Stores the inputs and, after a run, the outputs. True if a sum is needed. */
static bool write_test_data(nnom_writer_t *w, nnom_model_t *m)
{
    const bool fed = m->instance.program->fed != 0;
    for (uint32_t i = 0; i < nnom_input_count(&m->instance); i++) {
        const nnom_tensor_t *t = nnom_input_tensor(&m->instance, i);
        write_samples(w, "input", i, t, fed ? m->builder->test_input : nnom_input_buffer(&m->instance, i),
                      stored(t, fed));
    }
    const nnom_status_t status = fed ? freeze_test_run_fed(m) : freeze_test_run_whole(m);
    bool sums = false;
    w->status = w->status == NNOM_OK ? status : w->status;
    for (uint32_t i = 0; i < nnom_output_count(&m->instance); i++) {
        const nnom_tensor_t *t = nnom_output_tensor(&m->instance, i);
        sums = sums || bytes_of(t) > NNOM_TEST_WHOLE;
        if (bytes_of(t) <= NNOM_TEST_WHOLE) {
            write_samples(w, "output", i, t, nnom_output_buffer(&m->instance, i), freeze_test_elements(t));
        }
    }
    return sums;
}

static void write_sum(nnom_writer_t *w)
{
    nnom_writer_print(w,
                      "\nstatic uint32_t %s_test_sum(const uint8_t *data, uint32_t count, uint32_t size)\n{\n"
                      "    uint32_t hash = 2166136261u;\n    for (uint32_t i = 0; i < count; i++) {\n"
                      "        uint32_t word = data[i * size];\n        if (size == sizeof word) {\n"
                      "            memcpy(&word, data + i * size, sizeof word);\n        }\n"
                      "        hash = (hash ^ word) * 16777619u;\n    }\n    return hash;\n}\n",
                      w->name);
}

/* Gives the test's input to a fed model, from `indent` on. */
static void freeze_test_write_rows(nnom_writer_t *w, const nnom_tensor_t *t, const char *indent)
{
    const unsigned h = (unsigned)t->shape.h, rows = stored(t, true) / (uint32_t)(t->shape.w * t->shape.c);
    if (rows >= h) {
        nnom_writer_print(w, "%sstatus = nnom_feed(m, %s_test_input0, %u);\n", indent, w->name, h);
        return;
    }
    nnom_writer_print(w, "%sfor (uint32_t y = 0; y < %uu; y += %uu) { /* the stored rows again and again */\n", indent,
                      h, rows);
    nnom_writer_print(w, "%s    status = nnom_feed(m, %s_test_input0, %uu - y < %uu ? %uu - y : %uu);\n%s}\n", indent,
                      w->name, h, rows, h, rows, indent);
}

/* A model that warms up gets its input again and again, until its output tells of whole windows. */
static void freeze_test_write_feed(nnom_writer_t *w, const nnom_tensor_t *t, uint32_t warm_up)
{
    nnom_writer_print(w, "    nnom_forget(m);\n    nnom_status_t status = NNOM_MORE;\n");
    if (warm_up > 0) {
        nnom_writer_print(w, "    for (uint32_t k = 0; k <= %" PRIu32 "u; k++) {\n        nnom_reset(m);\n", warm_up);
    }
    freeze_test_write_rows(w, t, warm_up > 0 ? "        " : "    ");
    nnom_writer_print(w, warm_up > 0 ? "    }\n    nnom_forget(m);\n" : "    nnom_forget(m);\n");
}

static void write_input(nnom_writer_t *w, uint32_t i, const nnom_tensor_t *t)
{
    if (stored(t, false) == freeze_test_elements(t)) {
        nnom_writer_print(w,
                          "    memcpy(nnom_input_buffer(m, %" PRIu32 "), %s_test_input%" PRIu32
                          ", sizeof %s_test_input%" PRIu32 ");\n",
                          i, w->name, i, w->name, i);
        return;
    }
    nnom_writer_print(w, "    for (uint32_t i = 0; i < %" PRIu32 "u; i++) { /* the stored part again and again */\n",
                      freeze_test_elements(t));
    nnom_writer_print(w, "        ((%s *)nnom_input_buffer(m, %" PRIu32 "))[i] = ", nnom_type_facts(t->type)->c_type,
                      i);
    nnom_writer_print(w, "%s_test_input%" PRIu32 "[i %% %" PRIu32 "u];\n    }\n", w->name, i, stored(t, false));
}

static void write_run(nnom_writer_t *w, const nnom_model_t *m)
{
    if (m->instance.program->fed != 0) {
        freeze_test_write_feed(w, nnom_input_tensor(&m->instance, 0), m->instance.program->warm_up);
        return;
    }
    for (uint32_t i = 0; i < nnom_input_count(&m->instance); i++) {
        write_input(w, i, nnom_input_tensor(&m->instance, i));
    }
    nnom_writer_print(w, "    nnom_forget(m);\n    nnom_status_t status = nnom_run(m);\n    nnom_forget(m);\n");
}

static void write_comparison(nnom_writer_t *w, uint32_t i, const nnom_tensor_t *t, const void *output)
{
    if (bytes_of(t) > NNOM_TEST_WHOLE) {
        const uint32_t size = nnom_type_bytes(t->type);
        nnom_writer_print(
            w, "    if (%s_test_sum(nnom_output_buffer(m, %" PRIu32 "), %" PRIu32 "u, %" PRIu32 "u) != %" PRIu32 "u",
            w->name, i, freeze_test_elements(t), size, freeze_test_sum(output, freeze_test_elements(t), size));
    } else {
        nnom_writer_print(w,
                          "    if (memcmp(nnom_output_buffer(m, %" PRIu32 "), %s_test_output%" PRIu32
                          ", sizeof %s_test_output%" PRIu32 ") != 0",
                          i, w->name, i, w->name, i);
    }
    nnom_writer_print(w, ") {\n        status = NNOM_SELFTEST;\n    }\n");
}

void nnom_freeze_selftest(nnom_writer_t *w, nnom_model_t *m)
{
    if (write_test_data(w, m)) {
        write_sum(w);
    }
    nnom_writer_print(w, "\nnnom_status_t %s_selftest(void)\n{\n    nnom_instance_t *m = %s_model();\n", w->name,
                      w->name);
    nnom_writer_print(
        w, "    if (nnom_check_params(m, %s_param_bytes) != NNOM_OK) {\n        return NNOM_OTHER_ABI;\n    }\n",
        w->name);
    write_run(w, m);
    for (uint32_t i = 0; i < nnom_output_count(&m->instance); i++) {
        write_comparison(w, i, nnom_output_tensor(&m->instance, i), nnom_output_buffer(&m->instance, i));
    }
    nnom_writer_print(w, "    return status;\n}\n");
}
