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

/* ---- Contents ---- */

static nnom_array_t contents(const nnom_layer_t *layer, uint16_t index)
{
    if (index != CONSTANT) {
        return layer->arrays[index];
    }
    const nnom_tensor_t *t = layer->out;
    const nnom_array_t array = {t->data, (uint32_t)(t->shape.h * t->shape.w * t->shape.c), t->type, 0, 0};
    return array;
}

static const nnom_field_t *share_fields_of(const nnom_layer_t *layer)
{
    return layer->form != NULL ? layer->form->fields : layer->cls->fields;
}

static size_t field_bytes(const nnom_field_t *field)
{
    return field->kind == NNOM_FIELD_GEOMETRY ? sizeof(nnom_geometry_t) : sizeof(int32_t);
}

/* Arrays count as the same if they have the same owner. */
static uint32_t hash_param(const nnom_layer_t *layer)
{
    uint32_t hash = 2166136261u, array = 0;
    for (const nnom_field_t *field = share_fields_of(layer); field->name != NULL; field++) {
        if (field->kind != NNOM_FIELD_ARRAY) {
            hash = mix(hash, (const uint8_t *)layer->param + field->offset, field_bytes(field));
        } else if (array < layer->array_count) {
            hash = mix(hash, &layer->arrays[array].node, sizeof layer->arrays[array].node);
            array++;
        }
    }
    return hash;
}

static bool same_param(const nnom_layer_t *a, const nnom_layer_t *b)
{
    bool same = share_fields_of(a) == share_fields_of(b) && a->array_count == b->array_count;
    for (uint32_t i = 0; same && i < a->array_count; i++) {
        const nnom_array_t *x = &a->arrays[i], *y = &b->arrays[i];
        same = x->node == y->node && x->index == y->index && x->count == y->count;
    }
    for (const nnom_field_t *field = share_fields_of(a); same && field->name != NULL; field++) {
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
    return layer->node != NNOM_NO_NODE && layer->param != NULL && share_fields_of(layer) != NULL;
}

/* Whether thing i of a layer is one that share_layer() looks at. */
static bool has_thing(const nnom_layer_t *layer, uint32_t i)
{
    if (i < layer->array_count) {
        return layer->arrays[i].count > 0;
    }
    return (i == CONSTANT && is_constant(layer)) || (i == PARAM && has_param(layer));
}

static uint32_t thing_after(const nnom_layer_t *layer, uint32_t i)
{
    return i + 1 == layer->array_count ? CONSTANT : i + 1;
}

/* The first thing of the same contents, in the order of share_layer(). */
static entry_t look_for_owner(const table_t *table, nnom_layer_t *layer, uint16_t index)
{
    const entry_t self = {layer, 0, index};
    for (nnom_layer_t *other = table->layers; other != NULL; other = other == layer ? NULL : other->next) {
        const uint32_t end = other == layer ? index : PARAM + 1u;
        for (uint32_t i = other->array_count > 0 ? 0 : CONSTANT; i < end; i = thing_after(other, i)) {
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
        return look_for_owner(table, layer, index);
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

/* Everybody owns what he has; the number of things owned. */
static uint32_t share_start(nnom_builder_t *builder)
{
    uint32_t count = 0;
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        layer->stored = layer->tensor;
        layer->param_node = layer->node;
        for (uint16_t i = 0; i < layer->array_count; i++) {
            layer->arrays[i].node = layer->node;
            layer->arrays[i].index = (uint8_t)i;
        }
        count += layer->array_count + 2;
    }
    return count;
}

static void share_layer(table_t *table, nnom_layer_t *layer)
{
    for (uint16_t i = 0; i < layer->array_count; i++) {
        if (layer->arrays[i].count > 0) {
            const entry_t first = owner(table, layer, i);
            layer->arrays[i].node = first.layer->node;
            layer->arrays[i].index = (uint8_t)first.index;
        }
    }
    if (is_constant(layer)) {
        layer->stored = owner(table, layer, CONSTANT).layer->tensor;
    }
    if (has_param(layer)) {
        layer->param_node = owner(table, layer, PARAM).layer->node;
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

nnom_status_t nnom_share(nnom_model_t *m)
{
    nnom_builder_t *builder = m->builder;
    table_t table = {NULL, 1, builder->layers};
    const uint32_t count = share_start(builder); /* < 2^16 * 8 */
    if (count > FEW && !new_table(&table, count)) {
        return nnom_model_fail(m, NNOM_NO_MEMORY, "no memory to compare %ld arrays", (long)count);
    }
    for (nnom_layer_t *layer = builder->layers; layer != NULL; layer = layer->next) {
        share_layer(&table, layer);
    }
    if (table.entries != NULL) {
        nnom_free(table.entries);
    }
    return NNOM_OK;
}
