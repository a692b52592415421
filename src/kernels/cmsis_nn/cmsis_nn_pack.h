/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The build side of the adapter. */
#ifndef NNOM_CMSIS_NN_PACK_H
#define NNOM_CMSIS_NN_PACK_H

#include "../../layers/window_layer.h"
#include "cmsis_nn.h"

#ifdef NNOM_CMSIS_NN
/*
 * Parameters with weights as they are. `folded`: the bias keeps the input's zero point. buffer and gathered: bytes. NNOM_UNSUPPORTED: a
 * shift to the left, which CMSIS-NN does not saturate, a Q-format of one multiplier, or windows in the padding.
 */
nnom_status_t nnom_cmsis_pack(nnom_conv_layer_t *conv, bool folded, int64_t buffer, int64_t gathered);
#endif
#endif
