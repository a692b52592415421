/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolution on cores with Helium: pairs of pixels, blocks of four output channels. Windows that do not lie in memory as one run are
 * taken from columns. Else a pair may be the last pixel of a row and the first of the next one.
 */
#include "mve_columns.h"
#include "mve_stream.h"

#include "../fixed.h"
#include "../ref/patch.h"

enum { MVE_CONV_FAR = 65532 }; /* what offsets of 16 bits reach */

typedef struct mve_conv {
    const nnom_mve_param_t *p;
    nnom_patches_t patches; /* at output row y */
    nnom_mve_columns_t columns;
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
    bool apart; /* output and input share no memory */
    nnom_mve_run_t run;
} mve_conv_t;

/* ---- Windows that are not in columns ---- */

/* The window of column x of the row; gathered into `to` if it does not lie in the input as it is. */
static const int8_t *mve_conv_window(mve_conv_t *c, int32_t x, int8_t *to)
{
    const int8_t *place = nnom_patch_in_place(&c->patches, x);
    if (place != NULL) {
        return place;
    }
    if (c->patches.window.g->kernel_w == 1) {
        nnom_mve_columns_fill(&c->columns, c->patches.window.left, 1, to);
        return to;
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

/* ---- Windows in columns ---- */

/* `n` pixels of the row, whose columns are in the scratch. */
static void mve_conv_batch(mve_conv_t *c, int32_t n, int8_t *out)
{
    const int32_t step = c->patches.window.g->stride_w * c->columns.pitch;
    c->run.x0 = c->gathered[0];
    c->run.x1 = c->run.x0 + step;
    c->run.x_step = 2 * step;
    if (n > 1) {
        mve_conv_pairs(c, out, out + c->out.c, n / 2);
    }
    if (n % 2 == 1) {
        c->run.x0 = c->gathered[0] + (n - 1) * step;
        mve_conv_single(c, out + (n - 1) * c->out.c);
    }
}

/* A row: what a batch's last windows have in common with the next one's first is moved. */
static void mve_conv_columns(mve_conv_t *c)
{
    const nnom_geometry_t *g = c->patches.window.g;
    const int32_t batch = c->p->batch, pitch = c->columns.pitch;
    const int32_t kept = g->kernel_w > g->stride_w ? g->kernel_w - g->stride_w : 0;
    int8_t *buffer = c->gathered[0];
    for (int32_t x = 0, have = 0; x < c->out.w; x += batch, have = kept) {
        const int32_t n = nnom_min_i32(batch, c->out.w - x);
        const int32_t need = (n - 1) * g->stride_w + g->kernel_w;
        if (have > 0) {
            nnom_mve_copy(buffer, buffer + batch * g->stride_w * pitch, have * pitch);
        }
        nnom_mve_columns_fill(&c->columns, x * g->stride_w - g->pad_left + have, need - have, buffer + have * pitch);
        mve_conv_batch(c, n, c->row + x * c->out.c);
    }
}

/* ---- Calls ---- */

/* True if no byte of the output's ring is one of the input's. */
static bool mve_conv_apart(const nnom_rows_t *from, const nnom_rows_t *to)
{
    return to->data + (size_t)to->rows * (size_t)to->row_bytes <= from->data ||
           from->data + (size_t)from->rows * (size_t)from->row_bytes <= to->data;
}

static void mve_conv_begin(mve_conv_t *c, const nnom_call_t *call)
{
    const nnom_mve_param_t *p = call->node->param;
    const nnom_geometry_t *g = &p->geometry;
    const int32_t channels = nnom_call_input(call, 0)->shape.c;
    c->p = p;
    c->patches = nnom_patches(call, g);
    if (nnom_conv2d_gathers(g)) {
        c->columns = nnom_mve_columns(&c->patches.window, c->patches.padding);
    }
    c->to = nnom_call_output_rows(call);
    c->out = nnom_call_output(call)->shape;
    c->channels = channels;
    c->taps = g->kernel_h * g->kernel_w * channels;
    c->words = p->pitch + (p->chunks - 1) * NNOM_MVE_CHUNK + NNOM_MVE_FINISH;
    c->whole_end = (const uint32_t *)p->stream + c->out.c / 4 * c->words;
    c->gathered[0] = nnom_call_scratch(call);
    c->gathered[1] = c->gathered[0] + c->taps;
    c->pairs = nnom_mve_pairs(p->ties != 0, p->first, p->pitch, p->chunks);
    c->apart = mve_conv_apart(&c->patches.from, &c->to);
    c->run.first = p->first;
    c->run.chunks = p->chunks;
    c->run.pitch = p->pitch;
    c->run.zero_point = nnom_call_output(call)->zero_point;
    c->run.x_step = 0;
    c->run.out_step = 2 * c->out.c - c->out.c / 4 * 4;
    mve_conv_row_begin(c, call->y.lo);
}

/*
 * True if the pixels of all rows of the call lie side by side in the input as in the output, and a pair of two rows may be computed
 * where they are: the output's rows up to y + 1 end where the input's row y + 1 begins, or before, so the first pixel of row y + 1 ends
 * (w - 1) * c bytes before that, and the last window of row y begins a pixel before it. What no block of four outputs holds is computed
 * after all pixels, from inputs that are overwritten by then.
 */
static bool mve_conv_flat(const mve_conv_t *c)
{
    const nnom_window_t *window = &c->patches.window;
    const nnom_geometry_t *g = window->g;
    return g->kernel_w == 1 && g->stride_w == 1 && g->stride_h == 1 && c->patches.from.rows >= window->in.h &&
           c->to.rows >= c->out.h && (c->apart || (c->out.c % 4 == 0 && (c->out.w - 1) * c->out.c >= c->channels));
}

static void mve_conv_points(mve_conv_t *c, int32_t pixels)
{
    const int8_t *x = (const int8_t *)nnom_row(&c->patches.from, c->y);
    c->run.x0 = x;
    c->run.x1 = x + c->channels;
    c->run.x_step = 2 * c->channels;
    if (pixels > 1) {
        mve_conv_pairs(c, c->row, c->row + c->out.c, pixels / 2);
    }
    if (pixels % 2 == 1) {
        c->run.x0 = x + (pixels - 1) * c->channels;
        mve_conv_single(c, c->row + (pixels - 1) * c->out.c);
    }
}

static void mve_conv_in_place(mve_conv_t *c, int32_t pixels)
{
    const bool lines = !nnom_conv2d_gathers(&c->p->geometry) && c->out.c < MVE_CONV_FAR;
    int32_t left = pixels;
    if (lines && mve_conv_flat(c)) {
        mve_conv_points(c, pixels);
        return;
    }
    while (left > 1) {
        if (c->x == c->out.w) {
            mve_conv_row_begin(c, c->y + 1);
        }
        if (lines && c->out.w - c->x > 1) {
            left -= mve_conv_line(c);
        } else {
            mve_conv_two(c);
            left -= 2;
        }
    }
    if (left > 0) {
        mve_conv_single(c, mve_conv_take(c, &c->run.x0, c->gathered[0]));
    }
}

void nnom_conv2d_s8_mve(const nnom_call_t *call)
{
    mve_conv_t c;
    mve_conv_begin(&c, call);
    if (c.p->batch == 0) {
        mve_conv_in_place(&c, (call->y.hi - call->y.lo) * c.out.w);
    }
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        if (c.p->batch > 0) {
            mve_conv_row_begin(&c, y);
            mve_conv_columns(&c);
        }
        nnom_mve_limits((int8_t *)nnom_row(&c.to, y), c.out.w * c.out.c, c.p->act_min, c.p->act_max);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_mve_param, NNOM_MVE_PARAM)

/* Pixels of a batch: more cost fewer calls, and working memory. 0: windows are taken as they lie. */
static int32_t mve_conv_batch_of(const nnom_layer_t *layer)
{
    enum { SMALL = 512, LARGE = 1024 };
    const nnom_geometry_t *g = layer->geometry;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    if (!nnom_conv2d_gathers(g) || (g->kernel_w > 1 && g->dilation_w > 1) || (g->kernel_w == 1 && in.w == 1)) {
        return 0;
    }
    const int64_t pitch = (int64_t)g->kernel_h * in.c, first = (int64_t)g->kernel_w - g->stride_w;
    const int64_t most = pitch * (4 * (int64_t)g->stride_w + first) <= LARGE ? 4 : 2;
    int64_t batch = (SMALL / pitch - first) / g->stride_w;
    batch = batch < most ? most : batch;
    const int64_t rounds =
        (layer->out->shape.w + batch - 1) / batch; /* of about the same number of pixels, which is even */
    batch = ((layer->out->shape.w + rounds - 1) / rounds + 1) / 2 * 2;
    return (int32_t)(batch < layer->out->shape.w ? batch : layer->out->shape.w);
}

static int64_t mve_conv_scratch(const nnom_conv_layer_t *conv)
{
    const nnom_layer_t *layer = &conv->super;
    const nnom_mve_param_t *p = layer->param;
    const nnom_geometry_t *g = layer->geometry;
    if (p->batch > 0) {
        const int64_t columns = (int64_t)(p->batch - 1) * g->stride_w + g->kernel_w;
        /* The last window's chunks may be longer than it is. */
        const int32_t behind = p->first + (p->chunks - 1) * NNOM_MVE_CHUNK - conv->taps;
        return columns * g->kernel_h * nnom_layer_in(layer, 0)->shape.c + behind;
    }
    if (nnom_conv2d_gathers(g)) {
        return 2 * (int64_t)conv->taps;
    }
    return layer->out->shape.w % 2 == 1 ? conv->taps : 0; /* the last pixel of a row, in a pair with the next row's */
}

static nnom_status_t mve_conv_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const int32_t batch = mve_conv_batch_of(layer);
    const nnom_status_t status = nnom_mve_pack(conv, 1, batch, true);
    layer->scratch_in_pieces = false;
    return status == NNOM_OK ? nnom_window_scratch(layer, mve_conv_scratch(conv)) : status;
}

NNOM_FORM(conv2d_s8_mve, nnom_conv_window, 0, nnom_mve_param, mve_conv_pack)
