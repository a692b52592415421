/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The header of a frozen model: what it is, its inputs and outputs, helpers for their numbers. Hosts only. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "freeze.h"

/* An input or output. */
typedef struct port {
    const nnom_tensor_t *t;
    bool is_input;
    uint32_t i;
    char number[24];                  /* "input", "output1" */
    char alias[NNOM_NAME_BYTES + 16]; /* its name in the model, as an identifier, unique; "": it has none */
    char macro[88];                   /* "HAR_INPUT" */
} port_t;

const char *nnom_port_type(const nnom_tensor_t *t)
{
    return nnom_type_facts(t->type)->c_type;
}

void nnom_upper(const char *name, char *to, size_t size)
{
    size_t i = 0;
    for (; i + 1 < size && name[i] != '\0'; i++) {
        to[i] = (char)toupper((unsigned char)name[i]);
    }
    to[i] = '\0';
}

void nnom_port_suffix(uint32_t i, char *to, size_t size)
{
    to[0] = '\0';
    if (i > 0) {
        (void)snprintf(to, size, "%" PRIu32, i);
    }
}

/* ---- Names ---- */

/* The layer that the model's author named: an Output without a name of its own has that of the layer before it. */
static const nnom_layer_t *port_layer(const nnom_model_t *m, bool is_input, uint32_t i)
{
    const uint16_t tensor = is_input ? m->instance.program->inputs[i] : m->instance.program->outputs[i];
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        const bool port = is_input ? (layer->cls->flags & NNOM_CLASS_INPUT) != 0 : nnom_is_output(m, layer);
        if (port && !layer->passed && layer->tensor == tensor) {
            const bool unnamed =
                (layer->cls->flags & NNOM_CLASS_OUTPUT) != 0 && strncmp(nnom_layer_name(layer), "Output_", 7) == 0;
            return unnamed ? nnom_layer_input_layer(layer, 0) : layer;
        }
    }
    return NULL;
}

/* Letters and digits stay, all else between them becomes one _. */
static void identifier(const nnom_layer_t *layer, char *to)
{
    size_t n = 0;
    for (const char *c = layer != NULL ? nnom_layer_name(layer) : ""; *c != '\0' && n + 1 < NNOM_NAME_BYTES; c++) {
        if (isalnum((unsigned char)*c)) {
            to[n++] = *c;
        } else if (n > 0 && to[n - 1] != '_') {
            to[n++] = '_';
        }
    }
    n -= n > 0 && to[n - 1] == '_';
    to[n] = '\0';
}

/* Names that occur twice get their number behind two _, which no other has. */
static void name_port(const nnom_model_t *m, port_t *port)
{
    const uint32_t count = port->is_input ? nnom_input_count(&m->instance) : nnom_output_count(&m->instance);
    identifier(port_layer(m, port->is_input, port->i), port->alias);
    const size_t length = strlen(port->alias);
    for (uint32_t k = 0; k < count && length > 0; k++) {
        char other[NNOM_NAME_BYTES];
        identifier(port_layer(m, port->is_input, k), other);
        if (k != port->i && strncmp(other, port->alias, length + 1) == 0) {
            (void)snprintf(port->alias + length, sizeof port->alias - length, "__%" PRIu32, port->i);
            return;
        }
    }
}

static port_t port_of(const nnom_writer_t *w, const nnom_model_t *m, bool is_input, uint32_t i)
{
    char suffix[12], capitals[24];
    port_t port = {.is_input = is_input, .i = i};
    port.t = is_input ? nnom_input_tensor(&m->instance, i) : nnom_output_tensor(&m->instance, i);
    nnom_port_suffix(i, suffix, sizeof suffix);
    (void)snprintf(port.number, sizeof port.number, "%s%s", is_input ? "input" : "output", suffix);
    nnom_upper(w->name, port.macro, 64);
    nnom_upper(port.number, capitals, sizeof capitals);
    (void)snprintf(port.macro + strlen(port.macro), sizeof capitals + 1, "_%s", capitals);
    name_port(m, &port);
    return port;
}

/* ---- The comment at the top ---- */

static void write_provenance(nnom_writer_t *w, const char *lines)
{
    nnom_writer_print(w, "/*\n * Made by NNoM " NNOM_VERSION " from a trained model. This file is yours.\n");
    while (lines != NULL && *lines != '\0') {
        char line[256];
        const size_t length = strcspn(lines, "\n"), taken = length < sizeof line ? length : sizeof line - 1;
        memcpy(line, lines, taken);
        line[taken] = '\0';
        nnom_writer_print(w, " * ");
        nnom_writer_name(w, line);
        nnom_writer_print(w, "\n");
        lines += length + (lines[length] == '\n');
    }
}

