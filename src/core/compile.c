/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* From connected layers to a program: adopt, order, fuse, build each layer, plan, allocate. */
#include <stdio.h>
#include <string.h>

#include "graph.h"

/* ---- Adopting ---- */

/* Takes every layer connected to `start` into the model. */
static nnom_status_t adopt(nnom_model_t *m, nnom_layer_t *start)
{
    if (start == NULL || start->model == m) {
        return NNOM_OK;
    }
    if (start->model != NULL) {
        return nnom_model_fail(m, NNOM_BAD_GRAPH, "layer '%s' (%s) belongs to another model", start->name, start->cls->name);
    }
    nnom_layer_t *layer = nnom_component(start, NNOM_MARK_COMPONENT);
    while (layer != NULL) {
        nnom_layer_t *next = layer->next;
        layer->model = m;
        layer->next = m->builder->layers;
        m->builder->layers = layer;
        layer = next;
    }
    return NNOM_OK;
}

/* The first unowned layer hooked to `layer`. */
static nnom_layer_t *stray(const nnom_layer_t *layer)
{
    for (const nnom_edge_t *edge = layer->in; edge != NULL; edge = edge->next_in) {
        if (edge->from->model == NULL) {
            return edge->from;
        }
    }
    for (const nnom_edge_t *edge = layer->out_edges; edge != NULL; edge = edge->next_out) {
        if (edge->to->model == NULL) {
            return edge->to;
        }
    }
    return NULL;
}

/* Layers may have been hooked to owned ones since. New ones come to the front, so that the walk begins again there. */
static void adopt_strays(nnom_model_t *m)
{
    nnom_layer_t *layer = m->builder->layers;
    while (layer != NULL) {
        nnom_layer_t *found = stray(layer);
        if (found != NULL) {
            (void)adopt(m, found); /* cannot fail: unowned */
        } else {
            layer = layer->next;
        }
    }
}

nnom_status_t nnom_own(nnom_model_t *m, nnom_layer_t *layer)
{
    if (m == NULL || m->builder == NULL) {
        return NNOM_NULL;
    }
    nnom_status_t status = layer != NULL ? adopt(m, layer) : NNOM_NO_MEMORY;
    if (status == NNOM_OK) {
        layer->port = ++m->builder->ports;
    } else if (m->builder->status == NNOM_OK) {
        m->builder->status = status;
    }
    return status;
}

/* Layers of two models hooked together: adopting stops at the border, here it is found. */
static nnom_status_t check_owner(nnom_model_t *m, const nnom_layer_t *layer)
{
    for (const nnom_edge_t *edge = layer->in; edge != NULL; edge = edge->next_in) {
        if (edge->from->model != m) {
            return nnom_layer_fail(layer, NNOM_BAD_GRAPH, "its input belongs to another model");
        }
    }
    for (const nnom_edge_t *edge = layer->out_edges; edge != NULL; edge = edge->next_out) {
        if (edge->to->model != m) {
            return nnom_layer_fail(layer, NNOM_BAD_GRAPH, "a layer that reads it belongs to another model");
        }
    }
    return NNOM_OK;
}

/* Forgets what an earlier compile made. */
static void reset(nnom_model_t *m)
{
    nnom_builder_t *builder = m->builder;
    m->program = NULL;
    if (builder->program != NULL) {
        nnom_free(builder->program);
        builder->program = NULL;
    }
    if (builder->schedule != NULL) {
        nnom_free(builder->schedule);
        builder->schedule = NULL;
        builder->schedule_bytes = 0;
    }
    for (uint32_t r = 0; r < 2; r++) {
        m->arena.base[r] = NULL;
        if (builder->regions[r].owned != NULL) {
            nnom_free(builder->regions[r].owned);
            builder->regions[r].owned = NULL;
        }
    }
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        nnom_layer_free_chunks(layer);
        memset(&layer->out, 0, sizeof layer->out);
        layer->op = NULL;
        layer->op_symbol = NULL;
        layer->param = NULL;
        layer->scratch_bytes = 0;
        layer->macs = 0;
        layer->overlap = NNOM_NO_OVERLAP;
        layer->fused = NNOM_CLAMP_NONE;
        layer->fused_by = NULL;
        layer->passed = false;
        layer->root = layer;
        layer->node = NNOM_NO_NODE;
        layer->mark = NNOM_MARK_NONE;
    }
}

