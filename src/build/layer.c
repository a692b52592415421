/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What every layer has: memory, inputs, quantisation, errors. */
#include "builder.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

typedef struct nnom_chunk {
    struct nnom_chunk *next;
    size_t bytes; /* keeps what follows aligned, too */
} nnom_chunk_t;

void *nnom_layer_new(const nnom_class_t *cls, size_t bytes)
{
    nnom_layer_t *layer = nnom_malloc(bytes);
    if (layer == NULL) {
        return NULL;
    }
    nnom_memset(layer, 0, bytes);
    layer->cls = cls;
    layer->bytes = (uint32_t)bytes;
    layer->axis = -1;
    layer->geometry.kernel_h = layer->geometry.kernel_w = 1;
    layer->geometry.stride_h = layer->geometry.stride_w = 1;
    layer->geometry.dilation_h = layer->geometry.dilation_w = 1;
    return layer;
}

/* head + count * size bytes; where size_t has 32 bits that may not fit, and no memory is enough. */
static void *allocate(size_t head, size_t count, size_t size)
{
    return count <= (SIZE_MAX - head) / size ? nnom_malloc(head + count * size) : NULL;
}

void *nnom_layer_alloc(nnom_layer_t *layer, size_t count, size_t size)
{
    nnom_chunk_t *chunk = allocate(sizeof *chunk, count, size);
    if (chunk == NULL) {
        return NULL;
    }
    nnom_memset(chunk, 0, sizeof *chunk + count * size);
    chunk->next = layer->chunks;
    chunk->bytes = count * size;
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
    layer->array_count = 0;
}

size_t nnom_layer_memory(const nnom_layer_t *layer)
{
    size_t bytes = layer->bytes + layer->weight_scale_count * sizeof(float);
    for (const nnom_chunk_t *chunk = layer->chunks; chunk != NULL; chunk = chunk->next) {
        bytes += sizeof *chunk + chunk->bytes;
    }
    for (const nnom_edge_t *edge = layer->in; edge != NULL; edge = edge->next_in) {
        bytes += sizeof *edge;
    }
    return bytes;
}

void nnom_layer_free(nnom_layer_t *layer)
{
    if (layer == NULL) {
        return;
    }
    if (layer->release != NULL) {
        layer->release(layer);
    }
    nnom_layer_free_chunks(layer);
    if (layer->weight_scales != NULL) {
        nnom_free(layer->weight_scales);
    }
    nnom_free(layer);
}

const void *nnom_layer_array(nnom_layer_t *layer, const void *data, uint32_t count, nnom_type_t type)
{
    if (layer->array_count < NNOM_MAX_ARRAYS) {
        const nnom_array_t array = {data, data != NULL ? count : 0, type, 0, 0};
        layer->arrays[layer->array_count++] = array;
    } else {
        layer->array_lost = true;
    }
    return data;
}

uint32_t nnom_array_bytes(const nnom_array_t *array)
{
    return array->count * nnom_type_bytes(array->type);
}

uint32_t nnom_layer_weight_bytes(const nnom_layer_t *layer)
{
    if ((layer->cls->flags & NNOM_CLASS_CONSTANT) != 0) {
        return layer->stored == layer->tensor ? (uint32_t)layer->out.shape.h * (uint32_t)layer->out.row_bytes : 0;
    }
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < layer->array_count; i++) {
        const bool own = layer->arrays[i].node == layer->node && layer->arrays[i].index == i;
        bytes += own ? nnom_array_bytes(&layer->arrays[i]) : 0;
    }
    return bytes;
}

/* ---- Inputs ---- */

uint32_t nnom_layer_more_outputs(const nnom_layer_t *layer)
{
    const bool many = (layer->cls->flags & NNOM_CLASS_MANY) != 0;
    return many ? ((const nnom_many_class_t *)layer->cls)->more_outputs : 0;
}

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

const nnom_tensor_t *nnom_layer_in(const nnom_layer_t *layer, uint32_t i)
{
    return &nnom_layer_input_layer(layer, i)->out;
}

/* ---- Quantisation ---- */

void nnom_layer_follow_quant(nnom_layer_t *layer, float scale, int32_t zero_point)
{
    const nnom_layer_t *from = layer;
    if (layer->quant_source != NNOM_QUANT_SET && layer->fused_by != NULL) {
        from = layer->fused_by;
    }
    const bool set = from->quant_source == NNOM_QUANT_SET;
    layer->out.type = nnom_layer_in(layer, 0)->type;
    layer->out.scale = set ? from->set_scale : scale;
    layer->out.zero_point = set ? from->set_zero_point : zero_point;
}

