/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Compiling: the layers in order, time as rows, activations fused, each layer built, then the program. */
#include <string.h>

#include "graph.h"

/*
 * A plan that costs so much more than the cheapest counts as free of charge; with fast kernels calls for single rows are a larger
 * part of what is left. Where nobody chose (model_compile), the model is built
 * on the device: its layers lie in RAM, too, and there is little left.
 */
enum { FREE_PERCENT = 2, FREE_PERCENT_FAST = 6, FREE_PERCENT_FEED = 5, FREE_PERCENT_BY_HAND = 10 };

static uint8_t free_percent(const nnom_options_t *options)
{
    if (options == NULL) {
        return FREE_PERCENT_BY_HAND;
    }
    if (options->feed) { /* who feeds wants the RAM */
        return FREE_PERCENT_FEED;
    }
    return options->target != NNOM_TARGET_PLAIN ? FREE_PERCENT_FAST : FREE_PERCENT;
}

/* ---- (1, w, c) models: time becomes rows ---- */

static void swap(int32_t *a, int32_t *b)
{
    const int32_t t = *a;
    *a = *b;
    *b = t;
}

static bool can_swap(const nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    const bool flat = g == NULL || (g->kernel_h == 1 && g->stride_h == 1 && g->pad_top == 0 && g->pad_bottom == 0);
    /* of its shape only the number of elements is read */
    const bool counted = (layer->cls->flags & NNOM_CLASS_OUTPUT) != 0;
    const bool shaped = layer->given->shape.w != 0 && !counted; /* Input, Constant, Reshape: one row */
    return (layer->cls->flags & NNOM_CLASS_NO_SWAP) == 0 && flat && (!shaped || layer->given->shape.h == 1);
}

static void swap_given(nnom_layer_t *layer)
{
    nnom_given_t *given = layer->given;
    if ((layer->cls->flags & NNOM_CLASS_OUTPUT) == 0) {
        swap(&given->shape.h, &given->shape.w);
    }
    if (given->axis == 0 || given->axis == 1) {
        given->axis = 1 - given->axis;
    } else if (given->axis == -3 || given->axis == -2) {
        given->axis = -5 - given->axis;
    }
}

static void swap_layer(nnom_layer_t *layer)
{
    nnom_geometry_t *g = layer->geometry;
    if (g != NULL) {
        swap(&g->kernel_h, &g->kernel_w);
        swap(&g->stride_h, &g->stride_w);
        swap(&g->dilation_h, &g->dilation_w);
        swap(&g->pad_top, &g->pad_left);
        swap(&g->pad_bottom, &g->pad_right);
    }
    if (nnom_layer_is_given(layer)) {
        swap_given(layer);
    }
    layer->swapped = !layer->swapped;
}

/* The core's rows are what it computes apart and keeps in rings, so time should be rows. The bytes are the same. */
static void swap_time(nnom_model_t *m)
{
    bool wide = false;
    for (const nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        if (!can_swap(layer)) {
            return;
        }
        wide = wide || ((layer->cls->flags & NNOM_CLASS_INPUT) != 0 && layer->given->shape.w > 1);
    }
    for (nnom_layer_t *layer = m->builder->layers; wide && layer != NULL; layer = layer->next) {
        swap_layer(layer);
    }
}

/* Forgets what an earlier compile made. */
static void reset(nnom_model_t *m)
{
    nnom_builder_t *builder = m->builder;
    m->instance.program = NULL;
    nnom_unshare(m);
    if (builder->program != NULL) {
        nnom_free(builder->program);
        builder->program = NULL;
    }
    if (builder->tensors != NULL) {
        nnom_free(builder->tensors);
        builder->tensors = NULL;
    }
    if (builder->schedule != NULL) {
        nnom_free(builder->schedule);
        builder->schedule = NULL;
        builder->schedule_bytes = 0;
    }
    for (uint32_t r = 0; r < 2; r++) {
        m->instance.arena.base[r] = NULL;
        if (builder->regions[r].owned != NULL) {
            nnom_free(builder->regions[r].owned);
            builder->regions[r].owned = NULL;
        }
    }
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        if (layer->swapped) { /* layers may have been added since: all or none are exchanged */
            swap_layer(layer);
        }
        nnom_layer_free_chunks(layer);
        layer->out = NULL;
        layer->kernel = NULL;
        layer->param = NULL;
        layer->scratch_bytes = 0;
        layer->scratch_in_pieces = false;
        layer->macs = 0;
        layer->advances = false;
        layer->overlap = NNOM_NO_OVERLAP;
        layer->fused = NNOM_CLAMP_NONE;
        layer->passed = false;
        layer->node = NNOM_NO_NODE;
        layer->mark = NNOM_MARK_NONE;
    }
}

/* ---- Fusing ---- */

