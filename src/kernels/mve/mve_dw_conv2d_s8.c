/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Depthwise convolution on cores with Helium. The cells of a window are found for each pixel, or once for all pixels of a row whose
 * windows lie inside the input; cells in the padding are a row of zero points in the scratch.
 */
#include "dw_group.h"
#include "mve_stream.h"

#include "../ref/window.h"

/*
 * taps: of the kernel. together: as of nnom_mve_group_t. fold: pixels that a group of the stream holds side by side: of inputs with 1, 2,
 * 4 or 8 channels and stride 1 in columns, whose cells of pixels in a row lie like more channels; else 1.
 */
#define NNOM_MVE_DW_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                   \
    GEOMETRY(geometry) I32(act_min) I32(act_max) I32(taps) I32(together) I32(fold) I32(ties) ARRAY(stream)
NNOM_PARAM_STRUCT(nnom_mve_dw_param, NNOM_MVE_DW_PARAM)

enum { MVE_DW_TAPS = 64 };

typedef struct mve_dw {
    const nnom_mve_dw_param_t *p;
    nnom_window_t window; /* at a row */
    nnom_range_t columns; /* of the output whose windows lie inside the input, as columns go */
    nnom_range_t inside;  /* of the row: those whose windows lie inside it */
    const int8_t *zeros;  /* [channels of the input] zero points */
    nnom_shape_t out;
    int32_t channels;                /* of the input */
    const int8_t *rows[MVE_DW_TAPS]; /* of the window, pixel 0 of each; NULL: in the padding */
    const int8_t *cells[MVE_DW_TAPS];
    nnom_mve_dw_pixels_t *whole, *part; /* loops of nine taps */
    nnom_mve_dw_run_t run;
} mve_dw_t;

static void mve_dw_rows(mve_dw_t *d, const nnom_rows_t *from, int32_t y)
{
    nnom_window_t *window = &d->window;
    nnom_window_row(window, from, y);
    nnom_walk_t walk = window->walk;
    for (int32_t ky = 0; ky < window->g->kernel_h; ky++) {
        const bool inside = ky >= window->rows.lo && ky < window->rows.hi;
        d->rows[ky] = inside ? (const int8_t *)nnom_walk_row(&walk) : NULL;
        if (inside) {
            nnom_walk_down(&walk);
        }
    }
}

/* mve_dw_cells() of 3 x 3, which are most: a row's three cells at once. */
static void mve_dw_cells_of_three(mve_dw_t *d, int32_t x)
{
    const nnom_geometry_t *g = d->window.g;
    const int32_t column = x * g->stride_w - g->pad_left, step = g->dilation_w;
    const uint32_t in_w = (uint32_t)d->window.in.w;
    const int32_t at = column * d->channels, next = step * d->channels;
    const bool first = (uint32_t)column < in_w, second = (uint32_t)(column + step) < in_w,
               third = (uint32_t)(column + 2 * step) < in_w;
    const int8_t **cell = d->cells, *const zeros = d->zeros, *const *rows = d->rows;
    for (int32_t ky = 0; ky < 3 && first && third; ky++, cell += 3) {
        const int32_t on = rows[ky] != NULL ? next : 0;
        cell[0] = rows[ky] != NULL ? rows[ky] + at : zeros;
        cell[1] = cell[0] + on;
        cell[2] = cell[1] + on;
    }
    for (; cell != d->cells + 9; cell += 3, rows++) {
        const int8_t *row = *rows;
        cell[0] = row != NULL && first ? row + at : zeros;
        cell[1] = row != NULL && second ? row + at + next : zeros;
        cell[2] = row != NULL && third ? row + at + 2 * next : zeros;
    }
}

/* Where the cells of the window at column x are. */
static void mve_dw_cells(mve_dw_t *d, int32_t x)
{
    const nnom_geometry_t *g = d->window.g;
    if (g->kernel_h == 3 && g->kernel_w == 3) {
        mve_dw_cells_of_three(d, x);
        return;
    }
    const int32_t height = g->kernel_h, width = g->kernel_w, channels = d->channels, in_w = d->window.in.w;
    const int8_t *const zeros = d->zeros, *const *rows = d->rows;
    int32_t column = x * g->stride_w - g->pad_left;
    for (int32_t kx = 0; kx < width; kx++, column += g->dilation_w) {
        const int8_t **cell = d->cells + kx;
        const bool inside = (uint32_t)column < (uint32_t)in_w;
        const int32_t at = column * channels;
        for (int32_t ky = 0; ky < height; ky++, cell += width) {
            *cell = inside && rows[ky] != NULL ? rows[ky] + at : zeros;
        }
    }
}

