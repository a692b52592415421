/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_SOFTMAX_H
#define NNOM_SOFTMAX_H

#include "elementwise.h"

/* The numbers and the operation of Softmax over int16; beta > 0, shape and quantisation of the output are known. */
nnom_status_t nnom_wide_softmax_build(nnom_layer_t *layer, float beta);

#endif
