/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Taking every step-th element from begin on, along each axis: Slice, Cropping, Split. */
#ifndef NNOM_SLICE_H
#define NNOM_SLICE_H

#include "elementwise.h"

#define NNOM_SLICE_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                    \
    I32(begin_h) I32(begin_w) I32(begin_c) I32(step_h) I32(step_w) I32(step_c)
NNOM_PARAM_STRUCT(nnom_slice_param, NNOM_SLICE_PARAM)
NNOM_PARAM_FIELDS(nnom_slice_param, NNOM_SLICE_PARAM)

/* Of layer->out->shape and *param, which lies within the layer and is complete: quantisation, operation, overlap. */
nnom_status_t nnom_slice_build(nnom_layer_t *layer, const nnom_slice_param_t *param);

#endif
