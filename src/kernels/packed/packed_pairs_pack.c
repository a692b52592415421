/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "pairs_pack.h"

#include "../fixed.h"

enum { PAIRS_MOST_EXPONENT = 22 }; /* C < 2^30 */

/* A channel's numbers; |acc| <= bound. */
typedef struct pairs_channel {
    const nnom_conv_param_t *p;
    int32_t bias, multiplier, exponent, zero_point, bound;
} pairs_channel_t;

static pairs_channel_t pairs_channel(const nnom_conv_layer_t *conv, int32_t o)
{
    const nnom_conv_param_t *p = &conv->param;
    const int32_t bias = ((const int32_t *)p->bias)[o];
    pairs_channel_t c = {p,
                         bias,
                         ((const int32_t *)p->multiplier)[o],
                         -((const int8_t *)p->shift)[o],
                         conv->super.out->zero_point,
                         bias < 0 ? -bias : bias};
    for (int32_t t = 0; t < conv->taps; t++) {
        const int32_t w = nnom_conv_weight(conv, o, t);
        c.bound += 128 * (w < 0 ? -w : w); /* < 2^30: nnom_packed_fits() */
    }
    return c;
}

static int32_t pairs_value(const pairs_channel_t *c, int32_t acc)
{
    return nnom_requantize(acc, c->multiplier, -c->exponent) + c->zero_point;
}

/* The least acc >= -bound whose value is `value` or more; bound + 1 if there is none. Values do not fall, and rise by 1 at most. */
static int32_t pairs_reach(const pairs_channel_t *c, int32_t value)
{
    int32_t lo = -c->bound, hi = c->bound + 1;
    while (lo < hi) {
        const int32_t middle = lo + (hi - lo) / 2;
        if (pairs_value(c, middle) >= value) {
            hi = middle;
        } else {
            lo = middle + 1;
        }
    }
    return lo;
}

/* Clamps of acc: the last with the least value or -bound, and the first with the most or bound. */
static nnom_range_t pairs_clamps(const pairs_channel_t *c)
{
    const nnom_range_t clamps = {nnom_max_i32(pairs_reach(c, c->p->act_min + 1) - 1, -c->bound),
                                 nnom_min_i32(pairs_reach(c, c->p->act_max), c->bound)};
    return clamps;
}

static bool pairs_accepts_channel(const pairs_channel_t *c)
{
    if (c->exponent < 1 || c->exponent > PAIRS_MOST_EXPONENT || c->p->act_min == c->p->act_max) {
        return false;
    }
    const nnom_range_t clamps = pairs_clamps(c);
    return clamps.lo > -NNOM_PAIRS_LIMIT && clamps.hi < NNOM_PAIRS_LIMIT && clamps.lo <= clamps.hi &&
           pairs_value(c, clamps.lo) >= c->p->act_min && pairs_value(c, clamps.hi) <= c->p->act_max;
}

static bool pairs_accepts(const nnom_conv_layer_t *conv)
{
    bool good = nnom_packed_fits(conv);
    for (int32_t o = 0; o < conv->channels && good; o++) {
        const pairs_channel_t c = pairs_channel(conv, o);
        good = pairs_accepts_channel(&c);
    }
    return good;
}

static uint32_t *pairs_finish_words(const pairs_channel_t *c, uint32_t *to)
{
    const nnom_range_t clamps = pairs_clamps(c);
    *to++ = (uint32_t)clamps.lo;
    *to++ = (uint32_t)clamps.hi;
    *to++ = (uint32_t)1 << 31;
    *to++ = (uint32_t)c->multiplier;
    *to++ = (uint32_t)(((int32_t)1 << (c->exponent - 1)) + c->zero_point * ((int32_t)1 << c->exponent));
    *to++ = (uint32_t)c->exponent;
    return to;
}

static uint32_t pairs_word(int32_t low, int32_t high)
{
    return (uint32_t)low + ((uint32_t)high << 16);
}

/* Where total and high of two sums start, of `taps` taps. */
static uint32_t *pairs_start(int32_t low, int32_t high, int32_t taps, uint32_t *to)
{
    const uint32_t segments = (uint32_t)(taps + 1) / 2u;
    *to++ = pairs_word(low, high) - segments * NNOM_PAIRS_BOTH;
    *to++ = (uint32_t)high - segments * NNOM_PAIRS_START;
    return to;
}