/* ---- Order ---- */

static bool is_ready(const nnom_layer_t *layer)
{
    if (layer->mark == NNOM_MARK_PLACED) {
        return false;
    }
    for (const nnom_edge_t *edge = layer->in; edge != NULL; edge = edge->next_in) {
        if (edge->from->model == layer->model && edge->from->mark != NNOM_MARK_PLACED) {
            return false;
        }
    }
    return true;
}

/* A consumer of what was placed last comes first, so that a branch runs to its end before the next one starts. */
static nnom_layer_t *next_ready(nnom_layer_t *placed, nnom_layer_t *waiting)
{
    for (nnom_layer_t *layer = placed; layer != NULL; layer = layer->next) {
        for (nnom_edge_t *edge = layer->out_edges; edge != NULL; edge = edge->next_out) {
            if (edge->to->model == layer->model && is_ready(edge->to)) {
                return edge->to;
            }
        }
    }
    for (nnom_layer_t *layer = waiting; layer != NULL; layer = layer->next) {
        if (is_ready(layer)) {
            return layer;
        }
    }
    return NULL;
}

static void unlink_layer(nnom_layer_t **list, const nnom_layer_t *layer)
{
    while (*list != layer) {
        list = &(*list)->next;
    }
    *list = layer->next;
}

static nnom_layer_t *reverse(nnom_layer_t *list)
{
    nnom_layer_t *result = NULL;
    while (list != NULL) {
        nnom_layer_t *next = list->next;
        list->next = result;
        result = list;
        list = next;
    }
    return result;
}

/* Puts the model's list in order of execution. */
static nnom_status_t order(nnom_model_t *m)
{
    nnom_layer_t *waiting = m->builder->layers;
    nnom_layer_t *placed = NULL; /* the last one first */
    while (waiting != NULL) {
        nnom_layer_t *layer = next_ready(placed, waiting);
        if (layer == NULL) {
            break;
        }
        unlink_layer(&waiting, layer);
        layer->mark = NNOM_MARK_PLACED;
        layer->next = placed;
        placed = layer;
    }
    const nnom_layer_t *stuck = waiting;
    while (waiting != NULL) { /* the list stays whole for model_delete */
        nnom_layer_t *next = waiting->next;
        waiting->next = placed;
        placed = waiting;
        waiting = next;
    }
    m->builder->layers = reverse(placed);
    return stuck == NULL ? NNOM_OK : nnom_layer_fail(stuck, NNOM_BAD_GRAPH, "it is part of a cycle");
}

static void name_layers(const nnom_builder_t *builder)
{
    unsigned number = 1;
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next, number++) {
        if (layer->name[0] == '\0') {
            (void)snprintf(layer->name, sizeof layer->name, "%s_%u", layer->cls->name, number);
        }
    }
}

/* ---- Checks of the graph ---- */

static bool is_source(const nnom_layer_t *layer)
{
    return (layer->cls->flags & (NNOM_CLASS_INPUT | NNOM_CLASS_CONSTANT)) != 0;
}

static nnom_status_t check_inputs(const nnom_layer_t *layer)
{
    const uint32_t inputs = nnom_layer_input_number(layer);
    if (is_source(layer) ? inputs != 0 : inputs < layer->cls->min_inputs || inputs > layer->cls->max_inputs) {
        return nnom_layer_fail(layer, NNOM_BAD_GRAPH, "it has %ld inputs, expected %ld to %ld", (long)inputs,
                               (long)layer->cls->min_inputs, (long)layer->cls->max_inputs);
    }
    return NNOM_OK;
}

