/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Add, Sub and Mult of int16: as those of int8, without zero points. */
#include "../kernels.h"
#include "../sum.h"

/* |x| * 2^15 <= 2^30 */
static inline int32_t sum_term_s16(int16_t x, int32_t multiplier, int32_t shift)
{
    return nnom_requantize(x * ((int32_t)1 << NNOM_SUM_SHIFT_S16), multiplier, shift);
}

static inline int16_t limited_s16(const nnom_binary_param_t *p, int32_t x)
{
    return (int16_t)nnom_clamp_i32(nnom_requantize(x, p->multiplier, p->shift), p->act_min, p->act_max);
}

static inline int16_t add_element_s16(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int16_t a,
                                      int16_t b)
{
    (void)zero;
    const int32_t u = sum_term_s16(a, p->multiplier_a, p->shift_a); /* <= 2^29, as its multiplier is at most 1/2 */
    return limited_s16(p, u + sum_term_s16(b, p->multiplier_b, p->shift_b));
}

static inline int16_t sub_element_s16(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int16_t a,
                                      int16_t b)
{
    (void)zero;
    const int32_t u = sum_term_s16(a, p->multiplier_a, p->shift_a);
    return limited_s16(p, u - sum_term_s16(b, p->multiplier_b, p->shift_b));
}

static inline int16_t mult_element_s16(const nnom_binary_param_t *p, const nnom_binary_zeros_t *zero, int16_t a,
                                       int16_t b)
{
    (void)zero;
    return limited_s16(p, (int32_t)a * b); /* |product| <= 2^30 */
}

NNOM_BINARY_ELEMENTS(add_elements_s16, nnom_binary_param, int16_t, add_element_s16)
NNOM_BINARY_ELEMENTS(sub_elements_s16, nnom_binary_param, int16_t, sub_element_s16)
NNOM_BINARY_ELEMENTS(mult_elements_s16, nnom_binary_param, int16_t, mult_element_s16)

void nnom_add_s16_ref(const nnom_call_t *call)
{
    nnom_binary_runs(call, add_elements_s16);
}

void nnom_sub_s16_ref(const nnom_call_t *call)
{
    nnom_binary_runs(call, sub_elements_s16);
}

void nnom_mult_s16_ref(const nnom_call_t *call)
{
    nnom_binary_runs(call, mult_elements_s16);
}
