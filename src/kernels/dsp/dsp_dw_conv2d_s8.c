/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Depthwise convolution on cores with the DSP extension, one output channel for each input channel: two taps of four channels at a time. The
 * cells of a window are found once for a pixel; those in the padding are a row of zero points in the scratch.
 */
#include <string.h>

#include "dsp_loops.h"
#include "expand.h"
#include "dsp_stream.h"

#include "../ref/window.h"

enum { DSP_DW_START = 4, DSP_DW_TAPS = 64 };

typedef struct dsp_dw {
    const nnom_dsp_param_t *p;
    nnom_window_t window;
    const int8_t *zeros; /* [channels] zero points */
    int32_t channels;
    const int8_t
        *cells[DSP_DW_TAPS + 1]; /* channel 0 of each cell of the window; of an odd number the last one twice */
} dsp_dw_t;

/* n cells, `step` bytes from one to the next; returns where the next ones go. */
static inline const int8_t **dsp_dw_run(const int8_t **cell, const int8_t *from, int32_t step, int32_t n)
{
    for (; n > 0; n--, from += step) {
        *cell++ = from;
    }
    return cell;
}

/* Where the cells of the window at column x are. */
static void dsp_dw_cells(dsp_dw_t *d, int32_t x)
{
    nnom_window_t *window = &d->window;
    const nnom_geometry_t *g = window->g;
    const int8_t *zeros = d->zeros;
    nnom_window_column(window, x);
    const nnom_range_t k = window->columns, rows = window->rows;
    const int32_t inside = k.hi - k.lo, width = g->kernel_w, step = g->dilation_w * d->channels;
    const int32_t left = inside > 0 ? window->left * d->channels + k.lo * step : 0;
    nnom_walk_t walk = window->walk;
    const int8_t **cell = dsp_dw_run(d->cells, zeros, 0, rows.lo * width);
    for (int32_t n = rows.hi - rows.lo; n > 0; n--, nnom_walk_down(&walk)) {
        cell = dsp_dw_run(cell, zeros, 0, k.lo);
        cell = dsp_dw_run(cell, (const int8_t *)nnom_walk_row(&walk) + left, step, inside);
        cell = dsp_dw_run(cell, zeros, 0, width - k.lo - inside);
    }
    cell = dsp_dw_run(cell, zeros, 0, (g->kernel_h - rows.hi) * width);
    *cell = cell[-1];
}

static int32_t dsp_dw_pairs(int32_t taps)
{
    return (taps + 1) / 2;
}

/* A weight of channel i of a group; w: of its first two taps. */
static int32_t dsp_dw_weight(const uint32_t *w, int32_t i, int32_t tap)
{
    const uint32_t word = w[tap / 2 * 2 + i / 2];
    return (int8_t)(uint8_t)(word >> (tap % 2 * 16 + i % 2 * 8));
}

/* The channels that no whole word holds, one by one: nothing behind a row is read. */
static void dsp_dw_rest(const dsp_dw_t *d, const uint32_t *stream, int32_t at, int8_t *out)
{
    const int32_t taps = d->p->taps;
    const uint32_t *w = stream + DSP_DW_START, *scale = w + 2 * dsp_dw_pairs(taps);
    for (int32_t i = 0; at + i < d->channels; i++) {
        int32_t acc = (int32_t)stream[i];
        for (int32_t t = 0; t < taps; t++) {
            acc += d->cells[t][at + i] * dsp_dw_weight(w, i, t);
        }
        out[i] = nnom_dsp_output((uint32_t)acc * 2u, scale + 2 * i, scale[8] >> (8 * i) & 0xffu);
    }
}

static void dsp_dw_pixel(const dsp_dw_t *d, int8_t *out)
{
    const uint32_t *stream = d->p->stream;
    const int32_t pairs = dsp_dw_pairs(d->p->taps), whole = d->channels & ~3;
    if (whole > 0) {
        nnom_dsp_dw_pixel(stream, d->cells, (uint32_t)pairs, out, (uint32_t)whole);
    }
    if (whole < d->channels) {
        dsp_dw_rest(d, stream + whole / 4 * nnom_dsp_dw_words(pairs), whole, out + whole);
    }
}

void nnom_dw_conv2d_s8_dsp(const nnom_call_t *call)
{
    const nnom_dsp_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    int8_t *zeros = nnom_call_scratch(call);
    memset(zeros, in->zero_point, (size_t)out.c);
    dsp_dw_t d = {.p = p, .window = nnom_window(call, nnom_dsp_geometry(p)), .zeros = zeros, .channels = out.c};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_window_row(&d.window, &from, y);
        for (int32_t x = 0; x < out.w; x++) {
            dsp_dw_cells(&d, x);
            dsp_dw_pixel(&d, row + x * out.c);
        }
        nnom_dsp_limits(p->act_min, p->act_max, row, out.w * out.c);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_dsp_param, NNOM_DSP_PARAM)

/* Two taps of channels `channel` and the next one; beyond the last tap 0. */
static uint32_t dsp_dw_word(const nnom_conv_layer_t *conv, int32_t channel, int32_t tap)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < 4; i++) {
        word |= ((uint32_t)nnom_conv_weight(conv, channel + i % 2, tap + i / 2) & 0xffu) << (8 * i);
    }
    return word;
}

static uint32_t *dsp_dw_words(const nnom_conv_layer_t *conv, int32_t channel, uint32_t *to)
{
    nnom_dsp_channel_t c[4];
    uint32_t exponents = 0;
    for (int32_t i = 0; i < 4; i++) {
        c[i] = nnom_dsp_channel(conv, channel + i);
        exponents |= (uint32_t)c[i].exponent << (8 * i);
        *to++ = (uint32_t)c[i].start;
    }
    for (int32_t t = 0; t < conv->taps; t += 2) {
        *to++ = dsp_dw_word(conv, channel, t);
        *to++ = dsp_dw_word(conv, channel + 2, t);
    }
    for (int32_t i = 0; i < 4; i++) {
        *to++ = (uint32_t)c[i].multiplier;
        *to++ = (uint32_t)c[i].constant;
    }
    *to++ = exponents;
    return to;
}

static nnom_status_t dsp_dw_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    if (conv->channels != nnom_layer_in(layer, 0)->shape.c || conv->taps > DSP_DW_TAPS || nnom_dsp_columns_fit(conv)) {
        return NNOM_UNSUPPORTED;
    }
    const uint64_t groups = ((uint64_t)conv->channels + 3) / 4;
    const uint64_t words = groups * (uint64_t)nnom_dsp_dw_words(dsp_dw_pairs(conv->taps));
    if (words > INT32_MAX / 4 || !nnom_conv_may_pack(conv, words * 4, 1) || !nnom_dsp_accepts_all(conv, 1 << 30)) {
        return NNOM_UNSUPPORTED;
    }
    uint32_t *stream = nnom_layer_alloc(layer, (size_t)words, sizeof *stream);
    if (stream == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %ld words of packed weights", (long)words);
    }
    uint32_t *to = stream;
    for (int32_t o = 0; o < conv->channels; o += 4) {
        to = dsp_dw_words(conv, o, to);
    }
    const nnom_status_t status = nnom_dsp_keep(conv, stream, (uint32_t)words, conv->taps);
    return status == NNOM_OK ? nnom_window_scratch(layer, conv->channels) : status;
}

NNOM_FORM(dw_conv2d_s8_dsp, nnom_dsp_window, 0, nnom_dsp_param, dsp_dw_pack)
