/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A layer as one of src/layers: of as many arrays of constants as asked for. */
#include "../../src/build/builder.h"

#include "refuse.h"

typedef struct arrays_layer {
    nnom_layer_t super;
    int32_t count;
} arrays_layer_t;

static nnom_status_t build(nnom_layer_t *layer)
{
    static const int8_t data[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    layer->out->shape = nnom_layer_in(layer, 0)->shape;
    nnom_layer_follow(layer);
    for (int32_t i = 0; i < ((arrays_layer_t *)layer)->count; i++) {
        (void)nnom_layer_array(layer, data + i, 1, NNOM_TYPE_S8);
    }
    return NNOM_OK;
}

static const nnom_class_t class = {"Arrays", NULL, NULL, build, 1, 1, NNOM_CLASS_VIEW};

nnom_layer_t *layer_of_arrays(int32_t n)
{
    arrays_layer_t *layer = nnom_layer_new(&class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->count = n;
    return &layer->super;
}
