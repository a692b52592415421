/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A compiled model as C source: tables and parameters. Hosts only. What it writes belongs to the user. */
#include "freeze.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void nnom_writer_print(nnom_writer_t *w, const char *format, ...)
{
    va_list arguments;
    if (w->used + NNOM_WRITER_LINE > sizeof w->text) {
        nnom_writer_flush(w);
    }
    va_start(arguments, format);
    const int n = vsnprintf(w->text + w->used, NNOM_WRITER_LINE, format, arguments);
    va_end(arguments);
    if (n < 0 || n >= NNOM_WRITER_LINE) {
        w->status = NNOM_IO;
    } else {
        w->used += (size_t)n;
    }
}

void nnom_writer_flush(nnom_writer_t *w)
{
    if (w->status == NNOM_OK && w->used > 0 && w->write(w->context, w->text, w->used) != 0) {
        w->status = NNOM_IO;
    }
    w->used = 0;
}

/* Hexadecimal floats are exact; infinity has no literal. */
void nnom_writer_float(nnom_writer_t *w, float x)
{
    if (x != x) {
        nnom_writer_print(w, "NAN");
    } else if (x > 3.4028234e38f || x < -3.4028234e38f) {
        nnom_writer_print(w, x > 0 ? "INFINITY" : "-INFINITY");
    } else {
        nnom_writer_print(w, "%af", (double)x);
    }
}

void nnom_writer_values(nnom_writer_t *w, const void *data, uint32_t count, nnom_type_t type)
{
    for (uint32_t i = 0; i < count; i++) {
        nnom_writer_print(w, i % 16 == 0 ? "\n    " : " ");
        switch (type) {
        case NNOM_TYPE_S8:
            nnom_writer_print(w, "%d,", ((const int8_t *)data)[i]);
            break;
        case NNOM_TYPE_U8:
            nnom_writer_print(w, "%u,", ((const uint8_t *)data)[i]);
            break;
        case NNOM_TYPE_S16:
            nnom_writer_print(w, "%d,", ((const int16_t *)data)[i]);
            break;
        case NNOM_TYPE_S32:
            /* INT32_MIN has no literal of its own type */
            nnom_writer_print(w, ((const int32_t *)data)[i] == INT32_MIN ? "(-2147483647 - 1)," : "%" PRId32 ",",
                              ((const int32_t *)data)[i]);
            break;
        case NNOM_TYPE_F32:
            nnom_writer_float(w, ((const float *)data)[i]);
            nnom_writer_print(w, ",");
            break;
        }
    }
}

void nnom_writer_name(nnom_writer_t *w, const char *name)
{
    for (; *name != '\0'; name++) {
        const bool plain = *name >= ' ' && *name <= '~' && strchr("*\\?\"", *name) == NULL;
        nnom_writer_print(w, "%c", plain ? *name : '_');
    }
}

static void write_arrays(nnom_writer_t *w, const nnom_layer_t *layer)
{
    for (uint32_t i = 0; i < nnom_layer_array_count(layer); i++) {
        const nnom_array_t array = nnom_layer_array_at(layer, i);
        if (array.count > 0 && nnom_share_of(layer)->owners[i].node == layer->node &&
            nnom_share_of(layer)->owners[i].index == i) {
            nnom_writer_print(w, "static const %s %s_n%u_a%" PRIu32 "[%" PRIu32 "] = {",
                              nnom_type_facts(array.type)->c_type, w->name, (unsigned)layer->node, i, array.count);
            nnom_writer_values(w, array.data, array.count, array.type);
            nnom_writer_print(w, "};\n");
        }
    }
}

/* A kernel variant has parameters of its own. */
static const char *param_tag(const nnom_layer_t *layer)
{
    return layer->kernel->form->param_tag != NULL ? layer->kernel->form->param_tag : layer->cls->param_tag;
}

/* The same tag and members as in the library, so that the types are compatible (C99 6.2.7). */
static void write_param_type(nnom_writer_t *w, const nnom_layer_t *layer)
{
    nnom_writer_print(w, "struct %s {", param_tag(layer));
    for (const nnom_field_t *field = nnom_layer_fields(layer); field->name != NULL; field++) {
        static const char *const types[] = {"int32_t ", "float ", "nnom_geometry_t ", "const void *"};
        nnom_writer_print(w, " %s%s;", types[field->kind], field->name);
    }
    nnom_writer_print(w, " };\n");
}

