/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * FFT in 16 bits: decimation in time, radix 4 (and 2 once, where needed), terms divided before they are added. The arithmetic is
 * that of KISS FFT in 16-bit fixed point.
 */
#include "fft_fixed.h"

/* First stage of a length that is no power of 4. All twiddles are 1: times 32767 / 2^15 changes no |x| <= 2^14. */
static void fft_pairs(nnom_complex16_t *x, uint32_t n)
{
    for (nnom_complex16_t *end = x + n; x < end; x += 2) {
        const nnom_complex16_t a = nnom_c16_part(x[0], 2), b = nnom_c16_part(x[1], 2);
        x[0] = nnom_c16_add(a, b);
        x[1] = nnom_c16_sub(a, b);
    }
}

/* Four numbers, m apart; b, c, d: the last three, with their twiddles. */
static inline void fft_four(nnom_complex16_t *x, uint32_t m, nnom_complex16_t b, nnom_complex16_t c, nnom_complex16_t d)
{
    const nnom_complex16_t a = nnom_c16_part(x[0], 4);
    const nnom_complex16_t even = nnom_c16_add(a, c), difference = nnom_c16_sub(a, c);
    const nnom_complex16_t odd = nnom_c16_add(b, d), turned = nnom_c16_sub(b, d);
    x[0] = nnom_c16_add(even, odd);
    x[m] = nnom_c16_sub_i(difference, turned);
    x[2 * m] = nnom_c16_sub(even, odd);
    x[3 * m] = nnom_c16_add_i(difference, turned);
}

/* The butterflies without twiddles: the first of each group. */
static void fft_plain_fours(nnom_complex16_t *x, uint32_t n, uint32_t m)
{
    for (nnom_complex16_t *end = x + n; x < end; x += 4 * m) {
        fft_four(x, m, nnom_c16_part(x[m], 4), nnom_c16_part(x[2 * m], 4), nnom_c16_part(x[3 * m], 4));
    }
}

/* Butterfly k of each group of 4 m. */
static void fft_fours(nnom_complex16_t *x, uint32_t n, uint32_t m, uint32_t k, const int16_t *twiddles)
{
    const uint32_t turn = 2 * k * (n / (4 * m)); /* two numbers each */
    const nnom_complex16_t w1 = nnom_c16_load(twiddles + turn), w2 = nnom_c16_load(twiddles + 2 * turn);
    const nnom_complex16_t w3 = nnom_c16_load(twiddles + 3 * turn);
    for (nnom_complex16_t *end = x + n, *at = x + k; at < end; at += 4 * m) {
        fft_four(at, m, nnom_c16_mul(nnom_c16_part(at[m], 4), w1), nnom_c16_mul(nnom_c16_part(at[2 * m], 4), w2),
                 nnom_c16_mul(nnom_c16_part(at[3 * m], 4), w3));
    }
}

/* Bins k and n - k of the real numbers, from those of the pairs; half a sum of two 16-bit numbers is one. */
static void fft_split(nnom_complex16_t *x, uint32_t n, uint32_t k, nnom_complex16_t w)
{
    const nnom_complex16_t a = nnom_c16_part(x[k], 2), b = nnom_c16_part(nnom_c16_conj(x[n - k]), 2);
    const nnom_complex16_t sum = nnom_c16_add(a, b), t = nnom_c16_mul(nnom_c16_sub(a, b), w);
    x[k] = nnom_c16_mean(sum, t);
    x[n - k] = nnom_c16_mirror(sum, t);
}

void nnom_fft_fixed(nnom_complex16_t *x, uint32_t n, const int16_t *twiddles, const int16_t *split)
{
    uint32_t m = nnom_fft_first(n);
    if (m == 2) {
        fft_pairs(x, n);
    }
    for (; m < n; m *= 4) {
        fft_plain_fours(x, n, m);
        for (uint32_t k = 1; k < m; k++) {
            fft_fours(x, n, m, k, twiddles);
        }
    }
    const nnom_complex16_t first = nnom_c16_part(x[0], 2);
    for (uint32_t k = 1; k <= n / 2; k++, split += 2) {
        fft_split(x, n, k, nnom_c16_load(split));
    }
    x[0] = nnom_c16(nnom_c16_re(first) + nnom_c16_im(first), nnom_c16_re(first) - nnom_c16_im(first));
}