/* An input that the user listed by nnom_own() may be left unread, as some models do. */
static bool is_spare_input(const nnom_layer_t *layer)
{
    return (layer->cls->flags & NNOM_CLASS_INPUT) != 0 && layer->port != 0;
}

/* Without a layer named as the output, the one layer without consumers is it; Output layers always are. */
static nnom_status_t find_output(nnom_model_t *m, nnom_layer_t *out)
{
    m->builder->output = out;
    uint32_t ends = 0;
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        const bool end =
            layer->out_edges == NULL && (layer->cls->flags & NNOM_CLASS_OUTPUT) == 0 && !is_spare_input(layer);
        if (end && out == NULL) {
            ends++;
            m->builder->output = layer;
        }
    }
    if (ends > 1) {
        return nnom_layer_fail(m->builder->output, NNOM_BAD_GRAPH,
                               "nothing reads it and it is not an Output; %ld layers are so", (long)ends);
    }
    return NNOM_OK;
}

bool nnom_is_output(const nnom_model_t *m, const nnom_layer_t *layer)
{
    return layer == m->builder->output || (layer->cls->flags & NNOM_CLASS_OUTPUT) != 0;
}

/* Every layer must lead to an output. The list is in order, so consumers are judged first when walked backwards. */
static nnom_status_t check_needed(nnom_model_t *m)
{
    nnom_status_t status = NNOM_OK;
    nnom_layer_t *backwards = reverse(m->builder->layers);
    for (nnom_layer_t *layer = backwards; layer != NULL && status == NNOM_OK; layer = layer->next) {
        bool needed = nnom_is_output(m, layer) || is_spare_input(layer);
        for (const nnom_edge_t *edge = layer->out_edges; edge != NULL; edge = edge->next_out) {
            needed = needed || edge->to->mark == NNOM_MARK_NEEDED;
        }
        layer->mark = NNOM_MARK_NEEDED;
        if (!needed) {
            status = nnom_layer_fail(layer, NNOM_BAD_GRAPH, "no output depends on it");
        }
    }
    m->builder->layers = reverse(backwards);
    return status;
}

static nnom_status_t check_graph(nnom_model_t *m, nnom_layer_t *out)
{
    nnom_status_t status = NNOM_OK;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL && status == NNOM_OK; layer = layer->next) {
        status = layer->broken ? nnom_layer_fail(layer, NNOM_NO_MEMORY, "a layer connected to it could not be made")
                               : check_inputs(layer);
        status = status == NNOM_OK ? check_owner(m, layer) : status;
    }
    status = status == NNOM_OK ? find_output(m, out) : status; /* after what says why an end is loose */
    return status == NNOM_OK ? check_needed(m) : status;
}

/* ---- (1, w, c) models: time becomes rows ---- */

static void swap(int32_t *a, int32_t *b)
{
    const int32_t t = *a;
    *a = *b;
    *b = t;
}

static bool can_swap(const nnom_layer_t *layer)
{
    const nnom_geometry_t *g = &layer->geometry;
    const bool flat = g->kernel_h == 1 && g->stride_h == 1 && g->pad_top == 0 && g->pad_bottom == 0;
    const bool shaped = layer->set_shape.w != 0; /* Input, Output, Constant, Reshape: one row */
    return (layer->cls->flags & NNOM_CLASS_NO_SWAP) == 0 && flat && (!shaped || layer->set_shape.h == 1);
}

static void swap_layer(nnom_layer_t *layer)
{
    nnom_geometry_t *g = &layer->geometry;
    swap(&g->kernel_h, &g->kernel_w);
    swap(&g->stride_h, &g->stride_w);
    swap(&g->dilation_h, &g->dilation_w);
    swap(&g->pad_top, &g->pad_left);
    swap(&g->pad_bottom, &g->pad_right);
    swap(&layer->set_shape.h, &layer->set_shape.w);
    if (layer->axis == 0 || layer->axis == 1) {
        layer->axis = 1 - layer->axis;
    } else if (layer->axis == -3 || layer->axis == -2) {
        layer->axis = -5 - layer->axis;
    }
    layer->swapped = true;
}

