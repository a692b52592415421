/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "pick.h"

typedef struct mirror_pad_layer {
    nnom_pick_layer_t base;
    int32_t front, back; /* channels */
    int32_t edge;        /* 1: the outermost element is the mirror's axis and not repeated */
    nnom_geometry_t own;
} mirror_pad_layer_t;

typedef struct axis {
    int32_t before, after, length;
} axis_t;

static axis_t axis_of(const nnom_layer_t *layer, int32_t number)
{
    const mirror_pad_layer_t *pad = (const mirror_pad_layer_t *)layer;
    const nnom_geometry_t *g = layer->geometry;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const axis_t axes[3] = {
        {g->pad_top, g->pad_bottom, in.h}, {g->pad_left, g->pad_right, in.w}, {pad->front, pad->back, in.c}};
    return axes[number];
}

static int32_t mirrored(const nnom_layer_t *layer, int32_t number, int32_t i)
{
    const int32_t edge = ((const mirror_pad_layer_t *)layer)->edge;
    const axis_t axis = axis_of(layer, number);
    const int32_t at = i - axis.before;
    if (at < 0) {
        return -at - 1 + edge;
    }
    return at < axis.length ? at : 2 * axis.length - 1 - edge - at;
}

static nnom_status_t mirror_pad_build(nnom_layer_t *layer)
{
    const mirror_pad_layer_t *pad = (const mirror_pad_layer_t *)layer;
    int32_t sides[3];
    uint32_t axes = 0;
    for (int32_t number = 0; number < 3; number++) {
        const axis_t axis = axis_of(layer, number);
        const int32_t most = axis.length - pad->edge;
        if (axis.before < 0 || axis.after < 0 || axis.before > most || axis.after > most ||
            axis.length > NNOM_PICK_MAX) {
            return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT,
                                   "padding (%d, %d) of an axis of length %d, expected 0 to %d", (int)axis.before,
                                   (int)axis.after, (int)axis.length, (int)most);
        }
        sides[number] = axis.before + axis.length + axis.after;
        axes |= axis.before + axis.after > 0 ? 1u << number : 0u;
    }
    layer->out->shape = nnom_make_shape(sides[0], sides[1], sides[2]);
    return nnom_pick_build((nnom_pick_layer_t *)layer, axes, mirrored);
}

static const nnom_class_t mirror_pad_class = {
    "MirrorPad", "nnom_pick_param", nnom_pick_param_fields, mirror_pad_build, 1, 1, 0};

nnom_layer_t *nnom_mirror_pad(nnom_border_t border, int32_t front, int32_t back, bool repeat_edge)
{
    mirror_pad_layer_t *layer = nnom_layer_new(&mirror_pad_class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->own = nnom_geometry_one();
    layer->base.super.geometry = &layer->own;
    nnom_geometry_set_pads(&layer->own, border);
    layer->front = front;
    layer->back = back;
    layer->edge = repeat_edge ? 0 : 1;
    return &layer->base.super;
}
