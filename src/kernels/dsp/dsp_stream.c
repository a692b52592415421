/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "dsp_stream.h"

#include "dsp_loops.h"

nnom_dsp_channel_t nnom_dsp_channel(const nnom_conv_layer_t *conv, int32_t channel)
{
    nnom_dsp_channel_t c = {0, 1 << 30, 1, 1};
    if (channel < conv->channels) {
        const int32_t zero_point = conv->super.out->zero_point;
        c.start = ((const int32_t *)conv->param.bias)[channel];
        c.multiplier = ((const int32_t *)conv->param.multiplier)[channel];
        c.exponent = -((const int8_t *)conv->param.shift)[channel];
        c.constant = (1 << (c.exponent - 1)) + zero_point * (1 << c.exponent); /* < 2^30: exponent <= 22 */
    }
    return c;
}

/* The bounds of dsp_loops.h for a channel, |sums| < bound; `below`: the one that is in the low half of its halfwords, or -1. */
static bool dsp_accepts(const nnom_conv_layer_t *conv, int32_t channel, int32_t below, int32_t bound)
{
    int64_t most = ((const int32_t *)conv->param.bias)[channel];
    most = most < 0 ? -most : most;
    for (int32_t t = 0; t < conv->taps; t++) {
        const int32_t w = nnom_conv_weight(conv, channel, t);
        most += 128 * (w < 0 ? -w : w);
        if (below >= 0 && w == -128 && nnom_conv_weight(conv, below, t) < 0) {
            return false; /* 256 w + a does not fit a halfword */
        }
    }
    const int32_t exponent = -((const int8_t *)conv->param.shift)[channel];
    return most < bound && exponent >= 1 && exponent <= 22;
}

bool nnom_dsp_accepts_all(const nnom_conv_layer_t *conv, int32_t bound)
{
    for (int32_t o = 0; o < conv->channels; o++) {
        if (!dsp_accepts(conv, o, -1, bound)) {
            return false;
        }
    }
    return true;
}

/* All pairs of channels of all blocks. */
static bool dsp_accepts_pairs(const nnom_conv_layer_t *conv, int32_t width)
{
    bool good = true;
    for (int32_t o = 0; o < conv->channels && good; o += width) {
        const int32_t first = nnom_dsp_block_channel(o, conv->channels, width);
        for (int32_t k = first; k < first + width && k < conv->channels && good; k++) {
            const bool high = (k - first) % 2 == 1;
            good = dsp_accepts(conv, k, high ? k - 1 : -1, high ? 1 << 23 : 1 << 30);
        }
    }
    return good;
}

/* The weight of a tap of the stream. */
static int32_t dsp_stream_weight(const nnom_conv_layer_t *conv, int32_t channel, const nnom_dsp_layout_t *layout,
                                 int32_t tap)
{
    const int32_t filled = nnom_dsp_filled(layout->run), at = tap % filled;
    return at < layout->run ? nnom_conv_weight(conv, channel, tap / filled * layout->run + at) : 0;
}

/* The halfword of a tap: of two outputs, or twice the weight of one. */
static uint32_t dsp_half(const nnom_conv_layer_t *conv, int32_t channel, const nnom_dsp_layout_t *layout, int32_t tap)
{
    const int32_t a = dsp_stream_weight(conv, channel, layout, tap);
    const int32_t b = layout->wide ? 0 : dsp_stream_weight(conv, channel + 1, layout, tap);
    return (uint32_t)(layout->wide ? 2 * a : 256 * b + a) & 0xffffu;
}

static uint32_t *dsp_taps(const nnom_conv_layer_t *conv, int32_t channel, const nnom_dsp_layout_t *layout, int32_t taps,
                          uint32_t *to)
{
    const int32_t each = layout->wide ? 1 : 2;
    for (int32_t t = 0; t < taps; t += 4) {
        for (int32_t odd = 0; odd < 2; odd++) {
            for (int32_t k = 0; k < layout->width; k += each) {
                *to++ = dsp_half(conv, channel + k, layout, t + odd) | dsp_half(conv, channel + k, layout, t + odd + 2)
                                                                           << 16;
            }
        }
    }
    return to;
}

uint32_t *nnom_dsp_finish(const nnom_conv_layer_t *conv, int32_t channel, int32_t width, uint32_t *to)
{
    for (int32_t pair = 0; pair < width; pair += 2) {
        const nnom_dsp_channel_t a = nnom_dsp_channel(conv, channel + pair),
                                 b = nnom_dsp_channel(conv, channel + pair + 1);
        *to++ = (uint32_t)a.multiplier;
        *to++ = (uint32_t)a.constant;
        *to++ = (uint32_t)b.multiplier;
        *to++ = (uint32_t)b.constant;
        *to++ = (uint32_t)(a.exponent + 256 * b.exponent);
    }
    return to;
}

