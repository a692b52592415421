/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Where everything lies in the arena: from the life times of tensors and scratch to offsets. */
#include "place.h"

#include "graph.h"

static uint32_t last_node(const nnom_builder_t *builder)
{
    uint32_t nodes = 0;
    for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        nodes += layer->node != NNOM_NO_NODE;
    }
    return nodes;
}

static void use_until(nnom_layer_t *layer, uint16_t step)
{
    nnom_layer_t *root = layer->root;
    if (step > root->last_step) {
        root->last_step = step;
    }
}

/* Step 0 is before the first node, node n is step n + 1: inputs live from step 0, outputs beyond the last node. */
static void life_times(nnom_model_t *m)
{
    const uint16_t end = (uint16_t)(last_node(m->builder) + 1);
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        layer->first_step = layer->node == NNOM_NO_NODE ? 0 : (uint16_t)(layer->node + 1);
        layer->last_step = layer->first_step;
        for (uint32_t i = 0; layer->node != NNOM_NO_NODE && i < nnom_layer_input_number(layer); i++) {
            use_until(nnom_layer_input_layer(layer, i), layer->first_step);
        }
        if (nnom_is_output(m, layer)) {
            use_until(layer, end);
        }
    }
}

static bool in_arena(const nnom_layer_t *layer)
{
    return layer->root == layer && layer->out.data == NULL;
}

static uint32_t tensor_bytes(const nnom_tensor_t *tensor)
{
    return (uint32_t)tensor->rows * (uint32_t)tensor->row_bytes;
}

/* A reducing operation gets all rows in one call here and then needs no scratch. */
static uint32_t scratch_bytes(const nnom_layer_t *layer)
{
    return layer->node == NNOM_NO_NODE || (layer->op->flags & NNOM_OP_REDUCES) != 0 ? 0 : layer->scratch_bytes;
}

static uint32_t count_blocks(const nnom_builder_t *builder)
{
    uint32_t n = 0;
    for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        n += (uint32_t)in_arena(layer) + (scratch_bytes(layer) > 0 ? 1u : 0u);
    }
    return n;
}

/* The input whose memory the output may share: it ends here, and rows are read before they are overwritten. */
static const nnom_layer_t *overlapped(const nnom_layer_t *layer)
{
    if (layer->overlap == NNOM_NO_OVERLAP || layer->node == NNOM_NO_NODE) {
        return NULL;
    }
    const nnom_layer_t *first = nnom_layer_input_layer(layer, 0);
    for (uint32_t i = 0; i < nnom_layer_input_number(layer); i++) {
        const nnom_layer_t *from = nnom_layer_input_layer(layer, i);
        const bool alike = nnom_shape_equal(from->out.shape, first->out.shape) && from->out.type == first->out.type;
        uint32_t readers = 0; /* the same tensor as two inputs is fine, but it must be the whole of the root */
        for (uint32_t k = 0; k < nnom_layer_input_number(layer); k++) {
            readers += nnom_layer_input_layer(layer, k)->root == from->root;
        }
        const bool fits = alike && readers == 1 && in_arena(from->root) && from->root->last_step == layer->first_step;
        if (fits && (i == 0 || nnom_shape_equal(from->out.shape, layer->out.shape))) {
            return from->root;
        }
    }
    return NULL;
}

static void fill_blocks(const nnom_builder_t *builder, nnom_block_t *blocks)
{
    nnom_block_t *block = blocks;
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        if (in_arena(layer)) {
            layer->block = (uint16_t)(block - blocks);
            const nnom_layer_t *above = overlapped(layer);
            const nnom_block_t b = {tensor_bytes(&layer->out), 0, layer->first_step, layer->last_step,
                                    above != NULL ? above->block : NNOM_NO_BLOCK,
                                    above != NULL ? (uint32_t)layer->overlap : 0};
            *block++ = b;
        }
        if (scratch_bytes(layer) > 0) {
            layer->scratch_block = (uint16_t)(block - blocks);
            const nnom_block_t b = {scratch_bytes(layer), 0, layer->first_step, layer->first_step, NNOM_NO_BLOCK, 0};
            *block++ = b;
        }
    }
}

static void take_offsets(const nnom_builder_t *builder, const nnom_block_t *blocks, nnom_tensor_t *tensors,
                         nnom_node_t *nodes)
{
    for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        const nnom_layer_t *root = layer->root;
        if (root->out.data == NULL) {
            tensors[layer->tensor].offset = blocks[root->block].offset;
        }
        if (scratch_bytes(layer) > 0) {
            nodes[layer->node].scratch = blocks[layer->scratch_block].offset;
            nodes[layer->node].scratch_bytes = scratch_bytes(layer);
        }
    }
}

static void sum_up(nnom_model_t *m, uint32_t arena_bytes, uint32_t lower_bound)
{
    nnom_totals_t totals = {0, arena_bytes, lower_bound, m->builder->program_bytes + (uint32_t)sizeof *m->builder, 0};
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        totals.macs += layer->macs;
        totals.descriptor_bytes += (uint32_t)nnom_layer_memory(layer);
        totals.weight_bytes += nnom_layer_weight_bytes(layer);
    }
    m->builder->totals = totals;
}

nnom_status_t nnom_plan(nnom_model_t *m, nnom_program_t *program, nnom_tensor_t *tensors, nnom_node_t *nodes)
{
    life_times(m);
    const uint32_t n = count_blocks(m->builder);
    nnom_block_t *blocks = nnom_malloc((n + 1) * sizeof *blocks);
    uint16_t *order = nnom_malloc((n + 1) * sizeof *order * 2);
    nnom_status_t status = NNOM_OK;
    if (blocks == NULL || order == NULL) {
        status = nnom_model_fail(m, NNOM_NO_MEMORY, "no memory to plan %ld buffers", (long)n);
    } else {
        fill_blocks(m->builder, blocks);
        const uint64_t bytes = nnom_place(blocks, n, order);
        if (bytes > INT32_MAX) {
            status = nnom_model_fail(m, NNOM_OVERFLOW, "the arena would exceed 2^31 bytes");
        } else {
            take_offsets(m->builder, blocks, tensors, nodes);
            program->arena_bytes = (uint32_t)bytes;
            sum_up(m, (uint32_t)bytes, nnom_live_bytes(blocks, n));
        }
    }
    if (blocks != NULL) {
        nnom_free(blocks);
    }
    if (order != NULL) {
        nnom_free(order);
    }
    return status;
}
