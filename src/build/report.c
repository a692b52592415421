/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Tables for people: what compile planned, and where the time goes. */
#include <stdio.h>

#include "../run/print.h"
#include "graph.h"

static const char *clamp_name(nnom_clamp_t clamp)
{
    switch (clamp) {
    case NNOM_CLAMP_RELU:
        return "ReLU";
    case NNOM_CLAMP_RELU6:
        return "ReLU6";
    case NNOM_CLAMP_RELU_N1_TO_1:
        return "ReLU1";
    default:
        return "";
    }
}

static uint32_t input_bytes(const nnom_layer_t *layer)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < nnom_layer_input_number(layer); i++) {
        bytes += nnom_tensor_whole_bytes(nnom_layer_in(layer, i));
    }
    return bytes;
}

/* The rolling segment of a node, and its number among them; NULL if it runs whole. */
static const nnom_segment_t *segment_of(const nnom_program_t *program, uint32_t node, int32_t *number)
{
    *number = -1;
    for (uint32_t k = 0; k < program->segment_count; k++) {
        const nnom_segment_t *segment = &program->segments[k];
        *number += segment->step_count > 0;
        if (node >= segment->first && node < segment->end && segment->step_count > 0) {
            return segment;
        }
    }
    *number = -1;
    return NULL;
}

static bool lies_inside(const nnom_layer_t *layer)
{
    return layer->passed || nnom_layer_root(layer) != layer;
}

/* All but the names and the bytes of weights. */
static void fill_info(const nnom_model_t *m, const nnom_layer_t *layer, nnom_layer_info_t *info)
{
    const nnom_program_t *program = m->instance.program;
    const nnom_node_t *node = layer->node != NNOM_NO_NODE ? &m->instance.program->nodes[layer->node] : NULL;
    info->name = NULL;
    info->kind = layer->cls->name;
    info->activation = clamp_name(layer->fused);
    info->lies_in = NULL;
    info->out = node != NULL ? nnom_node_shown(program, node) : program->tensors[layer->tensor];
    info->macs = layer->macs;
    info->input_bytes = node != NULL ? nnom_node_input_bytes(program, node) : input_bytes(layer);
    info->output_bytes = nnom_tensor_whole_bytes(&info->out);
    info->scratch_bytes = node != NULL ? node->scratch_bytes : 0;
    info->scratch_offset = node != NULL ? node->scratch : 0;
    info->weight_bytes = 0;
    nnom_layer_life(m, layer, &info->first_step, &info->last_step);
    info->node = layer->node;
    const nnom_segment_t *segment = segment_of(m->instance.program, layer->node, &info->segment);
    info->counters = segment != NULL ? segment->counters : 0;
}

nnom_status_t nnom_layer_info(const nnom_model_t *m, uint32_t i, nnom_layer_info_t *info)
{
    if (m == NULL || info == NULL) {
        return NNOM_NULL;
    }
    if (m->builder == NULL || m->instance.program == NULL) {
        return NNOM_NOT_COMPILED;
    }
    const nnom_layer_t *layer = m->builder->layers;
    while (layer != NULL && i-- > 0) {
        layer = layer->next;
    }
    if (layer == NULL) {
        return NNOM_BAD_ARGUMENT;
    }
    nnom_share_many(m);
    fill_info(m, layer, info);
    info->layer = layer;
    info->weight_bytes = nnom_layer_weight_bytes(layer);
    info->name = nnom_layer_name(layer);
    info->lies_in = lies_inside(layer) ? nnom_layer_name(nnom_layer_root(layer)) : NULL;
    return NNOM_OK;
}

uint16_t nnom_layer_output_node(const nnom_layer_t *layer)
{
    return layer != NULL && layer->out != NULL ? nnom_layer_writer(layer) : NNOM_NO_NODE;
}

nnom_layer_row_t nnom_layer_row(const nnom_layer_t *layer, const char *name)
{
    const nnom_layer_row_t row = {name, layer->cls->name, clamp_name(layer->fused), layer->macs};
    return row;
}

static void print_layer(const nnom_layer_row_t *row, const nnom_layer_info_t *info)
{
    nnom_print_layer(row, &info->out, info->input_bytes, info->scratch_bytes);
    if (info->lies_in != NULL) {
        NNOM_LOG("   in %s\n", info->lies_in);
    } else if (info->out.data != NULL) {
        NNOM_LOG("   caller's\n");
    } else {
        NNOM_LOG("   %u-%u\n", (unsigned)info->first_step, (unsigned)info->last_step);
    }
}

