/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "mve_stream.h"

bool nnom_mve_accepts(const nnom_conv_layer_t *conv)
{
    const int8_t *shift = conv->param.shift;
    for (int32_t o = 0; o < conv->channels; o++) {
        if (shift[o] >= 0) {
            return false;
        }
    }
    return true;
}

bool nnom_mve_ties(const nnom_conv_layer_t *conv)
{
    return conv->param.act_min < conv->super.out->zero_point;
}

nnom_mve_channel_t nnom_mve_channel(const nnom_conv_layer_t *conv, int32_t channel)
{
    nnom_mve_channel_t c = {0, 0, -1};
    if (channel < conv->channels) {
        c.bias = ((const int32_t *)conv->param.bias)[channel];
        c.multiplier = ((const int32_t *)conv->param.multiplier)[channel];
        c.shift = ((const int8_t *)conv->param.shift)[channel];
    }
    return c;
}

void nnom_mve_put(uint32_t *words, size_t at, int32_t value)
{
    words[at / 4] |= ((uint32_t)value & 0xffu) << (at % 4 * 8);
}

/* Words of a block, zeros at first; `at` bytes of it are written. */
typedef struct mve_block {
    const nnom_conv_layer_t *conv;
    int32_t channel;
    uint32_t *words;
    size_t at;
} mve_block_t;

/* `taps` weights from `tap` on, of each of the four outputs. */
static void mve_block_chunk(mve_block_t *block, int32_t tap, int32_t taps)
{
    for (int32_t o = 0; o < 4; o++) {
        for (int32_t t = 0; t < taps; t++) {
            nnom_mve_put(block->words, block->at++, nnom_conv_weight(block->conv, block->channel + o, tap + t));
        }
    }
}

static void mve_block_finish(mve_block_t *block)
{
    uint32_t *to = block->words + block->at / 4;
    for (int32_t o = 0; o < 4; o++) {
        const nnom_mve_channel_t c = nnom_mve_channel(block->conv, block->channel + o);
        to[o] = (uint32_t)c.bias;
        to[4 + o] = (uint32_t)c.multiplier;
        nnom_mve_put(to + 8, (size_t)o, c.shift);
    }
}

static void mve_block_fill(mve_block_t *block, const nnom_mve_param_t *p, int32_t runs)
{
    int32_t tap = 0;
    for (int32_t run = 0; run < runs; run++) {
        for (int32_t k = 0; k < p->chunks; k++) {
            const int32_t taps = k == 0 ? p->first : NNOM_MVE_CHUNK;
            mve_block_chunk(block, tap, taps);
            tap += taps;
        }
    }
    mve_block_finish(block);
}

static const void *mve_stream(nnom_conv_layer_t *conv, const nnom_mve_param_t *p, int32_t runs, uint32_t words)
{
    uint32_t *stream = nnom_layer_alloc(&conv->super, (size_t)words, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    const int32_t size = conv->taps + NNOM_MVE_FINISH;
    for (int32_t o = 0; o < conv->channels; o += 4) {
        mve_block_t block = {conv, o, stream + (size_t)o / 4 * (size_t)size, 0};
        mve_block_fill(&block, p, runs);
    }
    return nnom_layer_array(&conv->super, stream, words, NNOM_TYPE_S32);
}

nnom_status_t nnom_mve_pack(nnom_conv_layer_t *conv, int32_t runs)
{
    nnom_layer_t *layer = &conv->super;
    const int32_t length = conv->taps / runs, chunks = (length + NNOM_MVE_CHUNK - 1) / NNOM_MVE_CHUNK;
    const uint64_t words = ((uint64_t)conv->channels + 3) / 4 * ((uint64_t)conv->taps + NNOM_MVE_FINISH);
    if (words > INT32_MAX / 4 || !nnom_mve_accepts(conv) ||
        !nnom_weights_may_grow(layer, (uint64_t)conv->channels * ((uint64_t)conv->taps + 9), words * 4)) {
        return NNOM_UNSUPPORTED;
    }
    nnom_mve_param_t *param = nnom_layer_alloc(layer, 1, sizeof *param);
    if (param == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its parameters");
    }
    const nnom_mve_param_t packed = {.geometry = *layer->geometry,
                                     .act_min = conv->param.act_min,
                                     .act_max = conv->param.act_max,
                                     .first = length - (chunks - 1) * NNOM_MVE_CHUNK,
                                     .chunks = chunks,
                                     .ties = nnom_mve_ties(conv)};
    *param = packed;
    param->stream = mve_stream(conv, param, runs, (uint32_t)words);
    if (param->stream == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for %ld words of packed weights", (long)words);
    }
    layer->param = param;
    return NNOM_OK;
}
