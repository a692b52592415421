/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The parts of a frozen model that its user calls: accessors and the model. Hosts only. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "freeze.h"

static void freeze_api_write_feed(nnom_writer_t *w, const nnom_model_t *m)
{
    nnom_writer_print(
        w, "\nnnom_status_t %s_feed(const %s *rows, uint32_t n)\n{\n    return nnom_feed(%s_model(), rows, n);\n}\n",
        w->name, nnom_port_type(nnom_input_tensor(&m->instance, 0)), w->name);
    nnom_writer_print(w, "\nvoid %s_reset(void)\n{\n    nnom_reset(%s_model());\n}\n", w->name, w->name);
}

static void write_ports(nnom_writer_t *w, const nnom_model_t *m)
{
    char suffix[12];
    if (m->instance.program->fed != 0) {
        freeze_api_write_feed(w, m);
    }
    for (uint32_t i = 0; m->instance.program->fed == 0 && i < nnom_input_count(&m->instance); i++) {
        const nnom_tensor_t *t = nnom_input_tensor(&m->instance, i);
        nnom_port_suffix(i, suffix, sizeof suffix);
        nnom_writer_print(w, "\n%s *%s_input%s(void)\n{\n    return nnom_input_buffer(%s_model(), %" PRIu32 ");\n}\n",
                          nnom_port_type(t), w->name, suffix, w->name, i);
    }
    for (uint32_t i = 0; i < nnom_output_count(&m->instance); i++) {
        const nnom_tensor_t *t = nnom_output_tensor(&m->instance, i);
        nnom_port_suffix(i, suffix, sizeof suffix);
        nnom_writer_print(
            w, "\nconst %s *%s_output%s(void)\n{\n    return nnom_output_buffer(%s_model(), %" PRIu32 ");\n}\n",
            nnom_port_type(t), w->name, suffix, w->name, i);
    }
}

/*
 * Working memory. NAME_ARENA_MEMORY may be defined as storage of the user's, shared with other models that do not run at the
 * same time; NAME_ARENA_SECTION as an attribute that places it.
 */
static void write_region(nnom_writer_t *w, const char *capitals, const char *region, const char *macro)
{
    nnom_writer_print(w, "\n#ifdef %s_%s_MEMORY\nextern uint32_t %s_%s_MEMORY[];\n#define %s_%s %s_%s_MEMORY\n#else\n",
                      capitals, macro, capitals, macro, w->name, region, capitals, macro);
    nnom_writer_print(w, "#ifndef %s_%s_SECTION\n#define %s_%s_SECTION\n#endif\n", capitals, macro, capitals, macro);
    nnom_writer_print(w,
                      "static uint32_t %s_%s[(%s_%s_BYTES + 3u) / 4u + (%s_%s_BYTES == 0u)] %s_%s_SECTION;\n#endif\n",
                      w->name, region, capitals, macro, capitals, macro, capitals, macro);
}

static void write_model(nnom_writer_t *w, const nnom_model_t *m)
{
    char name[64];
    nnom_upper(w->name, name, sizeof name);
    write_region(w, name, "arena", "ARENA");
    if (m->instance.program->slow_bytes > 0) {
        write_region(w, name, "slow", "SLOW");
    }
    nnom_writer_print(w, "static nnom_instance_t %s_instance;\n\n", w->name);
    nnom_writer_print(w, "nnom_instance_t *%s_model(void)\n{\n", w->name);
    nnom_writer_print(w, "    %s_instance.program = &%s_program;\n", w->name, w->name);
    nnom_writer_print(w, "    %s_instance.arena.base[0] = (uint8_t *)%s_arena;\n", w->name, w->name);
    if (m->instance.program->slow_bytes > 0) {
        nnom_writer_print(w, "    %s_instance.arena.base[1] = (uint8_t *)%s_slow;\n", w->name, w->name);
    }
    nnom_writer_print(w, "    return &%s_instance;\n}\n", w->name);
    if (m->instance.program->fed == 0) {
        nnom_writer_print(w, "\nnnom_status_t %s_run(void)\n{\n    return nnom_run(%s_model());\n}\n", w->name,
                          w->name);
    }
}

static void write_source(nnom_writer_t *w, nnom_model_t *m)
{
    nnom_writer_print(w,
                      "/* Made by NNoM " NNOM_VERSION " from a trained model: see model.h. This file is yours. */\n");
    nnom_writer_print(w, "#include \"model.h\"\n\n#include <math.h>\n#include <string.h>\n");
    nnom_writer_print(w,
                      "\n#if NNOM_PROGRAM_ABI != %d\n"
                      "#error \"this file was made for another version of NNoM: convert the model again\"\n#endif\n",
                      NNOM_PROGRAM_ABI);
    nnom_freeze_tables(w, m);
    write_model(w, m);
    write_ports(w, m);
    nnom_freeze_selftest(w, m);
}

bool nnom_is_identifier(const char *name)
{
    bool good = name != NULL && (isalpha((unsigned char)name[0]) || name[0] == '_') && strlen(name) < 48;
    for (const char *c = name; good && *c != '\0'; c++) {
        good = isalnum((unsigned char)*c) || *c == '_';
    }
    return good;
}

/* What has no form as C: the user's functions, and buffers of this process. */
static nnom_status_t freeze_api_check_layers(nnom_model_t *m)
{
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (layer->node != NNOM_NO_NODE && layer->kernel->form->symbol == NULL) {
            return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "it runs the user's own function and cannot be frozen");
        }
        if (layer->out->data != NULL && (nnom_layer_root(layer)->cls->flags & NNOM_CLASS_CONSTANT) == 0) {
            return nnom_layer_fail(layer, NNOM_UNSUPPORTED,
                                   "it uses the caller's buffer; give NULL to Input and Output to freeze");
        }
    }
    return NNOM_OK;
}

nnom_status_t nnom_set_test_input(nnom_model_t *m, const void *rows)
{
    if (m == NULL || m->builder == NULL || rows == NULL) {
        return NNOM_NULL;
    }
    m->builder->test_input = rows;
    return NNOM_OK;
}

nnom_status_t nnom_set_provenance(nnom_model_t *m, const char *lines)
{
    if (m == NULL || m->builder == NULL) {
        return NNOM_NULL;
    }
    m->builder->provenance = lines;
    return NNOM_OK;
}

nnom_status_t nnom_freeze(nnom_model_t *m, const char *name, bool is_header, nnom_write_t write, void *context)
{
    if (m == NULL || write == NULL) {
        return NNOM_NULL;
    }
    if (m->instance.program == NULL || m->builder == NULL) {
        return NNOM_NOT_COMPILED;
    }
    if (!nnom_is_identifier(name)) {
        return nnom_model_fail(m, NNOM_BAD_ARGUMENT,
                               "the name of a frozen model must be a C identifier of up to 47 characters");
    }
    if (m->instance.program->fed != 0 && m->builder->test_input == NULL) {
        return nnom_model_fail(m, NNOM_NULL,
                               "a fed model has no input buffer: give the self test's input by nnom_set_test_input");
    }
    nnom_status_t status = freeze_api_check_layers(m);
    status = status == NNOM_OK ? nnom_share(m) : status;
    if (status != NNOM_OK) {
        return status;
    }
    nnom_writer_t writer = {.write = write, .context = context, .name = name, .status = NNOM_OK};
    if (is_header) {
        nnom_freeze_header(&writer, m);
    } else {
        write_source(&writer, m);
    }
    nnom_writer_flush(&writer);
    return writer.status;
}