/* The core's rows are what it computes apart and keeps in rings, so time should be rows. The bytes are the same. */
static void swap_time(nnom_model_t *m)
{
    bool wide = false;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (layer->swapped || !can_swap(layer)) {
            return;
        }
        wide = wide || ((layer->cls->flags & NNOM_CLASS_INPUT) != 0 && layer->set_shape.w > 1);
    }
    for (nnom_layer_t *layer = m->builder->layers; wide && layer != NULL; layer = layer->next) {
        swap_layer(layer);
    }
}

/* ---- Fusing ---- */

/* A clamp after a layer that can clamp, if nobody else reads that layer and only one of the two has a quantisation. */
static void fuse(const nnom_model_t *m, nnom_layer_t *layer)
{
    if ((layer->cls->flags & NNOM_CLASS_ACTIVATION) == 0) {
        return;
    }
    const nnom_activation_layer_t *activation = (const nnom_activation_layer_t *)layer;
    nnom_layer_t *from = layer->in->from;
    const bool both = from->quant_source == NNOM_QUANT_SET && layer->quant_source == NNOM_QUANT_SET;
    const bool free_to = (from->cls->flags & NNOM_CLASS_CLAMPS) != 0 && from->fused == NNOM_CLAMP_NONE &&
                         from->out_edges->next_out == NULL && !nnom_is_output(m, from) && !both;
    if (activation->act->clamp == NNOM_CLAMP_NONE || !free_to) {
        return;
    }
    from->fused = activation->act->clamp;
    from->fused_by = layer;
    layer->passed = true;
    layer->root = from;
}

/* ---- Building layers ---- */

static nnom_status_t check_quant(const nnom_layer_t *layer)
{
    const nnom_tensor_t *out = &layer->out;
    if (out->type == NNOM_TYPE_S8 && !(out->scale > 0.0f && out->scale <= 1e30f)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "the scale of its output is not a positive number");
    }
    if (out->type == NNOM_TYPE_S8 && (out->zero_point < -128 || out->zero_point > 127)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "the zero point of its output is %d, expected -128 to 127",
                               (int)out->zero_point);
    }
    return NNOM_OK;
}

static nnom_status_t finish_tensor(nnom_layer_t *layer)
{
    nnom_tensor_t *out = &layer->out;
    const int64_t bytes = (int64_t)nnom_shape_elements(out->shape) * nnom_type_bytes(out->type);
    if (bytes <= 0 || bytes > INT32_MAX) {
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "its output (%d, %d, %d) has a side < 1 or over 2^31 - 1 bytes",
                               (int)out->shape.h, (int)out->shape.w, (int)out->shape.c);
    }
    out->rows = out->shape.h;
    out->row_bytes = (int32_t)(bytes / out->shape.h);
    return check_quant(layer);
}

static nnom_status_t build_layer(nnom_layer_t *layer)
{
    if (layer->passed) {
        layer->out = layer->root->out;
        return NNOM_OK;
    }
    nnom_status_t status = layer->cls->build(layer);
    if (status != NNOM_OK) {
        return status;
    }
    if ((layer->cls->flags & NNOM_CLASS_VIEW) != 0) {
        layer->root = nnom_layer_input_layer(layer, 0)->root;
    }
    return finish_tensor(layer);
}

static nnom_status_t build_layers(nnom_model_t *m)
{
    nnom_status_t status = NNOM_OK;
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL && status == NNOM_OK; layer = layer->next) {
        status = build_layer(layer);
    }
    return status;
}

/* ---- The program ---- */

typedef struct counts {
    uint16_t tensors, nodes, inputs, outputs;
    uint32_t links; /* inputs of nodes */
} counts_t;

