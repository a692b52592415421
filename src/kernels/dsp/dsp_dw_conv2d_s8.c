/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Depthwise convolution on cores with the DSP extension, one output channel for each input channel: four channels at a time. The cells
 * of a window are found once for a pixel; those in the padding are a row of zero points in the scratch.
 */
#include <string.h>

#include "dsp_loops.h"
#include "expand.h"
#include "dsp_stream.h"

#include "../ref/window.h"

/*
 * Words of a group of four channels: start [4], weights, a word of four bytes for each tap, then M and C of each channel and e of
 * each. Of the last group with less than four channels, too.
 */
enum { DSP_DW_START = 4, DSP_DW_FINISH = 12, DSP_DW_TAPS = 64 };

typedef struct dsp_dw {
    const nnom_dsp_param_t *p;
    nnom_window_t window;
    const int8_t *zeros; /* [channels] zero points */
    int32_t channels;
    const int8_t *cells[DSP_DW_TAPS]; /* channel 0 of each cell of the window */
} dsp_dw_t;

/* Where the cells of the window at column x are. */
static void dsp_dw_cells(dsp_dw_t *d, int32_t x)
{
    nnom_window_t *window = &d->window;
    const nnom_geometry_t *g = window->g;
    const int8_t **cell = d->cells;
    nnom_window_column(window, x);
    nnom_walk_t walk = window->walk;
    for (int32_t ky = 0; ky < g->kernel_h; ky++) {
        const bool inside = ky >= window->rows.lo && ky < window->rows.hi;
        const int8_t *row = inside ? (const int8_t *)nnom_walk_row(&walk) : NULL;
        for (int32_t kx = 0; kx < g->kernel_w; kx++) {
            const bool there = inside && kx >= window->columns.lo && kx < window->columns.hi;
            *cell++ = there ? row + (window->left + kx * g->dilation_w) * d->channels : d->zeros;
        }
        if (inside) {
            nnom_walk_down(&walk);
        }
    }
}

static int8_t dsp_dw_output(int32_t acc, const uint32_t *scale, uint32_t e)
{
    return nnom_dsp_output((uint32_t)acc * 2u, scale, e);
}

/* Four channels from `at` on; the group's words begin at `stream`. */
static void dsp_dw_group(const dsp_dw_t *d, const uint32_t *stream, int32_t at, int8_t *out)
{
    const int32_t taps = d->p->taps;
    int32_t s0 = (int32_t)stream[0], s1 = (int32_t)stream[1], s2 = (int32_t)stream[2], s3 = (int32_t)stream[3];
    const uint32_t *w = stream + DSP_DW_START;
    for (int32_t t = 0; t < taps; t++) {
        const uint32_t x = nnom_dsp_load(d->cells[t] + at);
        const uint32_t x02 = nnom_sxtb16(x), x13 = nnom_sxtb16_odd(x);
        const uint32_t w02 = nnom_sxtb16(w[t]), w13 = nnom_sxtb16_odd(w[t]);
        s0 = nnom_smlabb(x02, w02, s0);
        s1 = nnom_smlabb(x13, w13, s1);
        s2 = nnom_smlatt(x02, w02, s2);
        s3 = nnom_smlatt(x13, w13, s3);
    }
    const uint32_t *scale = w + taps, *e = scale + 8;
    out[0] = dsp_dw_output(s0, scale, e[0]);
    out[1] = dsp_dw_output(s1, scale + 2, e[1]);
    out[2] = dsp_dw_output(s2, scale + 4, e[2]);
    out[3] = dsp_dw_output(s3, scale + 6, e[3]);
}

/* The channels that no whole word holds, one by one: nothing behind a row is read. */
static void dsp_dw_rest(const dsp_dw_t *d, const uint32_t *stream, int32_t at, int8_t *out)
{
    const int32_t taps = d->p->taps;
    const uint32_t *w = stream + DSP_DW_START, *scale = w + taps, *e = scale + 8;
    for (int32_t i = 0; at + i < d->channels; i++) {
        int32_t acc = (int32_t)stream[i];
        for (int32_t t = 0; t < taps; t++) {
            acc += d->cells[t][at + i] * (int32_t)(int8_t)(uint8_t)(w[t] >> (8 * i));
        }
        out[i] = dsp_dw_output(acc, scale + 2 * i, e[i]);
    }
}

static void dsp_dw_pixel(const dsp_dw_t *d, int8_t *out)
{
    const uint32_t *stream = d->p->stream;
    const int32_t words = DSP_DW_START + d->p->taps + DSP_DW_FINISH, whole = d->channels & ~3;
    for (int32_t at = 0; at < whole; at += 4, stream += words) {
        dsp_dw_group(d, stream, at, out + at);
    }
    if (whole < d->channels) {
        dsp_dw_rest(d, stream, whole, out + whole);
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
    dsp_dw_t d = {.p = p, .window = nnom_window(call, &p->geometry), .zeros = zeros, .channels = out.c};
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

static uint32_t dsp_dw_word(const nnom_conv_layer_t *conv, int32_t channel, int32_t tap)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < 4; i++) {
        word |= ((uint32_t)nnom_conv_weight(conv, channel + i, tap) & 0xffu) << (8 * i);
    }
    return word;
}

static uint32_t *dsp_dw_words(const nnom_conv_layer_t *conv, int32_t channel, uint32_t *to)
{
    nnom_dsp_channel_t c[4];
    for (int32_t i = 0; i < 4; i++) {
        c[i] = nnom_dsp_channel(conv, channel + i);
        *to++ = (uint32_t)c[i].start;
    }
    for (int32_t t = 0; t < conv->taps; t++) {
        *to++ = dsp_dw_word(conv, channel, t);
    }
    for (int32_t i = 0; i < 4; i++) {
        *to++ = (uint32_t)c[i].multiplier;
        *to++ = (uint32_t)c[i].constant;
    }
    for (int32_t i = 0; i < 4; i++) {
        *to++ = (uint32_t)c[i].exponent;
    }
    return to;
}

static nnom_status_t dsp_dw_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const uint64_t groups = ((uint64_t)conv->channels + 3) / 4;
    const uint64_t words = groups * ((uint64_t)conv->taps + DSP_DW_START + DSP_DW_FINISH);
    if (conv->channels != nnom_layer_in(layer, 0)->shape.c || conv->taps > DSP_DW_TAPS || words > INT32_MAX / 4 ||
        !nnom_conv_may_pack(conv, words * 4, 1) || !nnom_dsp_accepts_all(conv, 1 << 30)) {
        return NNOM_UNSUPPORTED;
    }
    nnom_dsp_param_t *param = nnom_layer_alloc(layer, 1, sizeof *param);
    uint32_t *stream = nnom_layer_alloc(layer, (size_t)words, sizeof *stream);
    if (param == NULL || stream == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %ld words of packed weights", (long)words);
    }
    uint32_t *to = stream;
    for (int32_t o = 0; o < conv->channels; o += 4) {
        to = dsp_dw_words(conv, o, to);
    }
    const nnom_dsp_param_t packed = {.geometry = *layer->geometry,
                                     .act_min = conv->param.act_min,
                                     .act_max = conv->param.act_max,
                                     .taps = conv->taps,
                                     .stream = nnom_layer_array(layer, stream, (uint32_t)words, NNOM_TYPE_S32)};
    *param = packed;
    layer->param = param;
    return nnom_window_scratch(layer, conv->channels);
}

NNOM_FORM(dw_conv2d_s8_dsp, nnom_conv_window, 0, nnom_dsp_param, dsp_dw_pack)
