/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "slice.h"

typedef struct cropping_layer {
    nnom_layer_t super;
    nnom_geometry_t own;
    nnom_slice_param_t param;
} cropping_layer_t;

static nnom_status_t cropping_build(nnom_layer_t *layer)
{
    cropping_layer_t *cropping = (cropping_layer_t *)layer;
    const nnom_geometry_t *g = layer->geometry;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const int64_t h = (int64_t)in.h - g->pad_top - g->pad_bottom;
    const int64_t w = (int64_t)in.w - g->pad_left - g->pad_right;
    if (g->pad_top < 0 || g->pad_bottom < 0 || g->pad_left < 0 || g->pad_right < 0 || h < 1 || w < 1) {
        return nnom_layer_fail(
            layer, NNOM_BAD_ARGUMENT, "border (%d, %d, %d, %d) leaves nothing of its input (%d, %d), or is < 0",
            (int)g->pad_top, (int)g->pad_bottom, (int)g->pad_left, (int)g->pad_right, (int)in.h, (int)in.w);
    }
    const nnom_slice_param_t param = {g->pad_top, g->pad_left, 0, 1, 1, 1};
    cropping->param = param;
    layer->out->shape = nnom_make_shape((int32_t)h, (int32_t)w, in.c);
    return nnom_slice_build(layer, &cropping->param);
}

static const nnom_class_t cropping_class = {
    "Cropping", "nnom_slice_param", nnom_slice_param_fields, cropping_build, 1, 1, 0};

nnom_layer_t *nnom_cropping(nnom_border_t border)
{
    cropping_layer_t *layer = nnom_layer_new(&cropping_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->own = nnom_geometry_one();
    layer->super.geometry = &layer->own;
    nnom_geometry_set_pads(&layer->own, border);
    return &layer->super;
}
