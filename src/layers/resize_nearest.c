/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <math.h>

#include "pick.h"
#include "resize.h"

typedef struct nearest_layer {
    nnom_pick_layer_t base;
    nnom_size_t size;
    nnom_resize_t mode;
} nearest_layer_t;

nnom_status_t nnom_resize_shape(nnom_layer_t *layer, nnom_size_t size, nnom_resize_t mode)
{
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const nnom_size_t out = layer->swapped ? nnom_make_size(size.w, size.h) : size;
    if (mode != NNOM_RESIZE_PLAIN && mode != NNOM_RESIZE_ALIGN_CORNERS && mode != NNOM_RESIZE_HALF_PIXEL) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "mode %d, expected 0 to 2", (int)mode);
    }
    if (out.h < 1 || out.w < 1 || out.h > NNOM_RESIZE_MAX || out.w > NNOM_RESIZE_MAX || in.h > NNOM_RESIZE_MAX ||
        in.w > NNOM_RESIZE_MAX) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "size (%d, %d) of an input (%d, %d), expected 1 to %d",
                               (int)out.h, (int)out.w, (int)in.h, (int)in.w, NNOM_RESIZE_MAX);
    }
    layer->out->shape = nnom_make_shape(out.h, out.w, in.c);
    return NNOM_OK;
}

static int32_t nearest(const nnom_layer_t *layer, int32_t axis, int32_t i)
{
    const nnom_shape_t in_shape = nnom_layer_in(layer, 0)->shape;
    const int32_t in = axis == 0 ? in_shape.h : in_shape.w;
    const int32_t out = axis == 0 ? layer->out->shape.h : layer->out->shape.w;
    const nnom_resize_t mode = ((const nearest_layer_t *)layer)->mode;
    const bool corners = mode == NNOM_RESIZE_ALIGN_CORNERS;
    const float scale = corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
    const float at = ((float)i + (mode == NNOM_RESIZE_HALF_PIXEL ? 0.5f : 0.0f)) * scale;
    const int32_t index = (int32_t)(corners ? roundf(at) : floorf(at)); /* 0 <= at <= in + 1 */
    return index < in - 1 ? index : in - 1;
}

static nnom_status_t resize_nearest_build(nnom_layer_t *layer)
{
    const nearest_layer_t *resize = (const nearest_layer_t *)layer;
    const nnom_status_t status = nnom_resize_shape(layer, resize->size, resize->mode);
    if (status != NNOM_OK) {
        return status;
    }
    return nnom_pick_build((nnom_pick_layer_t *)layer, 3u, nearest);
}

static const nnom_class_t resize_nearest_class = {
    "ResizeNearest", "nnom_pick_param", nnom_pick_param_fields, resize_nearest_build, 1, 1, 0};
static const nnom_class_t resize_nearest_rows_class = {
    "ResizeNearest", "nnom_pick_param", nnom_pick_param_fields, resize_nearest_build, 1, 1, NNOM_CLASS_NO_SWAP};

nnom_layer_t *nnom_resize_nearest(nnom_size_t size, nnom_resize_t mode)
{
    nearest_layer_t *layer =
        nnom_layer_new(size.h == 1 ? &resize_nearest_class : &resize_nearest_rows_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->size = size;
    layer->mode = mode;
    return &layer->base.super;
}