/* ---- Kernels of any size ---- */

/* Where the loops have no form of it. */
static void mve_dw_pixel(const mve_dw_t *d, int8_t *out)
{
    const bool offsets = d->out.c != d->channels;
    const int32_t words = nnom_mve_group_words(d->p->taps, offsets), multiplier = d->out.c / d->channels;
    const nnom_mve_group_t group = {d->cells, d->p->taps, d->p->together, d->run.zero_point, d->p->ties != 0, offsets};
    const uint32_t *stream = d->p->stream;
    for (int32_t o = 0; o < d->out.c; o += NNOM_MVE_GROUP, stream += words) {
        const int32_t left = d->out.c - o;
        nnom_mve_group(&group, stream, offsets ? o / multiplier : o, left < NNOM_MVE_GROUP ? left : NNOM_MVE_GROUP,
                       out + o);
    }
}

static bool mve_dw_has_loop(const mve_dw_t *d)
{
    return d->p->together == 2 && d->p->taps > 1 && d->out.c == d->channels;
}

static void mve_dw_any(mve_dw_t *d, int32_t x, int8_t *out)
{
    mve_dw_cells(d, x);
    if (!mve_dw_has_loop(d)) {
        mve_dw_pixel(d, out);
    } else {
        d->run.out = out;
        d->run.first = 0;
        nnom_mve_dw_any(&d->run);
    }
}

/* ---- Rows of one pixel ---- */

/* True if the windows of output rows are columns of the input that may be taken from where its memory begins. */
static bool mve_dw_is_column(const mve_dw_t *d)
{
    const nnom_geometry_t *g = d->window.g;
    return d->window.in.w == 1 && g->kernel_w == 1 && g->pad_left + g->pad_right == 0 && mve_dw_has_loop(d);
}

/* Of windows in the padding or over a ring's end the cells are found one by one. */
static void mve_dw_column(mve_dw_t *d, const nnom_rows_t *from, const nnom_rows_t *to, nnom_range_t y)
{
    const nnom_geometry_t *g = d->window.g;
    const int32_t down = (g->kernel_h - 1) * g->dilation_h;
    bool found = false;
    for (; y.lo < y.hi; y.lo++) {
        int8_t *out = (int8_t *)nnom_row(to, y.lo);
        const int32_t top = y.lo * g->stride_h - g->pad_top;
        const int32_t slot = top < from->rows ? top : top % from->rows;
        if (top < 0 || top + down >= d->window.in.h || slot + down >= from->rows) {
            mve_dw_rows(d, from, y.lo);
            mve_dw_any(d, 0, out);
            found = false;
        } else {
            for (int32_t k = 0; k < g->kernel_h && !found; k++) {
                d->cells[k] = (const int8_t *)from->data + k * g->dilation_h * from->row_bytes;
            }
            found = true;
            d->run.first = slot * from->row_bytes;
            d->run.out = out;
            nnom_mve_dw_any(&d->run);
        }
        nnom_mve_limits(out, d->out.c, d->p->act_min, d->p->act_max);
    }
}

/* ---- Nine taps ---- */

/* `channels` values of each of `pixels` pixels from the cells on; a pixel is `step` bytes from the next one. */
static void mve_dw_nine(mve_dw_t *d, int32_t channels, int32_t pixels, int32_t step, int8_t *out)
{
    nnom_mve_dw_run_t *run = &d->run;
    const int32_t advanced = (channels + NNOM_MVE_GROUP - 1) & -NNOM_MVE_GROUP;
    run->out = out;
    run->out_end = out + pixels * channels;
    run->channels = channels;
    run->x_step = step - advanced;
    run->out_step = channels - advanced;
    (channels % NNOM_MVE_GROUP != 0 ? d->part : d->whole)(run);
}

/* Pixels side by side in groups, the first one's cells being known. */
static void mve_dw_folded(mve_dw_t *d, int32_t pixels, int8_t *out)
{
    const int32_t groups = pixels / d->p->fold, rest = pixels % d->p->fold, done = groups * NNOM_MVE_GROUP;
    if (groups > 0) {
        mve_dw_nine(d, NNOM_MVE_GROUP, groups, NNOM_MVE_GROUP, out);
    }
    if (rest > 0) {
        for (int32_t t = 0; t < NNOM_MVE_DW_NINE; t++) {
            d->cells[t] += done;
        }
        mve_dw_nine(d, rest * d->channels, 1, 0, out + done);
    }
}

