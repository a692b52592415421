/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "mve_stream.h"

#include "../../layers/elementwise.h"

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
    const nnom_mve_param_t *p;
    int32_t channel;
    uint32_t *words;
    size_t at;
} mve_block_t;

/* Number i in the order of columns [kernel w][kernel h][in c] -> the tap. */
static int32_t mve_column_tap(const nnom_conv_layer_t *conv, int32_t i)
{
    const nnom_geometry_t *g = conv->super.geometry;
    const int32_t c = nnom_layer_in(&conv->super, 0)->shape.c, pitch = g->kernel_h * c;
    return i < conv->taps ? (i % pitch / c * g->kernel_w + i / pitch) * c + i % c : i;
}

/* `taps` weights from `tap` on, of each of the four outputs, `pitch` bytes apart. */
static void mve_block_chunk(mve_block_t *block, int32_t tap, int32_t taps, int32_t pitch)
{
    for (int32_t o = 0; o < 4; o++, block->at += (size_t)pitch) {
        for (int32_t t = 0; t < taps; t++) {
            const int32_t from = block->p->batch > 0 ? mve_column_tap(block->conv, tap + t) : tap + t;
            nnom_mve_put(block->words, block->at + (size_t)t, nnom_conv_weight(block->conv, block->channel + o, from));
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

static void mve_block_fill(mve_block_t *block, int32_t runs)
{
    const nnom_mve_param_t *p = block->p;
    int32_t tap = 0;
    for (int32_t run = 0; run < runs; run++) {
        mve_block_chunk(block, tap, p->first, p->pitch);
        tap += p->first;
        for (int32_t k = 1; k < p->chunks; k++, tap += NNOM_MVE_CHUNK) {
            mve_block_chunk(block, tap, NNOM_MVE_CHUNK, NNOM_MVE_CHUNK);
        }
    }
    mve_block_finish(block);
}

/* Words of all blocks whose runs have a first chunk of that many bytes. */
static uint64_t mve_words(const nnom_conv_layer_t *conv, const nnom_mve_param_t *p, int32_t runs)
{
    const int64_t taps = (int64_t)runs * (p->pitch + (p->chunks - 1) * (int64_t)NNOM_MVE_CHUNK);
    return ((uint64_t)conv->channels + 3) / 4 * (uint64_t)(taps + NNOM_MVE_FINISH);
}

static bool mve_words_fit(const nnom_conv_layer_t *conv, uint64_t words)
{
    return words <= INT32_MAX / 4 && nnom_conv_may_pack(conv, words * 4, 1);
}

static const void *mve_stream(nnom_conv_layer_t *conv, const nnom_mve_param_t *p, int32_t runs)
{
    const uint32_t words = (uint32_t)mve_words(conv, p, runs), blocks = ((uint32_t)conv->channels + 3) / 4;
    uint32_t *stream = nnom_layer_alloc(&conv->super, words, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < blocks; i++) {
        mve_block_t block = {conv, p, 4 * (int32_t)i, stream + i * (words / blocks), 0};
        mve_block_fill(&block, runs);
    }
    return nnom_layer_array(&conv->super, stream, words, NNOM_TYPE_S32);
}

/* Without the stream. */
static nnom_mve_param_t mve_param(const nnom_conv_layer_t *conv, int32_t runs, int32_t batch)
{
    const int32_t length = conv->taps / runs, chunks = (length + NNOM_MVE_CHUNK - 1) / NNOM_MVE_CHUNK;
    const int32_t first = length - (chunks - 1) * NNOM_MVE_CHUNK;
    const nnom_mve_param_t param = {.geometry = *conv->super.geometry,
                                    .act_min = conv->param.act_min,
                                    .act_max = conv->param.act_max,
                                    .first = first,
                                    .chunks = chunks,
                                    .pitch = first,
                                    .ties = nnom_mve_ties(conv),
                                    .batch = batch};
    return param;
}

/*
 * With room for it, 16 bytes of each output in the first chunk. Columns are in the scratch, where something may be read behind them: a
 * full first chunk, and what fills up the last one has weights of 0.
 */
static void mve_fill_up(const nnom_conv_layer_t *conv, nnom_mve_param_t *param)
{
    nnom_mve_param_t filled = *param;
    filled.pitch = NNOM_MVE_CHUNK;
    filled.first = filled.batch > 0 ? NNOM_MVE_CHUNK : filled.first;
    if (mve_words_fit(conv, mve_words(conv, &filled, 1))) {
        *param = filled;
    }
}

nnom_status_t nnom_mve_pack(nnom_conv_layer_t *conv, int32_t runs, int32_t batch, bool fill)
{
    nnom_layer_t *layer = &conv->super;
    nnom_mve_param_t param = mve_param(conv, runs, batch);
    if (!nnom_mve_accepts(conv) || !mve_words_fit(conv, mve_words(conv, &param, runs))) {
        return NNOM_UNSUPPORTED;
    }
    if (fill) {
        mve_fill_up(conv, &param);
    }
    param.stream = mve_stream(conv, &param, runs);
    layer->param = param.stream != NULL ? nnom_layer_copy(layer, &param, sizeof param) : NULL;
    return layer->param != NULL ? NNOM_OK : nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its packed weights");
}
