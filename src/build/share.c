/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Arrays, constants and parameters of the same contents are stored once: the first layer that has them owns them. */
#include <string.h>

#include "graph.h"
#include "kernel.h"

enum { CONSTANT = UINT16_MAX - 1, PARAM = UINT16_MAX }; /* instead of the index of an array */
enum { FEW = 128 };                                     /* so many are compared one by one, without a table */

typedef struct share_entry {
    nnom_layer_t *layer; /* NULL: empty */
    uint32_t hash;
    uint16_t index;
} entry_t;

/* Open addressing; at most half full. */
typedef struct table {
    entry_t *entries; /* NULL: few, looked for among the layers */
    uint32_t mask;
    nnom_layer_t *layers;
} table_t;

static uint32_t mix(uint32_t hash, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ at[i]) * 16777619u; /* FNV-1a */
    }
    return hash;
}

nnom_alike_t *nnom_share_of(const nnom_layer_t *layer)
{
    return &layer->model->builder->alike[layer->tensor];
}

/* ---- Contents ---- */

static nnom_array_t contents(const nnom_layer_t *layer, uint16_t index)
{
    if (index != CONSTANT) {
        return nnom_layer_array_at(layer, index);
    }
    const nnom_tensor_t *t = layer->out;
    const nnom_array_t array = {t->data, (uint32_t)(t->shape.h * t->shape.w * t->shape.c), t->type};
    return array;
}

static size_t field_bytes(const nnom_field_t *field)
{
    return field->kind == NNOM_FIELD_GEOMETRY ? sizeof(nnom_geometry_t) : sizeof(int32_t);
}

/* Arrays count as the same if they have the same owner. */
static uint32_t hash_param(const nnom_layer_t *layer)
{
    uint32_t hash = 2166136261u, array = 0;
    for (const nnom_field_t *field = nnom_layer_fields(layer); field->name != NULL; field++) {
        if (field->kind != NNOM_FIELD_ARRAY) {
            hash = mix(hash, (const uint8_t *)layer->param + field->offset, field_bytes(field));
        } else {
            hash =
                mix(hash, &nnom_share_of(layer)->owners[array].node, sizeof nnom_share_of(layer)->owners[array].node);
            array++;
        }
    }
    return hash;
}

static bool same_param(const nnom_layer_t *a, const nnom_layer_t *b)
{
    bool same = nnom_layer_fields(a) == nnom_layer_fields(b);
    for (uint32_t i = 0; same && i < nnom_layer_array_count(a); i++) {
        const nnom_owner_t *x = &nnom_share_of(a)->owners[i], *y = &nnom_share_of(b)->owners[i];
        same = x->node == y->node && x->index == y->index &&
               nnom_layer_array_at(a, i).count == nnom_layer_array_at(b, i).count;
    }
    for (const nnom_field_t *field = nnom_layer_fields(a); same && field->name != NULL; field++) {
        same = field->kind == NNOM_FIELD_ARRAY ||
               memcmp((const uint8_t *)a->param + field->offset, (const uint8_t *)b->param + field->offset,
                      field_bytes(field)) == 0;
    }
    return same;
}

static uint32_t hash_of(const nnom_layer_t *layer, uint16_t index)
{
    if (index == PARAM) {
        return hash_param(layer);
    }
    const nnom_array_t array = contents(layer, index);
    return mix(2166136261u ^ (uint32_t)array.type, array.data, nnom_array_bytes(&array));
}

static bool same(const entry_t *entry, const nnom_layer_t *layer, uint16_t index)
{
    const bool kinds = (entry->index >= CONSTANT || index >= CONSTANT) && entry->index != index;
    if (kinds || index == PARAM) {
        return !kinds && same_param(entry->layer, layer);
    }
    const nnom_array_t a = contents(entry->layer, entry->index), b = contents(layer, index);
    return a.type == b.type && a.count == b.count && memcmp(a.data, b.data, nnom_array_bytes(&a)) == 0;
}

static bool is_constant(const nnom_layer_t *layer)
{
    return (layer->cls->flags & NNOM_CLASS_CONSTANT) != 0;
}

static bool has_param(const nnom_layer_t *layer)
{
    return layer->node != NNOM_NO_NODE && nnom_layer_fields(layer) != NULL;
}

/* Whether thing i of a layer is one that share_layer() looks at. */
static bool has_thing(const nnom_layer_t *layer, uint32_t i)
{
    if (i < nnom_layer_array_count(layer)) {
        return nnom_layer_array_at(layer, i).count > 0;
    }
    return (i == CONSTANT && is_constant(layer)) || (i == PARAM && has_param(layer));
}

static uint32_t thing_after(const nnom_layer_t *layer, uint32_t i)
{
    return i + 1 == nnom_layer_array_count(layer) ? CONSTANT : i + 1;
}

/* The first thing of the same contents, in the order of share_layer(). */
static entry_t look_for_owner(nnom_layer_t *layers, nnom_layer_t *layer, uint16_t index)
{
    const entry_t self = {layer, 0, index};
    for (nnom_layer_t *other = layers; other != NULL; other = other == layer ? NULL : other->next) {
        const uint32_t end = other == layer ? index : PARAM + 1u;
        for (uint32_t i = nnom_layer_array_count(other) > 0 ? 0 : CONSTANT; i < end; i = thing_after(other, i)) {
            const entry_t entry = {other, 0, (uint16_t)i};
            if (has_thing(other, i) && same(&entry, layer, index)) {
                return entry;
            }
        }
    }
    return self;
}

