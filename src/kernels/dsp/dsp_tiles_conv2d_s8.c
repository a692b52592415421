/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolution of 3 x 3 and stride 1 on cores with the DSP extension, where the weights may grow: tiles of four outputs of a row (tiles.h),
 * two at a time.
 */
#include <string.h>

#include "tiles.h"
#include "dsp_loops.h"
#include "dsp_stream.h"

#include "../ref/window.h"

/* Scratch: inputs of two tiles by phases, then the six columns of a row of a tile where some of them are padding. */
typedef struct dsp_tiles {
    const nnom_dsp_param_t *p;
    nnom_window_t window;
    nnom_shape_t out;
    uint32_t *words;
    int8_t *columns;
    int32_t zero_point;
    uint32_t channels;
} dsp_tiles_t;

/* Bytes of a phase, of the inputs and of the weights of a block. */
static uint32_t dsp_tiles_phase(uint32_t channels)
{
    return 3 * channels * 4;
}

/* The columns of a row from `first` on, some outside the input; row NULL: all of them. Words, as channels are a multiple of 4. */
static NNOM_DSP_APART const int8_t *dsp_tiles_border(const dsp_tiles_t *c, const int8_t *row, int32_t first)
{
    const uint32_t zeros = ((uint32_t)c->zero_point & 0xffu) * 0x1010101u;
    int8_t *to = c->columns;
    for (int32_t k = 0; k < NNOM_DSP_TILE_COLUMNS; k++) {
        const bool inside = row != NULL && first + k >= 0 && first + k < c->window.in.w;
        const int8_t *from = inside ? row + (first + k) * (int32_t)c->channels : NULL;
        for (const int8_t *end = to + c->channels; to != end; to += 4) {
            memcpy(to, from != NULL ? from : (const int8_t *)&zeros, 4);
            from = from != NULL ? from + 4 : NULL;
        }
    }
    return c->columns;
}

/* Tile t, 0 or 1, of those whose first output is in column x. */
static void dsp_tiles_inputs(const dsp_tiles_t *c, const int8_t *const *rows, int32_t x, int32_t t)
{
    const int32_t first = x + t * NNOM_DSP_TILE - nnom_dsp_geometry(c->p)->pad_left;
    const bool inside = first >= 0 && first + NNOM_DSP_TILE_COLUMNS <= c->window.in.w;
    uint32_t *to = c->words + t;
    for (int32_t k = 0; k < 3; k++, to += c->channels) {
        const int8_t *from =
            inside && rows[k] != NULL ? rows[k] + first * (int32_t)c->channels : dsp_tiles_border(c, rows[k], first);
        nnom_dsp_tile_row(from, c->channels, to, dsp_tiles_phase(c->channels));
    }
}

/* n outputs of a row, less than two tiles: through a buffer. */
static NNOM_DSP_APART void dsp_tiles_rest(const dsp_tiles_t *c, int8_t *out, int32_t n, uint32_t skip)
{
    const uint32_t bytes = dsp_tiles_phase(c->channels);
    const uint32_t *stream = c->p->stream;
    for (int32_t o = 0; o < c->out.c; o += 2, stream += 7 + NNOM_DSP_PHASES * bytes / 4) {
        int8_t both[2 * 2 * NNOM_DSP_TILE];
        nnom_dsp_tiles(stream, c->words, bytes, both, both + 2, 2, skip);
        for (int32_t i = 0; i < n; i++) {
            out[i * c->out.c + o] = both[2 * i];
            out[i * c->out.c + o + 1] = both[2 * i + 1];
        }
    }
}

static void dsp_tiles_row(const dsp_tiles_t *c, const int8_t *const *rows, int8_t *out)
{
    const uint32_t bytes = dsp_tiles_phase(c->channels), over = bytes / 16 % NNOM_DSP_TILE_UNROLL;
    const uint32_t skip = over == 0 ? 0 : NNOM_DSP_TILE_UNROLL - over;
    for (int32_t x = 0; x < c->out.w; x += 2 * NNOM_DSP_TILE, out += 2 * NNOM_DSP_TILE * c->out.c) {
        const int32_t n = c->out.w - x;
        dsp_tiles_inputs(c, rows, x, 0);
        if (n > NNOM_DSP_TILE) {
            dsp_tiles_inputs(c, rows, x, 1);
        }
        if (n < 2 * NNOM_DSP_TILE) {
            dsp_tiles_rest(c, out, n, skip);
        } else {
            nnom_dsp_tiles(c->p->stream, c->words, bytes, out, out + c->out.c, (uint32_t)c->out.c, skip);
        }
    }
}

