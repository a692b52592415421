/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "pick.h"

typedef struct gather_layer {
    nnom_pick_layer_t base;
    const int32_t *indices;
    int32_t count;
} gather_layer_t;

static int32_t gather_picked(const nnom_layer_t *layer, int32_t axis, int32_t i)
{
    (void)axis;
    return ((const gather_layer_t *)layer)->indices[i];
}

static nnom_status_t gather_build(nnom_layer_t *layer)
{
    const gather_layer_t *gather = (const gather_layer_t *)layer;
    nnom_shape_t shape = nnom_layer_in(layer, 0)->shape;
    int32_t axis;
    const nnom_status_t status = nnom_layer_axis(layer, &axis);
    if (status != NNOM_OK) {
        return status;
    }
    if (gather->indices == NULL || gather->count < 1) {
        return nnom_layer_fail(layer, NNOM_NULL, "it has no indices");
    }
    for (int32_t i = 0; i < gather->count; i++) {
        if (gather->indices[i] < 0 || gather->indices[i] >= *nnom_shape_side(&shape, axis)) {
            return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "index %d, expected 0 to %d", (int)gather->indices[i],
                                   (int)*nnom_shape_side(&shape, axis) - 1);
        }
    }
    *nnom_shape_side(&shape, axis) = gather->count;
    layer->out->shape = shape;
    return nnom_pick_build((nnom_pick_layer_t *)layer, 1u << axis, gather_picked);
}

static const nnom_class_t gather_class = {"Gather", "nnom_pick_param", nnom_pick_param_fields, gather_build, 1, 1, 0};
static const nnom_class_t gather_rows_class = {"Gather", "nnom_pick_param", nnom_pick_param_fields, gather_build, 1,
                                               1,        NNOM_CLASS_NO_SWAP};

nnom_layer_t *nnom_gather(int32_t axis, const int32_t *indices, int32_t count)
{
    gather_layer_t *layer =
        nnom_layer_new(axis == 0 || axis == -3 ? &gather_rows_class : &gather_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    nnom_layer_give_axis(&layer->base.super, axis);
    layer->indices = indices;
    layer->count = count;
    return &layer->base.super;
}
