/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_QFORMAT_PACK_H
#define NNOM_QFORMAT_PACK_H

#include "../../layers/window_layer.h"

/* True if the layer's numbers are those of a Q-format: nnom_conv_prepare() made them, nnom_conv_array() tells them. */
static inline bool nnom_qformat_fits(const nnom_conv_layer_t *conv)
{
    return conv->is_one;
}

#endif
