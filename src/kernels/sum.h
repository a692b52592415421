/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Elements of int8 Add and Sub (SPEC.md, section 6). */
#ifndef NNOM_SUM_H
#define NNOM_SUM_H

#include "binary.h"
#include "fixed.h"

enum {
    NNOM_SUM_SHIFT = 20,    /* |x - zero point| * 2^20 <= 255 * 2^20 < 2^28 */
    NNOM_SUM_SHIFT_S16 = 15 /* |x| * 2^15 <= 2^30 */
};

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

static inline int8_t nnom_add_element(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int8_t a, int8_t b)
{
    const int32_t u = nnom_sum_term(a, zero->a, p->multiplier_a, p->shift_a);
    return nnom_sum_result(p, u + nnom_sum_term(b, zero->b, p->multiplier_b, p->shift_b), zero->out);
}

static inline int8_t nnom_sub_element(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int8_t a, int8_t b)
{
    const int32_t u = nnom_sum_term(a, zero->a, p->multiplier_a, p->shift_a);
    return nnom_sum_result(p, u - nnom_sum_term(b, zero->b, p->multiplier_b, p->shift_b), zero->out);
}

#endif