/* A clamp after a layer that can clamp, if nobody else reads that layer and only one of the two has a quantisation. */
static void fuse(const nnom_model_t *m, nnom_layer_t *layer)
{
    if ((layer->cls->flags & NNOM_CLASS_ACTIVATION) == 0) {
        return;
    }
    const nnom_activation_layer_t *activation = (const nnom_activation_layer_t *)layer;
    nnom_layer_t *from = layer->in->from;
    const bool both = from->given->quant_is_set && layer->given->quant_is_set;
    const bool free_to = (from->cls->flags & NNOM_CLASS_CLAMPS) != 0 && from->fused == NNOM_CLAMP_NONE &&
                         from->out_edges->next_out == NULL && !nnom_is_output(m, from) && !from->is_left && !both;
    if (activation->act->clamp == NNOM_CLAMP_NONE || !free_to) {
        return;
    }
    from->fused = activation->act->clamp;
    layer->passed = true;
}

/* ---- Building layers ---- */

static nnom_status_t compile_check_quant(const nnom_layer_t *layer, float scale, int32_t zero_point, int32_t least,
                                         int32_t most)
{
    if (!(scale > 0.0f && scale <= 1e30f)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "the scale of its output is not a positive number");
    }
    if (zero_point < least || zero_point > most) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "the zero point of its output is %d, expected %d to %d",
                               (int)zero_point, (int)least, (int)most);
    }
    return NNOM_OK;
}

/* What the user set, before a build computes with it; types have different zero points. */
static nnom_status_t compile_check_set_quant(const nnom_layer_t *layer)
{
    if (layer->given->has_refused_format) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT, "qformat(%d, %d), expected m + n = 7 and n from -31 to 31",
                               (int)layer->given->quant.refused.m, (int)layer->given->quant.refused.n);
    }
    return layer->given->quant_is_set ? compile_check_quant(layer, layer->given->quant.set.scale,
                                                            layer->given->quant.set.zero_point, -128, 255)
                                      : NNOM_OK;
}

static nnom_status_t compile_check_out_quant(const nnom_layer_t *layer)
{
    const nnom_tensor_t *out = layer->out;
    const nnom_type_facts_t *facts = nnom_type_facts(out->type);
    return facts->quantised ? compile_check_quant(layer, out->scale, out->zero_point, facts->least, facts->most)
                            : NNOM_OK;
}

static nnom_status_t finish_tensor(nnom_layer_t *layer)
{
    nnom_tensor_t *out = layer->out;
    const int64_t bytes = (int64_t)nnom_shape_elements(out->shape) * nnom_type_bytes(out->type);
    if (bytes <= 0 || bytes > INT32_MAX) {
        return nnom_layer_fail(layer, NNOM_BAD_SHAPE, "its output (%d, %d, %d) has a side < 1 or over 2^31 - 1 bytes",
                               (int)out->shape.h, (int)out->shape.w, (int)out->shape.c);
    }
    out->rows = out->shape.h;
    out->row_bytes = (int32_t)(bytes / out->shape.h);
    return compile_check_out_quant(layer);
}

/* Settings that the layer would not read. */
static nnom_status_t compile_check_settings(const nnom_layer_t *layer)
{
    const uint32_t flags = layer->cls->flags;
    const char *what = NULL;
    if (layer->padding_is_set && (flags & NNOM_CLASS_WINDOW) == 0) {
        what = "nnom_layer_set_padding: it has no window";
    } else if (layer->given->weight_scales != NULL && (flags & NNOM_CLASS_WEIGHTS) == 0) {
        what = "nnom_layer_set_weight_scales: it has no weights";
    } else if (layer->given->bias_bits != 0 && (flags & NNOM_CLASS_WEIGHTS) == 0) {
        what = "nnom_layer_set_bias_bits: it has no weights";
    } else if (layer->given->weight_bits != 0 && (flags & NNOM_CLASS_WEIGHTS) == 0) {
        what = "nnom_layer_set_weight_bits: it has no weights";
    } else if (layer->given->leaves != NULL && (flags & NNOM_CLASS_STATE) == 0) {
        what = "nnom_state_set: it is no State";
    } else if (layer->given->type_is_set &&
               (flags & (NNOM_CLASS_INPUT | NNOM_CLASS_CONSTANT | NNOM_CLASS_STATE)) == 0) {
        what = "nnom_layer_set_type: only Input and Constant have a type of their own";
    }
    return what == NULL ? NNOM_OK : nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "%s", what);
}

/* An array that nobody knows would be missing in the frozen model. */
static nnom_status_t compile_check_arrays(const nnom_layer_t *layer)
{
    for (uint32_t i = 0; i < nnom_layer_array_count(layer); i++) {
        const nnom_array_t array = nnom_layer_array_at(layer, i);
        if (array.data != NULL && array.count == 0) {
            return nnom_layer_fail(layer, NNOM_BAD_ARGUMENT, "nothing tells how long array %d of its parameters is",
                                   (int)i);
        }
    }
    return NNOM_OK;
}

