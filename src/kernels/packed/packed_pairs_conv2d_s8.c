/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Conv2D, two outputs with one multiplication (pairs.h): a pixel at a time, its window in words in the scratch, or as bytes. */
#include "../fixed.h"
#include "../ref/patch.h"
#include "pairs_pack.h"

/* ---- A window as words ---- */

static int32_t *packed_pairs_fill(int32_t *to, int32_t value, int32_t n)
{
    for (const int32_t *end = to + n; to != end;) {
        *to++ = value;
    }
    return to;
}

static int32_t *packed_pairs_expand(int32_t *to, const int8_t *from, int32_t n)
{
    for (const int32_t *end = to + (n & ~3); to != end; to += 4, from += 4) {
        const int32_t a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
    for (int32_t i = 0; i < (n & 3); i++) {
        *to++ = from[i];
    }
    return to;
}

/* A row of the window, some columns of which are in the input. */
static int32_t *packed_pairs_window_row(const nnom_patches_t *patches, const int8_t *row, int32_t *to)
{
    const nnom_window_t *window = &patches->window;
    const nnom_geometry_t *g = window->g;
    const nnom_range_t k = window->columns;
    const int32_t c = window->pixel, hop = g->dilation_w * c;
    const int8_t *from = row + window->left * c + k.lo * hop;
    to = packed_pairs_fill(to, patches->padding, k.lo * c);
    if (g->dilation_w == 1) {
        to = packed_pairs_expand(to, from, (k.hi - k.lo) * c);
    } else {
        for (int32_t i = k.lo; i < k.hi; i++, from += hop) {
            to = packed_pairs_expand(to, from, c);
        }
    }
    return packed_pairs_fill(to, patches->padding, (g->kernel_w - k.hi) * c);
}

static const int32_t *packed_pairs_window(nnom_patches_t *patches, int32_t x)
{
    nnom_window_t *window = &patches->window;
    nnom_window_column(window, x);
    const int32_t row = window->g->kernel_w * window->pixel;
    int32_t *words = (int32_t *)(void *)patches->scratch;
    nnom_range_t rows = window->rows;
    if (window->columns.lo == window->columns.hi) {
        rows.lo = rows.hi = 0;
    }
    int32_t *to = packed_pairs_fill(words, patches->padding, rows.lo * row);
    nnom_walk_t walk = window->walk;
    for (int32_t k = rows.lo; k < rows.hi; k++, nnom_walk_down(&walk)) {
        to = packed_pairs_window_row(patches, (const int8_t *)nnom_walk_row(&walk), to);
    }
    packed_pairs_fill(to, patches->padding, (window->g->kernel_h - rows.hi) * row);
    return words;
}

/* ---- Pixels ---- */

void nnom_conv2d_s8_packed_pairs(const nnom_call_t *call)
{
    const nnom_pairs_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    nnom_patches_t patches = nnom_patches(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y), *pixel = row;
        nnom_patches_row(&patches, y);
        for (int32_t x = 0; x < out->shape.w; x++, pixel += out->shape.c) {
            const void *taps = p->in_words != 0 ? packed_pairs_window(&patches, x) : nnom_patch(&patches, x);
            nnom_pairs_pixel(p, taps, pixel, out->shape.c);
        }
        nnom_pairs_limits(p, row, out->shape.w * out->shape.c);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_pairs_param, NNOM_PAIRS_PARAM)

/* Words are faster, but only for windows that many outputs read, and where they are at most an eighth of what the layer reads and writes. */
static bool packed_pairs_in_words(const nnom_conv_layer_t *conv)
{
    const nnom_layer_t *layer = &conv->super;
    const int64_t bytes =
        (int64_t)nnom_shape_elements(nnom_layer_in(layer, 0)->shape) + nnom_shape_elements(layer->out->shape);
    return conv->channels >= 8 && (int64_t)conv->taps * 4 <= bytes / 8;
}

static nnom_status_t packed_pairs_conv2d_pack_s8(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const bool in_words = packed_pairs_in_words(conv);
    const nnom_status_t status = nnom_pairs_pack(conv, in_words);
    if (status != NNOM_OK) {
        return status;
    }
    return in_words ? nnom_window_scratch(layer, (int64_t)conv->taps * 4) : nnom_conv2d_patch(conv);
}

NNOM_FORM(conv2d_s8_packed_pairs, nnom_conv_window, 0, nnom_pairs_param, packed_pairs_conv2d_pack_s8)
