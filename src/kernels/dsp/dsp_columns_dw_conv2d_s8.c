/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Depthwise convolution of 3 x 3 on cores with the DSP extension, one output channel for each input channel. Columns of three rows are put
 * together once for four channels; then two outputs at a time read them.
 */
#include <string.h>

#include "columns.h"
#include "dsp_loops.h"
#include "dsp_stream.h"

#include "../ref/window.h"

/* widen: of a stream that holds the weights as bytes; NULL: as the loops read them. */
typedef struct dsp_columns_loops {
    void (*columns)(nnom_dsp_stretch_t *s, const uint32_t *weights);
    void (*widen)(const uint32_t *narrow, uint32_t *wide);
} dsp_columns_loops_t;

/* Scratch: the weights of a group, then the columns of both halves of a stretch. */
typedef struct dsp_columns {
    const nnom_dsp_param_t *p;
    const dsp_columns_loops_t *loops;
    nnom_window_t window;
    nnom_shape_t out;
    uint32_t *weights;
    uint32_t *words;
    int32_t most; /* outputs of a stretch */
    int32_t zero_point;
} dsp_columns_t;

/* Outputs that are computed at a time: their columns are scratch. */
static int32_t dsp_columns_most(int32_t out_w, int32_t stride)
{
    const int32_t most = stride == 1 ? 16 : 8;
    return out_w < most ? out_w : most;
}

static int32_t dsp_columns_of(int32_t outputs, int32_t stride)
{
    return (outputs - 1) * stride + 3;
}

/* A row of the window that is not there holds zero points: its weights go into the sums' start. Of rows 0 and 1 a word holds one channel. */
static void dsp_columns_without(uint32_t *half, uint32_t row, uint32_t zero_point)
{
    uint32_t first = half[0], second = half[1], *word = half + 2;
    const uint32_t zero = zero_point & 0xffffu, high = zero << 16, x = row == 0 ? zero : high;
    const uint32_t stays = row == 0 ? 0xffff0000u : 0xffffu;
    for (const uint32_t *end = word + 3 * NNOM_DSP_COLUMN; word != end; word += NNOM_DSP_COLUMN) {
        if (row == 2) {
            first = nnom_smlad(word[2], zero, first);
            second = nnom_smlad(word[2], high, second);
            word[2] = 0;
        } else {
            first = nnom_smlad(word[0], x, first);
            second = nnom_smlad(word[1], x, second);
            word[0] &= stays;
            word[1] &= stays;
        }
    }
    half[0] = first;
    half[1] = second;
}

/* True if the window has all of its rows, or none: then its columns are zero points. */
static bool dsp_columns_all(const dsp_columns_t *c)
{
    return c->window.rows.hi - c->window.rows.lo == 3 || c->window.rows.lo == c->window.rows.hi;
}

/* The weights of a group for this row, as the loops read them. */
static const uint32_t *dsp_columns_weights(const dsp_columns_t *c, const uint32_t *stream)
{
    if (c->loops->widen != NULL) {
        c->loops->widen(stream, c->weights);
    } else {
        memcpy(c->weights, stream, NNOM_DSP_GROUP * sizeof *stream);
    }
    const bool all = dsp_columns_all(c);
    for (int32_t k = 0; k < 3 && !all; k++) {
        if (k < c->window.rows.lo || k >= c->window.rows.hi) {
            dsp_columns_without(c->weights, (uint32_t)k, (uint32_t)c->zero_point);
            dsp_columns_without(c->weights + NNOM_DSP_HALF, (uint32_t)k, (uint32_t)c->zero_point);
        }
    }
    return c->weights;
}

static NNOM_DSP_APART void dsp_columns_fill(uint32_t *words, int32_t lo, int32_t hi, int32_t zero_point)
{
    const uint32_t x = ((uint32_t)zero_point & 0xffffu) * 0x10001u;
    for (int32_t i = lo * NNOM_DSP_COLUMN; i < hi * NNOM_DSP_COLUMN; i++) {
        words[i] = x;
    }
}

/* n outputs from column x on; `rows`: of the input, column 0. */
static nnom_dsp_stretch_t dsp_columns_stretch(const dsp_columns_t *c, const int8_t *const *rows, int8_t *out, int32_t x,
                                              int32_t n)
{
    const int32_t stride = nnom_dsp_geometry(c->p)->stride_w, count = dsp_columns_of(n, stride);
    const int32_t left = x * stride - nnom_dsp_geometry(c->p)->pad_left;
    const bool none = c->window.rows.lo == c->window.rows.hi;
    nnom_range_t in = nnom_clip(left, 1, count, c->window.in.w);
    in.hi = none ? in.lo : in.hi;
    for (int32_t half = 0; half < 2; half++) {
        dsp_columns_fill(c->words + half * count * NNOM_DSP_COLUMN, 0, in.lo, c->zero_point);
        dsp_columns_fill(c->words + half * count * NNOM_DSP_COLUMN, in.hi, count, c->zero_point);
    }
    const int32_t at = in.lo < in.hi ? (left + in.lo) * c->out.c : 0;
    const nnom_dsp_stretch_t s = {{rows[0] + at, rows[1] + at, rows[2] + at},
                                  (uint32_t)c->out.c,
                                  (uint32_t)(in.hi - in.lo),
                                  c->words + in.lo * NNOM_DSP_COLUMN,
                                  c->words,
                                  (uint32_t)(count * NNOM_DSP_COLUMN) * 4u,
                                  (uint32_t)((n & ~1) * stride * NNOM_DSP_COLUMN) * 4u,
                                  (uint32_t)n & 1u,
                                  out + x * c->out.c};
    return s;
}