/* The next n >= 1 pixels from x on: those whose windows lie inside the input at once. */
static int32_t mve_dw_line(mve_dw_t *d, int32_t x, int8_t *out)
{
    const bool inside = x >= d->inside.lo && x < d->inside.hi;
    const int32_t n = inside ? d->inside.hi - x : 1;
    mve_dw_cells(d, x);
    if (d->p->fold > 1 && n > 1) {
        mve_dw_folded(d, n, out);
    } else {
        mve_dw_nine(d, d->channels, n, d->window.g->stride_w * d->channels, out);
    }
    return n;
}

/* ---- Calls ---- */

static void mve_dw_row(mve_dw_t *d, int8_t *row)
{
    const bool nine = d->p->taps == NNOM_MVE_DW_NINE && d->p->together == 2 && d->out.c == d->channels;
    const bool whole = d->window.rows.hi - d->window.rows.lo == d->window.g->kernel_h;
    d->inside = whole ? d->columns : (nnom_range_t){0, 0};
    for (int32_t x = 0; x < d->out.w;) {
        int8_t *out = row + x * d->out.c;
        if (nine) {
            x += mve_dw_line(d, x, out);
        } else {
            mve_dw_any(d, x++, out);
        }
    }
}

/* Output columns whose windows lie inside the input. */
static nnom_range_t mve_dw_columns(const nnom_geometry_t *g, int32_t in_w, int32_t out_w)
{
    const int32_t room = in_w + g->pad_left - (g->kernel_w - 1) * g->dilation_w - 1;
    nnom_range_t x = {(g->pad_left + g->stride_w - 1) / g->stride_w, room < 0 ? 0 : room / g->stride_w + 1};
    x.hi = x.hi < out_w ? x.hi : out_w;
    return x;
}

/* Not as an initialiser: that would clear the tables, too. */
static void mve_dw_begin(mve_dw_t *d, const nnom_call_t *call)
{
    const nnom_mve_dw_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    int8_t *zeros = nnom_call_scratch(call);
    if (zeros != NULL) {
        nnom_mve_fill(zeros, in->zero_point, in->shape.c);
    }
    d->p = p;
    d->window = nnom_window(call, &p->geometry);
    d->columns = mve_dw_columns(&p->geometry, in->shape.w, out->shape.w);
    d->zeros = zeros;
    d->out = out->shape;
    d->channels = in->shape.c;
    d->whole = nnom_mve_dw_nine(p->ties != 0, false);
    d->part = nnom_mve_dw_nine(p->ties != 0, true);
    d->run.cells = d->cells;
    d->run.stream = p->stream;
    d->run.channels = in->shape.c;
    d->run.zero_point = out->zero_point;
    d->run.taps = p->taps;
}

void nnom_dw_conv2d_s8_mve(const nnom_call_t *call)
{
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    mve_dw_t d;
    mve_dw_begin(&d, call);
    if (mve_dw_is_column(&d)) {
        mve_dw_column(&d, &from, &to, call->y);
        return;
    }
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        mve_dw_rows(&d, &from, y);
        mve_dw_row(&d, row);
        nnom_mve_limits(row, d.out.w * d.out.c, d.p->act_min, d.p->act_max);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_mve_dw_param, NNOM_MVE_DW_PARAM)

/* The channels of the lanes of a group from `first` on: with pixels side by side each channel once for each pixel. */
typedef struct mve_dw_pack {
    const nnom_conv_layer_t *conv;
    const nnom_mve_dw_param_t *p;
    int32_t multiplier;
} mve_dw_pack_t;

static int32_t mve_dw_channel(const mve_dw_pack_t *pack, int32_t first, int32_t lane)
{
    return pack->p->fold > 1 ? lane % pack->conv->channels : first + lane;
}

static void mve_dw_finish(const mve_dw_pack_t *pack, int32_t first, uint32_t *to)
{
    static const int8_t begin[] = {0, 2, 1, 3};
    for (int32_t quarter = 0; quarter < 4; quarter++, to += NNOM_MVE_FINISH) {
        for (int32_t i = 0; i < 4; i++) {
            const int32_t channel = mve_dw_channel(pack, first, begin[quarter] + 4 * i);
            const nnom_mve_channel_t c = nnom_mve_channel(pack->conv, channel);
            to[i] = (uint32_t)c.bias;
            to[4 + i] = (uint32_t)c.multiplier;
            nnom_mve_put(to + 8, (size_t)i, c.shift);
        }
    }
}