static void write_port_line(nnom_writer_t *w, const port_t *port)
{
    char shape[40];
    const nnom_shape_t s = port->t->shape;
    (void)snprintf(shape, sizeof shape, "%d x %d x %d", (int)s.h, (int)s.w, (int)s.c);
    nnom_writer_print(w, " * %-10s %-24s %-16s ", port->number, port->alias[0] != '\0' ? port->alias : "-", shape);
    if (nnom_type_facts(port->t->type)->quantised) {
        nnom_writer_print(w, "%-8s %-14.9g %d\n", nnom_port_type(port->t), (double)port->t->scale,
                          (int)port->t->zero_point);
    } else {
        nnom_writer_print(w, "%s\n", nnom_port_type(port->t));
    }
}

/* ---- Inputs and outputs ---- */

/* A model that warms up keeps a window over its signal. */
static void write_feed(nnom_writer_t *w, const nnom_tensor_t *t, uint32_t warm_up)
{
    nnom_writer_print(w,
                      "/* Takes n rows of [%d][%d] as they come: NNOM_MORE, or NNOM_OK when the output is complete "
                      "(nnom_run.h). */\n",
                      (int)t->shape.w, (int)t->shape.c);
    if (warm_up > 0) {
        nnom_writer_print(w,
                          "/* At most %d at a time, up to the next output: one for each %d rows, from row %" PRIu32
                          " on after nnom_forget(). */\n",
                          (int)t->shape.h, (int)t->shape.h, (warm_up + 1) * (uint32_t)t->shape.h);
    }
    nnom_writer_print(w, "nnom_status_t %s_feed(const %s *rows, uint32_t n);\n", w->name, nnom_port_type(t));
    nnom_writer_print(w, "/* Before the next input: its first row comes next. */\nvoid %s_reset(void);\n", w->name);
}

static void write_access(nnom_writer_t *w, const port_t *port)
{
    const nnom_shape_t s = port->t->shape;
    const char *type = nnom_port_type(port->t);
    nnom_writer_print(w,
                      port->is_input
                          ? "/* Where the input goes before each run: [%d][%d][%d]; a run overwrites it. */\n"
                          : "/* The result of the last run: [%d][%d][%d]. */\n",
                      (int)s.h, (int)s.w, (int)s.c);
    const char *constant = port->is_input ? "" : "const ";
    nnom_writer_print(w, "%s%s *%s_%s(void);\n", constant, type, w->name, port->number);
    if (port->alias[0] != '\0') {
        const char *kind = port->is_input ? "input" : "output";
        nnom_writer_print(w, "static inline %s%s *%s_%s_%s(void)\n{\n    return %s_%s();\n}\n", constant, type, w->name,
                          kind, port->alias, w->name, port->number);
    }
}

/* Real numbers to stored ones and back. Integers that are not quantised are the numbers themselves. */
static void write_conversions(nnom_writer_t *w, const port_t *port)
{
    const nnom_type_facts_t *facts = nnom_type_facts(port->t->type);
    const char *type = facts->c_type, *name = w->name, *number = port->number, *macro = port->macro;
    if (port->t->type == NNOM_TYPE_F32) {
        nnom_writer_print(w, "static inline float %s_quantize_%s(float x)\n{\n    return x;\n}\n", name, number);
        nnom_writer_print(w, "static inline float %s_dequantize_%s(float x)\n{\n    return x;\n}\n", name, number);
    } else if (facts->quantised) {
        nnom_writer_print(w, "static inline %s %s_quantize_%s(float x)\n{\n", type, name, number);
        nnom_writer_print(w, "    return (%s)nnom_stored(x, %s_SCALE, %s_ZERO_POINT, %d, %d);\n}\n", type, macro, macro,
                          (int)facts->least, (int)facts->most);
        nnom_writer_print(w, "static inline float %s_dequantize_%s(%s q)\n{\n", name, number, type);
        nnom_writer_print(w, "    return nnom_real(q, %s_SCALE, %s_ZERO_POINT);\n}\n", macro, macro);
    }
}

/* A float literal needs a point or an exponent. */
static void write_scale(nnom_writer_t *w, const char *macro, float scale)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.9g", (double)scale);
    nnom_writer_print(w, "#define %s_SCALE %s%sf\n", macro, text, strpbrk(text, ".e") == NULL ? ".0" : "");
}

