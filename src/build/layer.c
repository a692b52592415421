/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What every layer has: memory, inputs, quantisation, errors. */
#include "graph.h"
#include "kernel.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct nnom_chunk {
    struct nnom_chunk *next;
    size_t bytes_and_type; /* one word: what follows stays aligned */
} nnom_chunk_t;

enum { CHUNK_TYPES = 8, CHUNK_NO_TYPE = 7 }; /* bytes * 8 + type of the elements, if somebody told */

const nnom_rare_class_t *nnom_layer_rare(const nnom_layer_t *layer)
{
    static const nnom_rare_class_t none = {.more_outputs = 0};
    return (layer->cls->flags & NNOM_CLASS_RARE) != 0 ? (const nnom_rare_class_t *)layer->cls : &none;
}

uint32_t nnom_layer_more_outputs(const nnom_layer_t *layer)
{
    return nnom_layer_rare(layer)->more_outputs;
}

void *nnom_layer_new(const nnom_class_t *cls, size_t bytes)
{
    nnom_layer_t *layer = nnom_malloc(bytes);
    if (layer == NULL) {
        return NULL;
    }
    nnom_memset(layer, 0, bytes);
    layer->cls = cls;
    layer->bytes = (uint16_t)bytes;
    layer->given = nnom_nothing_given();
    return layer;
}

/* head + count * size bytes; where size_t has 32 bits that may not fit, and no memory is enough. */
void *nnom_allocate(size_t head, size_t count, size_t size)
{
    return count <= (SIZE_MAX - head) / size ? nnom_malloc(head + count * size) : NULL;
}

void *nnom_layer_alloc(nnom_layer_t *layer, size_t count, size_t size)
{
    nnom_chunk_t *chunk = count <= SIZE_MAX / CHUNK_TYPES / size ? nnom_allocate(sizeof *chunk, count, size) : NULL;
    if (chunk == NULL) {
        return NULL;
    }
    nnom_memset(chunk, 0, sizeof *chunk + count * size);
    chunk->next = layer->chunks;
    chunk->bytes_and_type = count * size * CHUNK_TYPES + CHUNK_NO_TYPE;
    layer->chunks = chunk;
    return chunk + 1;
}

void nnom_layer_free_chunks(nnom_layer_t *layer)
{
    while (layer->chunks != NULL) {
        nnom_chunk_t *chunk = layer->chunks;
        layer->chunks = chunk->next;
        nnom_free(chunk);
    }
}

static size_t layer_memory(const nnom_layer_t *layer)
{
    size_t bytes = layer->bytes + layer->given->weight_scale_count * sizeof(float);
    bytes += nnom_layer_is_given(layer) ? sizeof *layer->given : 0;
    bytes += layer->given->name != NULL ? strlen(layer->given->name) + 1 : 0;
    for (const nnom_chunk_t *chunk = layer->chunks; chunk != NULL; chunk = chunk->next) {
        bytes += sizeof *chunk + chunk->bytes_and_type / CHUNK_TYPES;
    }
    for (const nnom_edge_t *edge = layer->in; edge != NULL; edge = edge->next_in) {
        bytes += sizeof *edge;
    }
    return bytes;
}

size_t nnom_builder_memory(const nnom_builder_t *builder)
{
    size_t bytes = sizeof *builder + builder->program_bytes + builder->schedule_bytes;
    for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        bytes += layer_memory(layer);
    }
    return bytes;
}

void nnom_layer_free(nnom_layer_t *layer)
{
    if (layer == NULL) {
        return;
    }
    if (nnom_layer_rare(layer)->release != NULL) {
        nnom_layer_rare(layer)->release(layer);
    }
    nnom_layer_free_chunks(layer);
    nnom_layer_free_given(layer);
    nnom_free(layer);
}

/* ---- Arrays of constants ---- */

static nnom_chunk_t *chunk_of(const nnom_layer_t *layer, const void *data)
{
    nnom_chunk_t *chunk = layer->chunks;
    while (chunk != NULL && (const void *)(chunk + 1) != data) {
        chunk = chunk->next;
    }
    return chunk;
}

