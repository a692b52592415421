/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "pick.h"

typedef struct tile_layer {
    nnom_pick_layer_t base;
    nnom_shape_t times;
} tile_layer_t;

static int32_t tile_modulo(const nnom_layer_t *layer, int32_t axis, int32_t i)
{
    nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    return i % *nnom_shape_side(&in, axis);
}

static nnom_status_t tile_build(nnom_layer_t *layer)
{
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    nnom_shape_t times = ((const tile_layer_t *)layer)->times;
    if (layer->swapped) {
        times = nnom_make_shape(times.w, times.h, times.c);
    }
    const bool fits = times.h >= 1 && times.w >= 1 && times.c >= 1 && times.h <= NNOM_PICK_MAX &&
                      times.w <= NNOM_PICK_MAX && times.c <= NNOM_PICK_MAX && in.h <= NNOM_PICK_MAX &&
                      in.w <= NNOM_PICK_MAX && in.c <= NNOM_PICK_MAX;
    if (!fits) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "(%d, %d, %d) times its input, expected 1 to %d", (int)times.h,
                               (int)times.w, (int)times.c, NNOM_PICK_MAX);
    }
    layer->out->shape = nnom_make_shape(in.h * times.h, in.w * times.w, in.c * times.c);
    const uint32_t axes = (times.h > 1 ? 1u : 0u) | (times.w > 1 ? 2u : 0u) | (times.c > 1 ? 4u : 0u);
    return nnom_pick_build((nnom_pick_layer_t *)layer, axes, tile_modulo);
}

static const nnom_class_t tile_class = {"Tile", "nnom_pick_param", nnom_pick_param_fields, tile_build, 1, 1, 0};
static const nnom_class_t tile_rows_class = {"Tile", "nnom_pick_param", nnom_pick_param_fields, tile_build, 1,
                                             1,      NNOM_CLASS_NO_SWAP};

nnom_layer_t *nnom_tile(nnom_shape_t times)
{
    tile_layer_t *layer = nnom_layer_new(times.h > 1 ? &tile_rows_class : &tile_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->times = times;
    return &layer->base.super;
}