static void mve_dw_group(const mve_dw_pack_t *pack, int32_t first, uint32_t *to)
{
    const int32_t taps = pack->p->taps;
    size_t at = 0;
    for (int32_t t = 0; t < taps; t++) {
        for (int32_t lane = 0; lane < NNOM_MVE_GROUP; lane++) {
            nnom_mve_put(to, at++, nnom_conv_weight(pack->conv, mve_dw_channel(pack, first, lane), t));
        }
    }
    to += taps * (NNOM_MVE_GROUP / 4);
    mve_dw_finish(pack, first, to);
    for (int32_t lane = 0; pack->multiplier > 1 && lane < NNOM_MVE_GROUP; lane++) {
        nnom_mve_put(to + NNOM_MVE_GROUP_FINISH, (size_t)lane, (first % pack->multiplier + lane) / pack->multiplier);
    }
}

/* True if products of two taps, the first one even, always fit 16 bits. */
static bool mve_dw_fits(const nnom_conv_layer_t *conv)
{
    for (int32_t o = 0; o < conv->channels; o++) {
        for (int32_t t = 0; t + 1 < conv->taps; t += 2) {
            if (nnom_conv_weight(conv, o, t) == -128 && nnom_conv_weight(conv, o, t + 1) == -128) {
                return false;
            }
        }
    }
    return true;
}

/* Cells that are no padding need no zero points. */
static int32_t mve_dw_scratch(const nnom_geometry_t *g, int32_t channels)
{
    return g->pad_top + g->pad_bottom + g->pad_left + g->pad_right > 0 ? channels : 0;
}

static int32_t mve_dw_fold(const nnom_geometry_t *g, int32_t channels, int32_t outputs, int32_t taps)
{
    const bool folds = channels == outputs && channels < NNOM_MVE_GROUP && NNOM_MVE_GROUP % channels == 0 &&
                       g->stride_w == 1 && taps == NNOM_MVE_DW_NINE;
    return folds ? NNOM_MVE_GROUP / channels : 1;
}

static void mve_dw_stream(const mve_dw_pack_t *pack, uint32_t *to)
{
    const int32_t words = nnom_mve_group_words(pack->p->taps, pack->multiplier > 1);
    for (int32_t o = 0; o < pack->conv->channels; o += NNOM_MVE_GROUP, to += words) {
        mve_dw_group(pack, o, to);
    }
}

/* Words of the stream; 0: the layer is not for this variant. */
static uint32_t mve_dw_words(const nnom_conv_layer_t *conv, int32_t multiplier)
{
    if (conv->taps > MVE_DW_TAPS || !nnom_mve_accepts(conv)) {
        return 0;
    }
    const uint64_t groups = ((uint64_t)conv->channels + NNOM_MVE_GROUP - 1) / NNOM_MVE_GROUP;
    const uint64_t words = groups * (uint64_t)nnom_mve_group_words(conv->taps, multiplier > 1);
    return words <= INT32_MAX / 4 && nnom_conv_may_pack(conv, words * 4, 1) ? (uint32_t)words : 0;
}

static nnom_status_t mve_dw_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_geometry_t *g = layer->geometry;
    const int32_t inputs = nnom_layer_in(layer, 0)->shape.c;
    const uint32_t words = mve_dw_words(conv, conv->channels / inputs);
    if (words == 0) {
        return NNOM_UNSUPPORTED;
    }
    nnom_mve_dw_param_t *param = nnom_layer_alloc(layer, 1, sizeof *param);
    uint32_t *stream = nnom_layer_alloc(layer, words, sizeof *stream);
    if (param == NULL || stream == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %ld words of packed weights", (long)words);
    }
    const nnom_mve_dw_param_t packed = {.geometry = *g,
                                        .act_min = conv->param.act_min,
                                        .act_max = conv->param.act_max,
                                        .taps = conv->taps,
                                        .together = mve_dw_fits(conv) ? 2 : 1,
                                        .fold = mve_dw_fold(g, inputs, conv->channels, conv->taps),
                                        .ties = nnom_mve_ties(conv),
                                        .stream = nnom_layer_array(layer, stream, words, NNOM_TYPE_S32)};
    const mve_dw_pack_t pack = {conv, param, conv->channels / inputs};
    *param = packed;
    mve_dw_stream(&pack, stream);
    layer->param = param;
    return nnom_window_scratch(layer, mve_dw_scratch(g, inputs));
}

NNOM_FORM(dw_conv2d_s8_mve, nnom_conv_window, 0, nnom_mve_dw_param, mve_dw_pack)