void nnom_layer_follow(nnom_layer_t *layer)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    nnom_layer_follow_quant(layer, in->scale, in->zero_point);
}

bool nnom_layer_same_quant(const nnom_layer_t *layer, uint32_t i)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, i);
    return in->type == NNOM_TYPE_F32 || (in->scale == layer->out.scale && in->zero_point == layer->out.zero_point);
}

nnom_layer_t *nnom_layer_set_quant(nnom_layer_t *layer, float scale, int32_t zero_point)
{
    if (layer != NULL) {
        layer->quant_source = NNOM_QUANT_SET;
        layer->set_scale = scale;
        layer->set_zero_point = zero_point;
    }
    return layer;
}

nnom_layer_t *nnom_layer_set_qformat(nnom_layer_t *layer, nnom_qformat_t format)
{
    const bool good = format.n >= -31 && format.n <= 31 && format.m == 7 - format.n;
    if (layer != NULL) {
        layer->has_refused_format = !good; /* refused by compile */
        layer->refused_format = format;
    }
    return nnom_layer_set_quant(layer, good ? ldexpf(1.0f, (int)-format.n) : 1.0f, 0);
}

nnom_layer_t *nnom_layer_set_weight_scales(nnom_layer_t *layer, const float *scales, uint32_t count)
{
    if (layer == NULL || scales == NULL || count == 0) {
        return layer;
    }
    float *copy = allocate(0, count, sizeof(float));
    if (copy == NULL) {
        layer->broken = true;
        return layer;
    }
    nnom_memcpy(copy, scales, count * sizeof(float));
    if (layer->weight_scales != NULL) {
        nnom_free(layer->weight_scales);
    }
    layer->weight_scales = copy;
    layer->weight_scale_count = count;
    return layer;
}

nnom_layer_t *nnom_layer_set_type(nnom_layer_t *layer, nnom_type_t type)
{
    if (layer != NULL) {
        layer->set_type = type;
        layer->type_is_set = true;
    }
    return layer;
}

nnom_layer_t *nnom_layer_set_padding(nnom_layer_t *layer, nnom_border_t border)
{
    if (layer != NULL) {
        layer->padding = NNOM_PADDING_EXPLICIT;
        layer->padding_is_set = true;
        layer->geometry.pad_top = border.top;
        layer->geometry.pad_bottom = border.bottom;
        layer->geometry.pad_left = border.left;
        layer->geometry.pad_right = border.right;
    }
    return layer;
}

nnom_layer_t *nnom_layer_set_name(nnom_layer_t *layer, const char *name)
{
    if (layer != NULL && name != NULL) {
        size_t i = 0;
        for (; i + 1 < NNOM_NAME_BYTES && name[i] != '\0'; i++) {
            layer->name[i] = name[i];
        }
        layer->name[i] = '\0';
    }
    return layer;
}

/* ---- Overlap ---- */

enum { OVERLAP_ROWS_MAX = 65536 }; /* looked at one by one; of taller outputs, as many blocks of rows */

void nnom_layer_overlap_rows(nnom_layer_t *layer)
{
    const nnom_tensor_t *in = nnom_layer_in(layer, 0);
    if (nnom_shape_elements(layer->out.shape) < 0) {
        return; /* refused after build: 2^31 rows need not be looked at */
    }
    const nnom_node_t node = {layer->op, layer->param, (const uint16_t[]){0, 0}, 1, 1, 0, 0};
    const nnom_program_t program = {.tensors = in, .nodes = &node, .tensor_count = 1, .node_count = 1};
    const int64_t in_row = (int64_t)in->shape.w * in->shape.c * nnom_type_bytes(in->type);
    const int64_t out_row = (int64_t)layer->out.shape.w * layer->out.shape.c * nnom_type_bytes(layer->out.type);
    const int32_t h = layer->out.shape.h, block = (h - 1) / OVERLAP_ROWS_MAX + 1;
    int64_t distance = INT64_MIN;
    for (int32_t y = 0; y < h; y += block < h - y ? block : h - y) {
        const int32_t end = y + (block < h - y ? block : h - y);
        const nnom_range_t row = {y, y + 1};
        const nnom_range_t need = layer->op->window != NULL ? layer->op->window(&program, &node, 0, row) : row;
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
    if (builder == NULL || builder->error[0] != '\0') {
        return status;
    }
    const int head =
        snprintf(builder->error, sizeof builder->error,
                 layer->name[0] != '\0' ? "layer '%s' (%s): " : "layer%s (%s): ", layer->name, layer->cls->name);
    if (head > 0 && (size_t)head < sizeof builder->error) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(builder->error + head, sizeof builder->error - (size_t)head, format, arguments);
        va_end(arguments);
    }
    return status;
}
