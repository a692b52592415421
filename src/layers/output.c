/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <string.h>

#include "elementwise.h"

typedef struct output_layer {
    nnom_layer_t super;
    void *buffer; /* the caller's, or NULL: in the arena */
} output_layer_t;

static void output_run(const nnom_call_t *call)
{
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        memmove(nnom_row(&to, y), nnom_row(&from, y), (size_t)to.row_bytes);
    }
}

const nnom_op_t nnom_copy_op = {output_run, NULL, 0, 0};

static bool is_source(const nnom_layer_t *layer)
{
    return (layer->cls->flags & (NNOM_CLASS_INPUT | NNOM_CLASS_CONSTANT | NNOM_CLASS_STATE)) != 0;
}

/*
 * The layer before writes straight into the caller's buffer. Only where that is impossible (the input itself, a state, or
 * a tensor with a buffer already) is it copied.
 */
static nnom_status_t output_build(nnom_layer_t *layer)
{
    void *buffer = ((output_layer_t *)layer)->buffer;
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    if (layer->given->shape.h != 0 && nnom_shape_elements(layer->given->shape) != nnom_shape_elements(in->shape)) {
        return nnom_layer_fail(layer, NNOM_TOO_SMALL, "its shape (%d, %d, %d) does not hold the result (%d, %d, %d)",
                               (int)layer->given->shape.h, (int)layer->given->shape.w, (int)layer->given->shape.c,
                               (int)in->shape.h, (int)in->shape.w, (int)in->shape.c);
    }
    *layer->out = *in;
    layer->out->data = NULL;
    nnom_layer_t *root = nnom_layer_root(nnom_layer_input_layer(layer, 0));
    const bool bind = buffer != NULL && !is_source(root) && root->out->data == NULL;
    if (bind) {
        root->out->data = buffer;
    }
    const bool moves_on = (root->cls->flags & NNOM_CLASS_STATE) != 0; /* its next value comes there after the run */
    if (!bind && (buffer != NULL || moves_on)) {                      /* else its bytes are the root's: nothing runs */
        NNOM_LAYER_SET_OP(layer, nnom_copy_op, NNOM_COSTS_RUNS);
        layer->out->data = buffer;
    }
    return NNOM_OK;
}

static const nnom_class_t output_class = {"Output", NULL, NULL, output_build, 1, 1, NNOM_CLASS_OUTPUT};

nnom_layer_t *nnom_output_2(nnom_shape_t shape, void *buf)
{
    output_layer_t *layer = nnom_layer_new(&output_class, sizeof *layer);
    if (layer == NULL) {
        return NULL;
    }
    nnom_layer_give_shape(&layer->super, shape);
    layer->buffer = buf;
    return &layer->super;
}

/* The format is the result's own; the parameter is kept for programs of 2019. */
nnom_layer_t *nnom_output_3(nnom_shape_t shape, nnom_qformat_t format, void *buf)
{
    (void)format;
    return nnom_output_2(shape, buf);
}
