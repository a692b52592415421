/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolution on cores with the DSP extension, with weights of a byte, and of two where they may grow: these need no unpacking.
 */
#include "dsp_conv.h"
#include "dsp_loops.h"
#include "wide.h"

#include "../fixed.h"

/* Columns that are not dilated are one run of a row of the window. */
static int32_t dsp_conv_runs(const nnom_geometry_t *g)
{
    return g->dilation_w == 1 ? 1 : g->kernel_w;
}

static nnom_range_t dsp_conv_inner(const nnom_geometry_t *g, int32_t in_w, int32_t out_w)
{
    const int32_t last = in_w - 1 - (g->kernel_w - 1) * g->dilation_w + g->pad_left;
    const nnom_range_t inner = {(g->pad_left + g->stride_w - 1) / g->stride_w, last < 0 ? 0 : last / g->stride_w + 1};
    const nnom_range_t none = {0, 0};
    return inner.lo >= inner.hi ? none : (inner.hi <= out_w ? inner : (nnom_range_t){inner.lo, out_w});
}

/* Blocks of n pixels, outputs `distance` apart. */
static void dsp_conv_blocks(const nnom_dsp_conv_t *c, const uint32_t *stream, int8_t *out, int32_t outputs, int32_t n,
                            int32_t distance)
{
    const uint32_t bytes = (uint32_t)(c->p->taps * c->loops->tap_bytes);
    c->loops->run[n - 1](stream, c->words, bytes, out, out + outputs, (uint32_t)distance);
}

/* An odd number of outputs: the last block takes the last two; of a single one, through a buffer. */
static NNOM_DSP_APART void dsp_conv_pixels(const nnom_dsp_conv_t *c, int8_t *out, int32_t n)
{
    const uint32_t *stream = c->p->stream;
    const int32_t even = c->outputs & ~1;
    if (even == 0) {
        int8_t both[6] = {0};
        dsp_conv_blocks(c, stream, both, 2, n, 2);
        for (int32_t i = 0; i < n; i++) {
            out[i] = both[2 * i];
        }
        return;
    }
    dsp_conv_blocks(c, stream, out, even, n, c->outputs);
    if (even != c->outputs) {
        stream += even / 2 * (c->p->taps * c->loops->tap_bytes / 4 + NNOM_DSP_BLOCK_WORDS);
        dsp_conv_blocks(c, stream, out + c->outputs - 2, 2, n, c->outputs);
    }
}

/* `count` times three pixels from column x on: their windows lie within the input, and their rows are one run each. */
static NNOM_DSP_APART void dsp_conv_triples(const nnom_dsp_conv_t *c, int32_t x, int32_t count, int8_t *out)
{
    const uint32_t distance = (uint32_t)c->distance, run = (uint32_t)c->run;
    int32_t left = x * c->distance - c->left;
    for (; count > 0; count--, left += 3 * (int32_t)distance, out += 3 * c->outputs) {
        uint32_t *to = c->words;
        uint32_t at = c->window.walk.at;
        for (int32_t rows = nnom_dsp_geometry(c->p)->kernel_h; rows > 0; rows--) {
            to = nnom_dsp_expand_3(to, (const int8_t *)c->window.walk.data + at + left, distance, run);
            at += c->window.walk.step;
            at -= at >= c->window.walk.ring ? c->window.walk.ring : 0;
        }
        dsp_conv_pixels(c, out, 3);
    }
}

/* How many times three pixels from column x on dsp_conv_triples() may take, `left` being those of the row. */
static int32_t dsp_conv_count(const nnom_dsp_conv_t *c, int32_t x, int32_t left)
{
    const bool all = c->window.rows.hi - c->window.rows.lo == nnom_dsp_geometry(c->p)->kernel_h;
    if (!all || c->most < 3 || c->runs != 1 || c->run < 4 || x < c->inner.lo || x + 3 > c->inner.hi) {
        return 0;
    }
    return nnom_min_i32((c->inner.hi - x) / 3, left / 3 - (left % 3 == 1 ? 1 : 0));
}

/* How many pixels of those that are left are next: three at a time; four are two and two. */
static int32_t dsp_conv_next(const nnom_dsp_conv_t *c, int32_t left)
{
    return nnom_min_i32(left, left == 4 ? nnom_min_i32(c->most, 2) : c->most);
}

/* A row. */
static void dsp_conv_row(nnom_dsp_conv_t *c, int8_t *row, int32_t width)
{
    for (int32_t x = 0, n = 0; x < width; x += n) {
        const int32_t left = width - x, count = dsp_conv_count(c, x, left);
        int8_t *out = row + x * c->outputs;
        if (count > 0) {
            n = 3 * count;
            dsp_conv_triples(c, x, count, out);
            continue;
        }
        n = dsp_conv_next(c, left);
        nnom_dsp_conv_windows(c, x, n);
        dsp_conv_pixels(c, out, n);
    }
}

