/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* From built layers to a program: tables, plan, memory. */
#include <string.h>

#include "graph.h"

static uint16_t number_tensors(const nnom_builder_t *builder)
{
    uint16_t count = 0;
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        layer->tensor = layer->passed ? layer->in->from->tensor : count++;
    }
    return count;
}

static uint32_t count_layers(const nnom_builder_t *builder)
{
    uint32_t layers = 0;
    for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        layers++;
    }
    return layers;
}

nnom_status_t nnom_make_tensors(nnom_model_t *m)
{
    nnom_builder_t *builder = m->builder;
    if (count_layers(builder) >= NNOM_NO_NODE) {
        return nnom_model_fail(m, NNOM_OVERFLOW, "more than %d layers", NNOM_NO_NODE - 1);
    }
    builder->tensor_count = number_tensors(builder);
    const size_t bytes = builder->tensor_count * sizeof(nnom_tensor_t);
    builder->tensors = nnom_malloc(bytes);
    if (builder->tensors == NULL) {
        return nnom_model_fail(m, NNOM_NO_MEMORY, "no memory for the tables of %d layers", (int)builder->tensor_count);
    }
    nnom_memset(builder->tensors, 0, bytes);
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        layer->out = &builder->tensors[layer->tensor];
    }
    return NNOM_OK;
}

typedef struct counts {
    uint32_t states;
    uint16_t tensors, nodes, inputs, outputs;
    uint32_t links; /* inputs and outputs of nodes */
} counts_t;

static nnom_status_t count(nnom_model_t *m, counts_t *n)
{
    n->tensors = m->builder->tensor_count;
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (layer->kernel != NULL && !layer->passed) {
            layer->node = n->nodes++;
            n->links += nnom_layer_input_number(layer) + 1 + nnom_layer_more_outputs(layer);
        }
        n->inputs = (uint16_t)(n->inputs + ((layer->cls->flags & NNOM_CLASS_INPUT) != 0));
        n->outputs = (uint16_t)(n->outputs + nnom_is_output(m, layer));
    }
    if (n->links > UINT16_MAX) {
        return nnom_model_fail(m, NNOM_OVERFLOW, "more than %d connections", UINT16_MAX);
    }
    return NNOM_OK;
}

/* One block holds the program and its tables. */
static size_t aligned(size_t bytes)
{
    return (bytes + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
}

typedef struct tables {
    nnom_program_t *program;
    nnom_tensor_t *tensors;
    nnom_node_t *nodes;
    uint16_t *links;
    uint16_t *inputs;
    uint16_t *outputs;
    nnom_state_pair_t *states;
} tables_t;

static bool allocate_tables(nnom_builder_t *builder, const counts_t *n, tables_t *t)
{
    const size_t nodes = aligned(sizeof(nnom_program_t));
    const size_t states = nodes + aligned(n->nodes * sizeof(nnom_node_t));
    const size_t links = states + aligned(n->states * sizeof(nnom_state_pair_t));
    const size_t bytes = links + (n->links + n->inputs + n->outputs) * sizeof(uint16_t);
    uint8_t *block = nnom_malloc(bytes);
    if (block == NULL) {
        return false;
    }
    memset(block, 0, bytes);
    builder->program = block;
    builder->program_bytes = (uint32_t)(bytes + n->tensors * sizeof(nnom_tensor_t));
    t->program = (nnom_program_t *)(void *)block;
    t->tensors = builder->tensors;
    t->nodes = (nnom_node_t *)(void *)(block + nodes);
    t->states = (nnom_state_pair_t *)(void *)(block + states);
    t->links = (uint16_t *)(void *)(block + links);
    t->inputs = t->links + n->links;
    t->outputs = t->inputs + n->inputs;
    return true;
}

static void fill_node(const nnom_layer_t *layer, nnom_node_t *node, uint16_t *links)
{
    node->op = nnom_layer_op(layer);
    node->param = layer->param;
    node->advances = layer->advances;
    node->inputs = links;
    node->input_count = (uint16_t)nnom_layer_input_number(layer);
    node->output_count = (uint8_t)(1 + nnom_layer_more_outputs(layer));
    for (uint16_t i = 0; i < node->input_count; i++) {
        links[i] = nnom_layer_input_layer(layer, i)->tensor;
    }
    links += node->input_count;
    links[0] = layer->tensor;
    for (uint16_t i = 1; i < node->output_count; i++) {
        links[i] = NNOM_NO_TENSOR;
    }
    for (const nnom_edge_t *edge = layer->out_edges; edge != NULL; edge = edge->next_out) {
        if ((edge->to->cls->flags & NNOM_CLASS_PART) != 0) {
            links[edge->to->given->part] = edge->to->tensor;
        }
    }
}

uint16_t nnom_layer_writer(const nnom_layer_t *layer)
{
    const nnom_layer_t *root = nnom_layer_root(layer);
    return (root->cls->flags & NNOM_CLASS_PART) != 0 ? root->in->from->node : root->node;
}

/* In the order of nnom_own(), then in order of execution. */
static void list_ports(const nnom_model_t *m, bool outputs, uint16_t *list)
{
    const nnom_builder_t *builder = m->builder;
    for (uint16_t port = 1; port <= builder->ports + 1; port++) {
        for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
            const bool listed = outputs ? nnom_is_output(m, layer) : (layer->cls->flags & NNOM_CLASS_INPUT) != 0;
            if (listed && (layer->given->port == port || (layer->given->port == 0 && port == builder->ports + 1))) {
                *list++ = layer->tensor;
            }
        }
    }
}

