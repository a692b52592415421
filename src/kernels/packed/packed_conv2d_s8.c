/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Conv2D: four pixels with two words (lanes.h), or two with one; where the output is one pixel wide four channels of it (block.h).
 * With lanes the bias is less START for each segment of its channel, modulo 2^32.
 */
#include "../fixed.h"
#include "../ref/patch.h"
#include "block.h"
#include "expand.h"
#include "lanes.h"
#include "pack.h"

/* ---- One pixel at a time ---- */

static void single(const nnom_packed_param_t *p, const nnom_tensor_t *out, const int8_t *patch, int32_t taps,
                   int8_t *to)
{
    const int32_t *bias = p->bias;
    const uint8_t *w = p->weights;
    const int32_t excess = nnom_block_excess(patch, taps);
    for (int32_t o = 0, width; o < out->shape.c; o += width, w += taps * width) {
        int32_t acc[NNOM_PACKED_BLOCK];
        width = nnom_min_i32(NNOM_PACKED_BLOCK, out->shape.c - o);
        for (int32_t i = 0; i < width; i++) {
            acc[i] = bias[o + i] - excess;
        }
        nnom_block(acc, patch, w, taps, width);
        nnom_packed_channels(p, o, out->zero_point, acc, width, to + o);
    }
}

static void singles(const nnom_call_t *call, const nnom_packed_param_t *p, int32_t taps)
{
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    nnom_patches_t patches = nnom_patches(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_patches_row(&patches, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            single(p, out, nnom_patch(&patches, x), taps, row);
        }
    }
}

/* ---- Two and four pixels ---- */

/* Of a call: the words of a part's taps; the sums of all channels between parts. */
typedef struct work {
    const nnom_packed_param_t *p;
    const nnom_tensor_t *out;
    int32_t taps;  /* of a part */
    int32_t lanes; /* 2 or 4 of them are computed */
    int32_t pixels;
    uint32_t *words; /* [taps][lanes / 2] */
    uint32_t *sums;  /* [out c][lanes] */
} work_t;

static void begin_sums(uint32_t *sums, uint32_t bias, int32_t lanes)
{
    sums[0] = bias;
    sums[1] = bias;
    if (lanes == 4) {
        sums[2] = bias;
        sums[3] = bias;
    }
}

/* All channels of a part. */
static void packed_conv2d_part_of_s8(const work_t *work, nnom_stream_t *stream, int32_t part, int8_t *to)
{
    const nnom_packed_param_t *p = work->p;
    const int32_t channels = work->out->shape.c;
    const int32_t *bias = p->bias;
    uint32_t one[4], *sums = p->parts > 1 ? work->sums : one;
    for (int32_t o = 0; o < channels; o++) {
        if (part == 0) {
            begin_sums(sums, (uint32_t)bias[o], work->lanes);
        }
        if (work->lanes == 4) {
            nnom_lanes_dot4(stream, work->words, work->taps, sums);
        } else {
            nnom_lanes_dot2(stream, work->words, work->taps, sums);
        }
        if (part == p->parts - 1) {
            nnom_packed_pixels(p, o, work->out->zero_point, (const int32_t *)sums, work->pixels, to + o, channels);
        }
        sums += p->parts > 1 ? work->lanes : 0;
    }
}

/* `pixels` pixels from x on. */
static void group(work_t *work, nnom_expand_t *e, int32_t x, int8_t *to)
{
    const nnom_packed_param_t *p = work->p;
    nnom_stream_t stream = {p->weights, p->runs};
    work->pixels = nnom_min_i32(p->lanes, work->out->shape.w - x);
    work->lanes = work->pixels > 2 ? 4 : 2;
    e->lanes = work->lanes;
    nnom_expand_begin(e, x, work->pixels);
    for (int32_t part = 0; part < p->parts; part++) {
        nnom_expand(e, p->parts > 1 ? 1 : p->geometry.kernel_h, work->words);
        packed_conv2d_part_of_s8(work, &stream, part, to);
    }
}

