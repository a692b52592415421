/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolution on cores with the DSP extension: three pixels of a row at a time, blocks of two output channels. The windows of the pixels
 * are expanded once to int16, and every block reads them.
 */
#include "expand.h"
#include "dsp_loops.h"
#include "dsp_stream.h"

#include "../ref/window.h"

/* Bytes of a window that lie side by side in the input are a run, and in the scratch are filled up to a multiple of 4. */
typedef struct dsp_conv {
    const nnom_dsp_param_t *p;
    nnom_window_t window;
    nnom_rows_t from;
    uint32_t *words;    /* scratch: of up to three pixels */
    int8_t *patch;      /* scratch: a run, where it can begin or end in the padding */
    int32_t channels;   /* of the input */
    int32_t zero_point; /* of the input */
    int32_t runs;       /* of a row of the window */
    int32_t run;
    int32_t outputs;
    nnom_range_t inner; /* output columns whose window lies within the input's columns */
} dsp_conv_t;

/* Columns that are not dilated are one run. */
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

/* n pixels, `distance` bytes apart: a run of each. */
static uint32_t *dsp_conv_expand(uint32_t *to, const int8_t *from, int32_t distance, int32_t run, int32_t n)
{
    if (n == 1) {
        return nnom_dsp_expand_any(to, from, run, 1);
    }
    const int8_t *end = from + (run & ~3);
    if (end != from) {
        to = n == 3 ? nnom_dsp_expand_3(to, from, (uint32_t)distance, end)
                    : nnom_dsp_expand_2(to, from, (uint32_t)distance, end);
    }
    if ((run & 3) == 0) {
        return to;
    }
    for (int32_t i = 0; i < n; i++, from += distance, to++) {
        const uint32_t x = nnom_dsp_last(from + run, run & 3, run);
        to[0] = nnom_sxtb16(x);
        to[n] = nnom_sxtb16_odd(x);
    }
    return to + n;
}

/* A row of the windows of n pixels from column x on, all within the row. */
static uint32_t *dsp_conv_inside(const dsp_conv_t *c, const int8_t *row, int32_t x, int32_t n, uint32_t *to)
{
    const nnom_geometry_t *g = &c->p->geometry;
    const int32_t distance = g->stride_w * c->channels;
    const int8_t *from = row + x * distance - g->pad_left * c->channels;
    for (int32_t k = 0; k < c->runs; k++, from += g->dilation_w * c->channels) {
        to = dsp_conv_expand(to, from, distance, c->run, n);
    }
    return to;
}

/* The one run of a row of the window that begins or ends in the padding: through the patch, byte by byte. */
static uint32_t *dsp_conv_border(const dsp_conv_t *c, const int8_t *row, uint32_t *to, uint32_t step)
{
    const nnom_range_t k = c->window.columns;
    const int32_t lo = k.lo * c->channels, hi = k.hi * c->channels, filled = nnom_dsp_filled(c->run);
    const int8_t *from = row + (c->window.left + k.lo) * c->channels;
    if (c->channels % 4 == 0) {
        to = nnom_dsp_fill(to, c->zero_point, lo, step);
        to = nnom_dsp_expand(to, from, hi - lo, step);
        return nnom_dsp_fill(to, c->zero_point, c->run - hi, step);
    }
    for (int32_t i = 0; i < filled; i++) {
        c->patch[i] = (int8_t)(i >= lo && i < hi ? *from++ : c->zero_point);
    }
    return nnom_dsp_expand(to, c->patch, filled, step);
}

/* A row of the window of one pixel, some of its columns outside the input. */
static uint32_t *dsp_conv_outside(const dsp_conv_t *c, const int8_t *row, uint32_t *to, uint32_t step)
{
    const nnom_window_t *window = &c->window;
    if (window->columns.lo == window->columns.hi) {
        return nnom_dsp_fill(to, c->zero_point, c->runs * nnom_dsp_filled(c->run), step);
    }
    if (c->runs == 1) {
        return dsp_conv_border(c, row, to, step);
    }
    for (int32_t k = 0; k < c->runs; k++) {
        const bool inside = k >= window->columns.lo && k < window->columns.hi;
        const int8_t *from = row + (window->left + k * window->g->dilation_w) * c->channels;
        to = inside ? nnom_dsp_expand_any(to, from, c->run, step)
                    : nnom_dsp_fill(to, c->zero_point, nnom_dsp_filled(c->run), step);
    }
    return to;
}

/* One row of the windows of n pixels from column x on; words of a pixel are n apart. */
static void dsp_conv_row(dsp_conv_t *c, const int8_t *row, int32_t x, int32_t n, uint32_t *to)
{
    if (x >= c->inner.lo && x + n <= c->inner.hi) {
        (void)dsp_conv_inside(c, row, x, n, to);
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        nnom_window_column(&c->window, x + i);
        if (x + i >= c->inner.lo && x + i < c->inner.hi) {
            const int8_t *from = row + c->window.left * c->channels;
            uint32_t *at = to + i;
            for (int32_t k = 0; k < c->runs; k++, from += c->window.g->dilation_w * c->channels) {
                at = nnom_dsp_expand_any(at, from, c->run, (uint32_t)n);
            }
        } else {
            (void)dsp_conv_outside(c, row, to + i, (uint32_t)n);
        }
    }
}

