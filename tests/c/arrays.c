/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A layer as one of src/layers: of seven arrays of constants, of which it says what the first ones hold. */
#include "../../src/build/builder.h"

#include "refuse.h"

#define ARRAYS_PARAM(I32, F32, GEOMETRY, ARRAY) ARRAY(a) ARRAY(b) ARRAY(c) I32(n) ARRAY(d) ARRAY(e) ARRAY(f) ARRAY(g)
NNOM_PARAM_STRUCT(arrays_param, ARRAYS_PARAM)
NNOM_PARAM_FIELDS(arrays_param, ARRAYS_PARAM)

typedef struct arrays_layer {
    nnom_layer_t super;
    int32_t count;
    arrays_param_t param;
} arrays_layer_t;

static nnom_status_t build(nnom_layer_t *layer)
{
    arrays_param_t *p = &((arrays_layer_t *)layer)->param;
    const void **const members[7] = {&p->a, &p->b, &p->c, &p->d, &p->e, &p->f, &p->g};
    layer->out->shape = nnom_layer_in(layer, 0)->shape;
    layer->param = p;
    nnom_layer_follow(layer);
    for (int32_t i = 0; i < 7; i++) {
        int8_t *data = nnom_layer_alloc(layer, (size_t)i + 1, 1);
        *members[i] = data;
        if (data == NULL) {
            return NNOM_NO_MEMORY;
        }
        data[i] = 1; /* no two are the same */
        if (i < ((arrays_layer_t *)layer)->count) {
            (void)nnom_layer_array(layer, data, (uint32_t)i + 1, NNOM_TYPE_S8);
        }
    }
    return NNOM_OK;
}

static const nnom_class_t class = {"Arrays", "arrays_param", arrays_param_fields, build, 1, 1, NNOM_CLASS_VIEW};

nnom_layer_t *layer_of_arrays(int32_t n)
{
    arrays_layer_t *layer = nnom_layer_new(&class, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->count = n;
    return &layer->super;
}
