/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_QFORMAT_PACK_H
#define NNOM_QFORMAT_PACK_H

#include "../../layers/window_layer.h"

/* Registers the arrays of a layer whose numbers are those of a Q-format (nnom_conv_prepare); false: it is none. */
static inline bool nnom_qformat_register(nnom_conv_layer_t *conv)
{
    const nnom_conv_param_t *p = &conv->param;
    nnom_layer_t *layer = &conv->super;
    if (!conv->one_multiplier) {
        return false;
    }
    nnom_layer_array(layer, p->weights, (uint32_t)conv->channels * (uint32_t)conv->taps, NNOM_TYPE_S8);
    nnom_layer_array(layer, p->bias, (uint32_t)conv->channels, NNOM_TYPE_S8);
    nnom_layer_array(layer, p->multiplier, 1, NNOM_TYPE_S32);
    nnom_layer_array(layer, p->shift, 2, NNOM_TYPE_S8);
    return true;
}

#endif