static void groups(const nnom_call_t *call, const nnom_packed_param_t *p, int32_t taps)
{
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    uint32_t *words = nnom_call_scratch(call);
    work_t work = {p, out, taps / p->parts, 0, 0, words, words + taps / p->parts * p->lanes / 2};
    nnom_expand_t e = {.window = nnom_window(call, &p->geometry),
                       .from = nnom_call_input_rows(call, 0),
                       .padding = (int8_t)nnom_call_input(call, 0)->zero_point};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_window_row(&e.window, &e.from, y);
        for (int32_t x = 0; x < out->shape.w; x += p->lanes, row += p->lanes * out->shape.c) {
            group(&work, &e, x, row);
        }
    }
}

void nnom_conv2d_s8_packed(const nnom_call_t *call)
{
    const nnom_packed_param_t *p = call->node->param;
    const int32_t taps = p->geometry.kernel_h * p->geometry.kernel_w * nnom_call_input(call, 0)->shape.c;
    if (p->lanes == 1) {
        singles(call, p, taps);
    } else {
        groups(call, p, taps);
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_packed_param, NNOM_PACKED_PARAM)

/* The four weights fit one segment: see lanes.h. */
static bool fits_segment(const int8_t *w)
{
    int32_t negative = 0, positive = 0;
    for (int32_t i = 0; i < 4; i++) {
        negative += w[i] < 0 ? -w[i] : 0;
        positive += w[i] > 0 ? w[i] : 0;
    }
    return 128 * negative + 127 * positive <= 32768 && 127 * negative + 128 * positive <= 32767;
}

/* Runs of a channel; `to` NULL: they are only counted. Returns their number, and that of the split fours. */
static uint32_t write_runs(const int8_t *w, int32_t fours, uint8_t *to, int32_t *split)
{
    uint32_t count = 0;
    uint8_t run = 0;
    *split = 0;
    for (int32_t i = 0; i < fours; i++, w += 4) {
        const bool fits = run < UINT8_MAX && fits_segment(w);
        run = (uint8_t)(run + fits);
        if (fits && i + 1 < fours) {
            continue;
        }
        *split += !fits;
        if (to != NULL) {
            to[count] = run;
        }
        count++;
        run = 0;
    }
    return count;
}

/* True if `bytes` may stand beside the plain arrays. */
static bool may_grow(const nnom_conv_layer_t *conv, uint32_t bytes)
{
    return nnom_conv_may_pack(conv, (uint64_t)conv->channels * ((uint64_t)conv->taps + 9) + bytes, 1);
}

/* Channel o's weights in a part. */
static const int8_t *packed_conv2d_part_weights_s8(const nnom_conv_layer_t *conv, int32_t part, int32_t taps, int32_t o)
{
    return (const int8_t *)conv->param.weights + (int64_t)o * conv->taps + part * taps;
}

static uint32_t count_runs(const nnom_conv_layer_t *conv, int32_t parts)
{
    const int32_t taps = conv->taps / parts;
    uint32_t count = 0;
    int32_t split;
    for (int32_t part = 0; part < parts; part++) {
        for (int32_t o = 0; o < conv->channels; o++) {
            count += write_runs(packed_conv2d_part_weights_s8(conv, part, taps, o), taps / 4, NULL, &split);
        }
    }
    return count;
}

/* The arrays of lanes being made. */
typedef struct lanes {
    int8_t *weights; /* NULL: the plain ones */
    uint32_t *bias;
    uint8_t *runs; /* NULL: none */
} lanes_t;

/* One part: its weights, its runs; START for each segment is taken off the bias. */
static void write_part(const nnom_conv_layer_t *conv, int32_t part, int32_t taps, lanes_t *to)
{
    for (int32_t o = 0; o < conv->channels; o++) {
        const int8_t *w = packed_conv2d_part_weights_s8(conv, part, taps, o);
        int32_t segments = taps / 2 + taps % 2;
        if (to->runs != NULL) {
            int32_t split;
            to->runs += write_runs(w, taps / 4, to->runs, &split);
            segments = taps / 4 + split + taps % 4 / 2 + taps % 2;
        }
        to->bias[o] -= (uint32_t)segments * NNOM_LANES_START;
        for (int32_t t = 0; t < taps && to->weights != NULL; t++) {
            *to->weights++ = w[t];
        }
    }
}

static nnom_status_t write_lanes(nnom_conv_layer_t *conv, nnom_packed_param_t *p, uint32_t count)
{
    nnom_layer_t *layer = &conv->super;
    const size_t channels = (size_t)conv->channels;
    lanes_t made = {p->parts > 1 ? nnom_layer_alloc(layer, channels * (size_t)conv->taps, 1) : NULL,
                    nnom_layer_alloc(layer, channels, sizeof(uint32_t)),
                    count > 0 ? nnom_layer_alloc(layer, count, 1) : NULL};
    if (made.bias == NULL || (count > 0 && made.runs == NULL) || (p->parts > 1 && made.weights == NULL)) {
        return nnom_packed_no_memory(layer);
    }
    for (size_t o = 0; o < channels; o++) {
        made.bias[o] = (uint32_t)((const int32_t *)conv->param.bias)[o];
    }
    p->weights = made.weights != NULL ? made.weights : p->weights;
    p->bias = made.bias;
    p->runs = made.runs;
    for (int32_t part = 0; part < p->parts; part++) {
        write_part(conv, part, conv->taps / p->parts, &made);
    }
    return NNOM_OK;
}

static int64_t lanes_scratch(const nnom_conv_layer_t *conv, int32_t lanes, int32_t parts)
{
    const int64_t sums = parts > 1 ? conv->channels : 0;
    return ((int64_t)conv->taps / parts * lanes / 2 + sums * lanes) * (int64_t)sizeof(uint32_t);
}

/* The fastest whose scratch is at most an eighth of what the layer reads and writes; else that of the least scratch. */
static void choose_lanes(const nnom_conv_layer_t *conv, nnom_packed_param_t *p)
{
    const nnom_layer_t *layer = &conv->super;
    const int64_t bytes =
        (int64_t)nnom_shape_elements(nnom_layer_in(layer, 0)->shape) + nnom_shape_elements(layer->out->shape);
    const int32_t rows = layer->geometry->kernel_h;
    const int32_t choices[4][2] = {{4, 1}, {4, rows}, {2, 1}, {2, rows}};
    int64_t least = INT64_MAX;
    for (int32_t i = layer->out->shape.w > 2 ? 0 : 2; i < 4 && least > bytes / 8; i++) {
        const int64_t scratch = lanes_scratch(conv, choices[i][0], choices[i][1]);
        if (scratch < least) {
            least = scratch;
            p->lanes = choices[i][0];
            p->parts = choices[i][1];
        }
    }
}

static nnom_status_t packed_conv2d_pack_lanes_s8(nnom_conv_layer_t *conv, nnom_packed_param_t *p)
{
    choose_lanes(conv, p);
    const uint32_t runs = count_runs(conv, p->parts), count = may_grow(conv, runs) ? runs : 0;
    const nnom_status_t status = write_lanes(conv, p, count);
    if (status != NNOM_OK) {
        return status;
    }
    nnom_packed_register(conv, p, NNOM_TYPE_S8, count);
    return nnom_window_scratch(&conv->super, lanes_scratch(conv, p->lanes, p->parts));
}

static nnom_status_t packed_conv2d_pack_single_s8(nnom_conv_layer_t *conv, nnom_packed_param_t *p)
{
    p->weights = nnom_packed_blocks(conv, NNOM_BLOCK_OFFSET);
    if (p->weights == NULL) {
        return nnom_packed_no_memory(&conv->super);
    }
    nnom_packed_register(conv, p, NNOM_TYPE_U8, 0);
    return nnom_conv2d_patch(conv);
}

static nnom_status_t packed_conv2d_pack_s8(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    if (!nnom_packed_fits(conv) || conv->taps > NNOM_BLOCK_TAPS) {
        return NNOM_UNSUPPORTED;
    }
    nnom_packed_param_t *p = nnom_packed_param(conv);
    if (p == NULL) {
        return nnom_packed_no_memory(layer);
    }
    return layer->out->shape.w == 1 ? packed_conv2d_pack_single_s8(conv, p) : packed_conv2d_pack_lanes_s8(conv, p);
}

NNOM_FORM(conv2d_s8_packed, nnom_conv_window, 0, nnom_packed_param, packed_conv2d_pack_s8)
