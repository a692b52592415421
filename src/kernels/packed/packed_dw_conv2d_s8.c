/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* DW_Conv2D with as many outputs as inputs: four channels of a pixel at a time, their weights in blocks (block.h). */
#include "../fixed.h"
#include "../ref/window.h"
#include "block.h"
#include "pack.h"

/* Where the taps of a pixel lie, or a part of them. */
typedef struct part {
    nnom_tap_t taps[NNOM_BLOCK];
    int32_t first, count;
} part_t;

/* Taps are numbered through the kernel, row by row; the next one of a walk over them. */
typedef struct cursor {
    nnom_walk_t walk;
    int32_t ky, kx;
} cursor_t;

static nnom_tap_t tap_at(const nnom_window_t *window, const cursor_t *at, const int8_t *padding)
{
    const nnom_range_t rows = window->rows, columns = window->columns;
    if (at->ky < rows.lo || at->ky >= rows.hi || at->kx < columns.lo || at->kx >= columns.hi) {
        const nnom_tap_t outside = {padding, 0};
        return outside;
    }
    const int32_t column = window->left + at->kx * window->g->dilation_w;
    const nnom_tap_t inside = {(const int8_t *)nnom_walk_row(&at->walk) + column * window->pixel, -1};
    return inside;
}

static void next_tap(cursor_t *at, const nnom_window_t *window)
{
    if (++at->kx < window->g->kernel_w) {
        return;
    }
    if (at->ky >= window->rows.lo && at->ky < window->rows.hi) {
        nnom_walk_down(&at->walk);
    }
    at->kx = 0;
    at->ky++;
}

/* The next taps after those of `part`. */
static void next_part(part_t *part, cursor_t *at, const nnom_window_t *window, const int8_t *padding)
{
    const int32_t all = window->g->kernel_h * window->g->kernel_w;
    part->first += part->count;
    part->count = nnom_min_i32(NNOM_BLOCK, all - part->first);
    for (int32_t t = 0; t < part->count; t++, next_tap(at, window)) {
        part->taps[t] = tap_at(window, at, padding);
    }
}

/* Takes a part of the taps into the sums of block o, which are kept in `sums` unless the part is all of them. */
static void packed_dw_conv2d_pixel_s8(const nnom_packed_param_t *p, const part_t *part, const nnom_tensor_t *out,
                                      int32_t *sums, int8_t *to)
{
    const int32_t taps = p->geometry.kernel_h * p->geometry.kernel_w, channels = out->shape.c;
    const int32_t *start = part->first == 0 ? (const int32_t *)p->bias : sums;
    const bool done = part->first + part->count == taps;
    const int8_t *w = p->weights;
    for (int32_t o = 0, width; o < channels; o += width, w += taps * width) {
        int32_t acc[NNOM_PACKED_BLOCK];
        width = nnom_min_i32(NNOM_PACKED_BLOCK, channels - o);
        for (int32_t i = 0; i < width; i++) {
            acc[i] = start[o + i];
        }
        nnom_block_taps(acc, part->taps, o, w + part->first * width, part->count, width);
        if (done) {
            nnom_packed_channels(p, o, out->zero_point, acc, width, to + o);
        } else {
            nnom_block_keep(sums + o, acc, width);
        }
    }
}

void nnom_dw_conv2d_s8_packed(const nnom_call_t *call)
{
    const nnom_packed_param_t *p = call->node->param;
    const nnom_geometry_t *g = &p->geometry;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const int8_t zero_point = (int8_t)nnom_call_input(call, 0)->zero_point;
    const int8_t padding[NNOM_PACKED_BLOCK] = {zero_point, zero_point, zero_point, zero_point};
    nnom_window_t window = nnom_window(call, g);
    part_t part;
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_window_row(&window, &from, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            cursor_t at = {window.walk, 0, 0};
            nnom_window_column(&window, x);
            part.first = part.count = 0;
            do {
                next_part(&part, &at, &window, padding);
                packed_dw_conv2d_pixel_s8(p, &part, out, nnom_call_scratch(call), row);
            } while (part.first + part.count < g->kernel_h * g->kernel_w);
        }
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_packed_param, NNOM_PACKED_PARAM)

static nnom_status_t packed_dw_conv2d_pack_s8(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    if (!nnom_packed_fits(conv) || conv->filters != 1) {
        return NNOM_UNSUPPORTED;
    }
    nnom_packed_param_t *p = nnom_packed_param(conv);
    if (p == NULL || (p->weights = nnom_packed_blocks(conv, 0)) == NULL) {
        return nnom_packed_no_memory(layer);
    }
    nnom_packed_register(conv, p, NNOM_TYPE_S8, 0);
    return nnom_window_scratch(layer, conv->taps > NNOM_BLOCK ? conv->channels * (int64_t)sizeof(int32_t) : 0);
}

NNOM_FORM(dw_conv2d_s8_packed, nnom_conv_window, 0, nnom_packed_param, packed_dw_conv2d_pack_s8)
