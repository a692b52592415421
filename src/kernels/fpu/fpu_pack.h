/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Weights in the order in which the loops read them: made by compile. */
#ifndef NNOM_FPU_PACK_H
#define NNOM_FPU_PACK_H

#include "../../layers/window_layer.h"

/*
 * The stream of Conv2D and Dense, of nnom_fpu_layout_t, and of DW_Conv2D, of blocks of eight channels. NNOM_UNSUPPORTED: more weights than
 * options.optimize allows, weights that are not finite (times the 0 of padding they are NaN in ref, and here left out), or other
 * layers than these.
 */
nnom_status_t nnom_fpu_pack(nnom_conv_layer_t *conv);
nnom_status_t nnom_fpu_pack_taps(nnom_conv_layer_t *conv);

#endif
