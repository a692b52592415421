/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Which layers a model has, in which order they run, and whether they are a graph from inputs to outputs. */
#include "graph.h"

/* ---- Adopting ---- */

/* Takes every layer connected to `start` into the model. */
nnom_status_t nnom_adopt(nnom_model_t *m, nnom_layer_t *start)
{
    if (start == NULL || start->model == m) {
        return NNOM_OK;
    }
    if (start->model != NULL) {
        return nnom_model_fail(m, NNOM_BAD_GRAPH, "layer '%s' (%s) belongs to another model", nnom_layer_name(start),
                               start->cls->name);
    }
    m->instance.program = NULL; /* to be compiled again */
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
    return layer->given->leaves != NULL && layer->given->leaves->model == NULL ? layer->given->leaves : NULL;
}

/* Layers may have been hooked to owned ones since. New ones come to the front, so that the walk begins again there. */
void nnom_adopt_strays(nnom_model_t *m)
{
    nnom_layer_t *layer = m->builder->layers;
    while (layer != NULL) {
        nnom_layer_t *found = stray(layer);
        if (found != NULL) {
            (void)nnom_adopt(m, found); /* cannot fail: unowned */
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
    nnom_status_t status = layer != NULL ? nnom_adopt(m, layer) : NNOM_NO_MEMORY;
    if (status == NNOM_OK) {
        nnom_given_t *given = nnom_layer_give(layer);
        if (given != NULL && given->port == 0) {
            given->port = ++m->builder->ports;
        }
    } else if (m->builder->status == NNOM_OK) {
        m->builder->status = status;
    }
    return status;
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

/* "Conv2D_2" for layers that have no name (nnom_layer_name): the first compile numbers them. */
static void number_layers(const nnom_builder_t *builder)
{
    uint16_t number = 1;
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        layer->number = layer->number == 0 ? number : layer->number;
        number = (uint16_t)(number + (number < UINT16_MAX)); /* so many are refused */
    }
}

/* Why a layer waits for ever: mostly it was hooked again, behind itself. */
static nnom_status_t explain_stuck(const nnom_builder_t *builder)
{
    const nnom_layer_t *stuck = NULL;
    for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        const bool waits = layer->mark != NNOM_MARK_PLACED;
        const uint32_t inputs = nnom_layer_input_number(layer);
        if (waits && inputs > layer->cls->max_inputs) {
            return nnom_layer_fail(
                layer, NNOM_BAD_GRAPH,
                "it was hooked %ld times, and it takes %ld inputs: each use needs a layer of its own", (long)inputs,
                (long)layer->cls->max_inputs);
        }
        stuck = waits && stuck == NULL ? layer : stuck;
    }
    return stuck == NULL ? NNOM_OK : nnom_layer_fail(stuck, NNOM_BAD_GRAPH, "it is part of a cycle");
}

/* Puts the model's list in order of execution. */
nnom_status_t nnom_order(nnom_model_t *m)
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
    while (waiting != NULL) { /* the list stays whole for model_delete */
        nnom_layer_t *next = waiting->next;
        waiting->next = placed;
        placed = waiting;
        waiting = next;
    }
    m->builder->layers = reverse(placed);
    number_layers(m->builder);
    return explain_stuck(m->builder);
}

/* ---- Checks of the graph ---- */

/* Layers of two models hooked together: adopting stops at the border, here it is found. */
static nnom_status_t order_check_owner(nnom_model_t *m, const nnom_layer_t *layer)
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

static bool order_is_source(const nnom_layer_t *layer)
{
    return (layer->cls->flags & (NNOM_CLASS_INPUT | NNOM_CLASS_CONSTANT | NNOM_CLASS_STATE)) != 0;
}

static nnom_status_t order_check_inputs(const nnom_layer_t *layer)
{
    const uint32_t inputs = nnom_layer_input_number(layer);
    if (order_is_source(layer) ? inputs != 0 : inputs < layer->cls->min_inputs || inputs > layer->cls->max_inputs) {
        return nnom_layer_fail(layer, NNOM_BAD_GRAPH, "it has %ld inputs, expected %ld to %ld", (long)inputs,
                               (long)layer->cls->min_inputs, (long)layer->cls->max_inputs);
    }
    return NNOM_OK;
}

/* An input that the user listed by nnom_own() may be left unread, as some models do. */
static bool is_spare_input(const nnom_layer_t *layer)
{
    return (layer->cls->flags & NNOM_CLASS_INPUT) != 0 && layer->given->port != 0;
}

/* Layers that nobody reads and that are no Output; `left`: those that a State takes over. The last one is *end. */
static uint32_t loose_ends(const nnom_model_t *m, bool left, nnom_layer_t **end)
{
    uint32_t ends = 0;
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        const bool loose =
            layer->out_edges == NULL && (layer->cls->flags & NNOM_CLASS_OUTPUT) == 0 && !is_spare_input(layer);
        if (loose && layer->is_left == left) {
            ends++;
            *end = layer;
        }
    }
    return ends;
}

/*
 * Without a layer named as the output, the one layer without consumers is it; Output layers always are. What a State takes over
 * is it only if there is nothing else.
 */
static nnom_status_t find_output(nnom_model_t *m, nnom_layer_t *out)
{
    m->builder->output = out;
    if (out != NULL) {
        return NNOM_OK;
    }
    uint32_t ends = loose_ends(m, false, &m->builder->output);
    uint32_t outputs = 0;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        outputs += (layer->cls->flags & NNOM_CLASS_OUTPUT) != 0;
    }
    if (ends + outputs == 0) {
        ends = loose_ends(m, true, &m->builder->output);
    }
    if (ends > 1 || (ends > 0 && outputs > 0)) {
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
static nnom_status_t order_check_needed(nnom_model_t *m)
{
    nnom_status_t status = NNOM_OK;
    nnom_layer_t *backwards = reverse(m->builder->layers);
    for (nnom_layer_t *layer = backwards; layer != NULL && status == NNOM_OK; layer = layer->next) {
        bool needed = nnom_is_output(m, layer) || is_spare_input(layer) || layer->is_left;
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

static nnom_status_t order_check_has_output(nnom_model_t *m)
{
    bool found = false;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        found = found || nnom_is_output(m, layer);
    }
    return found ? NNOM_OK : nnom_model_fail(m, NNOM_BAD_GRAPH, "the model has no output: hook a layer to its input");
}

nnom_status_t nnom_check_graph(nnom_model_t *m, nnom_layer_t *out)
{
    nnom_status_t status = NNOM_OK;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL && status == NNOM_OK; layer = layer->next) {
        status = layer->broken ? nnom_layer_fail(layer, NNOM_NO_MEMORY, "a layer connected to it could not be made")
                               : order_check_inputs(layer);
        status = status == NNOM_OK ? order_check_owner(m, layer) : status;
    }
    status = status == NNOM_OK ? find_output(m, out) : status; /* after what says why an end is loose */
    status = status == NNOM_OK ? order_check_has_output(m) : status;
    return status == NNOM_OK ? order_check_needed(m) : status;
}
