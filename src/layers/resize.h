/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What ResizeNearest and ResizeBilinear share. */
#ifndef NNOM_RESIZE_H
#define NNOM_RESIZE_H

#include "elementwise.h"

enum { NNOM_RESIZE_MAX = 32767 };

/* Sets layer->out->shape to the size given (exchanged if the layer is swapped) and the input's channels, and checks it.
 */
nnom_status_t nnom_resize_shape(nnom_layer_t *layer, nnom_size_t size, nnom_resize_t mode);

#endif
