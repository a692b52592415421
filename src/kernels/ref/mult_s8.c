/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "../binary.h"
#include "../fixed.h"
#include "../kernels.h"

static inline int8_t mult_element(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int8_t a, int8_t b)
{
    const int32_t product = (a - zero->a) * (b - zero->b); /* |product| <= 255^2 < 2^16 */
    const int32_t y = nnom_requantize(product, p->multiplier, p->shift) + zero->out;
    return (int8_t)nnom_clamp_i32(y, p->act_min, p->act_max);
}

NNOM_BINARY_ELEMENTS(mult_elements_s8, nnom_binary_param, int8_t, mult_element)

void nnom_mult_s8_ref(const nnom_call_t *call)
{
    nnom_binary_runs(call, mult_elements_s8);
}