static void dsp_conv_windows(dsp_conv_t *c, int32_t x, int32_t n)
{
    const nnom_window_t *window = &c->window;
    const int32_t row = c->runs * nnom_dsp_filled(c->run) * n; /* int16 values */
    uint32_t *to = nnom_dsp_fill(c->words, c->zero_point, window->rows.lo * row, 1);
    nnom_walk_t walk = window->walk;
    for (int32_t k = window->rows.lo; k < window->rows.hi; k++, to += row / 2, nnom_walk_down(&walk)) {
        dsp_conv_row(c, (const int8_t *)nnom_walk_row(&walk), x, n, to);
    }
    (void)nnom_dsp_fill(to, c->zero_point, (window->g->kernel_h - window->rows.hi) * row, 1);
}

/* Blocks of n pixels, outputs `distance` apart. */
static void dsp_conv_blocks(const dsp_conv_t *c, const uint32_t *stream, int8_t *out, int32_t outputs, int32_t n,
                            int32_t distance)
{
    const uint32_t bytes = (uint32_t)c->p->taps * 2u;
    switch (n) {
    case 3:
        nnom_dsp_conv_3(stream, c->words, bytes, out, out + outputs, (uint32_t)distance);
        break;
    case 2:
        nnom_dsp_conv_2(stream, c->words, bytes, out, out + outputs, (uint32_t)distance);
        break;
    default:
        nnom_dsp_conv_1(stream, c->words, bytes, out, out + outputs);
    }
}

/* An odd number of outputs: the last block takes the last two; of a single one, through a buffer. */
static void dsp_conv_pixels(const dsp_conv_t *c, int8_t *out, int32_t n)
{
    const uint32_t *stream = c->p->stream;
    const int32_t even = c->outputs & ~1;
    if (even == 0) {
        int8_t both[6];
        dsp_conv_blocks(c, stream, both, 2, n, 2);
        for (int32_t i = 0; i < n; i++) {
            out[i] = both[2 * i];
        }
        return;
    }
    dsp_conv_blocks(c, stream, out, even, n, c->outputs);
    if (even != c->outputs) {
        stream += even / 2 * nnom_dsp_block_words(2, c->p->taps);
        dsp_conv_blocks(c, stream, out + c->outputs - 2, 2, n, c->outputs);
    }
}

static dsp_conv_t dsp_conv(const nnom_call_t *call)
{
    const nnom_dsp_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_geometry_t *g = &p->geometry;
    const int32_t runs = dsp_conv_runs(g);
    uint32_t *words = nnom_call_scratch(call);
    const int32_t most = out.w < 3 ? out.w : 3;
    const dsp_conv_t c = {p,
                          nnom_window(call, g),
                          nnom_call_input_rows(call, 0),
                          words,
                          (int8_t *)(words + p->taps / 2 * most),
                          in->shape.c,
                          in->zero_point,
                          runs,
                          g->kernel_w / runs * in->shape.c,
                          out.c,
                          dsp_conv_inner(g, in->shape.w, out.w)};
    return c;
}

void nnom_conv2d_s8_dsp(const nnom_call_t *call)
{
    dsp_conv_t c = dsp_conv(call);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_window_row(&c.window, &c.from, y);
        for (int32_t x = 0, n = 0; x < out.w; x += n) {
            const int32_t left = out.w - x;
            n = left > 4 || left == 3 ? 3 : (left == 4 ? 2 : left);
            dsp_conv_windows(&c, x, n);
            dsp_conv_pixels(&c, row + x * out.c, n);
        }
        nnom_dsp_limits(c.p->act_min, c.p->act_max, row, out.w * out.c);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_dsp_param, NNOM_DSP_PARAM)

static nnom_status_t dsp_conv_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    nnom_dsp_param_t *param = nnom_layer_alloc(layer, 1, sizeof *param);
    if (param == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its parameters");
    }
    const nnom_geometry_t *g = layer->geometry;
    const int32_t channels = nnom_layer_in(layer, 0)->shape.c, run = g->kernel_w / dsp_conv_runs(g) * channels;
    const nnom_status_t status = nnom_dsp_pack(conv, param, 2, run);
    if (status != NNOM_OK) {
        return status;
    }
    layer->scratch_in_pieces = false;
    const int32_t pixels = layer->out->shape.w < 3 ? layer->out->shape.w : 3;
    const bool border = channels % 4 != 0 && dsp_conv_runs(g) == 1 && g->pad_left + g->pad_right > 0;
    return nnom_window_scratch(layer, (int64_t)param->taps * 2 * pixels + (border ? nnom_dsp_filled(run) : 0));
}

NNOM_FORM(conv2d_s8_dsp, nnom_conv_window, 0, nnom_dsp_param, dsp_conv_pack)