static nnom_status_t count(nnom_model_t *m, counts_t *n)
{
    uint32_t layers = 0;
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        layers++;
        if (layers >= NNOM_NO_NODE) {
            return nnom_model_fail(m, NNOM_OVERFLOW, "more than %d layers", NNOM_NO_NODE - 1);
        }
        layer->tensor = layer->passed ? layer->root->tensor : n->tensors++;
        if (layer->op != NULL && !layer->passed) {
            layer->node = n->nodes++;
            n->links += nnom_layer_input_number(layer);
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
} tables_t;

static bool allocate_tables(nnom_builder_t *builder, const counts_t *n, tables_t *t)
{
    const size_t tensors = aligned(sizeof(nnom_program_t));
    const size_t nodes = tensors + aligned(n->tensors * sizeof(nnom_tensor_t));
    const size_t links = nodes + aligned(n->nodes * sizeof(nnom_node_t));
    const size_t bytes = links + (n->links + n->inputs + n->outputs) * sizeof(uint16_t);
    uint8_t *block = nnom_malloc(bytes);
    if (block == NULL) {
        return false;
    }
    memset(block, 0, bytes);
    builder->program = block;
    builder->program_bytes = (uint32_t)bytes;
    t->program = (nnom_program_t *)(void *)block;
    t->tensors = (nnom_tensor_t *)(void *)(block + tensors);
    t->nodes = (nnom_node_t *)(void *)(block + nodes);
    t->links = (uint16_t *)(void *)(block + links);
    t->inputs = t->links + n->links;
    t->outputs = t->inputs + n->inputs;
    return true;
}

static void fill_node(const nnom_layer_t *layer, nnom_node_t *node, uint16_t *links)
{
    node->op = layer->op;
    node->param = layer->param;
    node->inputs = links;
    node->input_count = (uint16_t)nnom_layer_input_number(layer);
    node->output = layer->tensor;
    for (uint16_t i = 0; i < node->input_count; i++) {
        links[i] = nnom_layer_input_layer(layer, i)->tensor;
    }
}

/* In the order of nnom_own(), then in order of execution. */
static void list_ports(const nnom_model_t *m, bool outputs, uint16_t *list)
{
    const nnom_builder_t *builder = m->builder;
    for (uint16_t port = 1; port <= builder->ports + 1; port++) {
        for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
            const bool listed = outputs ? nnom_is_output(m, layer) : (layer->cls->flags & NNOM_CLASS_INPUT) != 0;
            if (listed && (layer->port == port || (layer->port == 0 && port == builder->ports + 1))) {
                *list++ = layer->tensor;
            }
        }
    }
}

static void fill_tables(const nnom_model_t *m, const counts_t *n, const tables_t *t)
{
    uint16_t *links = t->links;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (!layer->passed) {
            t->tensors[layer->tensor] = layer->out;
            t->tensors[layer->tensor].data = layer->root->out.data;
        }
        if (layer->node != NNOM_NO_NODE) {
            fill_node(layer, &t->nodes[layer->node], links);
            links += t->nodes[layer->node].input_count;
        }
    }
    list_ports(m, false, t->inputs);
    list_ports(m, true, t->outputs);
    const nnom_program_t program = {.tensors = t->tensors,
                                    .nodes = t->nodes,
                                    .inputs = t->inputs,
                                    .outputs = t->outputs,
                                    .tensor_count = n->tensors,
                                    .node_count = n->nodes,
                                    .input_count = n->inputs,
                                    .output_count = n->outputs};
    *t->program = program;
}

static nnom_status_t allocate_region(nnom_model_t *m, uint32_t r, uint32_t bytes)
{
    nnom_region_t *region = &m->builder->regions[r];
    if (region->given != NULL && region->given_bytes < bytes) {
        return nnom_model_fail(m, NNOM_TOO_SMALL, "the %s has %ld bytes, the model needs %ld", r == 0 ? "arena" : "slow arena",
                               (long)region->given_bytes, (long)bytes);
    }
    if (region->given == NULL && bytes > 0) {
        region->owned = nnom_malloc(bytes);
        if (region->owned == NULL) {
            return nnom_model_fail(m, NNOM_NO_MEMORY, "no memory for an arena of %ld bytes", (long)bytes);
        }
    }
    m->arena.base[r] = region->given != NULL ? region->given : region->owned;
    return NNOM_OK;
}

