/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What Add and Sub share. */
#ifndef NNOM_SUM_H
#define NNOM_SUM_H

#include "../kernels/fixed.h"
#include "binary.h"

enum { NNOM_SUM_SHIFT = 20 }; /* |x - zero point| * 2^20 <= 255 * 2^20 < 2^28 */

/* An operand's element in the common scale: |result| <= 2^27, as its multiplier is at most 1/2. */
static inline int32_t nnom_sum_term(int8_t x, int32_t zero_point, int32_t multiplier, int32_t shift)
{
    return nnom_requantize((x - zero_point) * ((int32_t)1 << NNOM_SUM_SHIFT), multiplier, shift);
}

static inline int8_t nnom_sum_result(const nnom_binary_param_t *p, int32_t sum, int32_t zero_point)
{
    const int32_t y = nnom_requantize(sum, p->multiplier, p->shift) + zero_point;
    return (int8_t)nnom_clamp_i32(y, p->act_min, p->act_max);
}

/* The three factors of an int8 sum. */
typedef struct nnom_sum_factors {
    double a; /* input 0's scale in the common scale */
    double b;
    double out; /* common scale * 2^-20 in the output's scale */
} nnom_sum_factors_t;

nnom_status_t nnom_sum_multipliers(nnom_binary_layer_t *layer, nnom_sum_factors_t factors);

#endif
