/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Complex numbers of 2 x 16 bits, Q15, with the roundings of SPEC.md. On cores with the DSP extension a number is one register; elsewhere it
 * is C of the same results.
 */
#ifndef NNOM_COMPLEX16_H
#define NNOM_COMPLEX16_H

#include <stdint.h>

typedef struct nnom_complex16 {
    int16_t re;
    int16_t im;
} nnom_complex16_t;

/* x modulo 2^16, as every sum here: after a halving or quartering of its terms only sounds at the edges of the range come so far. */
static inline int16_t nnom_wrap16(int32_t x)
{
    return (int16_t)(uint16_t)(uint32_t)x;
}

/* x * 2^-15 to nearest, halves up. |x| <= 2^31 - 2^14. */
static inline int16_t nnom_round15(int32_t x)
{
    return nnom_wrap16((x + (1 << 14)) >> 15);
}

static inline nnom_complex16_t nnom_c16_add(nnom_complex16_t a, nnom_complex16_t b)
{
    return (nnom_complex16_t){nnom_wrap16(a.re + b.re), nnom_wrap16(a.im + b.im)};
}

static inline nnom_complex16_t nnom_c16_sub(nnom_complex16_t a, nnom_complex16_t b)
{
    return (nnom_complex16_t){nnom_wrap16(a.re - b.re), nnom_wrap16(a.im - b.im)};
}

/* a - i b */
static inline nnom_complex16_t nnom_c16_sub_i(nnom_complex16_t a, nnom_complex16_t b)
{
    return (nnom_complex16_t){nnom_wrap16(a.re + b.im), nnom_wrap16(a.im - b.re)};
}

/* a + i b */
static inline nnom_complex16_t nnom_c16_add_i(nnom_complex16_t a, nnom_complex16_t b)
{
    return (nnom_complex16_t){nnom_wrap16(a.re - b.im), nnom_wrap16(a.im + b.re)};
}

/* w: of length 1, so that |re|, |im| of the product <= 46341 * 32768 < 2^31 - 2^14. */
static inline nnom_complex16_t nnom_c16_mul(nnom_complex16_t a, nnom_complex16_t w)
{
    return (nnom_complex16_t){nnom_round15(a.re * w.re - a.im * w.im), nnom_round15(a.re * w.im + a.im * w.re)};
}

/* Times floor(32767 / parts) / 2^15: a half or a quarter, a little less. */
static inline nnom_complex16_t nnom_c16_part(nnom_complex16_t a, int32_t parts)
{
    const int32_t factor = 32767 / parts;
    return (nnom_complex16_t){nnom_round15(a.re * factor), nnom_round15(a.im * factor)};
}

#endif
