/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Connecting layers: the builder's verbs that need no model. */
#include "graph.h"

#include <stdarg.h>

static void append_input(nnom_layer_t *to, nnom_edge_t *edge)
{
    nnom_edge_t **end = &to->in;
    while (*end != NULL) {
        end = &(*end)->next_in;
    }
    *end = edge;
}

static void append_consumer(nnom_layer_t *from, nnom_edge_t *edge)
{
    nnom_edge_t **end = &from->out_edges;
    while (*end != NULL) {
        end = &(*end)->next_out;
    }
    *end = edge;
}

bool nnom_connect(nnom_layer_t *to, nnom_layer_t *from)
{
    nnom_edge_t *edge = nnom_malloc(sizeof *edge);
    if (edge == NULL) {
        return false;
    }
    edge->from = from;
    edge->to = to;
    edge->next_in = NULL;
    edge->next_out = NULL;
    append_input(to, edge);
    append_consumer(from, edge);
    return true;
}

/* The queue of a traversal is the chain of `next`: layers not owned by a model use it for nothing else. */
static nnom_layer_t *enqueue(nnom_layer_t *layer, nnom_layer_t *tail, uint8_t mark)
{
    if (layer->mark == mark || layer->model != NULL) {
        return tail; /* seen, or owned by a model: that one's list must stay whole */
    }
    layer->mark = mark;
    layer->next = NULL;
    tail->next = layer;
    return layer;
}

nnom_layer_t *nnom_component(nnom_layer_t *start, uint8_t mark)
{
    start->mark = mark;
    start->next = NULL;
    nnom_layer_t *tail = start;
    for (nnom_layer_t *layer = start; layer != NULL; layer = layer->next) {
        for (nnom_edge_t *edge = layer->in; edge != NULL; edge = edge->next_in) {
            tail = enqueue(edge->from, tail, mark);
        }
        for (nnom_edge_t *edge = layer->out_edges; edge != NULL; edge = edge->next_out) {
            tail = enqueue(edge->to, tail, mark);
        }
    }
    return start;
}

static void unlink_input(nnom_edge_t *edge)
{
    nnom_edge_t **link = &edge->to->in;
    while (*link != edge) {
        link = &(*link)->next_in;
    }
    *link = edge->next_in;
}

static void unlink_consumer(nnom_edge_t *edge)
{
    nnom_edge_t **link = &edge->from->out_edges;
    while (*link != edge) {
        link = &(*link)->next_out;
    }
    *link = edge->next_out;
}

static void disconnect(nnom_layer_t *layer)
{
    while (layer->in != NULL) {
        nnom_edge_t *edge = layer->in;
        unlink_consumer(edge);
        unlink_input(edge);
        nnom_free(edge);
    }
    while (layer->out_edges != NULL) {
        nnom_edge_t *edge = layer->out_edges;
        unlink_input(edge);
        unlink_consumer(edge);
        nnom_free(edge);
    }
}

/* Connections first, while both ends exist: they may lead to layers of other models. */
void nnom_layers_free(nnom_layer_t *list)
{
    for (nnom_layer_t *layer = list; layer != NULL; layer = layer->next) {
        disconnect(layer);
    }
    while (list != NULL) {
        nnom_layer_t *next = list->next;
        nnom_layer_free(list);
        list = next;
    }
}

void nnom_discard(nnom_layer_t *layer)
{
    if (layer == NULL || layer->model != NULL) {
        return;
    }
    nnom_layers_free(nnom_component(layer, NNOM_MARK_COMPONENT));
}

/* A connection that could not be made: what exists of it is marked, so that compile reports it. */
static nnom_layer_t *give_up(nnom_layer_t *curr, nnom_layer_t *last)
{
    if (last != NULL) {
        last->broken = true;
    }
    /* A layer that has no connections yet is nobody's: free it. */
    if (curr != NULL && curr->in == NULL && curr->out_edges == NULL && curr->model == NULL) {
        nnom_layer_free(curr);
    } else if (curr != NULL) {
        curr->broken = true;
    }
    return NULL;
}

nnom_layer_t *nnom_hook(nnom_layer_t *curr, nnom_layer_t *last)
{
    if (curr == NULL || last == NULL || !nnom_connect(curr, last)) {
        return give_up(curr, last);
    }
    return curr;
}

nnom_layer_t *nnom_mergex(nnom_layer_t *method, int num, ...)
{
    va_list layers;
    bool complete = method != NULL && num > 0;
    va_start(layers, num);
    for (int i = 0; i < num; i++) {
        nnom_layer_t *layer = va_arg(layers, nnom_layer_t *);
        complete = complete && layer != NULL && nnom_connect(method, layer);
    }
    va_end(layers);
    if (complete) {
        return method;
    }
    va_start(layers, num);
    for (int i = 0; i < num; i++) {
        (void)give_up(NULL, va_arg(layers, nnom_layer_t *));
    }
    va_end(layers);
    return give_up(method, NULL);
}

nnom_layer_t *nnom_merge(nnom_layer_t *method, nnom_layer_t *in1, nnom_layer_t *in2)
{
    return nnom_mergex(method, 2, in1, in2);
}

nnom_layer_t *nnom_active(nnom_activation_t *act, nnom_layer_t *target)
{
    return nnom_hook(nnom_act_layer(act), target);
}
