/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What a layer is given beside its constructor's arguments, and its name. */
#include <math.h>
#include <stdio.h>

#include "builder.h"

/* Never written to: nnom_layer_give() makes a copy first. */
static const nnom_given_t nothing = {.axis = -1};

nnom_given_t *nnom_nothing_given(void)
{
    return (nnom_given_t *)&nothing;
}

bool nnom_layer_is_given(const nnom_layer_t *layer)
{
    return layer->given != &nothing;
}

nnom_given_t *nnom_layer_give(nnom_layer_t *layer)
{
    if (layer == NULL) {
        return NULL;
    }
    if (layer->given == &nothing) {
        nnom_given_t *given = nnom_malloc(sizeof *given);
        if (given == NULL) {
            layer->broken = true;
            return NULL;
        }
        *given = nothing;
        layer->given = given;
    }
    return layer->given;
}

void nnom_layer_give_shape(nnom_layer_t *layer, nnom_shape_t shape)
{
    nnom_given_t *given = nnom_layer_give(layer);
    if (given != NULL) {
        given->shape = shape;
    }
}

void nnom_layer_give_axis(nnom_layer_t *layer, int32_t axis)
{
    nnom_given_t *given = nnom_layer_give(layer);
    if (given != NULL) {
        given->axis = axis;
    }
}

static void free_name(char *name)
{
    if (name != NULL) {
        nnom_free(name);
    }
}

void nnom_layer_free_given(nnom_layer_t *layer)
{
    if (layer->given == &nothing) {
        return;
    }
    if (layer->given->weight_scales != NULL) {
        nnom_free(layer->given->weight_scales);
    }
    free_name(layer->given->name);
    nnom_free(layer->given);
}

/* ---- Settings ---- */

nnom_layer_t *nnom_layer_set_quant(nnom_layer_t *layer, float scale, int32_t zero_point)
{
    nnom_given_t *given = nnom_layer_give(layer);
    if (given != NULL && !given->has_refused_format) { /* what was refused stays so */
        given->quant_is_set = true;
        given->quant.set.scale = scale;
        given->quant.set.zero_point = zero_point;
    }
    return layer;
}

nnom_layer_t *nnom_layer_set_qformat(nnom_layer_t *layer, nnom_qformat_t format)
{
    const bool good = format.n >= -31 && format.n <= 31 && format.m == 7 - format.n;
    nnom_given_t *given = nnom_layer_give(layer);
    if (given != NULL) {
        given->has_refused_format = !good;
    }
    if (good) {
        return nnom_layer_set_quant(layer, ldexpf(1.0f, (int)-format.n), 0);
    }
    if (given != NULL) { /* compile fails */
        given->quant_is_set = true;
        given->quant.refused = format;
    }
    return layer;
}

nnom_layer_t *nnom_layer_set_weight_scales(nnom_layer_t *layer, const float *scales, uint32_t count)
{
    if (layer == NULL || scales == NULL || count == 0) {
        return layer;
    }
    nnom_given_t *given = nnom_layer_give(layer);
    float *copy = given != NULL ? nnom_allocate(0, count, sizeof(float)) : NULL;
    if (copy == NULL) {
        layer->broken = true;
        return layer;
    }
    nnom_memcpy(copy, scales, count * sizeof(float));
    if (given->weight_scales != NULL) {
        nnom_free(given->weight_scales);
    }
    given->weight_scales = copy;
    given->weight_scale_count = count;
    return layer;
}

nnom_layer_t *nnom_layer_set_bias_bits(nnom_layer_t *layer, int32_t bits)
{
    nnom_given_t *given = nnom_layer_give(layer);
    if (given != NULL) {
        given->bias_bits = bits == 32 || bits == 64 ? (uint8_t)bits : UINT8_MAX; /* compile refuses others */
    }
    return layer;
}

nnom_layer_t *nnom_layer_set_weight_bits(nnom_layer_t *layer, int32_t bits)
{
    nnom_given_t *given = nnom_layer_give(layer);
    if (given != NULL) {
        given->weight_bits = bits == 4 || bits == 8 ? (uint8_t)bits : UINT8_MAX; /* compile refuses others */
    }
    return layer;
}

nnom_layer_t *nnom_layer_set_type(nnom_layer_t *layer, nnom_type_t type)
{
    nnom_given_t *given = nnom_layer_give(layer);
    if (given != NULL) {
        given->type = type;
        given->type_is_set = true;
    }
    return layer;
}

nnom_layer_t *nnom_layer_set_padding(nnom_layer_t *layer, nnom_border_t border)
{
    if (layer != NULL) {
        layer->padding = NNOM_PADDING_EXPLICIT;
        layer->padding_is_set = true;
    }
    if (layer != NULL && layer->geometry != NULL) { /* else refused by compile */
        nnom_geometry_set_pads(layer->geometry, border);
    }
    return layer;
}

nnom_layer_t *nnom_layer_set_name(nnom_layer_t *layer, const char *name)
{
    if (layer != NULL && name != NULL) {
        const bool broken = layer->broken;
        size_t length = 0;
        while (length + 1 < NNOM_NAME_BYTES && name[length] != '\0') {
            length++;
        }
        char *copy = nnom_malloc(length + 1);
        nnom_given_t *given = copy != NULL ? nnom_layer_give(layer) : NULL;
        if (given == NULL) { /* the name of the first compile has no memory then, either: that is no error */
            layer->broken = broken || layer->number == 0;
            free_name(copy);
            return layer;
        }
        nnom_memcpy(copy, name, length);
        copy[length] = '\0';
        free_name(given->name);
        given->name = copy;
    }
    return layer;
}

const char *nnom_layer_text(const nnom_layer_t *layer, char *text)
{
    if (layer->given->name != NULL) {
        return layer->given->name;
    }
    text[0] = '\0';
    if (layer->number > 0) {
        (void)snprintf(text, NNOM_NAME_BYTES, "%s_%u", layer->cls->name, (unsigned)layer->number);
    }
    return text;
}

const char *nnom_layer_name(const nnom_layer_t *layer)
{
    char text[NNOM_NAME_BYTES];
    if (layer->given->name == NULL && layer->number > 0) {
        (void)nnom_layer_set_name((nnom_layer_t *)layer, nnom_layer_text(layer, text));
    }
    return layer->given->name != NULL ? layer->given->name : (layer->number > 0 ? layer->cls->name : "");
}