static uint32_t *dsp_starts(const nnom_conv_layer_t *conv, int32_t channel, const nnom_dsp_layout_t *layout,
                            uint32_t *to)
{
    for (int32_t pair = 0; pair < layout->width; pair += 2) {
        const uint32_t a = (uint32_t)nnom_dsp_channel(conv, channel + pair).start,
                       b = (uint32_t)nnom_dsp_channel(conv, channel + pair + 1).start;
        *to++ = layout->wide ? 2u * a : b * 256u + a;
        *to++ = layout->wide ? 2u * b : a;
    }
    return to;
}

uint64_t nnom_dsp_words(const nnom_conv_layer_t *conv, const nnom_dsp_layout_t *layout)
{
    const int32_t width = layout->width, taps = conv->taps / layout->run * nnom_dsp_filled(layout->run);
    const uint64_t blocks = ((uint64_t)conv->channels + (uint32_t)width - 1) / (uint32_t)width;
    return blocks * (uint64_t)(width + 5 * width / 2 + (int64_t)taps * width / (layout->wide ? 2 : 4));
}

bool nnom_dsp_fits(const nnom_conv_layer_t *conv, const nnom_dsp_layout_t *layout)
{
    return layout->wide ? nnom_dsp_accepts_all(conv, 1 << 30) : dsp_accepts_pairs(conv, layout->width);
}

bool nnom_dsp_may_take(const nnom_conv_layer_t *conv, bool wide, uint64_t words)
{
    return words <= INT32_MAX / 4 && (wide ? nnom_conv_may_grow(conv) : nnom_conv_may_pack(conv, words * 4, 1));
}

uint32_t *nnom_dsp_write(const nnom_conv_layer_t *conv, const nnom_dsp_layout_t *layout, uint32_t *to)
{
    const int32_t width = layout->width, taps = conv->taps / layout->run * nnom_dsp_filled(layout->run);
    for (int32_t o = 0; o < conv->channels; o += width) {
        const int32_t first = nnom_dsp_block_channel(o, conv->channels, width);
        to = dsp_taps(conv, first, layout, taps, dsp_starts(conv, first, layout, to));
        to = nnom_dsp_finish(conv, first, width, to);
    }
    return to;
}

nnom_range_t nnom_dsp_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y)
{
    return nnom_geometry_window(nnom_dsp_geometry(node->param), nnom_node_input(program, node, input)->shape.h, y);
}

nnom_status_t nnom_dsp_keep(nnom_conv_layer_t *conv, const uint32_t *stream, uint32_t words, int32_t taps)
{
    enum { NUMBERS = sizeof(nnom_geometry_t) / sizeof(int32_t) };
    nnom_layer_t *layer = &conv->super;
    nnom_dsp_param_t *param = nnom_layer_alloc(layer, 1, sizeof *param);
    nnom_geometry_t *geometry = nnom_layer_alloc(layer, 1, sizeof *geometry);
    if (param == NULL || geometry == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its parameters");
    }
    *geometry = *layer->geometry;
    const nnom_dsp_param_t packed = {.geometry = nnom_layer_array(layer, geometry, NUMBERS, NNOM_TYPE_S32),
                                     .act_min = conv->param.act_min,
                                     .act_max = conv->param.act_max,
                                     .taps = taps,
                                     .stream = nnom_layer_array(layer, stream, words, NNOM_TYPE_S32)};
    *param = packed;
    layer->param = param;
    return NNOM_OK;
}

nnom_status_t nnom_dsp_pack(nnom_conv_layer_t *conv, const nnom_dsp_layout_t *layout)
{
    nnom_layer_t *layer = &conv->super;
    const uint64_t words = nnom_dsp_words(conv, layout);
    if (!nnom_dsp_may_take(conv, layout->wide, words) || !nnom_dsp_fits(conv, layout)) {
        return NNOM_UNSUPPORTED;
    }
    uint32_t *stream = nnom_layer_alloc(layer, (size_t)words, sizeof *stream);
    if (stream == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %ld words of packed weights", (long)words);
    }
    (void)nnom_dsp_write(conv, layout, stream);
    return nnom_dsp_keep(conv, stream, (uint32_t)words, conv->taps / layout->run * nnom_dsp_filled(layout->run));
}