const void *nnom_layer_array(nnom_layer_t *layer, const void *data, uint32_t count, nnom_type_t type)
{
    nnom_chunk_t *chunk = chunk_of(layer, data);
    if (chunk != NULL) {
        chunk->bytes_and_type = (size_t)count * nnom_type_bytes(type) * CHUNK_TYPES + (size_t)type;
    }
    return data;
}

const nnom_field_t *nnom_layer_fields(const nnom_layer_t *layer)
{
    if (layer->param == NULL) {
        return NULL;
    }
    const nnom_form_t *form = layer->kernel != NULL ? layer->kernel->form : NULL;
    return form != NULL && form->fields != NULL ? form->fields : layer->cls->fields;
}

/* ARRAY member i; NULL past the last. */
static const nnom_field_t *array_field(const nnom_layer_t *layer, uint32_t i)
{
    const nnom_field_t *field = nnom_layer_fields(layer);
    for (; field != NULL && field->name != NULL; field++) {
        if (field->kind == NNOM_FIELD_ARRAY && i-- == 0) {
            return field;
        }
    }
    return NULL;
}

uint32_t nnom_layer_array_count(const nnom_layer_t *layer)
{
    uint32_t count = 0;
    while (array_field(layer, count) != NULL) {
        count++;
    }
    return count;
}

nnom_array_t nnom_layer_array_at(const nnom_layer_t *layer, uint32_t i)
{
    nnom_array_t array = {NULL, 0, NNOM_TYPE_S8};
    nnom_memcpy(&array.data, (const uint8_t *)layer->param + array_field(layer, i)->offset, sizeof array.data);
    const nnom_chunk_t *chunk = chunk_of(layer, array.data);
    if (chunk != NULL && chunk->bytes_and_type % CHUNK_TYPES != CHUNK_NO_TYPE) {
        array.type = (nnom_type_t)(chunk->bytes_and_type % CHUNK_TYPES);
        array.count = (uint32_t)(chunk->bytes_and_type / CHUNK_TYPES / nnom_type_bytes(array.type));
    } else if (chunk == NULL && array.data != NULL && nnom_layer_rare(layer)->array != NULL) {
        nnom_layer_rare(layer)->array(layer, i, &array);
    }
    return array;
}

uint32_t nnom_array_bytes(const nnom_array_t *array)
{
    return array->count * nnom_type_bytes(array->type);
}

/* ---- Inputs ---- */

uint32_t nnom_layer_input_number(const nnom_layer_t *layer)
{
    uint32_t n = 0;
    for (const nnom_edge_t *edge = layer->in; edge != NULL; edge = edge->next_in) {
        n++;
    }
    return n;
}

nnom_layer_t *nnom_layer_input_layer(const nnom_layer_t *layer, uint32_t i)
{
    const nnom_edge_t *edge = layer->in;
    while (i-- > 0) {
        edge = edge->next_in;
    }
    nnom_layer_t *from = edge->from;
    const bool any_shape = (layer->cls->flags & NNOM_CLASS_ANY_SHAPE) != 0;
    while (from->passed || (any_shape && (from->cls->flags & NNOM_CLASS_VIEW) != 0)) {
        from = from->in->from;
    }
    return from;
}

nnom_layer_t *nnom_layer_root(const nnom_layer_t *layer)
{
    for (;;) {
        const bool lies_in = (layer->cls->flags & NNOM_CLASS_VIEW) != 0 ||
                             ((layer->cls->flags & NNOM_CLASS_OUTPUT) != 0 && layer->kernel == NULL);
        if (layer->passed) {
            layer = layer->in->from;
        } else if (lies_in) {
            layer = nnom_layer_input_layer(layer, 0);
        } else {
            return (nnom_layer_t *)layer;
        }
    }
}