static void write_port(nnom_writer_t *w, const port_t *port, const nnom_program_t *program)
{
    const nnom_shape_t s = port->t->shape;
    const char *macro = port->macro;
    nnom_writer_print(w, "\n#define %s_H %d\n#define %s_W %d\n#define %s_C %d\n", macro, (int)s.h, macro, (int)s.w,
                      macro, (int)s.c);
    nnom_writer_print(w, "#define %s_COUNT %d\n", macro, (int)(s.h * s.w * s.c));
    if (nnom_type_facts(port->t->type)->quantised) {
        const int zero_point = (int)port->t->zero_point;
        write_scale(w, macro, port->t->scale);
        nnom_writer_print(w, zero_point < 0 ? "#define %s_ZERO_POINT (%d)\n" : "#define %s_ZERO_POINT %d\n", macro,
                          zero_point);
    }
    if (port->is_input && program->fed != 0) {
        write_feed(w, port->t, program->warm_up);
    } else {
        write_access(w, port);
    }
    write_conversions(w, port);
}

/* Calls write() for each port, inputs first. */
static void each_port(nnom_writer_t *w, const nnom_model_t *m, bool as_line)
{
    const uint32_t inputs = nnom_input_count(&m->instance), count = inputs + nnom_output_count(&m->instance);
    for (uint32_t k = 0; k < count; k++) {
        const port_t port = port_of(w, m, k < inputs, k < inputs ? k : k - inputs);
        if (as_line) {
            write_port_line(w, &port);
        } else {
            write_port(w, &port, m->instance.program);
        }
    }
}

/* ---- All of it ---- */

static void write_sizes(nnom_writer_t *w, const nnom_model_t *m, const char *capitals)
{
    const nnom_program_t *p = m->instance.program;
    nnom_writer_print(w, "/* Bytes of the arena. With the model's state, an nnom_instance_t of 40 bytes on a 32-bit "
                         "core, it is all of its RAM. */\n");
    nnom_writer_print(w, "#define %s_ARENA_BYTES %" PRIu32 "u\n", capitals, p->arena_bytes);
    if (p->slow_bytes > 0) {
        nnom_writer_print(w, "/* The second region of it, for slower memory. */\n#define %s_SLOW_BYTES %" PRIu32 "u\n",
                          capitals, p->slow_bytes);
    }
    nnom_totals_t totals;
    (void)nnom_totals(m, &totals); /* cannot fail: it is compiled */
    nnom_writer_print(w, "#define %s_MACS %luu\n", capitals, (unsigned long)totals.macs);
    nnom_writer_print(w, "#define %s_WEIGHT_BYTES %" PRIu32 "u\n", capitals, totals.weight_bytes);
}

static void write_calls(nnom_writer_t *w, const nnom_model_t *m, const char *capitals)
{
    const nnom_program_t *p = m->instance.program;
    if (p->fed == 0) {
        nnom_writer_print(w, "\n/* Runs the model once. NNOM_OK always. */\nnnom_status_t %s_run(void);\n", w->name);
    }
    nnom_writer_print(w, "/* The model, for the calls of nnom_run.h. */\nnnom_instance_t *%s_model(void);\n", w->name);
    nnom_writer_print(w, "/* Runs a stored input and compares with the stored output: NNOM_OK or NNOM_SELFTEST. */\n");
    nnom_writer_print(w, "nnom_status_t %s_selftest(void);\n\n", w->name);
    nnom_writer_print(w, "/* Names, kinds and MACs, for nnom_print_layers() and nnom_profile_print(). The linker drops "
                         "it where it is not used. */\n");
    nnom_writer_print(w, "#define %s_NODES %u\nextern const nnom_layer_row_t %s_layers[%s_NODES];\n", capitals,
                      (unsigned)p->node_count, w->name, capitals);
}

void nnom_freeze_header(nnom_writer_t *w, const nnom_model_t *m)
{
    char capitals[64];
    nnom_upper(w->name, capitals, sizeof capitals);
    write_provenance(w, m->builder->provenance);
    nnom_writer_print(w, " *\n * %-10s %-24s %-16s %-8s %-14s %s\n", "", "name", "shape", "type", "scale",
                      "zero point");
    each_port(w, m, true);
    nnom_writer_print(w, " */\n#ifndef %s_MODEL_H\n#define %s_MODEL_H\n\n#include \"nnom_run.h\"\n\n", capitals,
                      capitals);
    nnom_writer_print(w, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    write_sizes(w, m, capitals);
    each_port(w, m, false);
    write_calls(w, m, capitals);
    nnom_writer_print(w, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}