static nnom_status_t compile_build_layer(nnom_layer_t *layer)
{
    nnom_status_t status = compile_check_settings(layer);
    if (layer->passed && status == NNOM_OK) {
        return compile_check_set_quant(layer);
    }
    if (status == NNOM_OK) {
        status = compile_check_set_quant(layer);
    }
    if (status == NNOM_OK) {
        status = layer->cls->build(layer);
    }
    status = status == NNOM_OK ? compile_check_arrays(layer) : status;
    if (status != NNOM_OK) {
        return status;
    }
    return finish_tensor(layer);
}

static nnom_status_t compile_build_layers(nnom_model_t *m)
{
    nnom_status_t status = NNOM_OK;
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL && status == NNOM_OK; layer = layer->next) {
        status = compile_build_layer(layer);
    }
    return status;
}

/* ---- Compile ---- */

static nnom_status_t compile_graph(nnom_model_t *m, nnom_layer_t *out)
{
    reset(m);
    nnom_mark_left(m);
    nnom_status_t status = nnom_order(m);
    if (status == NNOM_OK) {
        status = nnom_check_graph(m, out);
    }
    if (status != NNOM_OK) {
        return status;
    }
    swap_time(m);
    for (nnom_layer_t *layer = m->builder->layers; layer != NULL; layer = layer->next) {
        fuse(m, layer);
    }
    status = nnom_make_tensors(m);
    status = status == NNOM_OK ? compile_build_layers(m) : status;
    status = status == NNOM_OK ? nnom_check_states(m) : status;
    return status == NNOM_OK ? nnom_make_program(m) : status;
}

/* What was wrong before compile. */
static nnom_status_t compile_check_start(nnom_model_t *m, const nnom_layer_t *in)
{
    nnom_status_t status = NNOM_OK;
    if (m->builder->status != NNOM_OK) {
        status = nnom_model_fail(m, m->builder->status, "a layer given to model.add or nnom_own could not be made");
    } else if (in == NULL) {
        status = nnom_model_fail(m, NNOM_NULL, "model_compile was given no input layer, or it could not be made");
    }
    for (uint32_t r = 0; r < 2 && status == NNOM_OK; r++) {
        if (m->builder->refused[r] != NNOM_OK) {
            status = nnom_model_fail(m, m->builder->refused[r],
                                     "the arena's memory was not taken: it must be there and aligned to 4 bytes");
        }
    }
    return status;
}

static nnom_status_t compile_all(nnom_model_t *m, nnom_layer_t *in, nnom_layer_t *out)
{
    if (m->builder->status == NNOM_OK) { /* else the text tells what was wrong before */
        nnom_free_error(m->builder);
    }
    const nnom_status_t adopted = nnom_adopt(m, in);
    const nnom_status_t adopted_out = nnom_adopt(m, out);
    nnom_adopt_strays(m);
    nnom_status_t status = adopted != NNOM_OK ? adopted : adopted_out;
    if (status == NNOM_OK) {
        status = compile_check_start(m, in);
    }
    return status == NNOM_OK ? compile_graph(m, out) : status;
}

nnom_status_t nnom_compile(nnom_model_t *m, nnom_layer_t *in, nnom_layer_t *out, const nnom_options_t *options)
{
    static const nnom_options_t defaults;
    if (m == NULL || m->builder == NULL) {
        return NNOM_NULL;
    }
    m->builder->options = options != NULL ? options : &defaults;
    m->builder->free_percent = free_percent(options);
    const nnom_status_t status = compile_all(m, in, out);
    m->builder->options = NULL;
    if (status != NNOM_OK) {
        m->instance.program = NULL;
        (void)nnom_model_fail(m, status, "%s", nnom_status_text(status));
    }
    if (m->builder->verbose && status != NNOM_OK) {
        NNOM_LOG("NNoM: %s: %s\n", nnom_status_text(status), nnom_model_error_text(m));
    } else if (m->builder->verbose) {
        nnom_model_print(m);
    }
    return status;
}

nnom_status_t nnom_model_compile(nnom_model_t *m, nnom_layer_t *in, nnom_layer_t *out)
{
    return nnom_compile(m, in, out, NULL);
}

nnom_status_t nnom_sequential_compile(nnom_model_t *m)
{
    if (m == NULL || m->builder == NULL) {
        return NNOM_NULL;
    }
    nnom_layer_t *last = m->builder->last_added;
    return nnom_model_compile(m, last, (last != NULL && (last->cls->flags & NNOM_CLASS_OUTPUT) != 0) ? NULL : last);
}
