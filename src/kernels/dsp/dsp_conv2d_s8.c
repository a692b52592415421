/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolution on cores with the DSP extension: pairs of pixels of a row, blocks of four output channels. The windows of a pair are
 * expanded once to int16, and every block reads them.
 */
#include "expand.h"
#include "dsp_loops.h"
#include "dsp_stream.h"

#include "../ref/patch.h"

/* Scratch: words of both pixels, then, where windows must be gathered as bytes first, a patch. */
typedef struct dsp_conv {
    const nnom_dsp_param_t *p;
    nnom_patches_t patches;
    uint32_t *words;
    int32_t channels; /* of the input */
    int32_t taps;     /* of a window, without filling */
    int32_t outputs;
    bool by_rows; /* rows of the window are expanded where they lie */
} dsp_conv_t;

static bool dsp_conv_by_rows(const nnom_geometry_t *g, int32_t channels)
{
    return channels % 4 == 0 && g->dilation_w == 1;
}

/* One kernel row inside the input, `row` its pixel 0. */
static uint32_t *dsp_conv_row(const dsp_conv_t *c, const uint8_t *row, uint32_t *to, uint32_t step)
{
    const nnom_window_t *window = &c->patches.window;
    const nnom_range_t k = window->columns;
    const int32_t n = c->channels;
    if (k.lo == k.hi) {
        return nnom_dsp_fill(to, c->patches.padding, window->g->kernel_w * n, step);
    }
    const int8_t *from = (const int8_t *)row + (window->left + k.lo) * n;
    to = nnom_dsp_fill(to, c->patches.padding, k.lo * n, step);
    to = nnom_dsp_expand(to, from, (k.hi - k.lo) * n, step);
    return nnom_dsp_fill(to, c->patches.padding, (window->g->kernel_w - k.hi) * n, step);
}

static uint32_t *dsp_conv_rows(dsp_conv_t *c, int32_t x, uint32_t *to, uint32_t step)
{
    nnom_window_t *window = &c->patches.window;
    const int32_t row = window->g->kernel_w * c->channels;
    nnom_window_column(window, x);
    nnom_walk_t walk = window->walk;
    to = nnom_dsp_fill(to, c->patches.padding, window->rows.lo * row, step);
    for (int32_t k = window->rows.lo; k < window->rows.hi; k++, nnom_walk_down(&walk)) {
        to = dsp_conv_row(c, nnom_walk_row(&walk), to, step);
    }
    return nnom_dsp_fill(to, c->patches.padding, (window->g->kernel_h - window->rows.hi) * row, step);
}

/* The window of output column x, filled up with zeros. */
static void dsp_conv_window(dsp_conv_t *c, int32_t x, uint32_t *to, uint32_t step)
{
    uint32_t *end =
        c->by_rows ? dsp_conv_rows(c, x, to, step) : nnom_dsp_expand_any(to, nnom_patch(&c->patches, x), c->taps, step);
    (void)nnom_dsp_fill(end, 0, c->p->taps - (c->taps + 3) / 4 * 4, step);
}

/* What is left of the last block goes through a buffer: the loops write four outputs. */
static void dsp_conv_pair(const dsp_conv_t *c, int8_t *out)
{
    const uint32_t bytes = (uint32_t)c->p->taps * 4u, whole = (uint32_t)c->outputs / 4u,
                   left = (uint32_t)c->outputs % 4u;
    const uint32_t *stream = c->p->stream;
    if (whole > 0) {
        nnom_dsp_pair(stream, c->words, bytes, out, out + c->outputs, whole);
    }
    if (left > 0) {
        int8_t last[8];
        nnom_dsp_pair(stream + whole * (uint32_t)nnom_dsp_block_words(4, c->p->taps), c->words, bytes, last, last + 4,
                      1);
        memcpy(out + whole * 4u, last, left);
        memcpy(out + (uint32_t)c->outputs + whole * 4u, last + 4, left);
    }
}

static void dsp_conv_single(const dsp_conv_t *c, int8_t *out)
{
    const uint32_t bytes = (uint32_t)c->p->taps * 4u, whole = (uint32_t)c->outputs / 4u,
                   left = (uint32_t)c->outputs % 4u;
    const uint32_t *stream = c->p->stream;
    if (whole > 0) {
        nnom_dsp_single(stream, c->words, bytes, out, whole);
    }
    if (left > 0) {
        int8_t last[4];
        nnom_dsp_single(stream + whole * (uint32_t)nnom_dsp_block_words(4, c->p->taps), c->words, bytes, last, 1);
        memcpy(out + whole * 4u, last, left);
    }
}

static dsp_conv_t dsp_conv(const nnom_call_t *call)
{
    const nnom_dsp_param_t *p = call->node->param;
    const int32_t channels = nnom_call_input(call, 0)->shape.c;
    dsp_conv_t c = {p,
                    nnom_patches(call, &p->geometry),
                    nnom_call_scratch(call),
                    channels,
                    p->geometry.kernel_h * p->geometry.kernel_w * channels,
                    nnom_call_output(call)->shape.c,
                    dsp_conv_by_rows(&p->geometry, channels)};
    c.patches.scratch = (uint8_t *)(c.words + p->taps); /* two pixels of taps / 2 words */
    return c;
}

void nnom_conv2d_s8_dsp(const nnom_call_t *call)
{
    dsp_conv_t c = dsp_conv(call);
    const nnom_shape_t out = nnom_call_output(call)->shape;
    const nnom_rows_t to = nnom_call_output_rows(call);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_patches_row(&c.patches, y);
        int32_t x = 0;
        for (; x + 1 < out.w; x += 2) {
            dsp_conv_window(&c, x, c.words, 2);
            dsp_conv_window(&c, x + 1, c.words + 1, 2);
            dsp_conv_pair(&c, row + x * out.c);
        }
        if (x < out.w) {
            dsp_conv_window(&c, x, c.words, 1);
            dsp_conv_single(&c, row + x * out.c);
        }
        nnom_dsp_limits(c.p, row, out.w * out.c);
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
    const nnom_status_t status = nnom_dsp_pack(conv, param, 4, NNOM_DSP_UNROLL);
    if (status != NNOM_OK) {
        return status;
    }
    const bool gathers =
        !dsp_conv_by_rows(layer->geometry, nnom_layer_in(layer, 0)->shape.c) && nnom_conv2d_gathers(layer->geometry);
    layer->scratch_in_pieces = false;
    return nnom_window_scratch(layer, (int64_t)param->taps * 4 + (gathers ? conv->taps : 0));
}

NNOM_FORM(conv2d_s8_dsp, nnom_conv_window, 0, nnom_dsp_param, dsp_conv_pack)
