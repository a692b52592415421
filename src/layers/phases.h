/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A phase (src/kernels/phases.h) of a transposed convolution as a layer that packers of Conv2D read. */
#ifndef NNOM_LAYER_PHASES_H
#define NNOM_LAYER_PHASES_H

#include "../kernels/phases.h"
#include "window_layer.h"

typedef struct nnom_phase {
    nnom_conv_layer_t conv;
    nnom_geometry_t geometry;
    int8_t *weights; /* room for those of any phase */
    int32_t *bias;   /* [channels], with the zero point folded in */
} nnom_phase_t;

/* Room for phases, which stays the layer's until it is built again. False when memory is short. */
bool nnom_phase_room(nnom_conv_layer_t *conv, nnom_phase_t *phase);
/* Makes it phase (y, x) of the layer; the one before is gone. */
void nnom_phase_of(const nnom_conv_layer_t *conv, int32_t y, int32_t x, nnom_phase_t *phase);

#endif
