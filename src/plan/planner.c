/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The planner's view of a program: who writes and reads what. */
#include "plan.h"

enum { NNOM_LENGTH_MAX = 32 }; /* nodes that roll together: longer segments gain nothing in known networks */

/* Hands out pieces of one block; the first pass, with memory NULL, only counts. */
typedef struct pool {
    uint8_t *memory;
    size_t used;
} pool_t;

static void *take(pool_t *pool, size_t count, size_t size)
{
    const size_t power = size & (~size + 1u); /* of 2, that divides size: what it is aligned to divides it, too */
    const size_t most = power < sizeof(uint64_t) ? power : sizeof(uint64_t);
    pool->used = (pool->used + most - 1u) & ~(most - 1u);
    void *piece = pool->memory != NULL ? pool->memory + pool->used : NULL;
    pool->used += count * size;
    return piece;
}

/* Blocks of any plan: tensors in the arena, scratch; a rolling part has two of its own and one for each node that reduces. */
static size_t most_blocks(const nnom_planner_t *p)
{
    size_t count = p->program->node_count + (size_t)2; /* a part of one node has three */
    for (uint16_t n = 0; n < p->program->node_count; n++) {
        count += (p->nodes[n].op->flags & NNOM_OP_REDUCES) != 0;
    }
    for (const nnom_layer_t *layer = p->model->builder->layers; layer != NULL; layer = layer->next) {
        count += layer->root == layer && p->tensors[layer->tensor].data == NULL;
    }
    return count;
}

/* Wide elements first: no gaps. */
static void carve(nnom_planner_t *p, pool_t *pool)
{
    const nnom_options_t *asked = &p->model->builder->options;
    const size_t tensors = p->program->tensor_count, nodes = p->program->node_count, blocks = most_blocks(p);
    p->flow.cost = take(pool, nodes, sizeof(uint64_t));
    p->flow.macs = take(pool, asked->fast_bytes > 0 ? nodes : 0, sizeof(uint64_t));
    p->table.whole = p->flow.cost;
    p->table.rolled = take(pool, nodes + 1, sizeof(uint64_t));
    p->path_cost = take(pool, nodes + 1, sizeof(uint64_t));
    p->blocks = take(pool, blocks, sizeof(nnom_block_t));
    p->table.options = take(pool, nnom_options_count(&p->table), sizeof(nnom_option_t));
    p->parts = take(pool, nodes, sizeof(nnom_part_t));
    p->sim.stack = take(pool, nodes, sizeof(nnom_wait_t));
    p->sim.uses = take(pool, p->link_count, sizeof(nnom_use_t));
    p->flow.overlap = take(pool, nodes, sizeof(int32_t));
    p->flow.scratch = take(pool, nodes, sizeof(uint32_t));
    p->sim.done = take(pool, nodes, sizeof(int32_t));
    p->sim.height = take(pool, tensors, sizeof(int32_t));
    p->flow.producer = take(pool, tensors, sizeof(uint16_t));
    p->flow.storage = take(pool, tensors, sizeof(uint16_t));
    p->flow.last_use = take(pool, tensors, sizeof(uint16_t));
    p->flow.readers = take(pool, tensors, sizeof(uint16_t));
    p->sim.ring = take(pool, tensors, sizeof(uint16_t));
    p->sim.use_first = take(pool, tensors + 1, sizeof(uint16_t));
    p->path_from = take(pool, nodes + 1, sizeof(uint16_t));
    p->block_order = take(pool, (asked->fast_bytes > 0 ? 3 : 2) * blocks, sizeof(uint16_t));
    p->tensor_block = take(pool, tensors, sizeof(uint16_t));
    p->node_block = take(pool, nodes, sizeof(uint16_t));
    p->counter_block = take(pool, nodes, sizeof(uint16_t));
    p->flow.whole = take(pool, tensors, sizeof(uint8_t));
    p->flow.in_pieces = take(pool, nodes, sizeof(uint8_t));
    p->sim.eager = take(pool, nodes, sizeof(uint8_t));
    p->sim.is_end = take(pool, nodes, sizeof(uint8_t));
}

