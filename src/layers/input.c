/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../build/builder.h"

typedef struct input_layer {
    nnom_layer_t super;
    const void *buffer; /* the caller's, or NULL: in the arena */
} input_layer_t;

/* Without a quantisation an int8 input is taken as Q0.7, as data scaled to -1..1. */
static nnom_status_t input_build(nnom_layer_t *layer)
{
    const bool set = layer->given->quant_is_set;
    const void *data = ((input_layer_t *)layer)->buffer;
    if (nnom_type_bytes(layer->given->type) == 0) {
        return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "element type %d, expected one of nnom_type_t",
                               (int)layer->given->type);
    }
    if (data == NULL && (layer->cls->flags & NNOM_CLASS_CONSTANT) != 0) {
        return nnom_layer_fail(layer, NNOM_NULL, "its data is NULL");
    }
    layer->out->shape = layer->given->shape;
    layer->out->type = layer->given->type;
    layer->out->scale = set ? layer->given->quant.set.scale : 1.0f / 128.0f;
    layer->out->zero_point = set ? layer->given->quant.set.zero_point : 0;
    layer->out->data = data;
    return NNOM_OK;
}

static const nnom_class_t input_class = {"Input", NULL, NULL, input_build, 0, 0, NNOM_CLASS_INPUT};
static const nnom_class_t constant_class = {"Constant", NULL, NULL, input_build, 0, 0, NNOM_CLASS_CONSTANT};

static nnom_layer_t *input_new_source(const nnom_class_t *cls, nnom_shape_t shape, const void *buffer)
{
    input_layer_t *layer = nnom_layer_new(cls, sizeof *layer);
    if (layer == NULL) {
        return NULL;
    }
    nnom_layer_give_shape(&layer->super, shape);
    layer->buffer = buffer;
    return &layer->super;
}

nnom_layer_t *nnom_input_2(nnom_shape_t shape, void *buf)
{
    return input_new_source(&input_class, shape, buf);
}

nnom_layer_t *nnom_input_3(nnom_shape_t shape, nnom_qformat_t format, void *buf)
{
    return nnom_layer_set_qformat(nnom_input_2(shape, buf), format);
}

nnom_layer_t *nnom_constant(nnom_shape_t shape, const void *data)
{
    return input_new_source(&constant_class, shape, data);
}
