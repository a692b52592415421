/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Layers that only give their input's bytes another shape: nothing runs. */
#include "elementwise.h"

static nnom_status_t flatten_build(nnom_layer_t *layer)
{
    layer->out->shape = nnom_make_shape(1, 1, nnom_shape_elements(nnom_layer_in(layer, 0)->shape));
    return nnom_layer_keep_quant(layer);
}

static nnom_status_t reshape_build(nnom_layer_t *layer)
{
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const nnom_shape_t to = layer->given->shape;
    if (nnom_shape_elements(to) != nnom_shape_elements(in)) {
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE,
                               "shape (%d, %d, %d) of an input (%d, %d, %d): the numbers of elements differ", (int)to.h,
                               (int)to.w, (int)to.c, (int)in.h, (int)in.w, (int)in.c);
    }
    layer->out->shape = to;
    return nnom_layer_keep_quant(layer);
}

static const nnom_class_t flatten_class = {"Flatten", NULL, NULL, flatten_build, 1, 1, NNOM_CLASS_VIEW};
static const nnom_class_t reshape_class = {"Reshape", NULL, NULL, reshape_build, 1, 1, NNOM_CLASS_VIEW};

nnom_layer_t *nnom_flatten(void)
{
    return nnom_layer_new(&flatten_class, sizeof(nnom_layer_t));
}

nnom_layer_t *nnom_reshape(nnom_shape_t shape)
{
    nnom_layer_t *layer = nnom_layer_new(&reshape_class, sizeof(nnom_layer_t));
    if (layer != NULL) {
        nnom_layer_give_shape(layer, shape);
    }
    return layer;
}
