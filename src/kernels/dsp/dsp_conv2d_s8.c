/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolution on cores with the DSP extension: three pixels of a row at a time, blocks of two output channels. The windows of the pixels
 * are expanded once to int16, and every block reads them.
 */
#include "expand.h"
#include "dsp_loops.h"
#include "dsp_stream.h"

#include "../fixed.h"
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
    int32_t filled;
    int32_t distance; /* bytes from one pixel's window to the next one's, */
    int32_t left;     /* from the first one's beginning to the row's, */
    int32_t hop;      /* and from one run of a window to the next */
    int32_t outputs;
    int32_t most;       /* pixels whose windows are in the scratch at a time */
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

/* nnom_dsp_expand_any() and nnom_dsp_fill(), once in the program. */
static NNOM_DSP_APART uint32_t *dsp_conv_bytes(uint32_t *to, const int8_t *from, int32_t n, uint32_t step)
{
    return nnom_dsp_expand_any(to, from, n, step);
}

static NNOM_DSP_APART uint32_t *dsp_conv_zeros(const dsp_conv_t *c, uint32_t *to, int32_t n, uint32_t step)
{
    return nnom_dsp_fill(to, c->zero_point, n, step);
}

/* A run of each of n pixels, `distance` bytes apart: short runs, and single pixels. */
static NNOM_DSP_APART uint32_t *dsp_conv_short(const dsp_conv_t *c, uint32_t *to, const int8_t *from, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        (void)dsp_conv_bytes(to + i, from + i * c->distance, c->run, (uint32_t)n);
    }
    return to + n * c->filled / 2;
}

static uint32_t *dsp_conv_expand(const dsp_conv_t *c, uint32_t *to, const int8_t *from, int32_t n)
{
    if (c->run < 4 || n == 1) {
        return dsp_conv_short(c, to, from, n);
    }
    return n == 3 ? nnom_dsp_expand_3(to, from, (uint32_t)c->distance, (uint32_t)c->run)
                  : nnom_dsp_expand_2(to, from, (uint32_t)c->distance, (uint32_t)c->run);
}

/* The windows of n pixels from column x on, as far as they have rows: all columns are inside the input. */
static NNOM_DSP_APART uint32_t *dsp_conv_inside(const dsp_conv_t *c, int32_t x, int32_t n, uint32_t *to)
{
    const int32_t left = x * c->distance - c->left;
    nnom_walk_t walk = c->window.walk;
    for (int32_t rows = c->window.rows.hi - c->window.rows.lo; rows > 0; rows--, nnom_walk_down(&walk)) {
        const int8_t *from = (const int8_t *)nnom_walk_row(&walk) + left;
        for (int32_t k = c->runs; k > 0; k--, from += c->hop) {
            to = dsp_conv_expand(c, to, from, n);
        }
    }
    return to;
}

/*
 * The one run of a row of the window, of up to four bytes, that begins or ends in the padding, as a word: its bytes [lo, hi) come with a word of
 * the row's beginning or end. The row has at least four bytes.
 */
static uint32_t dsp_conv_border_word(const dsp_conv_t *c, const int8_t *row, int32_t lo, int32_t hi)
{
    const uint32_t zeros = ((uint32_t)c->zero_point & 0xffu) * 0x1010101u;
    const uint32_t below = ((uint32_t)1 << (8 * lo)) - 1u; /* lo and hi are 1 to 3 where they are shifted by */
    if (lo > 0) {
        return (nnom_dsp_load(row) << (8 * lo)) | (zeros & below);
    }
    const uint32_t above = UINT32_MAX << (8 * hi);
    return (nnom_dsp_load(row + c->window.in.w * c->channels - 4) >> (32 - 8 * hi)) | (zeros & above);
}

/* The one run of a row of the window that begins or ends in the padding: a word, or through the patch, byte by byte. */
static uint32_t *dsp_conv_border(const dsp_conv_t *c, const int8_t *row, uint32_t *to, uint32_t step)
{
    const nnom_range_t k = c->window.columns;
    const int32_t lo = k.lo * c->channels, hi = k.hi * c->channels;
    const int8_t *from = row + (c->window.left + k.lo) * c->channels;
    if (c->channels % 4 == 0) {
        to = dsp_conv_zeros(c, to, lo, step);
        to = dsp_conv_bytes(to, from, hi - lo, step);
        return dsp_conv_zeros(c, to, c->run - hi, step);
    }
    if (c->run <= 4 && c->window.in.w * c->channels >= 4 && (lo == 0 || hi == c->run)) {
        const uint32_t x = dsp_conv_border_word(c, row, lo, hi);
        to[0] = nnom_sxtb16(x);
        to[step] = nnom_sxtb16_odd(x);
        return to + 2 * step;
    }
    for (int32_t i = 0; i < c->filled; i++) {
        c->patch[i] = (int8_t)(i >= lo && i < hi ? *from++ : c->zero_point);
    }
    return dsp_conv_bytes(to, c->patch, c->filled, step);
}

