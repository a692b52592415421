/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Functions of their own, so that the loops have the registers for themselves. */
#include "block.h"

int32_t nnom_block_excess(const int8_t *x, int32_t n)
{
    int32_t sum = 0;
    for (const int8_t *end = x + n; x != end; x++) {
        sum += *x;
    }
    return sum * NNOM_BLOCK_OFFSET;
}

static void four(int32_t *acc, const int8_t *x, const uint8_t *w, int32_t n)
{
    int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
    const int8_t *end = x + n;
    for (const int8_t *last = x + (n & ~3); x != last; x += 4, w += 16) {
        int32_t v = x[0];
        a += v * w[0];
        b += v * w[1];
        c += v * w[2];
        d += v * w[3];
        v = x[1];
        a += v * w[4];
        b += v * w[5];
        c += v * w[6];
        d += v * w[7];
        v = x[2];
        a += v * w[8];
        b += v * w[9];
        c += v * w[10];
        d += v * w[11];
        v = x[3];
        a += v * w[12];
        b += v * w[13];
        c += v * w[14];
        d += v * w[15];
    }
    for (; x != end; x++, w += 4) {
        const int32_t v = *x;
        a += v * w[0];
        b += v * w[1];
        c += v * w[2];
        d += v * w[3];
    }
    acc[0] = a;
    acc[1] = b;
    acc[2] = c;
    acc[3] = d;
}

static void rest(int32_t *acc, const int8_t *x, const uint8_t *w, int32_t n, int32_t width)
{
    for (int32_t i = 0; i < width; i++) {
        int32_t sum = acc[i];
        const uint8_t *at = w + i;
        for (int32_t t = 0; t < n; t++, at += width) {
            sum += (int32_t)x[t] * *at;
        }
        acc[i] = sum;
    }
}

void nnom_block(int32_t *acc, const int8_t *x, const uint8_t *w, int32_t n, int32_t width)
{
    if (width == NNOM_PACKED_BLOCK) {
        four(acc, x, w, n);
    } else {
        rest(acc, x, w, n, width);
    }
}

static void four_taps(int32_t *acc, const nnom_tap_t *taps, int32_t c, const int8_t *w, int32_t n)
{
    int32_t sum0 = acc[0], sum1 = acc[1], sum2 = acc[2], sum3 = acc[3];
    for (const nnom_tap_t *end = taps + n; taps != end; taps++, w += 4) {
        const int8_t *x = taps->at + (c & taps->mask);
        sum0 += (int32_t)x[0] * w[0];
        sum1 += (int32_t)x[1] * w[1];
        sum2 += (int32_t)x[2] * w[2];
        sum3 += (int32_t)x[3] * w[3];
    }
    acc[0] = sum0;
    acc[1] = sum1;
    acc[2] = sum2;
    acc[3] = sum3;
}

void nnom_block_taps(int32_t *acc, const nnom_tap_t *taps, int32_t c, const int8_t *w, int32_t n, int32_t width)
{
    if (width == NNOM_PACKED_BLOCK) {
        four_taps(acc, taps, c, w, n);
        return;
    }
    for (int32_t t = 0; t < n; t++, w += width) {
        const int8_t *x = taps[t].at + (c & taps[t].mask);
        for (int32_t i = 0; i < width; i++) {
            acc[i] += (int32_t)x[i] * w[i];
        }
    }
}