static nnom_status_t allocate_arena(nnom_model_t *m, const nnom_program_t *program)
{
    const nnom_status_t status = allocate_region(m, 0, program->arena_bytes);
    return status == NNOM_OK ? allocate_region(m, 1, program->slow_bytes) : status;
}

static nnom_status_t make_program(nnom_model_t *m)
{
    counts_t n = {0};
    tables_t t;
    nnom_status_t status = count(m, &n);
    if (status != NNOM_OK) {
        return status;
    }
    if (!allocate_tables(m->builder, &n, &t)) {
        return nnom_model_fail(m, NNOM_NO_MEMORY, "no memory for the tables of %d layers", (int)n.tensors);
    }
    fill_tables(m, &n, &t);
    status = nnom_plan(m, t.program, t.tensors, t.nodes);
    if (status == NNOM_OK) {
        status = allocate_arena(m, t.program);
    }
    if (status == NNOM_OK) {
        m->program = t.program;
        nnom_reset(m);
    }
    return status;
}

/* ---- Compile ---- */

static nnom_status_t compile_graph(nnom_model_t *m, nnom_layer_t *out)
{
    reset(m);
    nnom_status_t status = order(m);
    name_layers(m->builder);
    if (status == NNOM_OK) {
        status = check_graph(m, out);
    }
    if (status != NNOM_OK) {
        return status;
    }
    swap_time(m);
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        fuse(m, layer);
    }
    status = build_layers(m);
    return status == NNOM_OK ? make_program(m) : status;
}

nnom_status_t nnom_compile(nnom_model_t *m, nnom_layer_t *in, nnom_layer_t *out, const nnom_options_t *options)
{
    static const nnom_options_t defaults;
    if (m == NULL || m->builder == NULL) {
        return NNOM_NULL;
    }
    m->builder->options = options != NULL ? *options : defaults;
    if (m->builder->status == NNOM_OK) { /* else the text tells what was wrong before */
        m->builder->error[0] = '\0';
    }
    const nnom_status_t adopted = adopt(m, in);
    const nnom_status_t adopted_out = adopt(m, out);
    adopt_strays(m);
    nnom_status_t status = adopted != NNOM_OK ? adopted : adopted_out;
    if (status == NNOM_OK && m->builder->status != NNOM_OK) {
        status = nnom_model_fail(m, m->builder->status, "a layer given to model.add or nnom_own could not be made");
    }
    if (status == NNOM_OK && in == NULL) {
        status = nnom_model_fail(m, NNOM_NULL, "model_compile was given no input layer, or it could not be made");
    }
    if (status == NNOM_OK) {
        status = compile_graph(m, out);
    }
    if (status != NNOM_OK) {
        m->program = NULL;
        (void)nnom_model_fail(m, status, "%s", nnom_status_text(status));
        if (m->builder->verbose) {
            NNOM_LOG("NNoM: %s: %s\n", nnom_status_text(status), m->builder->error);
        }
        return status;
    }
    if (m->builder->verbose) {
        model_print(m);
    }
    return NNOM_OK;
}

nnom_status_t model_compile(nnom_model_t *m, nnom_layer_t *in, nnom_layer_t *out)
{
    return nnom_compile(m, in, out, NULL);
}

nnom_status_t sequential_compile(nnom_model_t *m)
{
    if (m == NULL || m->builder == NULL) {
        return NNOM_NULL;
    }
    nnom_layer_t *last = m->builder->last_added;
    return model_compile(m, last, (last != NULL && (last->cls->flags & NNOM_CLASS_OUTPUT) != 0) ? NULL : last);
}

nnom_status_t sequencial_compile(nnom_model_t *m)
{
    return sequential_compile(m);
}
