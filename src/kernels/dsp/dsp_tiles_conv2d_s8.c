/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Convolution of 3 x 3 and stride 1 on cores with the DSP extension, where the weights may grow: tiles of four outputs of a row (tiles.h),
 * two at a time, or one where inputs have many channels.
 */
#include <string.h>

#include "tiles.h"
#include "dsp_loops.h"
#include "dsp_stream.h"

#include "../ref/window.h"

/* tiles: at a time, 2 or 1; block: outputs of a block. */
typedef struct dsp_tiles_loops {
    void (*run)(const uint32_t *stream, const uint32_t *x, uint32_t weight_bytes, int8_t *out, const int8_t *end,
                uint32_t distance, uint32_t skip);
    int32_t tiles, block;
} dsp_tiles_loops_t;

/* Scratch: inputs of the tiles by phases, then the six columns of a row of a tile where some of them are padding. */
typedef struct dsp_tiles {
    const nnom_dsp_param_t *p;
    const dsp_tiles_loops_t *loops;
    nnom_window_t window;
    nnom_shape_t out;
    uint32_t *words;
    int8_t *columns;
    uint32_t zeros; /* four zero points */
    uint32_t channels;
    uint32_t phase_bytes; /* of the inputs */
    uint32_t weights;     /* bytes of the weights of a phase */
    uint32_t skip;        /* as the loops have it */
} dsp_tiles_t;

/* Bytes of a phase of the inputs of `tiles`. */
static uint32_t dsp_tiles_phase(uint32_t channels, int32_t tiles)
{
    return 3 * channels * 2 * (uint32_t)tiles;
}

/* n words of zero points. */
static int8_t *dsp_tiles_zeros(const dsp_tiles_t *c, int8_t *to, uint32_t n)
{
    for (; n > 0; n--, to += 4) {
        memcpy(to, &c->zeros, 4);
    }
    return to;
}

/* The columns of a row from `first` on, some outside the input; row NULL: all of them. Words, as channels are a multiple of 4. */
static NNOM_DSP_APART const int8_t *dsp_tiles_border(const dsp_tiles_t *c, const int8_t *row, int32_t first)
{
    const uint32_t words = c->channels / 4;
    nnom_range_t inside = nnom_clip(first, 1, NNOM_DSP_TILE_COLUMNS, c->window.in.w);
    inside.hi = row != NULL ? inside.hi : inside.lo;
    int8_t *to = dsp_tiles_zeros(c, c->columns, words * (uint32_t)inside.lo);
    const int8_t *from = row != NULL ? row + (first + inside.lo) * (int32_t)c->channels : NULL;
    for (uint32_t n = words * (uint32_t)(inside.hi - inside.lo); n > 0; n--, to += 4, from += 4) {
        memcpy(to, from, 4);
    }
    (void)dsp_tiles_zeros(c, to, words * (uint32_t)(NNOM_DSP_TILE_COLUMNS - inside.hi));
    return c->columns;
}

/* The tile whose first output is in column x; to: its words. Of a single one the second half of the channels stands where another tile would. */
static void dsp_tiles_inputs(const dsp_tiles_t *c, const int8_t *const *rows, int32_t x, uint32_t *to)
{
    const int32_t first = x - nnom_dsp_geometry(c->p)->pad_left;
    const bool inside = first >= 0 && first + NNOM_DSP_TILE_COLUMNS <= c->window.in.w;
    const uint32_t count = c->loops->tiles == 1 ? c->channels / 2 : c->channels;
    for (int32_t k = 0; k < 3; k++, to += count) {
        const int8_t *from =
            inside && rows[k] != NULL ? rows[k] + first * (int32_t)c->channels : dsp_tiles_border(c, rows[k], first);
        nnom_dsp_tile_row(from, c->channels, to, c->phase_bytes, count);
        if (c->loops->tiles == 1) {
            nnom_dsp_tile_row(from + count, c->channels, to + 1, c->phase_bytes, count);
        }
    }
}

/* Outputs of the tiles in the scratch, `distance` apart, of the blocks from `stream` on up to that of `end`. */
static void dsp_tiles_blocks(const dsp_tiles_t *c, const uint32_t *stream, int8_t *out, const int8_t *end,
                             int32_t distance)
{
    c->loops->run(stream, c->words, c->weights, out, end, (uint32_t)distance, c->skip);
}

/* n outputs of a row, less than the tiles have: through a buffer. */
static NNOM_DSP_APART void dsp_tiles_rest(const dsp_tiles_t *c, int8_t *out, int32_t n)
{
    const int32_t block = c->loops->block;
    const uint32_t *stream = c->p->stream;
    for (const int8_t *end = out + c->out.c; out != end; out += block) {
        int8_t some[4 * NNOM_DSP_TILE];
        dsp_tiles_blocks(c, stream, some, some + block, block);
        for (int32_t i = 0; i < n; i++) {
            memcpy(out + i * c->out.c, some + i * block, (size_t)block);
        }
        stream += nnom_dsp_tiles_words(block, c->weights);
    }
}

