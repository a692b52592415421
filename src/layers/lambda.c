/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "elementwise.h"

typedef struct lambda_layer lambda_layer_t;

/* Not written to C: it names a layer in RAM. */
typedef struct lambda_param {
    lambda_layer_t *layer;
} lambda_param_t;

struct lambda_layer {
    nnom_layer_t super;
    nnom_lambda_t run;
    nnom_lambda_t oshape;
    nnom_lambda_t free;
    void *param;
    lambda_param_t self;
    const void *input; /* while it runs */
    void *output;
};

static nnom_status_t lambda_build(nnom_layer_t *layer);
static void lambda_release(nnom_layer_t *layer);

static const nnom_rare_class_t lambda_class = {
    .super = {"Lambda", NULL, NULL, lambda_build, 1, 1, NNOM_CLASS_NO_SWAP | NNOM_CLASS_RARE},
    .release = lambda_release};

static void lambda_run(const nnom_call_t *call)
{
    lambda_layer_t *lambda = ((const lambda_param_t *)call->node->param)->layer;
    lambda->input = nnom_call_input_rows(call, 0).data;
    lambda->output = nnom_call_output_rows(call).data;
    const nnom_status_t status = lambda->run(&lambda->super);
    lambda->input = NULL;
    lambda->output = NULL;
    if (status != NNOM_OK) {
        *call->status = status;
    }
}

static const nnom_op_t lambda_op = {lambda_run, nnom_window_all, NNOM_OP_WHOLE, 0};
static const nnom_form_t lambda_form = {&lambda_op, NULL, NULL, NULL, NULL}; /* has no C form */
static const nnom_kernel_t lambda_kernel = {&lambda_form, 0, {NNOM_COSTS_PLAIN}};

static nnom_status_t lambda_build(nnom_layer_t *layer)
{
    lambda_layer_t *lambda = (lambda_layer_t *)layer;
    if (lambda->run == NULL) {
        return nnom_layer_fail(layer, NNOM_NULL, "its function `run` is NULL");
    }
    nnom_layer_follow(layer);
    layer->out->shape = nnom_layer_in(layer, 0)->shape;
    const nnom_status_t status = lambda->oshape != NULL ? lambda->oshape(layer) : NNOM_OK;
    if (status != NNOM_OK) {
        return nnom_layer_fail(layer, status, "its function `oshape` failed with %d", (int)status);
    }
    lambda->self.layer = lambda;
    layer->param = &lambda->self;
    layer->kernel = &lambda_kernel;
    layer->overlap = NNOM_NO_OVERLAP;
    return NNOM_OK;
}

static void lambda_release(nnom_layer_t *layer)
{
    lambda_layer_t *lambda = (lambda_layer_t *)layer;
    if (lambda->free != NULL) {
        (void)lambda->free(layer);
    }
}

nnom_layer_t *nnom_lambda(nnom_lambda_t run_function, nnom_lambda_t oshape, nnom_lambda_t free_function, void *param)
{
    lambda_layer_t *layer = nnom_layer_new(&lambda_class.super, sizeof(*layer));
    if (layer == NULL) {
        return NULL;
    }
    layer->run = run_function;
    layer->oshape = oshape;
    layer->free = free_function;
    layer->param = param;
    return &layer->super;
}

/* ---- What the user's functions ask ---- */

static const lambda_layer_t *as_lambda(const nnom_layer_t *layer)
{
    return layer != NULL && layer->cls == &lambda_class.super ? (const lambda_layer_t *)layer : NULL;
}

const void *nnom_layer_input(const nnom_layer_t *layer)
{
    const lambda_layer_t *lambda = as_lambda(layer);
    return lambda != NULL ? lambda->input : NULL;
}

void *nnom_layer_output(const nnom_layer_t *layer)
{
    const lambda_layer_t *lambda = as_lambda(layer);
    return lambda != NULL ? lambda->output : NULL;
}

void *nnom_layer_param(const nnom_layer_t *layer)
{
    const lambda_layer_t *lambda = as_lambda(layer);
    return lambda != NULL ? lambda->param : NULL;
}

nnom_shape_t nnom_layer_input_shape(const nnom_layer_t *layer)
{
    const nnom_tensor_t *in = layer != NULL && layer->in != NULL ? nnom_layer_in(layer, 0) : NULL;
    return in != NULL ? in->shape : nnom_make_shape(0, 0, 0);
}

nnom_shape_t nnom_layer_shape(const nnom_layer_t *layer)
{
    return layer != NULL && layer->out != NULL ? layer->out->shape : nnom_make_shape(0, 0, 0);
}

nnom_status_t nnom_layer_set_shape(nnom_layer_t *layer, nnom_shape_t shape)
{
    if (layer == NULL) {
        return NNOM_NULL;
    }
    if (nnom_shape_elements(shape) < 1) {
        return NNOM_BAD_SHAPE;
    }
    if (layer->out == NULL) {
        return NNOM_NOT_COMPILED;
    }
    layer->out->shape = shape;
    return NNOM_OK;
}
