/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Weights and constants in the order in which the loops read them (dsp_loops.h): made by compile. */
#ifndef NNOM_DSP_STREAM_H
#define NNOM_DSP_STREAM_H

#include "../../layers/window_layer.h"

/*
 * Layers with weights: the geometry, as nnom_geometry_t, which layers of the same one share; limits if they are narrower than int8; and the
 * stream, uint32 [blocks * block words]. taps: of an output, filled up with weights of 0.
 */
#define NNOM_DSP_PARAM(I32, F32, GEOMETRY, ARRAY) ARRAY(geometry) I32(act_min) I32(act_max) I32(taps) ARRAY(stream)
NNOM_PARAM_STRUCT(nnom_dsp_param, NNOM_DSP_PARAM)

static inline const nnom_geometry_t *nnom_dsp_geometry(const nnom_dsp_param_t *p)
{
    return p->geometry;
}

/* Rows of the input, as nnom_conv_window(). */
nnom_range_t nnom_dsp_window(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y);

static inline int32_t nnom_dsp_filled(int32_t taps)
{
    return (taps + 3) / 4 * 4;
}

/*
 * How the stream holds the weights: blocks of `width` outputs, a multiple of 2; every `run` taps are filled up to a multiple of 4. wide: in 16
 * bits each, doubled (wide.h), else in bytes (dsp_loops.h).
 */
typedef struct nnom_dsp_layout {
    int32_t width, run;
    bool wide;
} nnom_dsp_layout_t;

/*
 * Packs the weights and keeps them (nnom_dsp_keep). The last block ends with the last channel, and takes some again that the one before has, where there are
 * enough. NNOM_UNSUPPORTED if a channel's numbers are beyond the loops' bounds, or if the weights would grow more than options.optimize allows.
 */
nnom_status_t nnom_dsp_pack(nnom_conv_layer_t *conv, const nnom_dsp_layout_t *layout);

/* Its parts: the words of the stream; whether the numbers of all channels are within the loops' bounds; whether weights may take so many words; and to write
 * the stream, which returns where the next words go. */
uint64_t nnom_dsp_words(const nnom_conv_layer_t *conv, const nnom_dsp_layout_t *layout);
bool nnom_dsp_fits(const nnom_conv_layer_t *conv, const nnom_dsp_layout_t *layout);
bool nnom_dsp_may_take(const nnom_conv_layer_t *conv, bool wide, uint64_t words);
uint32_t *nnom_dsp_write(const nnom_conv_layer_t *conv, const nnom_dsp_layout_t *layout, uint32_t *to);

/* Makes the layer's parameters with a stream of nnom_layer_alloc(), and registers their arrays. Fails where there is no memory. */
nnom_status_t nnom_dsp_keep(nnom_conv_layer_t *conv, const uint32_t *stream, uint32_t words, int32_t taps);

/* Of a layer that was packed. */
static inline int32_t nnom_dsp_taps(const nnom_layer_t *layer)
{
    return ((const nnom_dsp_param_t *)layer->param)->taps;
}

/* The first channel of the block that would begin with `channel`. */
static inline int32_t nnom_dsp_block_channel(int32_t channel, int32_t channels, int32_t width)
{
    return channel + width <= channels || channels < width ? channel : channels - width;
}

/* Of output channel `channel`: its bias, and the constants of requantising. Beyond the last channel: harmless ones. */
typedef struct nnom_dsp_channel {
    int32_t start, multiplier, constant, exponent;
} nnom_dsp_channel_t;
nnom_dsp_channel_t nnom_dsp_channel(const nnom_conv_layer_t *conv, int32_t channel);
/* True if every channel's sums are below `bound` and its exponent is as dsp_loops.h wants it: for weights of 16 bits. */
bool nnom_dsp_accepts_all(const nnom_conv_layer_t *conv, int32_t bound);
/* True if a depthwise layer is one for columns.h. */
bool nnom_dsp_columns_fit(const nnom_conv_layer_t *conv);
/* The constants of requantising of `width` outputs, as dsp_loops.h has them; returns where the next words go. */
uint32_t *nnom_dsp_finish(const nnom_conv_layer_t *conv, int32_t channel, int32_t width, uint32_t *to);

#endif