/* A row of the window of one pixel, some of its columns outside the input. */
static uint32_t *dsp_conv_outside(const dsp_conv_t *c, const int8_t *row, uint32_t *to, uint32_t step)
{
    const nnom_window_t *window = &c->window;
    if (window->columns.lo == window->columns.hi) {
        return dsp_conv_zeros(c, to, c->runs * c->filled, step);
    }
    if (c->runs == 1) {
        return dsp_conv_border(c, row, to, step);
    }
    for (int32_t k = 0; k < c->runs; k++) {
        const bool inside = k >= window->columns.lo && k < window->columns.hi;
        const int8_t *from = row + (window->left + k * window->g->dilation_w) * c->channels;
        to = inside ? dsp_conv_bytes(to, from, c->run, step) : dsp_conv_zeros(c, to, c->filled, step);
    }
    return to;
}

/* The window of one pixel, as far as it has rows; its words are `step` apart. */
static NNOM_DSP_APART void dsp_conv_pixel(dsp_conv_t *c, int32_t x, uint32_t *to, uint32_t step)
{
    nnom_window_column(&c->window, x);
    const bool inside = x >= c->inner.lo && x < c->inner.hi;
    nnom_walk_t walk = c->window.walk;
    for (int32_t rows = c->window.rows.hi - c->window.rows.lo; rows > 0; rows--, nnom_walk_down(&walk)) {
        const int8_t *row = (const int8_t *)nnom_walk_row(&walk);
        if (!inside) {
            to = dsp_conv_outside(c, row, to, step);
            continue;
        }
        const int8_t *from = row + c->window.left * c->channels;
        for (int32_t k = c->runs; k > 0; k--, from += c->hop) {
            to = dsp_conv_bytes(to, from, c->run, step);
        }
    }
}

/* The windows of n pixels from column x on; words of a pixel are n apart. */
static NNOM_DSP_APART void dsp_conv_windows(dsp_conv_t *c, int32_t x, int32_t n)
{
    const nnom_range_t rows = c->window.rows;
    const int32_t row = c->runs * c->filled * n; /* int16 values */
    uint32_t *to = dsp_conv_zeros(c, c->words, rows.lo * row, 1);
    if (x >= c->inner.lo && x + n <= c->inner.hi) {
        to = dsp_conv_inside(c, x, n, to);
    } else {
        for (int32_t i = 0; i < n; i++) {
            dsp_conv_pixel(c, x + i, to + i, (uint32_t)n);
        }
        to += (rows.hi - rows.lo) * row / 2;
    }
    (void)dsp_conv_zeros(c, to, (c->p->geometry.kernel_h - rows.hi) * row, 1);
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
static NNOM_DSP_APART void dsp_conv_pixels(const dsp_conv_t *c, int8_t *out, int32_t n)
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
        stream += even / 2 * nnom_dsp_block_words(2, c->p->taps);
        dsp_conv_blocks(c, stream, out + c->outputs - 2, 2, n, c->outputs);
    }
}

/* `count` times three pixels from column x on: their windows lie within the input, and their rows are one run each. */
static NNOM_DSP_APART void dsp_conv_triples(const dsp_conv_t *c, int32_t x, int32_t count, int8_t *out)
{
    const uint32_t distance = (uint32_t)c->distance, run = (uint32_t)c->run;
    int32_t left = x * c->distance - c->left;
    for (; count > 0; count--, left += 3 * (int32_t)distance, out += 3 * c->outputs) {
        uint32_t *to = c->words;
        uint32_t at = c->window.walk.at;
        for (int32_t rows = c->p->geometry.kernel_h; rows > 0; rows--) {
            to = nnom_dsp_expand_3(to, (const int8_t *)c->window.walk.data + at + left, distance, run);
            at += c->window.walk.step;
            at -= at >= c->window.walk.ring ? c->window.walk.ring : 0;
        }
        dsp_conv_pixels(c, out, 3);
    }
}