static void dsp_tiles_row(const dsp_tiles_t *c, const int8_t *const *rows, int8_t *out)
{
    const int32_t most = c->loops->tiles * NNOM_DSP_TILE;
    for (int32_t x = 0; x < c->out.w; x += most, out += most * c->out.c) {
        const int32_t n = c->out.w - x;
        dsp_tiles_inputs(c, rows, x, c->words);
        if (n > NNOM_DSP_TILE && most > NNOM_DSP_TILE) {
            dsp_tiles_inputs(c, rows, x + NNOM_DSP_TILE, c->words + 1);
        }
        if (n < most) {
            dsp_tiles_rest(c, out, n);
        } else {
            dsp_tiles_blocks(c, c->p->stream, out, out + c->out.c, c->out.c);
        }
    }
}

static NNOM_SMALL void dsp_tiles_run(const nnom_call_t *call, const dsp_tiles_loops_t *loops)
{
    const nnom_dsp_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0);
    const nnom_rows_t from = nnom_call_input_rows(call, 0), to = nnom_call_output_rows(call);
    uint32_t *words = nnom_call_scratch(call);
    const uint32_t channels = (uint32_t)in->shape.c, bytes = dsp_tiles_phase(channels, loops->tiles);
    const uint32_t weights = 3 * channels * 2 * (uint32_t)loops->block, over = weights / 16 % NNOM_DSP_TILE_UNROLL;
    dsp_tiles_t c = {p,
                     loops,
                     nnom_window(call, nnom_dsp_geometry(p)),
                     nnom_call_output(call)->shape,
                     words,
                     (int8_t *)(words + NNOM_DSP_PHASES * bytes / 4),
                     ((uint32_t)in->zero_point & 0xffu) * 0x1010101u,
                     channels,
                     bytes,
                     weights,
                     over == 0 ? 0 : NNOM_DSP_TILE_UNROLL - over};
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

void nnom_conv2d_s8_dsp_tiles(const nnom_call_t *call)
{
    static const dsp_tiles_loops_t loops = {nnom_dsp_tiles, 2, 2};
    dsp_tiles_run(call, &loops);
}

void nnom_conv2d_s8_dsp_tile(const nnom_call_t *call)
{
    static const dsp_tiles_loops_t loops = {nnom_dsp_tile, 1, 4};
    dsp_tiles_run(call, &loops);
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_dsp_param, NNOM_DSP_PARAM)

/* Phase by phase, of a row of the window and a channel of the input. */
static int32_t dsp_tiles_weight(const nnom_conv_layer_t *conv, int32_t channel, int32_t phase, int32_t row,
                                int32_t input)
{
    static const int8_t factors[NNOM_DSP_PHASES][3] = {{-4, -4, -4}, {-4, 4, -4}, {1, 2, 4},
                                                       {1, -2, 4},   {6, 0, 0},   {0, 0, 24}};
    const int32_t channels = conv->taps / 9;
    int32_t sum = 0; /* |sum| <= 24 * 128 */
    for (int32_t k = 0; k < 3; k++) {
        sum += factors[phase][k] * nnom_conv_weight(conv, channel, (3 * row + k) * channels + input);
    }
    return sum;
}

/* Where the sum of a phase starts, modulo 2^32: 24 times the bias, and what offsets of the inputs add. */
static uint32_t dsp_tiles_start(const nnom_conv_layer_t *conv, int32_t channel, int32_t phase)
{
    uint32_t sum = 0;
    for (int32_t k = 0; k < conv->taps / 3; k++) {
        sum += (uint32_t)dsp_tiles_weight(conv, channel, phase, k % 3, k / 3);
    }
    const uint32_t bias = (uint32_t)nnom_dsp_channel(conv, channel).start * 24u;
    return (phase == 0 ? bias : 0) - sum * (uint32_t)nnom_dsp_tile_offset(phase);
}

/* Word k of a phase, and of a row of the window: its first channel; the other one is two behind. Of a single tile the halves take turns. */
static int32_t dsp_tiles_channel(int32_t k, int32_t channels, int32_t tiles)
{
    const int32_t of_two = tiles == 2 ? k : k / 2, half = tiles == 2 ? 0 : k % 2 * (channels / 2);
    return half + of_two / 2 * 4 + of_two % 2;
}

