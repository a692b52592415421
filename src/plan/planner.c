/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The planner's memory. */
#include "nnom_port.h"
#include "plan.h"

enum { NNOM_LENGTH_MAX = 32 }; /* nodes that roll together: longer segments gain nothing in known networks */

/* Hands out pieces of one block; the first pass, with memory NULL, only counts. */
typedef struct pool {
    uint8_t *memory;
    size_t used;
} pool_t;

static void *planner_take(pool_t *pool, size_t count, size_t size)
{
    const size_t power = size & (~size + 1u); /* of 2, that divides size: what it is aligned to divides it, too */
    const size_t most = power < sizeof(uint64_t) ? power : sizeof(uint64_t);
    pool->used = (pool->used + most - 1u) & ~(most - 1u);
    void *piece = pool->memory != NULL ? pool->memory + pool->used : NULL;
    pool->used += count * size;
    return piece;
}

/* Blocks of any plan: tensors in the arena, scratch; a rolling part has two of its own and one for each node that keeps its. */
static size_t most_blocks(const nnom_planner_t *p)
{
    size_t count = p->program->node_count + (p->request->feed ? 2u : 0u); /* a fed part of one node has three */
    for (uint16_t n = 0; n < p->program->node_count; n++) {
        count += nnom_node_keeps(&p->nodes[n]);
    }
    count += p->request->storages;
    return count;
}

/* What one simulation, one search for a path and one placing work on. None of them keeps anything: they share it. */
static void carve_work(nnom_planner_t *p, pool_t *pool, size_t blocks)
{
    const size_t tensors = p->program->tensor_count, nodes = p->program->node_count, start = pool->used;
    p->path_cost = planner_take(pool, nodes + 1, sizeof(uint64_t));
    p->path_from = planner_take(pool, nodes + 1, sizeof(uint16_t));
    const size_t path = pool->used;
    pool->used = start;
    p->block_order = planner_take(pool, (p->request->fast_bytes > 0 ? 3 : 2) * blocks, sizeof(uint16_t));
    const size_t order = pool->used > path ? pool->used : path;
    pool->used = start;
    p->sim.stack = planner_take(pool, nodes, sizeof(nnom_wait_t));
    p->sim.uses = planner_take(pool, p->link_count, sizeof(nnom_use_t));
    p->sim.done = planner_take(pool, nodes, sizeof(int32_t));
    p->sim.calls = planner_take(pool, nodes, sizeof(int32_t));
    p->sim.use_first = planner_take(pool, tensors + 1, sizeof(uint16_t));
    p->sim.is_end = planner_take(pool, nodes, sizeof(uint8_t));
    pool->used = pool->used > order ? pool->used : order;
}

/* Wide elements first: no gaps. */
static void carve(nnom_planner_t *p, pool_t *pool)
{
    const size_t tensors = p->program->tensor_count, nodes = p->program->node_count, blocks = most_blocks(p);
    carve_work(p, pool, blocks);
    p->blocks = planner_take(pool, blocks, sizeof(nnom_block_t));
    p->parts = planner_take(pool, nodes, sizeof(nnom_part_t));
    p->flow.overlap = planner_take(pool, nodes, sizeof(int32_t));
    p->flow.scratch = planner_take(pool, nodes, sizeof(uint32_t));
    p->flow.rows = planner_take(pool, tensors, sizeof(int32_t));
    p->sim.height = planner_take(pool, tensors, sizeof(int32_t));
    p->flow.producer = planner_take(pool, tensors, sizeof(uint16_t));
    p->flow.storage = planner_take(pool, tensors, sizeof(uint16_t));
    p->flow.last_use = planner_take(pool, tensors, sizeof(uint16_t));
    p->flow.readers = planner_take(pool, tensors, sizeof(uint16_t));
    p->sim.ring = planner_take(pool, tensors, sizeof(uint16_t));
    p->tensor_block = planner_take(pool, tensors, sizeof(uint16_t));
    p->node_block = planner_take(pool, nodes, sizeof(uint16_t));
    p->counter_block = planner_take(pool, nodes, sizeof(uint16_t));
    p->flow.whole = planner_take(pool, tensors, sizeof(uint8_t));
    p->flow.liked = planner_take(pool, nodes, sizeof(uint8_t));
    p->flow.in_pieces = planner_take(pool, nodes, sizeof(uint8_t));
    p->sim.eager = planner_take(pool, nodes, sizeof(uint8_t));
}

static void carve_search(nnom_planner_t *p, pool_t *pool)
{
    const size_t nodes = p->program->node_count;
    p->flow.macs = p->request->fast_bytes > 0 ? planner_take(pool, nodes, sizeof(uint64_t)) : NULL;
    p->flow.cost = planner_take(pool, nodes, sizeof(nnom_cost_t));
    p->table.options = planner_take(pool, nnom_options_count(&p->table), sizeof(nnom_option_t));
    p->table.doubtful = planner_take(pool, nodes, sizeof(uint8_t));
}

typedef void (*carve_t)(nnom_planner_t *p, pool_t *pool);

/* Zeroed memory for what `pieces` hands out. NULL: there is none. */
static void *planner_allocate(nnom_planner_t *p, carve_t pieces)
{
    pool_t pool = {NULL, 0};
    pieces(p, &pool);
    pool.memory = nnom_malloc(pool.used + 1);
    if (pool.memory == NULL) {
        p->result.memory = pool.used;
        return NULL;
    }
    nnom_memset(pool.memory, 0, pool.used);
    pool.used = 0;
    pieces(p, &pool);
    return pool.memory;
}

nnom_status_t nnom_planner_start(nnom_planner_t *p, const nnom_plan_request_t *request, nnom_program_t *program,
                                 nnom_tensor_t *tensors, nnom_node_t *nodes)
{
    nnom_memset(p, 0, sizeof *p);
    p->request = request;
    p->program = program;
    p->tensors = tensors;
    p->nodes = nodes;
    for (uint16_t n = 0; n < program->node_count; n++) {
        p->link_count += nodes[n].input_count;
    }
    p->table.node_count = program->node_count;
    p->table.max_length = request->whole ? 1 : NNOM_LENGTH_MAX;
    if (p->table.max_length > program->node_count) {
        p->table.max_length = program->node_count;
    }
    p->memory = planner_allocate(p, carve);
    p->search = p->memory != NULL ? planner_allocate(p, carve_search) : NULL;
    if (p->search == NULL) {
        return NNOM_NO_MEMORY; /* nnom_planner_end() frees the other */
    }
    p->flow.program = program;
    p->flow.feed = request->feed;
    p->flow.all_rows = request->all_rows;
    return NNOM_OK;
}

void nnom_planner_end_search(nnom_planner_t *p)
{
    if (p->search != NULL) {
        nnom_free(p->search);
        p->search = NULL;
    }
}

void nnom_planner_end(nnom_planner_t *p)
{
    nnom_planner_end_search(p);
    if (p->memory != NULL) {
        nnom_free(p->memory);
    }
}
