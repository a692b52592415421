/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* out[y][x][c] = in[rows[y]][columns[x]][channels[c]]: Gather, Tile, MirrorPad, ResizeNearest. */
#ifndef NNOM_PICK_H
#define NNOM_PICK_H

#include "elementwise.h"

/* Each int16 [the output's side], or NULL: the same index. */
#define NNOM_PICK_PARAM(I32, F32, GEOMETRY, ARRAY) ARRAY(rows) ARRAY(columns) ARRAY(channels)
NNOM_PARAM_STRUCT(nnom_pick_param, NNOM_PICK_PARAM)
NNOM_PARAM_FIELDS(nnom_pick_param, NNOM_PICK_PARAM)

/* Largest side of an input or output. */
enum { NNOM_PICK_MAX = 32767 };

typedef struct nnom_pick_layer {
    nnom_layer_t super;
    nnom_pick_param_t param;
} nnom_pick_layer_t;

/* Index of the input for index i of the output along an axis; a: of the layer. */
typedef int32_t (*nnom_pick_index_t)(const nnom_layer_t *layer, int32_t axis, int32_t i);

/*
 * Makes the tables by asking `index` for every output index of the axes in `axes` (bit 0 rows, 1 columns, 2 channels),
 * sets quantisation, operation, overlap. layer->out->shape must be set; indices must lie within the input.
 */
nnom_status_t nnom_pick_build(nnom_pick_layer_t *layer, uint32_t axes, nnom_pick_index_t index);

#endif