static uint32_t *dsp_tiles_phase_weights(const nnom_conv_layer_t *conv, int32_t channel, int32_t phase, int32_t tiles,
                                         uint32_t *to)
{
    const int32_t channels = conv->taps / 9, words = channels / 2;
    for (int32_t k = 0; k < 3 * words; k++) {
        const int32_t row = k / words, input = dsp_tiles_channel(k % words, channels, tiles);
        for (int32_t o = channel; o < channel + 4 / tiles; o++) {
            *to++ = ((uint32_t)dsp_tiles_weight(conv, o, phase, row, input) & 0xffffu) |
                    (uint32_t)dsp_tiles_weight(conv, o, phase, row, input + 2) << 16;
        }
    }
    return to;
}

static uint32_t *dsp_tiles_block(const nnom_conv_layer_t *conv, int32_t channel, int32_t tiles, uint32_t *to)
{
    const int32_t end = channel + 4 / tiles;
    for (int32_t phase = 0; phase < NNOM_DSP_PHASES; phase++) {
        for (int32_t o = channel; o < end; o++) {
            *to++ = dsp_tiles_start(conv, o, phase);
        }
        to = dsp_tiles_phase_weights(conv, channel, phase, tiles, to);
    }
    for (int32_t o = channel; o < end; o++) {
        const nnom_dsp_channel_t c = nnom_dsp_channel(conv, o);
        *to++ = (uint32_t)c.multiplier;
        *to++ = (uint32_t)c.constant;
        *to++ = (uint32_t)(c.exponent + 256 * (tiles - 1));
    }
    return to;
}

/* Rows that fill their tiles, three outputs of four at least. */
static bool dsp_tiles_fits(const nnom_layer_t *layer, int32_t tiles)
{
    const nnom_geometry_t *g = layer->geometry;
    const nnom_conv_layer_t *conv = (const nnom_conv_layer_t *)layer;
    const int32_t most = tiles * NNOM_DSP_TILE, w = layer->out->shape.w, over = w % most;
    return g->kernel_h == 3 && g->kernel_w == 3 && g->stride_w == 1 && g->dilation_w == 1 &&
           conv->taps % (tiles == 2 ? 36 : 72) == 0 && conv->channels % (4 / tiles) == 0 &&
           (over == 0 || over >= most * 3 / 4 || w > 2 * most) && nnom_dsp_accepts_all(conv, 1 << 28);
}

/* Two tiles of more channels would take more than 1 KB of scratch, for less than a tenth of the instructions. */
static bool dsp_tiles_are_large(const nnom_layer_t *layer)
{
    enum { LARGE = 9 * 32 };
    return ((const nnom_conv_layer_t *)layer)->taps > LARGE && dsp_tiles_fits(layer, 1);
}

static nnom_status_t dsp_tiles_pack_as(nnom_layer_t *layer, int32_t tiles)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const int32_t block = 4 / tiles, channels = conv->taps / 9;
    const uint64_t each = (uint64_t)block * (9 + NNOM_DSP_PHASES * 3 * (uint64_t)channels / 2);
    const uint64_t words = (uint64_t)(conv->channels / block) * each;
    if (!dsp_tiles_fits(layer, tiles) || words > INT32_MAX / 4 || !nnom_conv_may_pack(conv, words * 4, 4)) {
        return NNOM_UNSUPPORTED;
    }
    uint32_t *stream = nnom_layer_alloc(layer, (size_t)words, sizeof *stream);
    if (stream == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %ld words of packed weights", (long)words);
    }
    uint32_t *to = stream;
    for (int32_t o = 0; o < conv->channels; o += block) {
        to = dsp_tiles_block(conv, o, tiles, to);
    }
    const nnom_status_t status = nnom_dsp_keep(conv, stream, (uint32_t)words, conv->taps);
    if (status != NNOM_OK) {
        return status;
    }
    layer->scratch_in_pieces = false;
    return nnom_window_scratch(layer, NNOM_DSP_PHASES * (int64_t)dsp_tiles_phase((uint32_t)channels, tiles) +
                                          NNOM_DSP_TILE_COLUMNS * (int64_t)channels);
}

static nnom_status_t dsp_tiles_pack(nnom_layer_t *layer)
{
    return dsp_tiles_are_large(layer) ? NNOM_UNSUPPORTED : dsp_tiles_pack_as(layer, 2);
}

static nnom_status_t dsp_tile_pack(nnom_layer_t *layer)
{
    return dsp_tiles_pack_as(layer, 1);
}

NNOM_FORM(conv2d_s8_dsp_tiles, nnom_dsp_window, 0, nnom_dsp_param, dsp_tiles_pack)
NNOM_FORM(conv2d_s8_dsp_tile, nnom_dsp_window, 0, nnom_dsp_param, dsp_tile_pack)