static void dsp_columns_back(nnom_dsp_stretch_t *s, int32_t bytes)
{
    for (int32_t k = 0; k < 3; k++) {
        s->row[k] -= bytes;
    }
    s->out -= bytes;
}

/* The last group ends with the last channel. */
static void dsp_columns_groups(const dsp_columns_t *c, nnom_dsp_stretch_t *s)
{
    const bool wide = c->loops->widen == NULL, as_is = wide && dsp_columns_all(c);
    const uint32_t words = wide ? NNOM_DSP_GROUP : NNOM_DSP_NARROW_GROUP, *stream = c->p->stream;
    for (int32_t left = c->out.c; left > 0; left -= 4, stream += words) {
        if (left < 4) {
            dsp_columns_back(s, 4 - left);
        }
        c->loops->columns(s, as_is ? stream : dsp_columns_weights(c, stream));
    }
}

static void dsp_columns_row(dsp_columns_t *c, int8_t *out)
{
    const nnom_range_t have = c->window.rows;
    nnom_walk_t walk = c->window.walk;
    const int8_t *rows[3];
    rows[0] = rows[1] = rows[2] = (const int8_t *)(have.lo < have.hi ? nnom_walk_row(&walk) : walk.data);
    for (int32_t k = have.lo; k < have.hi; k++, nnom_walk_down(&walk)) {
        rows[k] = (const int8_t *)nnom_walk_row(&walk);
    }
    for (int32_t x = 0; x < c->out.w; x += c->most) {
        const int32_t n = c->out.w - x < c->most ? c->out.w - x : c->most;
        nnom_dsp_stretch_t s = dsp_columns_stretch(c, rows, out, x, n);
        dsp_columns_groups(c, &s);
    }
}

static NNOM_SMALL void dsp_columns_run(const nnom_call_t *call, const dsp_columns_loops_t *loops)
{
    const nnom_dsp_param_t *p = call->node->param;
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    uint32_t *scratch = nnom_call_scratch(call);
    dsp_columns_t c = {p,
                       loops,
                       nnom_window(call, nnom_dsp_geometry(p)),
                       out,
                       scratch,
                       scratch + NNOM_DSP_GROUP,
                       dsp_columns_most(out.w, nnom_dsp_geometry(p)->stride_w),
                       nnom_call_input(call, 0)->zero_point};
    c.window.walk.data = from.data;
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_window_row(&c.window, &from, y);
        dsp_columns_row(&c, row);
        nnom_dsp_limits(p->act_min, p->act_max, row, out.w * out.c);
    }
}

void nnom_dw_conv2d_s8_dsp_columns(const nnom_call_t *call)
{
    static const dsp_columns_loops_t loops = {nnom_dsp_columns_1, nnom_dsp_columns_widen};
    dsp_columns_run(call, &loops);
}

void nnom_dw_conv2d_s8_dsp_columns_2(const nnom_call_t *call)
{
    static const dsp_columns_loops_t loops = {nnom_dsp_columns_2, nnom_dsp_columns_widen};
    dsp_columns_run(call, &loops);
}

void nnom_dw_conv2d_s8_dsp_columns_wide(const nnom_call_t *call)
{
    static const dsp_columns_loops_t loops = {nnom_dsp_columns_1, NULL};
    dsp_columns_run(call, &loops);
}

void nnom_dw_conv2d_s8_dsp_columns_wide_2(const nnom_call_t *call)
{
    static const dsp_columns_loops_t loops = {nnom_dsp_columns_2, NULL};
    dsp_columns_run(call, &loops);
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_dsp_param, NNOM_DSP_PARAM)

/* Weight of a row and column of the window. */
static uint32_t dsp_columns_at(const nnom_conv_layer_t *conv, int32_t channel, int32_t row, int32_t column)
{
    return column < 3 ? (uint32_t)nnom_conv_weight(conv, channel, 3 * row + column) : 0;
}

static uint32_t dsp_columns_bytes(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return (a & 0xffu) | (b & 0xffu) << 8 | (c & 0xffu) << 16 | (d & 0xffu) << 24;
}

static uint32_t *dsp_columns_narrow(const nnom_conv_layer_t *conv, int32_t a, uint32_t *to)
{
    const int32_t b = a + 2;
    for (int32_t k = 0; k < 3; k++) {
        *to++ = dsp_columns_bytes(dsp_columns_at(conv, a, 0, k), dsp_columns_at(conv, b, 0, k),
                                  dsp_columns_at(conv, a, 1, k), dsp_columns_at(conv, b, 1, k));
    }
    for (int32_t k = 0; k < 3; k += 2) {
        *to++ = dsp_columns_bytes(dsp_columns_at(conv, a, 2, k), dsp_columns_at(conv, a, 2, k + 1),
                                  dsp_columns_at(conv, b, 2, k), dsp_columns_at(conv, b, 2, k + 1));
    }
    return to;
}

