/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * DW_Conv2D with as many outputs as inputs, two pixels with one multiplication (pairs.h). The loops find the taps through a table of where
 * channel 0 of each lies: in the input, or in a pixel of zero points in the scratch.
 */
#include <string.h>

#include "../fixed.h"
#include "../ref/window.h"
#include "pairs_pack.h"

enum { PAIRS_CELLS = 32, PAIRS_ROW = 4 };

typedef enum pairs_form { PAIRS_ONE, PAIRS_TWO, PAIRS_3X3 } pairs_form_t;

typedef struct pairs_dw {
    const nnom_pairs_param_t *p;
    nnom_window_t window;
    nnom_shape_t out;
    const int8_t *padding; /* a pixel of it */
    const int8_t *cells[PAIRS_CELLS];
} pairs_dw_t;

/* Cells of a row of the windows. */
static int32_t pairs_dw_columns(const nnom_geometry_t *g, pairs_form_t form)
{
    return form == PAIRS_3X3 ? PAIRS_ROW : (form == PAIRS_TWO ? 2 * g->kernel_w : g->kernel_w);
}

/* Where they lie in a row of the input, from column `left` on, in bytes; -1: outside. */
static void pairs_dw_offsets(const pairs_dw_t *d, int32_t left, pairs_form_t form, int32_t *to)
{
    const nnom_geometry_t *g = d->window.g;
    const int32_t columns = pairs_dw_columns(g, form);
    for (int32_t i = 0; i < columns; i++) {
        const int32_t at = left + (form == PAIRS_TWO ? i / 2 * g->dilation_w + i % 2 * g->stride_w : i * g->dilation_w);
        *to++ = at >= 0 && at < d->window.in.w ? at * d->window.pixel : -1;
    }
}

/* The cells of the windows of output column x and, but for PAIRS_ONE, x + 1. */
static void pairs_dw_cells(pairs_dw_t *d, int32_t x, pairs_form_t form)
{
    const nnom_window_t *window = &d->window;
    const nnom_geometry_t *g = window->g;
    const int32_t columns = pairs_dw_columns(g, form);
    const int8_t **to = d->cells;
    int32_t offsets[PAIRS_CELLS];
    nnom_walk_t walk = window->walk;
    pairs_dw_offsets(d, x * g->stride_w - g->pad_left, form, offsets);
    for (int32_t k = 0; k < g->kernel_h; k++) {
        const bool outside = k < window->rows.lo || k >= window->rows.hi;
        const int8_t *row = outside ? NULL : (const int8_t *)nnom_walk_row(&walk);
        for (int32_t i = 0; i < columns; i++) {
            *to++ = outside || offsets[i] < 0 ? d->padding : row + offsets[i];
        }
        if (!outside) {
            nnom_walk_down(&walk);
        }
    }
}

/* Moves all cells that are in the input on to the next windows, which are within its columns, too. */
static void pairs_dw_move(pairs_dw_t *d, int32_t pixels, pairs_form_t form)
{
    const nnom_geometry_t *g = d->window.g;
    const int32_t columns = pairs_dw_columns(g, form), step = pixels * g->stride_w * d->window.pixel;
    const int8_t **to = d->cells + d->window.rows.lo * columns;
    const int8_t **const end = d->cells + d->window.rows.hi * columns;
    for (; form == PAIRS_3X3 && to != end; to += PAIRS_ROW) {
        to[0] += step;
        to[1] += step;
        to[2] += step;
        to[3] += step;
    }
    for (; to != end; to++) {
        *to += step;
    }
}

static void pairs_dw_run(const pairs_dw_t *d, int8_t *out, pairs_form_t form)
{
    const nnom_pairs_param_t *p = d->p;
    const int32_t channels = d->out.c;
    if (form == PAIRS_ONE) {
        nnom_pairs_dw_one(p->stream, d->cells, p->taps, out, channels);
    } else if (form == PAIRS_TWO) {
        nnom_pairs_dw_two(p->stream, d->cells, p->taps, out, channels, channels);
    } else {
        nnom_pairs_dw_3x3(p->stream, d->cells, out, channels, channels);
    }
}

static pairs_form_t pairs_dw_form(const nnom_geometry_t *g, int32_t out_w)
{
    if (out_w == 1 || 2 * g->kernel_h * g->kernel_w > PAIRS_CELLS) {
        return PAIRS_ONE;
    }
    return g->kernel_h == 3 && g->kernel_w == 3 && g->stride_w == 1 && g->dilation_w == 1 ? PAIRS_3X3 : PAIRS_TWO;
}

static void pairs_dw_row(pairs_dw_t *d, int8_t *row)
{
    const pairs_form_t usual = pairs_dw_form(d->window.g, d->out.w);
    const nnom_range_t inner = nnom_pairs_inner(&d->window, d->out.w);
    int32_t n = 0;
    for (int32_t x = 0, kept = -1; x < d->out.w; x += n, row += n * d->out.c) {
        const pairs_form_t form = x + 1 < d->out.w ? usual : PAIRS_ONE;
        const bool inside = x >= inner.lo && x + (form == PAIRS_ONE ? 1 : 2) <= inner.hi;
        if (inside && kept == (int32_t)form) {
            pairs_dw_move(d, n, form);
        } else {
            pairs_dw_cells(d, x, form);
        }
        kept = inside ? (int32_t)form : -1;
        n = form == PAIRS_ONE ? 1 : 2;
        pairs_dw_run(d, row, form);
    }
}

void nnom_dw_conv2d_s8_packed_pairs(const nnom_call_t *call)
{
    const nnom_pairs_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    int8_t *padding = nnom_call_scratch(call);
    pairs_dw_t d = {.p = p, .window = nnom_window(call, &p->geometry), .out = out, .padding = padding};
    if (padding != NULL) {
        memset(padding, in->zero_point, (size_t)out.c);
    }
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_window_row(&d.window, &from, y);
        pairs_dw_row(&d, row);
        nnom_pairs_limits(p, row, out.w * out.c);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_pairs_param, NNOM_PAIRS_PARAM)

static nnom_status_t packed_pairs_dw_conv2d_pack_s8(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_geometry_t *g = layer->geometry;
    const bool pads = g->pad_top + g->pad_bottom + g->pad_left + g->pad_right > 0;
    if (conv->filters != 1 || conv->taps > PAIRS_CELLS) {
        return NNOM_UNSUPPORTED;
    }
    const nnom_status_t status = nnom_pairs_pack_dw(conv);
    return status != NNOM_OK ? status : nnom_window_scratch(layer, pads ? conv->channels : 0);
}

NNOM_FORM(dw_conv2d_s8_packed_pairs, nnom_conv_window, 0, nnom_pairs_param, packed_pairs_dw_conv2d_pack_s8)
