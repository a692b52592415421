/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "fixed_point.h"

#include "fixed.h"

enum {
    FP_EXP_EIGHTH = 1895147668,      /* exp(-1/8), Q0 */
    FP_THIRD = 715827883,            /* 1/3, Q0 */
    FP_48_OVER_17 = 1515870810,      /* 2 integer bits */
    FP_MINUS_32_OVER_17 = -1010580540, /* 2 integer bits */
    FP_ONE_2 = 1 << 29,              /* 1 with 2 integer bits */
    FP_ONE_0 = INT32_MAX             /* the Q0 number next to 1 */
};

int32_t nnom_leading_zeros(uint32_t x)
{
    int32_t n = 0;
    for (uint32_t bit = (uint32_t)1 << 31; bit != 0 && (x & bit) == 0; bit >>= 1) {
        n++;
    }
    return n;
}

int32_t nnom_fp_scale(int32_t x, int32_t exponent)
{
    if (exponent <= 0) {
        return nnom_shift_round(x, -exponent);
    }
    const int32_t limit = INT32_MAX >> exponent;
    if (x > limit) {
        return INT32_MAX;
    }
    return x < -limit ? INT32_MIN : x * ((int32_t)1 << exponent);
}

/* exp(a) for a Q0 a in [-1/4, 0): Taylor series of order 4 around -1/8. */
static int32_t exp_quarter(int32_t a)
{
    const int32_t x = a + ((int32_t)1 << 28);
    const int32_t x2 = nnom_high_mul(x, x);
    const int32_t x3 = nnom_high_mul(x2, x);
    const int32_t x4 = nnom_high_mul(x2, x2);
    const int32_t high = nnom_high_mul(nnom_fp_scale(x4, -2) + x3, FP_THIRD) + x2;
    return FP_EXP_EIGHTH + nnom_high_mul(FP_EXP_EIGHTH, x + nnom_fp_scale(high, -1));
}

int32_t nnom_fp_exp(int32_t a, int32_t bits)
{
    static const int32_t power[] = {/* exp(-2^i), i = -2 .. 4, Q0 */
                                    1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    if (a == 0) {
        return FP_ONE_0;
    }
    const int32_t quarter = (int32_t)1 << (29 - bits);
    const int32_t rest = (a & (quarter - 1)) - quarter; /* in [-1/4, 0), equal to a modulo 1/4 */
    const int32_t steps = rest - a;                     /* >= 0: a multiple of 1/4 */
    int32_t result = exp_quarter(nnom_fp_scale(rest, bits));
    for (int32_t i = 0; i < bits + 2; i++) {
        if ((steps & (quarter * ((int32_t)1 << i))) != 0) {
            result = nnom_high_mul(result, power[i]);
        }
    }
    return result;
}

/* 2 / (1 + x) with 2 integer bits, for a Q0 x in [0, 1]: three Newton steps on d = (1 + x) / 2. */
static int32_t newton(int32_t x)
{
    const int32_t d = (int32_t)(((int64_t)x + FP_ONE_0 + 1) / 2);
    int32_t y = FP_48_OVER_17 + nnom_high_mul(d, FP_MINUS_32_OVER_17);
    for (int32_t i = 0; i < 3; i++) {
        const int32_t error = FP_ONE_2 - nnom_high_mul(d, y);
        y += nnom_fp_scale(nnom_high_mul(y, error), 2);
    }
    return y;
}

int32_t nnom_fp_inverse_1p(int32_t x)
{
    return nnom_fp_scale(newton(x), 1);
}

int32_t nnom_fp_logistic(int32_t a, int32_t bits)
{
    if (a == 0) {
        return (int32_t)1 << 30;
    }
    const int32_t positive = nnom_fp_inverse_1p(nnom_fp_exp(a > 0 ? -a : a, bits));
    return a > 0 ? positive : FP_ONE_0 - positive;
}

int32_t nnom_fp_tanh(int32_t a, int32_t bits)
{
    if (a == 0) {
        return 0;
    }
    const int32_t e = nnom_fp_exp(a > 0 ? -a : a, bits + 1); /* exp(-2 |a|) */
    const int32_t t = nnom_fp_scale(newton(e) - FP_ONE_2, 2); /* 2 / (1 + e) - 1 = (1 - e) / (1 + e) */
    return a > 0 ? t : -t;
}

int32_t nnom_fp_reciprocal(int32_t x, int32_t bits, int32_t *over)
{
    const int32_t zeros = nnom_leading_zeros((uint32_t)x);
    *over = bits - zeros;
    return nnom_fp_inverse_1p((int32_t)(((uint32_t)x << zeros) - ((uint32_t)1 << 31)));
}
