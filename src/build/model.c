/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <stdarg.h>
#include <stdio.h>

#include "graph.h"

/* Its place among the layers of its model as they were added, from 1: they are listed with the last one first. */
static long place_of(const nnom_layer_t *layer)
{
    long place = 0;
    for (; layer != NULL; layer = layer->next) {
        place++;
    }
    return place;
}

static nnom_status_t add_layer(nnom_model_t *m, nnom_layer_t *layer)
{
    if (m == NULL || m->builder == NULL) {
        return NNOM_NULL;
    }
    nnom_builder_t *builder = m->builder;
    if (layer == NULL) {
        builder->status = builder->status == NNOM_OK ? NNOM_NO_MEMORY : builder->status;
        return builder->status;
    }
    if (layer->model != NULL) {
        builder->status = NNOM_BAD_GRAPH;
        return nnom_model_fail(m, NNOM_BAD_GRAPH, "layer '%s' (%s, number %ld) was added before",
                               nnom_layer_name(layer), layer->cls->name, place_of(layer));
    }
    m->instance.program = NULL; /* to be compiled again */
    layer->model = m;
    layer->next = builder->layers;
    builder->layers = layer;
    if (builder->last_added != NULL && !nnom_connect(layer, builder->last_added)) {
        builder->status = NNOM_NO_MEMORY;
    }
    builder->last_added = layer;
    return builder->status;
}

bool nnom_new_error(nnom_builder_t *builder)
{
    builder->error = nnom_malloc(sizeof *builder->error);
    builder->error_lost = builder->error == NULL;
    if (builder->error != NULL) {
        nnom_memset(builder->error, 0, sizeof *builder->error);
    }
    return builder->error != NULL;
}

void nnom_free_error(nnom_builder_t *builder)
{
    if (builder->error != NULL) {
        nnom_free(builder->error);
    }
    builder->error = NULL;
    builder->error_lost = false;
}

static nnom_builder_t *new_builder(void)
{
    nnom_builder_t *builder = nnom_malloc(sizeof *builder);
    if (builder != NULL) {
        nnom_memset(builder, 0, sizeof *builder);
        builder->verbose = true;
    }
    return builder;
}

nnom_model_t *nnom_new_model(nnom_model_t *m)
{
    nnom_model_t *model = m != NULL ? m : nnom_malloc(sizeof *model);
    if (model == NULL) {
        return NULL;
    }
    nnom_memset(model, 0, sizeof *model);
    model->builder = new_builder();
    if (model->builder == NULL) {
        if (m == NULL) {
            nnom_free(model);
        }
        return NULL;
    }
    model->builder->own_model = m == NULL;
    model->add = add_layer;
    model->hook = nnom_hook;
    model->merge = nnom_merge;
    model->mergex = nnom_mergex;
    model->active = nnom_active;
    return model;
}

static void free_if(void *memory)
{
    if (memory != NULL) {
        nnom_free(memory);
    }
}

void nnom_model_delete(nnom_model_t *m)
{
    if (m == NULL || m->builder == NULL) {
        return;
    }
    nnom_builder_t *builder = m->builder;
    nnom_layers_free(builder->layers);
    nnom_free_error(builder);
    nnom_unshare(m);
    free_if(builder->program);
    free_if(builder->tensors);
    free_if(builder->schedule);
    free_if(builder->regions[0].owned);
    free_if(builder->regions[1].owned);
    const bool own_model = builder->own_model;
    nnom_free(builder);
    nnom_memset(m, 0, sizeof *m);
    if (own_model) {
        nnom_free(m);
    }
}

static nnom_status_t set_region(nnom_model_t *m, uint32_t region, void *memory, uint32_t bytes)
{
    if (m == NULL || m->builder == NULL) {
        return NNOM_NULL;
    }
    nnom_status_t status = memory == NULL ? NNOM_NULL : NNOM_OK;
    if (((uintptr_t)memory & 3u) != 0) {
        status = NNOM_BAD_ARGUMENT;
    }
    m->builder->refused[region] = status; /* compile fails until memory is taken */
    if (status != NNOM_OK) {
        return nnom_model_fail(m, status, "the arena's memory must be there and aligned to 4 bytes");
    }
    m->builder->regions[region].given = memory;
    m->builder->regions[region].given_bytes = bytes;
    return NNOM_OK;
}

nnom_status_t nnom_set_arena(nnom_model_t *m, void *memory, uint32_t bytes)
{
    return set_region(m, 0, memory, bytes);
}

nnom_status_t nnom_set_slow_arena(nnom_model_t *m, void *memory, uint32_t bytes)
{
    return set_region(m, 1, memory, bytes);
}

void nnom_set_verbose(nnom_model_t *m, bool verbose)
{
    if (m != NULL && m->builder != NULL) {
        m->builder->verbose = verbose;
    }
}

nnom_status_t nnom_model_fail(nnom_model_t *m, nnom_status_t status, const char *format, ...)
{
    nnom_builder_t *builder = m->builder;
    if (builder->error == NULL && nnom_new_error(builder)) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(builder->error->text, NNOM_ERROR_BYTES, format, arguments);
        va_end(arguments);
    }
    return status;
}

nnom_status_t nnom_model_too_small(nnom_model_t *m, uint32_t least, const nnom_layer_t *layer)
{
    if (m->builder->error != NULL) {
        m->builder->error->least_bytes = least;
        m->builder->error->least_layer = layer;
    }
    return NNOM_TOO_SMALL;
}

nnom_status_t nnom_least(const nnom_model_t *m, nnom_least_t *least)
{
    if (m == NULL || m->builder == NULL || least == NULL) {
        return NNOM_NULL;
    }
    const nnom_error_t *error = m->builder->error;
    least->arena_bytes = error != NULL ? error->least_bytes : 0;
    least->layer = error != NULL && error->least_layer != NULL ? nnom_layer_name(error->least_layer) : NULL;
    return NNOM_OK;
}

const char *nnom_model_error_text(const nnom_model_t *m)
{
    if (m != NULL && m->builder == NULL) {
        return "new_model() did not prepare this model, or it was deleted";
    }
    if (m == NULL || (m->builder->error == NULL && !m->builder->error_lost)) {
        return "";
    }
    return m->builder->error != NULL ? m->builder->error->text : nnom_status_text(NNOM_NO_MEMORY);
}

nnom_status_t nnom_model_run(nnom_model_t *m)
{
    return m != NULL ? nnom_run(&m->instance) : NNOM_NOT_COMPILED;
}
