/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Conv2D, two outputs with one multiplication (pairs.h): windows in the scratch (nnom_pairs_x_t), or as bytes where they lie. */
#include "../fixed.h"
#include "../ref/patch.h"
#include "pairs_pack.h"

typedef struct pairs_conv {
    const nnom_pairs_param_t *p;
    nnom_patches_t patches;
    nnom_pairs_x_t *scratch;
    int32_t outputs;
    nnom_range_t inner; /* output columns whose windows lie within the input's columns */
} pairs_conv_t;

/* ---- Windows in the scratch ---- */

static nnom_pairs_x_t *pairs_conv_fill(nnom_pairs_x_t *to, int32_t value, int32_t n)
{
    for (const nnom_pairs_x_t *end = to + n; to != end;) {
        *to++ = (nnom_pairs_x_t)value;
    }
    return to;
}

/* Kernel columns [k.lo, k.hi) of a row of the window, which are in the input. */
static nnom_pairs_x_t *pairs_conv_columns(const nnom_window_t *window, const int8_t *row, nnom_range_t k,
                                          nnom_pairs_x_t *to)
{
    const int32_t c = window->pixel, hop = window->g->dilation_w * c;
    const int8_t *from = row + window->left * c + k.lo * hop;
    if (hop == c) {
        return nnom_pairs_expand(to, from, (k.hi - k.lo) * c);
    }
    for (int32_t i = k.lo; i < k.hi; i++, from += hop) {
        to = nnom_pairs_expand(to, from, c);
    }
    return to;
}

/* The window of output column x: all of its columns are in the input. */
static nnom_pairs_x_t *pairs_conv_inside(const pairs_conv_t *c, int32_t x, nnom_pairs_x_t *to)
{
    const nnom_window_t *window = &c->patches.window;
    const nnom_geometry_t *g = window->g;
    const bool joined = g->dilation_w == 1;
    const int32_t pixel = window->pixel, runs = joined ? 1 : g->kernel_w, run = joined ? g->kernel_w * pixel : pixel;
    const int32_t left = (x * g->stride_w - g->pad_left) * pixel, hop = g->dilation_w * pixel;
    nnom_walk_t walk = window->walk;
    for (int32_t k = window->rows.lo; k < window->rows.hi; k++, nnom_walk_down(&walk)) {
        const int8_t *from = (const int8_t *)nnom_walk_row(&walk) + left;
        for (int32_t i = 0; i < runs; i++, from += hop) {
            to = nnom_pairs_expand(to, from, run);
        }
    }
    return to;
}

static nnom_pairs_x_t *pairs_conv_border(pairs_conv_t *c, int32_t x, nnom_pairs_x_t *to)
{
    nnom_window_t *window = &c->patches.window;
    const int32_t padding = c->patches.padding, pixel = window->pixel;
    nnom_walk_t walk = window->walk;
    nnom_window_column(window, x);
    for (int32_t k = window->rows.lo; k < window->rows.hi; k++, nnom_walk_down(&walk)) {
        to = pairs_conv_fill(to, padding, window->columns.lo * pixel);
        if (window->columns.lo < window->columns.hi) {
            to = pairs_conv_columns(window, (const int8_t *)nnom_walk_row(&walk), window->columns, to);
        }
        to = pairs_conv_fill(to, padding, (window->g->kernel_w - window->columns.hi) * pixel);
    }
    return to;
}

static nnom_pairs_x_t *pairs_conv_window(pairs_conv_t *c, int32_t x, nnom_pairs_x_t *to)
{
    const nnom_window_t *window = &c->patches.window;
    const nnom_range_t rows = window->rows;
    const int32_t padding = c->patches.padding, row = window->g->kernel_w * window->pixel;
    to = pairs_conv_fill(to, padding, rows.lo * row);
    to = x >= c->inner.lo && x < c->inner.hi ? pairs_conv_inside(c, x, to) : pairs_conv_border(c, x, to);
    return pairs_conv_fill(to, padding, (window->g->kernel_h - rows.hi) * row);
}

/* ---- Rows ---- */

static void pairs_conv_windows(pairs_conv_t *c, int8_t *row, int32_t width)
{
    for (int32_t x = 0, n = 0; x < width; x += n, row += n * c->outputs) {
        nnom_pairs_x_t *to = c->scratch;
        n = nnom_min_i32(NNOM_PAIRS_MOST, width - x);
        for (int32_t i = 0; i < n; i++) {
            to = pairs_conv_window(c, x + i, to);
        }
        nnom_pairs_windows(c->p, c->scratch, row, c->outputs, n);
    }
}

static void pairs_conv_row(pairs_conv_t *c, int8_t *row, int32_t width)
{
    const nnom_geometry_t *g = &c->p->geometry;
    const nnom_window_t *window = &c->patches.window;
    nnom_pairs_x_t *scratch = c->p->in_scratch != 0 ? c->scratch : NULL;
    if (!nnom_conv2d_gathers(g)) {
        const int8_t *x = (const int8_t *)nnom_walk_row(&window->walk);
        nnom_pairs_pixels(c->p, x, g->stride_w * window->pixel, scratch, row, c->outputs, width);
    } else if (scratch != NULL) {
        pairs_conv_windows(c, row, width);
    } else {
        for (int32_t x = 0; x < width; x++, row += c->outputs) {
            nnom_pairs_pixels(c->p, nnom_patch(&c->patches, x), 0, NULL, row, c->outputs, 1);
        }
    }
}

void nnom_conv2d_s8_packed_pairs(const nnom_call_t *call)
{
    const nnom_pairs_param_t *p = call->node->param;
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t to = nnom_call_output_rows(call);
    pairs_conv_t c = {p, nnom_patches(call, &p->geometry), nnom_call_scratch(call), out.c, {0, 0}};
    c.inner = nnom_pairs_inner(&c.patches.window, out.w);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_patches_row(&c.patches, y);
        pairs_conv_row(&c, row, out.w);
        nnom_pairs_limits(p, row, out.w * out.c);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_pairs_param, NNOM_PAIRS_PARAM)

/*
 * Words are faster, but only for windows that must be gathered or that many outputs read, and where they are at most an eighth of what the layer
 * reads and writes.
 */
static bool packed_pairs_in_scratch(const nnom_conv_layer_t *conv)
{
    enum { MANY = 1024 };
    const nnom_layer_t *layer = &conv->super;
    const int64_t bytes =
        (int64_t)nnom_shape_elements(nnom_layer_in(layer, 0)->shape) + nnom_shape_elements(layer->out->shape);
    const bool pays = nnom_conv2d_gathers(layer->geometry) || (int64_t)conv->taps * conv->channels >= MANY;
    return pays && (int64_t)conv->taps * 4 <= bytes / 8;
}

static nnom_status_t packed_pairs_conv2d_pack_s8(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const bool in_scratch = packed_pairs_in_scratch(conv);
    const nnom_status_t status = nnom_pairs_pack(conv, in_scratch);
    if (status != NNOM_OK) {
        return status;
    }
    return in_scratch ? nnom_window_scratch(layer, (int64_t)conv->taps * 4) : nnom_conv2d_patch(conv);
}

NNOM_FORM(conv2d_s8_packed_pairs, nnom_conv_window, 0, nnom_pairs_param, packed_pairs_conv2d_pack_s8)