/* The first of the same contents: `layer` itself, which is entered then, or an earlier one. */
static entry_t owner(table_t *table, nnom_layer_t *layer, uint16_t index)
{
    if (table->entries == NULL) {
        return look_for_owner(table->layers, layer, index);
    }
    const entry_t self = {layer, hash_of(layer, index), index};
    uint32_t at = self.hash & table->mask;
    while (table->entries[at].layer != NULL) {
        if (table->entries[at].hash == self.hash && same(&table->entries[at], layer, index)) {
            return table->entries[at];
        }
        at = (at + 1) & table->mask;
    }
    table->entries[at] = self;
    return self;
}

/* ---- All layers ---- */

/* Everybody owns what he has. */
static void share_start(const nnom_builder_t *builder)
{
    nnom_owner_t *owners = (nnom_owner_t *)(void *)(builder->alike + builder->tensor_count);
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        const uint32_t count = nnom_layer_array_count(layer);
        if (!layer->passed) {
            const nnom_alike_t alike = {owners, is_constant(layer) ? layer->tensor : layer->node};
            builder->alike[layer->tensor] = alike;
        }
        for (uint16_t i = 0; i < count; i++) {
            const nnom_owner_t self = {layer->node, i};
            *owners++ = self;
        }
    }
}

static void share_layer(table_t *table, nnom_layer_t *layer)
{
    for (uint16_t i = 0; i < nnom_layer_array_count(layer); i++) {
        if (has_thing(layer, i)) {
            const entry_t first = owner(table, layer, i);
            const nnom_owner_t owner = {first.layer->node, first.index};
            nnom_share_of(layer)->owners[i] = owner;
        }
    }
    if (is_constant(layer)) {
        nnom_share_of(layer)->first_alike = owner(table, layer, CONSTANT).layer->tensor;
    } else if (has_param(layer)) {
        nnom_share_of(layer)->first_alike = owner(table, layer, PARAM).layer->node;
    }
}

/* Empty, and at most half full later. False when memory is short. */
static bool new_table(table_t *table, uint32_t count)
{
    while (table->mask < 2 * count) {
        table->mask *= 2;
    }
    table->entries = nnom_malloc(table->mask * sizeof(entry_t));
    if (table->entries == NULL) {
        return false;
    }
    nnom_memset(table->entries, 0, table->mask * sizeof(entry_t));
    table->mask--;
    return true;
}

void nnom_unshare(const nnom_model_t *m)
{
    if (m->builder->alike != NULL) {
        nnom_free(m->builder->alike);
        m->builder->alike = NULL;
    }
}

static uint32_t share_count(const nnom_builder_t *builder, uint32_t *arrays)
{
    uint32_t count = 0; /* < 2^16 * 8 */
    *arrays = 0;
    for (const nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        *arrays += nnom_layer_array_count(layer);
        count += nnom_layer_array_count(layer) + 2;
    }
    return count;
}

nnom_status_t nnom_share(const nnom_model_t *m)
{
    nnom_builder_t *builder = m->builder;
    table_t table = {NULL, 1, builder->layers};
    if (builder->alike != NULL) {
        return NNOM_OK;
    }
    uint32_t arrays;
    const uint32_t count = share_count(builder, &arrays);
    builder->alike =
        nnom_allocate((size_t)builder->tensor_count * sizeof(nnom_alike_t) + 1, arrays, sizeof(nnom_owner_t));
    if (builder->alike == NULL || (count > FEW && !new_table(&table, count))) {
        nnom_unshare(m);
        return NNOM_NO_MEMORY;
    }
    share_start(builder);
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        share_layer(&table, layer);
    }
    if (table.entries != NULL) {
        nnom_free(table.entries);
    }
    return NNOM_OK;
}

/* ---- Bytes ---- */

void nnom_share_many(const nnom_model_t *m)
{
    uint32_t arrays;
    if (m->builder->alike == NULL && share_count(m->builder, &arrays) > FEW) {
        (void)nnom_share(m);
    }
}

size_t nnom_share_bytes(const nnom_model_t *m)
{
    uint32_t arrays = 0;
    if (m->builder->alike != NULL) {
        (void)share_count(m->builder, &arrays);
    }
    const size_t layers = m->builder->alike != NULL ? m->builder->tensor_count : 0;
    return layers * sizeof(nnom_alike_t) + arrays * sizeof(nnom_owner_t);
}

static bool is_first(const nnom_layer_t *layer, uint16_t index)
{
    const nnom_builder_t *builder = layer->model->builder;
    if (builder->alike == NULL) {
        const entry_t first = look_for_owner(builder->layers, (nnom_layer_t *)layer, index);
        return first.layer == layer && first.index == index;
    }
    if (index == CONSTANT) {
        return nnom_share_of(layer)->first_alike == layer->tensor;
    }
    return nnom_share_of(layer)->owners[index].node == layer->node &&
           nnom_share_of(layer)->owners[index].index == index;
}

uint32_t nnom_layer_weight_bytes(const nnom_layer_t *layer)
{
    if (is_constant(layer)) {
        return is_first(layer, CONSTANT) ? (uint32_t)layer->out->shape.h * (uint32_t)layer->out->row_bytes : 0;
    }
    uint32_t bytes = 0;
    for (uint16_t i = 0; i < nnom_layer_array_count(layer); i++) {
        const nnom_array_t array = nnom_layer_array_at(layer, i);
        bytes += array.count > 0 && is_first(layer, i) ? nnom_array_bytes(&array) : 0;
    }
    return bytes;
}