/* Beyond the last channel there are harmless numbers. */
static uint32_t *pairs_block(const nnom_conv_layer_t *conv, int32_t first, uint32_t *to)
{
    pairs_channel_t c[NNOM_PAIRS_WIDTH];
    for (int32_t i = 0; i < NNOM_PAIRS_WIDTH; i++) {
        c[i] = pairs_channel(conv, nnom_min_i32(first + i, conv->channels - 1));
    }
    to = pairs_start(c[0].bias, c[1].bias, conv->taps, to);
    to = pairs_start(c[2].bias, c[3].bias, conv->taps, to);
    for (int32_t t = 0; t < conv->taps; t++) {
        for (int32_t i = first; i < first + NNOM_PAIRS_WIDTH; i += 2) {
            *to++ = pairs_word(nnom_conv_weight(conv, i, t), nnom_conv_weight(conv, i + 1, t));
        }
    }
    for (int32_t i = 0; i < NNOM_PAIRS_WIDTH; i++) {
        to = pairs_finish_words(&c[i], to);
    }
    return to;
}

static nnom_status_t pairs_made(nnom_conv_layer_t *conv, const uint32_t *stream, uint32_t words, bool in_scratch)
{
    nnom_layer_t *layer = &conv->super;
    nnom_pairs_param_t *p = nnom_layer_alloc(layer, 1, sizeof *p);
    if (p == NULL) {
        return nnom_packed_no_memory(layer);
    }
    const nnom_pairs_param_t made = {.geometry = conv->param.geometry,
                                     .act_min = conv->param.act_min,
                                     .act_max = conv->param.act_max,
                                     .taps = conv->taps,
                                     .in_scratch = in_scratch,
                                     .stream = nnom_layer_array(layer, stream, words, NNOM_TYPE_S32)};
    *p = made;
    layer->param = p;
    return NNOM_OK;
}

/* The stream; NULL: the layer is not for the loops, or there is no memory (*status). */
static uint32_t *pairs_stream(nnom_conv_layer_t *conv, uint64_t words, nnom_status_t *status)
{
    *status = NNOM_UNSUPPORTED;
    if (words > INT32_MAX / 4 || !nnom_conv_may_pack(conv, words * 4, 2) || !pairs_accepts(conv)) {
        return NULL;
    }
    uint32_t *stream = nnom_layer_alloc(&conv->super, (size_t)words, sizeof *stream);
    *status = stream != NULL ? NNOM_OK : nnom_packed_no_memory(&conv->super);
    return stream;
}

nnom_status_t nnom_pairs_pack(nnom_conv_layer_t *conv, bool in_scratch)
{
    const uint64_t blocks = ((uint64_t)conv->channels + NNOM_PAIRS_WIDTH - 1) / NNOM_PAIRS_WIDTH;
    const uint64_t words = blocks * (uint64_t)nnom_pairs_block_words(conv->taps);
    nnom_status_t status;
    uint32_t *stream = pairs_stream(conv, words, &status), *to = stream;
    if (stream == NULL) {
        return status;
    }
    for (int32_t o = 0; o < conv->channels; o += NNOM_PAIRS_WIDTH) {
        const int32_t last = conv->channels - NNOM_PAIRS_WIDTH;
        to = pairs_block(conv, o > last && last >= 0 ? last : o, to);
    }
    return pairs_made(conv, stream, (uint32_t)words, in_scratch);
}

nnom_status_t nnom_pairs_pack_dw(nnom_conv_layer_t *conv)
{
    const uint64_t words = (uint64_t)conv->channels * (uint64_t)nnom_pairs_dw_words(conv->taps);
    nnom_status_t status;
    uint32_t *stream = pairs_stream(conv, words, &status), *to = stream;
    for (int32_t o = 0; stream != NULL && o < conv->channels; o++) {
        const pairs_channel_t c = pairs_channel(conv, o);
        to = pairs_start(c.bias, c.bias, conv->taps, to);
        *to++ = (uint32_t)c.bias;
        for (int32_t t = 0; t < conv->taps; t++) {
            *to++ = (uint32_t)nnom_conv_weight(conv, o, t);
        }
        to = pairs_finish_words(&c, to);
    }
    return stream == NULL ? status : pairs_made(conv, stream, (uint32_t)words, false);
}