static void write_geometry(nnom_writer_t *w, const nnom_geometry_t *g)
{
    nnom_writer_print(w, "{%d, %d, %d, %d, %d, %d, %d, %d, %d, %d}", (int)g->kernel_h, (int)g->kernel_w,
                      (int)g->stride_h, (int)g->stride_w, (int)g->dilation_h, (int)g->dilation_w, (int)g->pad_top,
                      (int)g->pad_bottom, (int)g->pad_left, (int)g->pad_right);
}

static void write_param(nnom_writer_t *w, const nnom_layer_t *layer)
{
    uint32_t array = 0;
    write_arrays(w, layer);
    nnom_writer_print(w, "static const struct %s %s_n%u = {", param_tag(layer), w->name, (unsigned)layer->node);
    for (const nnom_field_t *field = nnom_layer_fields(layer); field->name != NULL; field++) {
        const void *member = (const uint8_t *)layer->param + field->offset;
        nnom_writer_print(w, "\n    .%s = ", field->name);
        if (field->kind == NNOM_FIELD_I32) {
            nnom_writer_values(w, member, 1, NNOM_TYPE_S32);
            continue;
        }
        if (field->kind == NNOM_FIELD_F32) {
            nnom_writer_float(w, *(const float *)member);
        } else if (field->kind == NNOM_FIELD_GEOMETRY) {
            write_geometry(w, member);
        } else if (nnom_layer_array_at(layer, array).count > 0) {
            nnom_writer_print(w, "%s_n%u_a%u", w->name, (unsigned)nnom_share_of(layer)->owners[array].node,
                              (unsigned)nnom_share_of(layer)->owners[array].index);
        } else {
            nnom_writer_print(w, "NULL");
        }
        array += field->kind == NNOM_FIELD_ARRAY;
        nnom_writer_print(w, ",");
    }
    nnom_writer_print(w, "\n};\n");
}

/* True once for each text: types and operations are declared once. There are as many as the library has, a hundred. */
static bool first_time(nnom_writer_t *w, const char *text)
{
    for (uint32_t i = 0; i < w->seen_count; i++) {
        if (strcmp(w->seen[i], text) == 0) {
            return false;
        }
    }
    if (w->seen_count == NNOM_WRITER_SEEN) {
        w->status = NNOM_OVERFLOW;
        return false;
    }
    w->seen[w->seen_count++] = text;
    return true;
}

static void write_node_data(nnom_writer_t *w, const nnom_layer_t *layer)
{
    nnom_writer_print(w, "\n/* ");
    nnom_writer_name(w, nnom_layer_name(layer));
    nnom_writer_print(w, ": %s */\n", layer->cls->name);
    if (first_time(w, layer->kernel->form->symbol)) {
        nnom_writer_print(w, "extern const nnom_op_t %s;\n", layer->kernel->form->symbol);
    }
    if (param_tag(layer) != NULL && layer->param != NULL) {
        if (first_time(w, param_tag(layer))) {
            write_param_type(w, layer);
        }
        if (nnom_share_of(layer)->first_alike == layer->node) {
            write_param(w, layer);
        }
    }
}

static void write_links(nnom_writer_t *w, const char *suffix, const uint16_t *links, uint32_t count)
{
    nnom_writer_print(w, "static const uint16_t %s_%s[] = {", w->name, suffix);
    for (uint32_t i = 0; i < count; i++) {
        nnom_writer_print(w, "%u, ", (unsigned)links[i]);
    }
    nnom_writer_print(w, "};\n");
}

static void write_constant(nnom_writer_t *w, const nnom_layer_t *layer)
{
    const nnom_type_t type = layer->out->type;
    const uint32_t count = (uint32_t)(layer->out->shape.h * layer->out->shape.w * layer->out->shape.c);
    nnom_writer_print(w, "static const %s %s_t%u[%" PRIu32 "] = {", nnom_type_facts(type)->c_type, w->name,
                      (unsigned)layer->tensor, count);
    nnom_writer_values(w, layer->out->data, count, type);
    nnom_writer_print(w, "};\n");
}

