/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* States: what one run leaves for the next. */
#include "graph.h"

static bool is_state(const nnom_layer_t *layer)
{
    return (layer->cls->flags & NNOM_CLASS_STATE) != 0;
}

static bool keeps(const nnom_layer_t *layer)
{
    return (layer->cls->flags & NNOM_CLASS_KEEPS) != 0;
}

void nnom_mark_left(const nnom_model_t *m)
{
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        layer->is_left = false;
    }
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (is_state(layer) && layer->given->leaves != NULL) {
            layer->given->leaves->is_left = true;
        }
    }
}

uint32_t nnom_count_states(const nnom_model_t *m)
{
    uint32_t count = 0;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        count += is_state(layer) || keeps(layer);
    }
    return count;
}

static nnom_status_t states_check_state(const nnom_layer_t *state)
{
    const nnom_tensor_t *read = state->out, *left = state->given->leaves->out;
    if (!nnom_shape_equal(read->shape, left->shape) || read->type != left->type) {
        return nnom_layer_fail(
            state, NNOM_BAD_SHAPE, "it is (%d, %d, %d) of %s, and what is left for it (%d, %d, %d) of %s",
            (int)read->shape.h, (int)read->shape.w, (int)read->shape.c, nnom_type_facts(read->type)->c_type,
            (int)left->shape.h, (int)left->shape.w, (int)left->shape.c, nnom_type_facts(left->type)->c_type);
    }
    if (nnom_type_facts(read->type)->quantised &&
        (read->scale != left->scale || read->zero_point != left->zero_point)) {
        return nnom_layer_fail(state, NNOM_BAD_QUANT,
                               "its quantisation is not that of layer '%s', which is left for it",
                               nnom_layer_name(state->given->leaves));
    }
    return NNOM_OK;
}

nnom_status_t nnom_check_states(nnom_model_t *m)
{
    nnom_status_t status = NNOM_OK;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL && status == NNOM_OK; layer = layer->next) {
        status = is_state(layer) ? states_check_state(layer) : NNOM_OK;
        if (status == NNOM_OK && nnom_is_output(m, layer) && is_state(nnom_layer_root(layer))) {
            status =
                nnom_layer_fail(layer, NNOM_BAD_GRAPH,
                                "it lies in a State, whose next value comes there after the run: hook an Output to it");
        }
    }
    return status;
}

/* A state that is left for another one must be copied there before it is overwritten itself. */
static bool can_be_next(const nnom_model_t *m, const nnom_layer_t *state)
{
    for (const nnom_layer_t *other = m->builder->layers; other != NULL; other = other->next) {
        const bool waits = is_state(other) && other != state && other->mark != NNOM_MARK_LISTED;
        if (waits && nnom_layer_root(other->given->leaves) == state) {
            return false;
        }
    }
    return true;
}

static nnom_layer_t *next_state(const nnom_model_t *m)
{
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (is_state(layer) && layer->mark != NNOM_MARK_LISTED && can_be_next(m, layer)) {
            return layer;
        }
    }
    return NULL;
}

/* Their own next value: nothing is copied. */
static uint32_t list_kept(const nnom_model_t *m, nnom_state_pair_t *list)
{
    uint32_t count = 0;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (keeps(layer)) {
            const nnom_state_pair_t state = {layer->tensor, layer->tensor, NULL};
            list[count++] = state;
        }
    }
    return count;
}

nnom_status_t nnom_list_states(nnom_model_t *m, nnom_state_pair_t *list)
{
    const uint32_t count = nnom_count_states(m);
    for (uint32_t i = list_kept(m, list); i < count; i++) {
        nnom_layer_t *layer = next_state(m);
        if (layer == NULL) {
            return nnom_model_fail(m, NNOM_BAD_GRAPH, "States that are left for each other: hook a layer between them");
        }
        layer->mark = NNOM_MARK_LISTED;
        const nnom_state_pair_t state = {layer->tensor, layer->given->leaves->tensor, nnom_state_start(layer)};
        list[i] = state;
    }
    return NNOM_OK;
}