/* How many times three pixels from column x on dsp_conv_triples() may take, `left` being those of the row. */
static int32_t dsp_conv_count(const dsp_conv_t *c, int32_t x, int32_t left)
{
    const bool all = c->window.rows.hi - c->window.rows.lo == c->p->geometry.kernel_h;
    if (!all || c->most < 3 || c->runs != 1 || c->run < 4 || x < c->inner.lo || x + 3 > c->inner.hi) {
        return 0;
    }
    return nnom_min_i32((c->inner.hi - x) / 3, left / 3 - (left % 3 == 1 ? 1 : 0));
}

/* A row: three pixels at a time; four are two and two. */
static void dsp_conv_row(dsp_conv_t *c, int8_t *row, int32_t width)
{
    for (int32_t x = 0, n = 0; x < width; x += n) {
        const int32_t left = width - x, count = dsp_conv_count(c, x, left);
        int8_t *out = row + x * c->outputs;
        if (count > 0) {
            n = 3 * count;
            dsp_conv_triples(c, x, count, out);
            continue;
        }
        n = c->most == 2 || left == 4 ? nnom_min_i32(left, 2) : nnom_min_i32(left, 3);
        dsp_conv_windows(c, x, n);
        dsp_conv_pixels(c, out, n);
    }
}

/* Windows of a pixel each: rows that lie one after another are one long row. */
static bool dsp_conv_joins(const nnom_geometry_t *g)
{
    return g->kernel_h == 1 && g->kernel_w == 1 && g->stride_h == 1 && g->stride_w == 1 &&
           g->pad_top + g->pad_bottom + g->pad_left + g->pad_right == 0;
}

/* Three pixels at a time, or two where windows are large: a third one would cost more than 1 KB of scratch, for 2 % of the instructions. */
static int32_t dsp_conv_most(const nnom_geometry_t *g, nnom_shape_t out, int32_t taps)
{
    enum { LARGE = 512 };
    const int64_t pixels = dsp_conv_joins(g) ? (int64_t)out.h * out.w : out.w;
    return pixels <= 3 ? (int32_t)pixels : (taps > LARGE ? 2 : 3);
}

static dsp_conv_t dsp_conv(const nnom_call_t *call)
{
    const nnom_dsp_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_geometry_t *g = &p->geometry;
    const int32_t runs = dsp_conv_runs(g);
    uint32_t *words = nnom_call_scratch(call);
    const int32_t run = g->kernel_w / runs * in->shape.c, most = dsp_conv_most(g, out, p->taps);
    const dsp_conv_t c = {.p = p,
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

/* How many rows from y on lie one after another, each of them `bytes` long. */
static int32_t dsp_conv_following(const nnom_rows_t *rows, int32_t y, int32_t bytes)
{
    return rows->row_bytes == bytes ? rows->rows - (y < rows->rows ? y : y % rows->rows) : 1;
}

/* How many of the rows from y on, below `end`, are computed as one: their inputs and their outputs lie so. Inputs are read before, as ever. */
static int32_t dsp_conv_rows(const dsp_conv_t *c, const nnom_rows_t *to, nnom_shape_t out, int32_t y, int32_t end)
{
    if (!dsp_conv_joins(&c->p->geometry)) {
        return 1;
    }
    const int32_t inputs = dsp_conv_following(&c->from, y, out.w * c->channels);
    return nnom_min_i32(nnom_min_i32(inputs, dsp_conv_following(to, y, out.w * out.c)), end - y);
}

void nnom_conv2d_s8_dsp(const nnom_call_t *call)
{
    dsp_conv_t c = dsp_conv(call);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_range_t inner = c.inner;
    for (int32_t y = call->y.lo, n = 0; y < call->y.hi; y += n) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        n = dsp_conv_rows(&c, &to, out, y, call->y.hi);
        c.inner.hi = n > 1 ? n * out.w : inner.hi;
        nnom_window_row(&c.window, &c.from, y);
        dsp_conv_row(&c, row, n * out.w);
        nnom_dsp_limits(c.p->act_min, c.p->act_max, row, n * out.w * out.c);
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
    const int32_t pixels = dsp_conv_most(g, layer->out->shape, param->taps);
    const bool border = channels % 4 != 0 && dsp_conv_runs(g) == 1 && g->pad_left + g->pad_right > 0;
    return nnom_window_scratch(layer, (int64_t)param->taps * 2 * pixels + (border ? nnom_dsp_filled(run) : 0));
}

NNOM_FORM(conv2d_s8_dsp, nnom_conv_window, 0, nnom_dsp_param, dsp_conv_pack)