/* Channels a and a + 2. */
static uint32_t *dsp_columns_half(const nnom_conv_layer_t *conv, int32_t a, uint32_t *to)
{
    const nnom_dsp_channel_t c[2] = {nnom_dsp_channel(conv, a), nnom_dsp_channel(conv, a + 2)};
    *to++ = (uint32_t)c[0].start * 2u;
    *to++ = (uint32_t)c[1].start * 2u;
    to = dsp_columns_narrow(conv, a, to);
    for (int32_t i = 0; i < 2; i++) {
        *to++ = (uint32_t)c[i].multiplier;
        *to++ = (uint32_t)c[i].constant;
    }
    *to++ = (uint32_t)(c[0].exponent + 256 * c[1].exponent);
    return to;
}

static void dsp_columns_stream(const nnom_conv_layer_t *conv, bool wide, uint32_t *to)
{
    for (int32_t o = 0; o < conv->channels; o += 4, to += wide ? NNOM_DSP_GROUP : NNOM_DSP_NARROW_GROUP) {
        const int32_t a = nnom_dsp_block_channel(o, conv->channels, 4);
        uint32_t narrow[NNOM_DSP_NARROW_GROUP];
        (void)dsp_columns_half(conv, a + 1, dsp_columns_half(conv, a, narrow));
        if (wide) {
            nnom_dsp_columns_widen(narrow, to);
        } else {
            memcpy(to, narrow, sizeof narrow);
        }
    }
}

bool nnom_dsp_columns_fit(const nnom_conv_layer_t *conv)
{
    const nnom_geometry_t *g = conv->super.geometry;
    return g->kernel_h == 3 && g->kernel_w == 3 && g->dilation_w == 1 && g->stride_w <= 2 && conv->channels >= 4 &&
           conv->channels == nnom_layer_in(&conv->super, 0)->shape.c && conv->channels < INT32_MAX / 512 &&
           nnom_dsp_accepts_all(conv, 1 << 30);
}

static nnom_status_t dsp_columns_pack_as(nnom_layer_t *layer, int32_t stride_w, bool wide)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const uint32_t groups = ((uint32_t)conv->channels + 3) / 4;
    const uint64_t bytes = (uint64_t)groups * (wide ? NNOM_DSP_GROUP : NNOM_DSP_NARROW_GROUP) * 4;
    if (layer->geometry->stride_w != stride_w || !nnom_dsp_columns_fit(conv) ||
        !(wide ? nnom_conv_may_grow(conv) : nnom_conv_may_pack(conv, bytes, 1))) {
        return NNOM_UNSUPPORTED;
    }
    const uint32_t words = groups * (wide ? NNOM_DSP_GROUP : NNOM_DSP_NARROW_GROUP);
    uint32_t *stream = nnom_layer_alloc(layer, words, sizeof *stream);
    if (stream == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %ld words of packed weights", (long)words);
    }
    dsp_columns_stream(conv, wide, stream);
    const nnom_status_t status = nnom_dsp_keep(conv, stream, words, conv->taps);
    if (status != NNOM_OK) {
        return status;
    }
    const int32_t stride = layer->geometry->stride_w, most = dsp_columns_most(layer->out->shape.w, stride);
    return nnom_window_scratch(layer,
                               4 * (NNOM_DSP_GROUP + 2 * NNOM_DSP_COLUMN * (int64_t)dsp_columns_of(most, stride)));
}

static nnom_status_t dsp_columns_pack(nnom_layer_t *layer)
{
    return dsp_columns_pack_as(layer, 1, false);
}

static nnom_status_t dsp_columns_pack_2(nnom_layer_t *layer)
{
    return dsp_columns_pack_as(layer, 2, false);
}

static nnom_status_t dsp_columns_pack_wide(nnom_layer_t *layer)
{
    return dsp_columns_pack_as(layer, 1, true);
}

static nnom_status_t dsp_columns_pack_wide_2(nnom_layer_t *layer)
{
    return dsp_columns_pack_as(layer, 2, true);
}

NNOM_FORM(dw_conv2d_s8_dsp_columns, nnom_dsp_window, 0, nnom_dsp_param, dsp_columns_pack)
NNOM_FORM(dw_conv2d_s8_dsp_columns_2, nnom_dsp_window, 0, nnom_dsp_param, dsp_columns_pack_2)
NNOM_FORM(dw_conv2d_s8_dsp_columns_wide, nnom_dsp_window, 0, nnom_dsp_param, dsp_columns_pack_wide)
NNOM_FORM(dw_conv2d_s8_dsp_columns_wide_2, nnom_dsp_window, 0, nnom_dsp_param, dsp_columns_pack_wide_2)
