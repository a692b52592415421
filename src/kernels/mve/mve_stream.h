/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Weights and constants in the order in which the loops read them (mve_loops.h): made by compile. */
#ifndef NNOM_MVE_STREAM_H
#define NNOM_MVE_STREAM_H

#include "../../layers/window_layer.h"
#include "mve_loops.h"

/*
 * conv2d and dense: the geometry, limits, taps of a run's first chunk, chunks of a run, bytes of an output's weights in the first chunk, whether negative numbers are told from others
 * when they are rounded, and the stream, uint32 [blocks * block words]. A run: the taps of a window, or of a row of dense's input.
 * batch: of conv2d with columns (mve_columns.h), in whose order its taps are then: pixels of a row that are computed at once; else 0.
 */
#define NNOM_MVE_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                      \
    GEOMETRY(geometry) I32(act_min) I32(act_max) I32(first) I32(chunks) I32(pitch) I32(ties) I32(batch) ARRAY(stream)
NNOM_PARAM_STRUCT(nnom_mve_param, NNOM_MVE_PARAM)

/*
 * Makes the parameters, registers their array and sets layer->param: blocks of four outputs, taps in `runs` runs of the same length.
 * NNOM_UNSUPPORTED if a channel's shift is none to the right, or if the weights would grow more than options.optimize allows. fill: the first chunk's weights are filled up if they may.
 */
nnom_status_t nnom_mve_pack(nnom_conv_layer_t *conv, int32_t runs, int32_t batch, bool fill);

/* What packers share: true if the shifts of all channels are to the right. */
bool nnom_mve_accepts(const nnom_conv_layer_t *conv);
/* False: the output ends at its zero point, so that numbers below it may be rounded either way. */
bool nnom_mve_ties(const nnom_conv_layer_t *conv);
/* Of a channel: bias, multiplier and shift; 0, 0 and -1 beyond the last one. */
typedef struct nnom_mve_channel {
    int32_t bias, multiplier, shift;
} nnom_mve_channel_t;
nnom_mve_channel_t nnom_mve_channel(const nnom_conv_layer_t *conv, int32_t channel);
/* Byte `at` of words, the lowest byte of a word first. */
void nnom_mve_put(uint32_t *words, size_t at, int32_t value);

#endif
