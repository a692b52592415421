/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolution on cores with Helium: pairs of pixels, blocks of four output channels. Windows that do not lie in memory as one run are
 * gathered. A pair may be the last pixel of a row and the first of the next one.
 */
#include "helium.h"
#include "mve_stream.h"

#include "../ref/patch.h"

enum { MVE_CONV_FAR = 65532 }; /* what offsets of 16 bits reach */

typedef struct mve_conv {
    const nnom_mve_param_t *p;
    nnom_patches_t patches; /* at output row y */
    nnom_rows_t to;
    int8_t *row; /* of the output */
    nnom_shape_t out;
    int8_t *gathered[2]; /* a window each */
    int32_t channels;    /* of the input */
    int32_t taps;
    int32_t words;             /* of a block */
    const uint32_t *whole_end; /* of the blocks of four outputs */
    int32_t x, y;              /* the next pixel */
    nnom_mve_pairs_t *pairs;
    bool by_rows; /* rows of the window are gathered where they lie */
    bool apart;   /* output and input share no memory */
    nnom_mve_run_t run;
} mve_conv_t;

/* ---- Windows ---- */

/* One kernel row inside the input, `row` its pixel 0. */
static int8_t *mve_conv_row(const mve_conv_t *c, const uint8_t *row, int8_t *to)
{
    const nnom_window_t *window = &c->patches.window;
    const nnom_range_t k = window->columns;
    const int32_t n = c->channels, before = k.lo * n, inside = (k.hi - k.lo) * n, all = window->g->kernel_w * n;
    if (inside < all) {
        nnom_mve_fill(to, c->patches.padding, all);
    }
    if (inside > 0) {
        nnom_mve_copy(to + before, (const int8_t *)row + window->left * n + before, inside);
    }
    return to + all;
}

static const int8_t *mve_conv_rows(const mve_conv_t *c, int8_t *to)
{
    const nnom_window_t *window = &c->patches.window;
    const int32_t row = window->g->kernel_w * c->channels, below = window->g->kernel_h - window->rows.hi;
    nnom_walk_t walk = window->walk;
    int8_t *at = to + window->rows.lo * row;
    nnom_mve_fill(to, c->patches.padding, window->rows.lo * row);
    for (int32_t k = window->rows.lo; k < window->rows.hi; k++, nnom_walk_down(&walk)) {
        at = mve_conv_row(c, nnom_walk_row(&walk), at);
    }
    nnom_mve_fill(at, c->patches.padding, below * row);
    return to;
}

/* The window of column x of the row; gathered into `to` if it does not lie in the input as it is. */
static const int8_t *mve_conv_window(mve_conv_t *c, int32_t x, int8_t *to)
{
    if (c->by_rows) {
        nnom_window_column(&c->patches.window, x);
        return mve_conv_rows(c, to);
    }
    const int8_t *place = nnom_patch_in_place(&c->patches, x);
    if (place != NULL || c->patches.window.g->dilation_w == 1) {
        return place != NULL ? place : mve_conv_rows(c, to);
    }
    c->patches.scratch = (uint8_t *)to;
    return nnom_patch(&c->patches, x);
}

/* ---- Pixels ---- */

/* Before the first pixel of row y. */
static void mve_conv_row_begin(mve_conv_t *c, int32_t y)
{
    c->x = 0;
    c->y = y;
    c->row = (int8_t *)nnom_row(&c->to, y);
    nnom_patches_row(&c->patches, y);
}

/* The next pixel's output and its window. */
static int8_t *mve_conv_take(mve_conv_t *c, const int8_t **window, int8_t *gathered)
{
    if (c->x == c->out.w) {
        mve_conv_row_begin(c, c->y + 1);
    }
    *window = mve_conv_window(c, c->x, gathered);
    return c->row + c->x++ * c->out.c;
}

static void mve_conv_outputs(mve_conv_t *c, int8_t *out0, int8_t *out1)
{
    nnom_mve_run_t *run = &c->run;
    run->out = out0 < out1 ? out0 : out1;
    run->offsets = (uint32_t)(out0 - run->out) | (uint32_t)(out1 - run->out) << 16;
}

/* The outputs that the last block, filled up with others, has: through a buffer, for the loops write four. */
static void mve_conv_rest(mve_conv_t *c, int8_t *out0, int8_t *out1)
{
    const int32_t left = c->out.c % 4;
    int8_t last[8];
    mve_conv_outputs(c, last, last + 4);
    c->run.stream = c->whole_end;
    c->run.end = c->whole_end + c->words;
    c->run.pairs = 1;
    c->pairs(&c->run);
    nnom_mve_copy(out0 + c->out.c - left, last, left);
    nnom_mve_copy(out1 + c->out.c - left, last + 4, left);
}

static void mve_conv_single(mve_conv_t *c, int8_t *out)
{
    nnom_mve_run_t *run = &c->run;
    const int32_t left = c->out.c % 4;
    run->stream = c->p->stream;
    run->end = c->whole_end;
    run->out = out;
    if (run->stream != run->end) {
        nnom_mve_single(run);
    }
    if (left > 0) {
        int8_t last[4];
        run->stream = c->whole_end;
        run->end = c->whole_end + c->words;
        run->out = last;
        nnom_mve_single(run);
        nnom_mve_copy(out + c->out.c - left, last, left);
    }
}