static void write_tensor(nnom_writer_t *w, const nnom_layer_t *layer, const nnom_tensor_t *t)
{
    nnom_writer_print(w, "    {");
    if ((nnom_layer_root(layer)->cls->flags & NNOM_CLASS_CONSTANT) != 0) {
        nnom_writer_print(w, "%s_t%u", w->name, (unsigned)nnom_share_of(nnom_layer_root(layer))->first_alike);
    } else {
        nnom_writer_print(w, "NULL");
    }
    nnom_writer_print(w, ", %" PRIu32 ", {%d, %d, %d}, %d, %d, ", t->offset, (int)t->shape.h, (int)t->shape.w,
                      (int)t->shape.c, (int)t->rows, (int)t->row_bytes);
    nnom_writer_float(w, t->scale);
    nnom_writer_print(w, ", %d, NNOM_TYPE_%s}, /* ", (int)t->zero_point, nnom_type_facts(t->type)->name);
    nnom_writer_name(w, nnom_layer_name(layer));
    nnom_writer_print(w, " */\n");
}

/* The steps of rolling segments, a byte each. */
static void write_schedule(nnom_writer_t *w, const nnom_program_t *p)
{
    for (uint32_t k = 0; k < p->segment_count; k++) {
        const nnom_segment_t *segment = &p->segments[k];
        if (segment->step_count > 0) {
            nnom_writer_print(w, "static const uint8_t %s_steps%" PRIu32 "[%" PRIu32 "] = {", w->name, k,
                              segment->step_count);
            for (uint32_t i = 0; i < segment->step_count; i++) {
                nnom_writer_print(w, i % 24 == 0 ? "\n    %u," : " %u,", (unsigned)segment->steps[i]);
            }
            nnom_writer_print(w, "};\n");
        }
    }
    if (p->segment_count == 0) {
        return;
    }
    nnom_writer_print(w, "static const nnom_segment_t %s_segments[] = {\n", w->name);
    for (uint32_t k = 0; k < p->segment_count; k++) {
        const nnom_segment_t *segment = &p->segments[k];
        nnom_writer_print(w, "    {%u, %u, %" PRIu32 ", ", (unsigned)segment->first, (unsigned)segment->end,
                          segment->step_count);
        if (segment->step_count > 0) {
            nnom_writer_print(w, "%s_steps%" PRIu32, w->name, k);
        } else {
            nnom_writer_print(w, "NULL");
        }
        nnom_writer_print(w, ", %" PRIu32 "},\n", segment->counters);
    }
    nnom_writer_print(w, "};\n");
}

static void write_states(nnom_writer_t *w, const nnom_program_t *p)
{
    for (uint32_t i = 0; i < p->state_count; i++) {
        const nnom_tensor_t *t = &p->tensors[p->states[i].read];
        if (p->states[i].start != NULL) {
            const uint32_t count = (uint32_t)(t->shape.h * t->shape.w * t->shape.c);
            nnom_writer_print(w, "static const %s %s_start%" PRIu32 "[%" PRIu32 "] = {",
                              nnom_type_facts(t->type)->c_type, w->name, i, count);
            nnom_writer_values(w, p->states[i].start, count, t->type);
            nnom_writer_print(w, "};\n");
        }
    }
    if (p->state_count == 0) {
        return;
    }
    nnom_writer_print(w, "static const nnom_state_pair_t %s_states[] = {\n", w->name);
    for (uint32_t i = 0; i < p->state_count; i++) {
        nnom_writer_print(w, "    {%u, %u, ", (unsigned)p->states[i].read, (unsigned)p->states[i].left);
        if (p->states[i].start != NULL) {
            nnom_writer_print(w, "%s_start%" PRIu32 "},\n", w->name, i);
        } else {
            nnom_writer_print(w, "NULL},\n");
        }
    }
    nnom_writer_print(w, "};\n");
}

static void write_program(nnom_writer_t *w, const nnom_program_t *p)
{
    static const char *const tables[] = {"tensors", "nodes", "inputs", "outputs"};
    nnom_writer_print(w, "static const nnom_program_t %s_program = {\n    .seal = &nnom_program_abi_%d,\n", w->name,
                      NNOM_PROGRAM_ABI);
    for (uint32_t i = 0; i < 4; i++) {
        nnom_writer_print(w, "    .%s = %s_%s,\n", tables[i], w->name, tables[i]);
    }
    nnom_writer_print(
        w, "    .tensor_count = %u,\n    .node_count = %u,\n    .input_count = %u,\n    .output_count = %u,\n",
        (unsigned)p->tensor_count, (unsigned)p->node_count, (unsigned)p->input_count, (unsigned)p->output_count);
    nnom_writer_print(w, "    .arena_bytes = %" PRIu32 ",\n    .slow_bytes = %" PRIu32 ",\n", p->arena_bytes,
                      p->slow_bytes);
    if (p->segment_count > 0) {
        nnom_writer_print(w, "    .segments = %s_segments,\n    .segment_count = %u,\n", w->name,
                          (unsigned)p->segment_count);
    }
    if (p->state_count > 0) {
        nnom_writer_print(w, "    .states = %s_states,\n    .state_count = %u,\n    .period = %u,\n", w->name,
                          (unsigned)p->state_count, (unsigned)p->period);
    }
    if (p->warm_up > 0) {
        nnom_writer_print(w, "    .warm_up = %u,\n", (unsigned)p->warm_up);
    }
    nnom_writer_print(w, "    .fed = %u,\n};\n", (unsigned)p->fed);
}