void nnom_model_print(const nnom_model_t *m)
{
    if (m == NULL || m->builder == NULL || m->instance.program == NULL) {
        return;
    }
    nnom_totals_t t;
    nnom_print_layer_head("   life");
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        nnom_layer_info_t info;
        char name[NNOM_NAME_BYTES], other[NNOM_NAME_BYTES];
        const nnom_layer_row_t row = nnom_layer_row(layer, nnom_layer_text(layer, name));
        fill_info(m, layer, &info);
        info.lies_in = lies_inside(layer) ? nnom_layer_text(nnom_layer_root(layer), other) : NULL;
        print_layer(&row, &info);
    }
    (void)nnom_totals(m, &t); /* it is compiled */
    NNOM_LOG("arena %lu B (lower bound %lu B), descriptors %lu B, weights %lu B, %lu MACs\n",
             (unsigned long)t.arena_bytes, (unsigned long)t.live_bytes, (unsigned long)t.descriptor_bytes,
             (unsigned long)t.weight_bytes, (unsigned long)t.macs);
    if (t.slow_bytes > 0) {
        NNOM_LOG("second region of the arena %lu B\n", (unsigned long)t.slow_bytes);
    }
}

nnom_status_t nnom_totals(const nnom_model_t *m, nnom_totals_t *totals)
{
    if (m == NULL || totals == NULL) {
        return NNOM_NULL;
    }
    if (m->builder == NULL || m->instance.program == NULL) {
        return NNOM_NOT_COMPILED;
    }
    const nnom_program_t *program = m->instance.program;
    nnom_totals_t sum = {.arena_bytes = program->arena_bytes,
                         .live_bytes = m->builder->live_bytes,
                         .descriptor_bytes = m->builder->descriptor_bytes,
                         .slow_bytes = program->slow_bytes,
                         .cost = m->builder->cost};
    nnom_share_many(m);
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        sum.macs += layer->macs;
        sum.weight_bytes += nnom_layer_weight_bytes(layer);
    }
    *totals = sum;
    return NNOM_OK;
}

size_t nnom_mem_stat(const nnom_model_t *m)
{
    if (m == NULL || m->builder == NULL) {
        return 0;
    }
    const size_t bytes = nnom_builder_memory(m->builder) + nnom_share_bytes(m);
    const size_t arena =
        m->instance.program != NULL ? (size_t)m->instance.program->arena_bytes + m->instance.program->slow_bytes : 0;
    NNOM_LOG("memory: %lu B descriptors, %lu B arena\n", (unsigned long)bytes, (unsigned long)arena);
    return bytes + arena;
}

/* ---- Time per layer ---- */

/* Every node's row and, behind them, its ticks and names that are not given; NULL: memory is short. */
static nnom_layer_row_t *node_rows(const nnom_model_t *m, uint64_t **ticks)
{
    const size_t count = nnom_node_count(&m->instance);
    nnom_layer_row_t *rows = nnom_malloc((count + 1) * (sizeof *rows + sizeof **ticks + NNOM_NAME_BYTES));
    if (rows == NULL) {
        return NULL;
    }
    *ticks = (uint64_t *)(void *)(rows + count);
    char *names = (char *)(*ticks + count);
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (layer->node != NNOM_NO_NODE) {
            rows[layer->node] =
                nnom_layer_row(layer, nnom_layer_text(layer, names + (size_t)layer->node * NNOM_NAME_BYTES));
        }
    }
    return rows;
}

void nnom_model_stat(nnom_model_t *m)
{
    uint64_t *ticks;
    if (m == NULL || m->builder == NULL || m->instance.program == NULL) {
        return;
    }
    nnom_layer_row_t *rows = node_rows(m, &ticks);
    if (rows == NULL) {
        NNOM_LOG("NNoM: %s\n", nnom_status_text(NNOM_NO_MEMORY));
        return;
    }
    const nnom_observer_t observer = m->instance.observer;
    void *context = m->instance.observer_context;
    nnom_profile_t profile = {NULL, ticks, 0, 0};
    nnom_profile_start(&profile, &m->instance, ticks, NULL);
    const nnom_status_t status = nnom_run(&m->instance);
    nnom_set_observer(&m->instance, observer, context);
    nnom_profile_print(&profile, &m->instance, rows);
    nnom_free(rows);
    if (status != NNOM_OK) {
        NNOM_LOG("NNoM: %s\n", nnom_status_text(status));
    }
}