/* Measured on the emulated Cortex-M4 with the plain operations (docs/RAM.md): instructions. */
enum { COST_MAC = 4, COST_OUTPUT = 20, COST_NODE = 200 };

static uint64_t layer_cost(const nnom_layer_t *layer)
{
    const uint64_t outputs = (uint64_t)nnom_shape_elements(layer->out.shape);
    return COST_NODE + (layer->cost != 0 ? layer->cost : layer->macs * COST_MAC + outputs * COST_OUTPUT);
}

static void fill_layers(nnom_planner_t *p)
{
    for (const nnom_layer_t *layer = p->model->builder->layers; layer != NULL; layer = layer->next) {
        p->flow.storage[layer->tensor] = layer->root->tensor;
        p->flow.producer[layer->tensor] = nnom_layer_writer(layer);
        p->flow.whole[layer->tensor] = (layer->root->cls->flags & NNOM_CLASS_PART) != 0;
        if (layer->node != NNOM_NO_NODE) {
            p->flow.overlap[layer->node] = layer->overlap;
            p->flow.scratch[layer->node] = layer->scratch_bytes;
            p->flow.in_pieces[layer->node] = layer->scratch_in_pieces;
            if (p->model->builder->options.fast_bytes > 0) {
                p->flow.macs[layer->node] = layer->macs;
            }
            p->flow.cost[layer->node] = layer_cost(layer);
        }
    }
}

static void fill_uses(nnom_planner_t *p)
{
    const nnom_program_t *program = p->program;
    for (uint16_t n = 0; n < program->node_count; n++) {
        for (uint32_t i = 0; i < program->nodes[n].input_count; i++) {
            const uint16_t storage = p->flow.storage[program->nodes[n].inputs[i]];
            p->flow.last_use[storage] = n;
            p->flow.readers[storage]++;
        }
    }
    for (uint16_t i = 0; i < program->output_count; i++) {
        p->flow.last_use[p->flow.storage[program->outputs[i]]] = program->node_count;
    }
    for (uint32_t i = 0; i < program->state_count; i++) { /* both stay: from run to run, and until it is copied */
        p->flow.last_use[p->flow.storage[program->states[i].read]] = program->node_count;
        p->flow.last_use[p->flow.storage[program->states[i].left]] = program->node_count;
    }
}

nnom_status_t nnom_planner_start(nnom_planner_t *p, nnom_model_t *m, nnom_program_t *program, nnom_tensor_t *tensors,
                                 nnom_node_t *nodes)
{
    pool_t pool = {NULL, 0};
    nnom_memset(p, 0, sizeof *p);
    p->model = m;
    p->program = program;
    p->tensors = tensors;
    p->nodes = nodes;
    for (uint16_t n = 0; n < program->node_count; n++) {
        p->link_count += nodes[n].input_count;
    }
    p->table.node_count = program->node_count;
    p->table.max_length = m->builder->options.mode == NNOM_MODE_WHOLE ? 1 : NNOM_LENGTH_MAX;
    if (p->table.max_length > program->node_count) {
        p->table.max_length = program->node_count;
    }
    carve(p, &pool);
    pool.memory = nnom_malloc(pool.used + 1);
    if (pool.memory == NULL) {
        return nnom_model_fail(m, NNOM_NO_MEMORY, "no memory to plan %d layers: %ld bytes", (int)program->node_count,
                               (long)pool.used);
    }
    nnom_memset(pool.memory, 0, pool.used);
    p->memory = pool.memory;
    pool.used = 0;
    carve(p, &pool);
    p->flow.program = program;
    p->flow.feed = m->builder->options.feed;
    fill_layers(p);
    fill_uses(p);
    return NNOM_OK;
}

void nnom_planner_end(nnom_planner_t *p)
{
    if (p->memory != NULL) {
        nnom_free(p->memory);
    }
}
