/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The packers of kernels with the loops of pairs.h: the build side. */
#ifndef NNOM_PAIRS_PACK_H
#define NNOM_PAIRS_PACK_H

#include "pack.h"
#include "pairs.h"

/*
 * Makes layer->param with its stream: of Conv2D and Dense blocks of four outputs, the last of which ends with the last channel and takes some
 * again that the one before has, where there are enough. NNOM_UNSUPPORTED if a channel's numbers are beyond the loops' bounds, or if
 * weights may not grow to two bytes.
 */
nnom_status_t nnom_pairs_pack(nnom_conv_layer_t *conv, bool in_scratch);
/* The same of DW_Conv2D, channel by channel. */
nnom_status_t nnom_pairs_pack_dw(nnom_conv_layer_t *conv);

#endif