NNOM_SMALL void nnom_conv2d_s8_dsp_tiles(const nnom_call_t *call)
{
    const nnom_dsp_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    uint32_t *words = nnom_call_scratch(call);
    const uint32_t channels = (uint32_t)in->shape.c;
    dsp_tiles_t c = {p,
                     nnom_window(call, nnom_dsp_geometry(p)),
                     nnom_call_output(call)->shape,
                     words,
                     (int8_t *)(words + NNOM_DSP_PHASES * dsp_tiles_phase(channels) / 4),
                     in->zero_point,
                     channels};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *out = (int8_t *)nnom_row(&to, y);
        const int8_t *rows[3] = {NULL, NULL, NULL};
        nnom_window_row(&c.window, &from, y);
        nnom_walk_t walk = c.window.walk;
        for (int32_t k = c.window.rows.lo; k < c.window.rows.hi; k++, nnom_walk_down(&walk)) {
            rows[k] = (const int8_t *)nnom_walk_row(&walk);
        }
        dsp_tiles_row(&c, rows, out);
        nnom_dsp_limits(p->act_min, p->act_max, out, c.out.w * c.out.c);
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_dsp_param, NNOM_DSP_PARAM)

/* 24 times a bias, modulo 2^32. */
static uint32_t dsp_tiles_start(const nnom_conv_layer_t *conv, int32_t channel)
{
    return (uint32_t)nnom_dsp_channel(conv, channel).start * 24u;
}

/* Phase by phase, of a row of the window and a channel of the input. */
static uint32_t dsp_tiles_weight(const nnom_conv_layer_t *conv, int32_t channel, int32_t phase, int32_t row,
                                 int32_t input)
{
    static const int8_t factors[NNOM_DSP_PHASES][3] = {{-4, -4, -4}, {-4, 4, -4}, {1, 2, 4},
                                                       {1, -2, 4},   {6, 0, 0},   {0, 0, 24}};
    const int32_t channels = conv->taps / 9;
    int32_t sum = 0; /* |sum| <= 24 * 128 */
    for (int32_t k = 0; k < 3; k++) {
        sum += factors[phase][k] * nnom_conv_weight(conv, channel, (3 * row + k) * channels + input);
    }
    return (uint32_t)sum & 0xffffu;
}

static uint32_t *dsp_tiles_taps(const nnom_conv_layer_t *conv, int32_t channel, int32_t phase, uint32_t *to)
{
    const int32_t channels = conv->taps / 9;
    for (int32_t tap = 0; tap < 3 * channels; tap += 4) {
        const int32_t row = tap / channels, first = tap % channels;
        for (int32_t k = 0; k < 4; k++) {
            const int32_t input = first + k / 2, o = channel + k % 2;
            *to++ = dsp_tiles_weight(conv, o, phase, row, input) | dsp_tiles_weight(conv, o, phase, row, input + 2)
                                                                       << 16;
        }
    }
    return to;
}

static uint32_t *dsp_tiles_block(const nnom_conv_layer_t *conv, int32_t channel, uint32_t *to)
{
    *to++ = dsp_tiles_start(conv, channel);
    *to++ = dsp_tiles_start(conv, channel + 1);
    for (int32_t phase = 0; phase < NNOM_DSP_PHASES; phase++) {
        to = dsp_tiles_taps(conv, channel, phase, to);
    }
    return nnom_dsp_finish(conv, channel, 2, to);
}

/* Rows that fill their tiles, three outputs of four at least. */
static bool dsp_tiles_fits(const nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    const nnom_conv_layer_t *conv = (const nnom_conv_layer_t *)layer;
    const int32_t w = layer->out->shape.w, over = w % (2 * NNOM_DSP_TILE);
    return g->kernel_h == 3 && g->kernel_w == 3 && g->stride_w == 1 && g->dilation_w == 1 && conv->taps % 36 == 0 &&
           conv->channels % 2 == 0 && (over == 0 || over > 5 || w > 4 * NNOM_DSP_TILE) &&
           nnom_dsp_accepts_all(conv, 1 << 28);
}

static nnom_status_t dsp_tiles_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const uint64_t phase = (uint64_t)conv->taps / 9 * 12, words = (uint64_t)conv->channels / 2 * (7 + 6 * phase / 4);
    if (!dsp_tiles_fits(layer) || words > INT32_MAX / 4 || !nnom_conv_may_pack(conv, words * 4, 4)) {
        return NNOM_UNSUPPORTED;
    }
    uint32_t *stream = nnom_layer_alloc(layer, (size_t)words, sizeof *stream);
    if (stream == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %ld words of packed weights", (long)words);
    }
    uint32_t *to = stream;
    for (int32_t o = 0; o < conv->channels; o += 2) {
        to = dsp_tiles_block(conv, o, to);
    }
    const nnom_status_t status = nnom_dsp_keep(conv, stream, (uint32_t)words, conv->taps);
    if (status != NNOM_OK) {
        return status;
    }
    layer->scratch_in_pieces = false;
    return nnom_window_scratch(layer, (int64_t)NNOM_DSP_PHASES * (int64_t)phase +
                                          NNOM_DSP_TILE_COLUMNS * (int64_t)(conv->taps / 9));
}

NNOM_FORM(conv2d_s8_dsp_tiles, nnom_dsp_window, 0, nnom_dsp_param, dsp_tiles_pack)
