/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Functions of fixed-point numbers, exactly as the TFLite int8 specification evaluates them (SPEC.md). A number with
 * `bits` integer bits is an int32 holding real * 2^(31 - bits); "Q0" below: bits = 0, a fraction in [-1, 1).
 */
#ifndef NNOM_FIXED_POINT_H
#define NNOM_FIXED_POINT_H

#include <stdint.h>

/* x * 2^exponent: saturated to the left, rounded (ties away from zero) to the right. -31 <= exponent <= 30. */
int32_t nnom_fp_scale(int32_t x, int32_t exponent);

/* exp(a) as Q0, for a <= 0 with 0 <= bits <= 5 integer bits. */
int32_t nnom_fp_exp(int32_t a, int32_t bits);

/* 1 / (1 + x) as Q0, for a Q0 x in [0, 1). */
int32_t nnom_fp_inverse_1p(int32_t x);

/* tanh(a) and 1 / (1 + exp(-a)) as Q0, for a with bits <= 4 (tanh) or <= 5 (logistic). */
int32_t nnom_fp_tanh(int32_t a, int32_t bits);
int32_t nnom_fp_logistic(int32_t a, int32_t bits);

/* 1 / x = result (Q0, in [1/2, 1)) * 2^-*over, for x > 0 with `bits` integer bits. */
int32_t nnom_fp_reciprocal(int32_t x, int32_t bits, int32_t *over);

/* 1 / sqrt(x) = multiplier * 2^(shift - 31), for x >= 0 (0 is taken as 1). -15 <= shift <= 0. */
void nnom_fp_inverse_sqrt(int32_t x, int32_t *multiplier, int32_t *shift);

/* Natural logarithm of x >= 1 with 12 integer bits, the result with 5. */
int32_t nnom_fp_log(int32_t x);

/* Leading zero bits of x; 32 for 0. */
int32_t nnom_leading_zeros(uint32_t x);

#endif
