/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* FFT in float: decimation in time, radix 4 (and 2 once, where needed). */
#include "fft_float.h"

static inline nnom_complex_t float_add(nnom_complex_t a, nnom_complex_t b)
{
    return (nnom_complex_t){a.re + b.re, a.im + b.im};
}

static inline nnom_complex_t float_sub(nnom_complex_t a, nnom_complex_t b)
{
    return (nnom_complex_t){a.re - b.re, a.im - b.im};
}

static inline nnom_complex_t float_mul(nnom_complex_t a, nnom_complex_t w)
{
    return (nnom_complex_t){a.re * w.re - a.im * w.im, a.re * w.im + a.im * w.re};
}

static void float_pairs(nnom_complex_t *x, uint32_t n)
{
    for (nnom_complex_t *end = x + n; x < end; x += 2) {
        const nnom_complex_t a = x[0], b = x[1];
        x[0] = float_add(a, b);
        x[1] = float_sub(a, b);
    }
}

/* Four numbers, m apart; b, c, d: the last three, with their twiddles. */
static inline void float_four(nnom_complex_t *x, uint32_t m, nnom_complex_t b, nnom_complex_t c, nnom_complex_t d)
{
    const nnom_complex_t even = float_add(x[0], c), difference = float_sub(x[0], c);
    const nnom_complex_t odd = float_add(b, d), turned = float_sub(b, d);
    x[0] = float_add(even, odd);
    x[m] = (nnom_complex_t){difference.re + turned.im, difference.im - turned.re};
    x[2 * m] = float_sub(even, odd);
    x[3 * m] = (nnom_complex_t){difference.re - turned.im, difference.im + turned.re};
}

/* The butterflies without twiddles: the first of each group. */
static void float_plain_fours(nnom_complex_t *x, uint32_t n, uint32_t m)
{
    for (nnom_complex_t *end = x + n; x < end; x += 4 * m) {
        float_four(x, m, x[m], x[2 * m], x[3 * m]);
    }
}

/* Butterfly k of each group of 4 m. */
static void float_fours(nnom_complex_t *x, uint32_t n, uint32_t m, uint32_t k, const nnom_complex_t *twiddles)
{
    const uint32_t turn = k * (n / (4 * m));
    const nnom_complex_t w1 = twiddles[turn], w2 = twiddles[2 * turn], w3 = twiddles[3 * turn];
    for (nnom_complex_t *end = x + n, *at = x + k; at < end; at += 4 * m) {
        float_four(at, m, float_mul(at[m], w1), float_mul(at[2 * m], w2), float_mul(at[3 * m], w3));
    }
}

/* Bins k and n - k of the real numbers, from those of the pairs. */
static void float_split(nnom_complex_t *x, uint32_t n, uint32_t k, nnom_complex_t w)
{
    const nnom_complex_t a = x[k], b = {x[n - k].re, -x[n - k].im};
    const nnom_complex_t sum = float_add(a, b), t = float_mul(float_sub(a, b), w);
    x[k] = (nnom_complex_t){0.5f * (sum.re + t.re), 0.5f * (sum.im + t.im)};
    x[n - k] = (nnom_complex_t){0.5f * (sum.re - t.re), 0.5f * (t.im - sum.im)};
}

void nnom_fft_float(nnom_complex_t *x, uint32_t n, const nnom_complex_t *twiddles, const nnom_complex_t *split)
{
    uint32_t m = nnom_fft_first(n);
    if (m == 2) {
        float_pairs(x, n);
    }
    for (; m < n; m *= 4) {
        float_plain_fours(x, n, m);
        for (uint32_t k = 1; k < m; k++) {
            float_fours(x, n, m, k, twiddles);
        }
    }
    for (uint32_t k = 1; k <= n / 2; k++) {
        float_split(x, n, k, split[k - 1]);
    }
    x[0] = (nnom_complex_t){x[0].re + x[0].im, x[0].re - x[0].im};
}