/* Three pixels at a time, or two where windows are large: a third one would cost more than 1 KB of scratch, for 2 % of the instructions. */
static int32_t dsp_conv_most(const nnom_geometry_t *g, nnom_shape_t out, int32_t taps)
{
    enum { LARGE = 512 };
    const int64_t pixels = nnom_dsp_conv_joins(g) ? (int64_t)out.h * out.w : out.w;
    return pixels <= 3 ? (int32_t)pixels : (taps > LARGE ? 2 : 3);
}

static nnom_dsp_conv_t dsp_conv(const nnom_call_t *call, const nnom_dsp_conv_loops_t *loops)
{
    const nnom_dsp_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_geometry_t *g = nnom_dsp_geometry(p);
    uint32_t *words = nnom_call_scratch(call);
    const int32_t runs = dsp_conv_runs(g), run = g->kernel_w / runs * in->shape.c;
    const int32_t most = dsp_conv_most(g, out, p->taps);
    const nnom_dsp_conv_t c = {.p = p,
                               .loops = loops,
                               .window = nnom_window(call, g),
                               .from = nnom_call_input_rows(call, 0),
                               .words = words,
                               .patch = (int8_t *)(words + p->taps / 2 * most),
                               .channels = in->shape.c,
                               .zero_point = in->zero_point,
                               .runs = runs,
                               .run = run,
                               .filled = nnom_dsp_filled(run),
                               .distance = g->stride_w * in->shape.c,
                               .left = g->pad_left * in->shape.c,
                               .hop = g->dilation_w * in->shape.c,
                               .outputs = out.c,
                               .most = most,
                               .inner = dsp_conv_inner(g, in->shape.w, out.w)};
    return c;
}

/* How many of the rows from y on, below `end`, are computed as one: their inputs and their outputs lie so. Inputs are read before, as ever. */
static int32_t dsp_conv_rows(const nnom_dsp_conv_t *c, const nnom_rows_t *to, nnom_shape_t out, int32_t y, int32_t end)
{
    if (!nnom_dsp_conv_joins(nnom_dsp_geometry(c->p))) {
        return 1;
    }
    const int32_t inputs = nnom_dsp_following(&c->from, y, out.w * c->channels);
    return nnom_min_i32(nnom_min_i32(inputs, nnom_dsp_following(to, y, out.w * out.c)), end - y);
}

static NNOM_SMALL void dsp_conv_run(const nnom_call_t *call, const nnom_dsp_conv_loops_t *loops)
{
    nnom_dsp_conv_t c = dsp_conv(call, loops);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_range_t inner = c.inner;
    for (int32_t y = call->y.lo, n = 0; y < call->y.hi; y += n) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        n = dsp_conv_rows(&c, &to, out, y, call->y.hi);
        c.inner.hi = n > 1 ? n * out.w : inner.hi;
        c.bytes = n * c.window.in.w * c.channels;
        nnom_window_row(&c.window, &c.from, y);
        dsp_conv_row(&c, row, n * out.w);
        nnom_dsp_limits(c.p->act_min, c.p->act_max, row, n * out.w * out.c);
    }
}

void nnom_conv2d_s8_dsp(const nnom_call_t *call)
{
    static const nnom_dsp_conv_loops_t loops = {{nnom_dsp_conv_1, nnom_dsp_conv_2, nnom_dsp_conv_3}, 2};
    dsp_conv_run(call, &loops);
}

void nnom_conv2d_s8_dsp_wide(const nnom_call_t *call)
{
    static const nnom_dsp_conv_loops_t loops = {{nnom_dsp_wide_1, nnom_dsp_wide_2, nnom_dsp_wide_3}, 4};
    dsp_conv_run(call, &loops);
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_dsp_param, NNOM_DSP_PARAM)

static nnom_status_t dsp_conv_pack_as(nnom_layer_t *layer, bool wide)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_geometry_t *g = layer->geometry;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    const nnom_dsp_layout_t layout = {2, g->kernel_w / dsp_conv_runs(g) * in.c, wide};
    const nnom_status_t status = nnom_dsp_pack(conv, &layout);
    if (status != NNOM_OK) {
        return status;
    }
    layer->scratch_in_pieces = false;
    const int32_t pixels = dsp_conv_most(g, layer->out->shape, nnom_dsp_taps(layer));
    const bool border = in.c % 4 != 0 && dsp_conv_runs(g) == 1 && g->pad_left + g->pad_right > 0;
    const int32_t patch = border ? nnom_dsp_filled(layout.run) : 0;
    return nnom_window_scratch(layer, (int64_t)nnom_dsp_taps(layer) * 2 * pixels + patch);
}

static nnom_status_t dsp_conv_pack(nnom_layer_t *layer)
{
    return dsp_conv_pack_as(layer, false);
}

static nnom_status_t dsp_conv_pack_wide(nnom_layer_t *layer)
{
    return dsp_conv_pack_as(layer, true);
}

NNOM_FORM(conv2d_s8_dsp, nnom_dsp_window, 0, nnom_dsp_param, dsp_conv_pack)
NNOM_FORM(conv2d_s8_dsp_wide, nnom_dsp_window, 0, nnom_dsp_param, dsp_conv_pack_wide)
