/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "sum.h"

nnom_status_t nnom_sum_multipliers(nnom_binary_layer_t *layer, nnom_sum_factors_t factors)
{
    nnom_binary_param_t *p = &layer->param;
    if (!(factors.out > 0.0 && factors.out < 1.0)) {
        return nnom_layer_fail(&layer->super, NNOM_BAD_QUANT,
                               "its output scale is too small: expected over 2^-19 of the larger input scale");
    }
    nnom_quantize_multiplier(factors.a, &p->multiplier_a, &p->shift_a);
    nnom_quantize_multiplier(factors.b, &p->multiplier_b, &p->shift_b);
    nnom_quantize_multiplier(factors.out, &p->multiplier, &p->shift);
    return NNOM_OK;
}