/* `pairs` pairs from run.x0 and run.x1 on. */
static void mve_conv_pairs(mve_conv_t *c, int8_t *out0, int8_t *out1, int32_t pairs)
{
    nnom_mve_run_t *run = &c->run;
    mve_conv_outputs(c, out0, out1);
    run->stream = c->p->stream;
    run->end = c->whole_end;
    run->pairs = pairs;
    if (run->stream != run->end) {
        c->pairs(run);
    }
    for (int32_t i = 0; c->out.c % 4 != 0 && i < pairs; i++) {
        mve_conv_rest(c, out0 + 2 * i * c->out.c, out1 + 2 * i * c->out.c);
        run->x0 += run->x_step;
        run->x1 += run->x_step;
    }
}

/* Row y + 1 of the output may lie where the window of row y was: a pair of both reads the first one's window from a copy. */
static void mve_conv_two(mve_conv_t *c)
{
    int8_t *out0 = mve_conv_take(c, &c->run.x0, c->gathered[0]);
    if (c->x == c->out.w && !c->apart && c->run.x0 != c->gathered[0]) {
        nnom_mve_copy(c->gathered[0], c->run.x0, c->taps);
        c->run.x0 = c->gathered[0];
    }
    int8_t *out1 = mve_conv_take(c, &c->run.x1, c->gathered[1]);
    const ptrdiff_t distance = out1 - out0;
    if (distance < MVE_CONV_FAR && distance > -MVE_CONV_FAR) {
        mve_conv_pairs(c, out0, out1, 1);
        return;
    }
    mve_conv_single(c, out0);
    c->run.x0 = c->run.x1;
    mve_conv_single(c, out1);
}

/* Pairs of a row whose windows lie in the input at equal distances. Returns the number of pixels. */
static int32_t mve_conv_line(mve_conv_t *c)
{
    const int32_t n = (c->out.w - c->x) / 2, step = c->patches.window.g->stride_w * c->channels;
    int8_t *out = mve_conv_take(c, &c->run.x0, NULL);
    c->run.x1 = c->run.x0 + step;
    c->run.x_step = 2 * step;
    mve_conv_pairs(c, out, out + c->out.c, n);
    c->x += 2 * n - 1;
    return 2 * n;
}

/* ---- Calls ---- */

/* True if no byte of the output's ring is one of the input's. */
static bool mve_conv_apart(const nnom_rows_t *from, const nnom_rows_t *to)
{
    return to->data + (size_t)to->rows * (size_t)to->row_bytes <= from->data ||
           from->data + (size_t)from->rows * (size_t)from->row_bytes <= to->data;
}

static mve_conv_t mve_conv(const nnom_call_t *call)
{
    const nnom_mve_param_t *p = call->node->param;
    const nnom_geometry_t *g = &p->geometry;
    const nnom_shape_t in = nnom_call_input(call, 0)->shape, out = nnom_call_output(call)->shape;
    mve_conv_t c = {.p = p,
                    .patches = nnom_patches(call, g),
                    .to = nnom_call_output_rows(call),
                    .out = out,
                    .channels = in.c,
                    .taps = g->kernel_h * g->kernel_w * in.c,
                    .pairs = nnom_mve_pairs(p->ties != 0, p->first < NNOM_MVE_CHUNK),
                    .by_rows = nnom_conv2d_gathers(g) && g->dilation_w == 1 && g->kernel_w < in.w};
    c.words = c.taps + NNOM_MVE_FINISH;
    c.whole_end = (const uint32_t *)p->stream + out.c / 4 * c.words;
    c.apart = mve_conv_apart(&c.patches.from, &c.to);
    c.gathered[0] = nnom_call_scratch(call);
    c.gathered[1] = c.gathered[0] + c.taps;
    c.run.first = p->first;
    c.run.chunks = p->chunks;
    c.run.zero_point = nnom_call_output(call)->zero_point;
    c.run.out_step = 2 * out.c - out.c / 4 * 4;
    mve_conv_row_begin(&c, call->y.lo);
    return c;
}

void nnom_conv2d_s8_mve(const nnom_call_t *call)
{
    mve_conv_t c = mve_conv(call);
    const bool lines = !nnom_conv2d_gathers(&c.p->geometry) && c.out.c < MVE_CONV_FAR;
    int32_t left = (call->y.hi - call->y.lo) * c.out.w;
    while (left > 1) {
        if (c.x == c.out.w) {
            mve_conv_row_begin(&c, c.y + 1);
        }
        if (lines && c.out.w - c.x > 1) {
            left -= mve_conv_line(&c);
        } else {
            mve_conv_two(&c);
            left -= 2;
        }
    }
    if (left > 0) {
        mve_conv_single(&c, mve_conv_take(&c, &c.run.x0, c.gathered[0]));
    }
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        nnom_mve_limits((int8_t *)nnom_row(&c.to, y), c.out.w * c.out.c, c.p->act_min, c.p->act_max);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_mve_param, NNOM_MVE_PARAM)

static nnom_status_t mve_conv_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_status_t status = nnom_mve_pack(conv, 1);
    if (status != NNOM_OK) {
        return status;
    }
    const bool odd = layer->out->shape.w % 2 == 1;
    layer->scratch_in_pieces = false;
    return nnom_window_scratch(layer,
                               nnom_conv2d_gathers(layer->geometry) ? 2 * (int64_t)conv->taps : (odd ? conv->taps : 0));
}

NNOM_FORM(conv2d_s8_mve, nnom_conv_window, 0, nnom_mve_param, mve_conv_pack)