static void fill_tables(const nnom_model_t *m, const counts_t *n, const tables_t *t, uint32_t period)
{
    uint16_t *links = t->links;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (!layer->passed) {
            layer->out->data = nnom_layer_root(layer)->out->data;
        }
        if (layer->node != NNOM_NO_NODE) {
            fill_node(layer, &t->nodes[layer->node], links);
            links += t->nodes[layer->node].input_count + t->nodes[layer->node].output_count;
        }
    }
    list_ports(m, false, t->inputs);
    list_ports(m, true, t->outputs);
    const nnom_program_t program = {.seal = &NNOM_PROGRAM_SEAL,
                                    .tensors = t->tensors,
                                    .nodes = t->nodes,
                                    .inputs = t->inputs,
                                    .outputs = t->outputs,
                                    .tensor_count = n->tensors,
                                    .node_count = n->nodes,
                                    .input_count = n->inputs,
                                    .output_count = n->outputs,
                                    .states = n->states > 0 ? t->states : NULL,
                                    .state_count = (uint16_t)n->states,
                                    .warm_up = m->builder->options->warm_up & NNOM_WARM_UP_MOST,
                                    .period = period & NNOM_PERIOD_MOST};
    *t->program = program;
}

static nnom_status_t allocate_region(nnom_model_t *m, uint32_t r, uint32_t bytes)
{
    nnom_region_t *region = &m->builder->regions[r];
    if (region->given != NULL && region->given_bytes < bytes) {
        (void)nnom_model_fail(m, NNOM_TOO_SMALL, "the %s has %ld bytes, the model needs %ld",
                              r == 0 ? "arena" : "slow arena", (long)region->given_bytes, (long)bytes);
        return nnom_model_too_small(m, r == 0 ? bytes : 0, NULL);
    }
    if (region->given == NULL && bytes > 0) {
        region->owned = nnom_malloc(bytes);
        if (region->owned == NULL) {
            return nnom_model_fail(m, NNOM_NO_MEMORY, "no memory for an arena of %ld bytes", (long)bytes);
        }
    }
    m->instance.arena.base[r] = region->given != NULL ? region->given : region->owned;
    return NNOM_OK;
}

static nnom_status_t allocate_arena(nnom_model_t *m, const nnom_program_t *program)
{
    const nnom_status_t status = allocate_region(m, 0, program->arena_bytes);
    return status == NNOM_OK ? allocate_region(m, 1, program->slow_bytes) : status;
}

nnom_status_t nnom_make_program(nnom_model_t *m)
{
    counts_t n = {0};
    tables_t t;
    nnom_status_t status = count(m, &n);
    if (status != NNOM_OK) {
        return status;
    }
    n.states = nnom_count_states(m);
    if (!allocate_tables(m->builder, &n, &t)) {
        return nnom_model_fail(m, NNOM_NO_MEMORY, "no memory for the tables of %d layers", (int)n.tensors);
    }
    fill_tables(m, &n, &t, nnom_find_rings(m));
    status = nnom_list_states(m, t.states);
    if (status == NNOM_OK) {
        status = nnom_plan(m, t.program, t.tensors, t.nodes);
    }
    if (status == NNOM_OK) {
        nnom_open_rings(m, t.program);
        status = allocate_arena(m, t.program);
    }
    if (status == NNOM_OK) {
        m->instance.program = t.program;
        m->instance.started = 0;
        nnom_reset(&m->instance);
    }
    return status;
}
