/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The build side: weights and constants as the loops read them. */
#ifndef NNOM_NEON_PACK_H
#define NNOM_NEON_PACK_H

#include "../../layers/window_layer.h"
#include "neon.h"

#ifdef NNOM_NEON
/* run: taps that lie side by side; 0: weights stay as they are (DW_Conv2D). NNOM_UNSUPPORTED: shifts to the left, or too much memory. */
nnom_status_t nnom_neon_pack(nnom_conv_layer_t *conv, int32_t run, int64_t scratch);
#endif
#endif
