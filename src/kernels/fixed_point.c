/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "fixed_point.h"

#include <limits.h>

#include "fixed.h"

enum {
    FP_EXP_EIGHTH = 1895147668,        /* exp(-1/8), Q0 */
    FP_THIRD = 715827883,              /* 1/3, Q0 */
    FP_48_OVER_17 = 1515870810,        /* 2 integer bits */
    FP_MINUS_32_OVER_17 = -1010580540, /* 2 integer bits */
    FP_HALF_ROOT_2 = 1518500250,       /* sqrt(1/2), Q0 */
    FP_ROOT_ROOT_HALF = 1805811301,    /* 2^(-1/4), Q0 */
    FP_LOG_2 = 1488522236,             /* log 2, Q0 */
    FP_ONE_2 = INT32_C(1) << 29,       /* 1 with 2 integer bits */
    FP_ONE_0 = INT32_MAX               /* the Q0 number next to 1 */
};

int32_t nnom_leading_zeros(uint32_t x)
{
#if defined(__GNUC__) && UINT_MAX == UINT32_MAX
    return x == 0 ? 32 : __builtin_clz((unsigned)x);
#else
    int32_t n = 0;
    for (uint32_t bit = (uint32_t)1 << 31; bit != 0 && (x & bit) == 0; bit >>= 1) {
        n++;
    }
    return n;
#endif
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
    const int32_t e = nnom_fp_exp(a > 0 ? -a : a, bits + 1);  /* exp(-2 |a|) */
    const int32_t t = nnom_fp_scale(newton(e) - FP_ONE_2, 2); /* 2 / (1 + e) - 1 = (1 - e) / (1 + e) */
    return a > 0 ? t : -t;
}

int32_t nnom_fp_reciprocal(int32_t x, int32_t bits, int32_t *over)
{
    const int32_t zeros = nnom_leading_zeros((uint32_t)x);
    *over = bits - zeros;
    return nnom_fp_inverse_1p((int32_t)(((uint32_t)x << zeros) - ((uint32_t)1 << 31)));
}

void nnom_fp_inverse_sqrt(int32_t x, int32_t *multiplier, int32_t *shift)
{
    if (x <= 1) {
        *multiplier = INT32_MAX;
        *shift = 0;
        return;
    }
    int32_t right = 11;
    while (x >= (int32_t)1 << 29) {
        x /= 4;
        right++;
    }
    const int32_t pairs = (nnom_leading_zeros((uint32_t)x) - 1) / 2 - 1;
    right -= pairs;
    x *= (int32_t)1 << (2 * pairs);                   /* 2^27 <= x < 2^29 */
    const int32_t half = nnom_shift_round(x >> 1, 1); /* of x with 3 integer bits */
    int32_t y = (int32_t)1 << 28;                     /* 1 with 3 integer bits */
    for (int32_t i = 0; i < 5; i++) {                 /* Newton: y (3 - x y^2) / 2 */
        const int32_t cube = nnom_fp_scale(nnom_high_mul(nnom_high_mul(y, y), y), 6);
        const int32_t step = nnom_high_mul(((int32_t)1 << 28) + ((int32_t)1 << 27), y) - nnom_high_mul(half, cube);
        y = nnom_fp_scale(step, 3);
    }
    y = nnom_high_mul(y, FP_HALF_ROOT_2);
    *multiplier = right < 0 ? (int32_t)((uint32_t)y << -right) : y;
    *shift = right < 0 ? 0 : -right;
}

/* ---- Logarithm ---- */

enum { LOG_IN_BITS = 12, LOG_OUT_BITS = 5, LOG_SUM_BITS = LOG_OUT_BITS + 1 };

static int32_t saturated_sum(int32_t a, int32_t b)
{
    const int64_t sum = (int64_t)a + b;
    return sum > INT32_MAX ? INT32_MAX : (sum < INT32_MIN ? INT32_MIN : (int32_t)sum);
}

/* log(r / 2^(-1/4)) with LOG_SUM_BITS bits for a Q0 r near 2^(-1/4): a rational function. */
static int32_t log_near(int32_t r)
{
    const int64_t sum = (int64_t)r + FP_ROOT_ROOT_HALF; /* > 0 */
    const int32_t p = (int32_t)((sum + 1) / 2);
    const int32_t q = 2 * (r - FP_ROOT_ROOT_HALF);
    const int32_t q2 = nnom_high_mul(q, q);
    const int32_t top = nnom_high_mul(q, r) + nnom_high_mul(nnom_high_mul(q, q2), 117049297);
    const int32_t inner = 1057819769 + q + nnom_high_mul(127690142, q2);
    const int32_t bottom = nnom_high_mul(p, inner) + nnom_high_mul(638450708, q);
    return nnom_high_mul(nnom_fp_scale(top, -LOG_SUM_BITS), nnom_fp_inverse_1p(bottom));
}

int32_t nnom_fp_log(int32_t x)
{
    const int32_t quarter = nnom_fp_scale((int32_t)1 << 29, -LOG_SUM_BITS);
    const int32_t zeros = nnom_leading_zeros((uint32_t)x);
    /* Two candidates for x = r * 2^power: with the power's fraction at 1/4 above and at 1/4 below a whole number. */
    const int32_t normal = nnom_fp_scale(x, zeros - 1);
    const int32_t r_a = nnom_fp_scale(nnom_high_mul(normal, FP_HALF_ROOT_2), 1);
    const int32_t power_a = saturated_sum(nnom_fp_scale(LOG_IN_BITS - zeros, 31 - LOG_SUM_BITS), quarter);
    const int32_t less = nnom_high_mul(x, FP_HALF_ROOT_2);
    const int32_t zeros_b = nnom_leading_zeros((uint32_t)less) - 1;
    const int32_t r_b = nnom_fp_scale(x, zeros_b);
    const int32_t power_b = saturated_sum(nnom_fp_scale(LOG_IN_BITS - zeros_b, 31 - LOG_SUM_BITS), -quarter);
    const int32_t r = nnom_min_i32(r_a, r_b);
    const int32_t power = nnom_max_i32(power_a, power_b);
    return nnom_fp_scale(nnom_high_mul(power, FP_LOG_2) + log_near(r), LOG_SUM_BITS - LOG_OUT_BITS);
}
