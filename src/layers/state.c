/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What is kept from run to run, and the further outputs of a layer. */
#include "../build/graph.h"

typedef struct state_layer {
    nnom_layer_t super;
    const void *start;
} state_layer_t;

static nnom_status_t state_build(nnom_layer_t *layer)
{
    const bool set = layer->given->quant_is_set;
    if (nnom_type_bytes(layer->given->type) == 0) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "element type %d, expected one of nnom_type_t",
                               (int)layer->given->type);
    }
    if (layer->given->leaves == NULL) {
        return nnom_layer_fail(layer, NNOM_BAD_GRAPH,
                               "nothing is left for the next run: nnom_state_set() was not called");
    }
    layer->out->shape = layer->given->shape;
    layer->out->type = layer->given->type;
    layer->out->scale = set ? layer->given->quant.set.scale : 1.0f / 128.0f;
    layer->out->zero_point = set ? layer->given->quant.set.zero_point : 0;
    return NNOM_OK;
}

static const nnom_class_t state_class = {"State", NULL, NULL, state_build, 0, 0, NNOM_CLASS_STATE};

nnom_layer_t *nnom_state(nnom_shape_t shape, const void *start)
{
    state_layer_t *layer = nnom_layer_new(&state_class, sizeof *layer);
    if (layer == NULL) {
        return NULL;
    }
    nnom_layer_give_shape(&layer->super, shape);
    layer->start = start;
    return &layer->super;
}

const void *nnom_state_start(const nnom_layer_t *state)
{
    return ((const state_layer_t *)state)->start;
}

nnom_layer_t *nnom_state_set(nnom_layer_t *state, nnom_layer_t *layer)
{
    if (state == NULL) {
        return NULL;
    }
    nnom_given_t *given = nnom_layer_give(state);
    state->broken = state->broken || layer == NULL;
    if (given != NULL) {
        given->leaves = layer;
    }
    return state;
}

/* ---- Further outputs ---- */

static nnom_status_t part_build(nnom_layer_t *layer)
{
    const nnom_layer_t *from = layer->in->from;
    if (layer->given->part == 0 || layer->given->part > nnom_layer_more_outputs(from)) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "output %d of layer '%s', which has %ld",
                               (int)layer->given->part, nnom_layer_name(from), (long)nnom_layer_more_outputs(from) + 1);
    }
    return nnom_layer_rare(from)->part(from, layer->given->part, layer->out);
}

static const nnom_class_t part_class = {"Part", NULL, NULL, part_build, 1, 1, NNOM_CLASS_PART};

nnom_layer_t *nnom_layer_part(nnom_layer_t *layer, uint32_t i)
{
    nnom_layer_t *part = layer != NULL ? nnom_layer_new(&part_class, sizeof *part) : NULL;
    if (part == NULL) {
        return NULL;
    }
    nnom_given_t *given = nnom_layer_give(part);
    if (given != NULL) {
        given->part = i < UINT16_MAX ? (uint16_t)i : UINT16_MAX;
    }
    return nnom_hook(part, layer);
}
