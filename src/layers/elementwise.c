/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "elementwise.h"

#include <math.h>

#include "../kernels/fixed.h"

nnom_status_t nnom_layer_check_types(const nnom_layer_t *layer)
{
    const nnom_type_t first = nnom_layer_in(layer, 0)->type;
    const bool wide = (layer->cls->flags & NNOM_CLASS_WIDE) != 0;
    if (first != NNOM_TYPE_S8 && first != NNOM_TYPE_F32 && !(wide && first == NNOM_TYPE_S16)) {
        return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "its input is %s, expected int8_t%s or float",
                               nnom_type_facts(first)->c_type, wide ? ", int16_t" : "");
    }
    for (uint32_t i = 1; i < nnom_layer_input_number(layer); i++) {
        const nnom_type_t type = nnom_layer_in(layer, i)->type;
        if (type != first) {
            return nnom_layer_fail(layer, NNOM_UNSUPPORTED, "input %d is %s, expected %s as input 0", (int)i,
                                   nnom_type_facts(type)->c_type, nnom_type_facts(first)->c_type);
        }
    }
    return NNOM_OK;
}

nnom_status_t nnom_layer_keep_quant(nnom_layer_t *layer)
{
    nnom_layer_follow(layer);
    if (nnom_type_facts(layer->out->type)->quantised && !nnom_layer_same_quant(layer, 0)) {
        return nnom_layer_fail(layer, NNOM_BAD_QUANT,
                               "it only moves its input's values: their quantisation stays, set another "
                               "on the layer before or after");
    }
    return NNOM_OK;
}

void *nnom_layer_copy(nnom_layer_t *layer, const void *data, size_t bytes)
{
    void *copy = nnom_layer_alloc(layer, bytes, 1);
    if (copy != NULL) {
        nnom_memcpy(copy, data, bytes);
    }
    return copy;
}

void nnom_rescale_multiplier(const nnom_tensor_t *in, const nnom_tensor_t *out, int32_t *multiplier, int32_t *shift)
{
    nnom_quantize_multiplier(fmin((double)in->scale / (double)out->scale, NNOM_RATIO_MAX), multiplier, shift);
}

void nnom_root_multiplier(float scale, int32_t *multiplier, int32_t *shift)
{
    nnom_quantize_multiplier(1.0 / (double)scale, multiplier, shift);
    if (*shift < 20 - 31) {
        *multiplier = 0;
        *shift = 20;
    }
    *shift -= 20;
}

nnom_range_t nnom_range_moved(nnom_range_t y, int32_t by, int32_t h)
{
    const nnom_range_t rows = {nnom_clamp_i32(y.lo + by, 0, h), nnom_clamp_i32(y.hi + by, 0, h)};
    return rows;
}