/* For people: a symbol of its own, so that the linker drops it where nobody asks. */
static void write_layers(nnom_writer_t *w, const nnom_model_t *m)
{
    nnom_writer_print(w, "const nnom_layer_row_t %s_layers[] = {\n", w->name);
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (layer->node != NNOM_NO_NODE) {
            const nnom_layer_row_t row = nnom_layer_row(layer, nnom_layer_name(layer));
            nnom_writer_print(w, "    {\"");
            nnom_writer_name(w, row.name);
            nnom_writer_print(w, "\", \"%s\", \"%s\", %" PRIu64 "u},\n", row.kind, row.activation, row.macs);
        }
    }
    nnom_writer_print(w, "};\n");
}

/* What the self test compares with the library's. */
static void write_param_sizes(nnom_writer_t *w, const nnom_model_t *m)
{
    nnom_writer_print(w, "static const uint16_t %s_param_bytes[] = {", w->name);
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (layer->node != NNOM_NO_NODE) {
            nnom_writer_print(w, layer->param != NULL ? "sizeof(%s%s), " : "%s%s, ",
                              layer->param != NULL ? "struct " : "", layer->param != NULL ? param_tag(layer) : "0");
        }
    }
    nnom_writer_print(w, "};\n");
}

static void write_tables(nnom_writer_t *w, const nnom_model_t *m)
{
    const nnom_program_t *p = m->instance.program;
    nnom_writer_print(w, "\nstatic const nnom_tensor_t %s_tensors[] = {\n", w->name);
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (!layer->passed) {
            write_tensor(w, layer, &p->tensors[layer->tensor]);
        }
    }
    nnom_writer_print(w, "};\n");
    for (uint32_t n = 0; n < p->node_count; n++) {
        char suffix[16];
        (void)snprintf(suffix, sizeof suffix, "n%" PRIu32 "_in", n);
        write_links(w, suffix, p->nodes[n].inputs, (uint32_t)p->nodes[n].input_count + p->nodes[n].output_count);
    }
    nnom_writer_print(w, "static const nnom_node_t %s_nodes[] = {\n", w->name);
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (layer->node != NNOM_NO_NODE) {
            const nnom_node_t *node = &p->nodes[layer->node];
            nnom_writer_print(w, "    {&%s, ", layer->kernel->form->symbol);
            nnom_writer_print(w, layer->param != NULL ? "&%s_n%u" : "NULL", w->name,
                              (unsigned)nnom_share_of(layer)->first_alike);
            nnom_writer_print(w, ", %s_n%u_in, %u, %u, %u, %" PRIu32 ", %" PRIu32 "}, /* ", w->name,
                              (unsigned)layer->node, (unsigned)node->input_count, (unsigned)node->output_count,
                              (unsigned)node->advances, node->scratch, node->scratch_bytes);
            nnom_writer_name(w, nnom_layer_name(layer));
            nnom_writer_print(w, " */\n");
        }
    }
    nnom_writer_print(w, "};\n");
    write_param_sizes(w, m);
    write_layers(w, m);
    write_links(w, "inputs", p->inputs, p->input_count);
    write_links(w, "outputs", p->outputs, p->output_count);
    write_schedule(w, p);
    write_states(w, p);
    write_program(w, p);
}

void nnom_freeze_tables(nnom_writer_t *w, const nnom_model_t *m)
{
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (layer->node != NNOM_NO_NODE) {
            write_node_data(w, layer);
        } else if ((layer->cls->flags & NNOM_CLASS_CONSTANT) != 0 &&
                   nnom_share_of(layer)->first_alike == layer->tensor) {
            write_constant(w, layer);
        }
    }
    write_tables(w, m);
}