const nnom_op_t *nnom_layer_op(const nnom_layer_t *layer)
{
    return layer->kernel != NULL ? layer->kernel->form->op : NULL;
}

const nnom_tensor_t *nnom_layer_in(const nnom_layer_t *layer, uint32_t i)
{
    return nnom_layer_input_layer(layer, i)->out;
}

/* ---- Quantisation ---- */

void nnom_layer_follow_quant(nnom_layer_t *layer, float scale, int32_t zero_point)
{
    const nnom_layer_t *from = layer;
    if (!layer->given->quant_is_set && layer->fused != NNOM_CLAMP_NONE) {
        from = layer->out_edges->to; /* the fused layer, nobody else reads this one */
    }
    const bool set = from->given->quant_is_set;
    layer->out->type = nnom_layer_in(layer, 0)->type;
    layer->out->scale = set ? from->given->quant.set.scale : scale;
    layer->out->zero_point = set ? from->given->quant.set.zero_point : zero_point;
}

void nnom_layer_follow(nnom_layer_t *layer)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    nnom_layer_follow_quant(layer, in->scale, in->zero_point);
}

bool nnom_layer_same_quant(const nnom_layer_t *layer, uint32_t i)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, i);
    return in->type == NNOM_TYPE_F32 || (in->scale == layer->out->scale && in->zero_point == layer->out->zero_point);
}

/* ---- Overlap ---- */

enum { OVERLAP_ROWS_MAX = 65536 }; /* looked at one by one; of taller outputs, as many blocks of rows */

void nnom_layer_overlap_rows(nnom_layer_t *layer)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    if (nnom_shape_elements(layer->out->shape) < 0) {
        return; /* refused after build: 2^31 rows need not be looked at */
    }
    const nnom_op_t *op = nnom_layer_op(layer);
    const nnom_node_t node = {op, layer->param, (const uint16_t[]){0, 0}, 1, 1, 0, 0, 0};
    const nnom_program_t program = {.tensors = in, .nodes = &node, .tensor_count = 1, .node_count = 1};
    const int64_t in_row = (int64_t)in->shape.w * in->shape.c * nnom_type_bytes(in->type);
    const int64_t out_row = (int64_t)layer->out->shape.w * layer->out->shape.c * nnom_type_bytes(layer->out->type);
    const int32_t h = layer->out->shape.h, block = (h - 1) / OVERLAP_ROWS_MAX + 1;
    int64_t distance = INT64_MIN;
    for (int32_t y = 0; y < h; y += block < h - y ? block : h - y) {
        const int32_t end = y + (block < h - y ? block : h - y);
        const nnom_range_t row = {y, y + 1};
        const nnom_range_t need = op->window != NULL ? op->window(&program, &node, 0, row) : row;
        /* The block's last row ends at or before the first input row that its first row needs; later ones need none
         * before. */
        const int64_t apart = end * out_row - need.lo * in_row;
        distance = apart > distance ? apart : distance;
    }
    layer->overlap = distance >= NNOM_NO_OVERLAP ? NNOM_NO_OVERLAP : (int32_t)(distance < 0 ? 0 : distance);
}

/* ---- Errors ---- */

nnom_status_t nnom_layer_fail(const nnom_layer_t *layer, nnom_status_t status, const char *format, ...)
{
    nnom_builder_t *builder = layer->model != NULL ? layer->model->builder : NULL;
    if (builder == NULL || builder->error != NULL || !nnom_new_error(builder)) {
        return status;
    }
    char text[NNOM_NAME_BYTES];
    const char *name = nnom_layer_text(layer, text);
    const int head = snprintf(builder->error->text, NNOM_ERROR_BYTES,
                              name[0] != '\0' ? "layer '%s' (%s): " : "layer%s (%s): ", name, layer->cls->name);
    if (head > 0 && (size_t)head < NNOM_ERROR_BYTES) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(builder->error->text + head, NNOM_ERROR_BYTES - (size_t)head, format, arguments);
        va_end(arguments);
    }
    return status;
}
