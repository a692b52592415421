/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A group of 16 channels of a depthwise convolution, of any kernel, with the instructions of helium.h. */
#ifndef NNOM_MVE_DW_GROUP_H
#define NNOM_MVE_DW_GROUP_H

#include "blocks.h"
#include "mve_dw.h"

typedef struct nnom_mve_group {
    const int8_t *const *cells; /* [taps] channel 0 of each tap */
    int32_t taps;
    int32_t together; /* taps whose products are added in 16 bits: 1 or 2 */
    int32_t zero_point;
    bool ties;
    bool offsets; /* the stream has them */
} nnom_mve_group_t;

static inline int32_t nnom_mve_group_words(int32_t taps, bool offsets)
{
    return taps * (NNOM_MVE_GROUP / 4) + NNOM_MVE_GROUP_FINISH + (offsets ? NNOM_MVE_GROUP / 4 : 0);
}

/* 16-bit products of a tap, or the sums of two: of even and of odd channels. */
typedef struct nnom_mve_products {
    nnom_s16x8_t even, odd;
} nnom_mve_products_t;

static inline nnom_mve_products_t nnom_mve_tap(const nnom_mve_group_t *g, const uint32_t *stream, int32_t tap,
                                               int32_t at, int32_t n)
{
    const int8_t *cell = g->cells[tap] + at;
    const uint32_t *offsets = stream + nnom_mve_group_words(g->taps, false);
    const nnom_s8x16_t x =
        g->offsets ? nnom_vldrb_gather(cell, nnom_mve_bytes(offsets, 0, 16), n) : nnom_vldrb_z(cell, n);
    const nnom_s8x16_t w = nnom_mve_bytes(stream, tap * NNOM_MVE_GROUP, 16);
    const nnom_mve_products_t products = {nnom_vmullb(x, w), nnom_vmullt(x, w)};
    return products;
}

static inline nnom_mve_products_t nnom_mve_taps(const nnom_mve_group_t *g, const uint32_t *stream, int32_t tap,
                                                int32_t at, int32_t n)
{
    nnom_mve_products_t sum = nnom_mve_tap(g, stream, tap, at, n);
    if (g->together == 2 && tap + 1 < g->taps) {
        const nnom_mve_products_t more = nnom_mve_tap(g, stream, tap + 1, at, n);
        sum.even = nnom_vaddh(sum.even, more.even);
        sum.odd = nnom_vaddh(sum.odd, more.odd);
    }
    return sum;
}

/* n <= 16 outputs: their inputs are `at` bytes behind the cells. */
static inline void nnom_mve_group(const nnom_mve_group_t *g, const uint32_t *stream, int32_t at, int32_t n, int8_t *out)
{
    const uint32_t *finish = stream + g->taps * (NNOM_MVE_GROUP / 4);
    nnom_s32x4_t a = nnom_vldrw(finish), b = nnom_vldrw(finish + NNOM_MVE_FINISH),
                 c = nnom_vldrw(finish + 2 * NNOM_MVE_FINISH), d = nnom_vldrw(finish + 3 * NNOM_MVE_FINISH);
    for (int32_t tap = 0; tap < g->taps; tap += g->together) {
        const nnom_mve_products_t sum = nnom_mve_taps(g, stream, tap, at, n);
        a = nnom_vaddw(a, nnom_vmovlb(sum.even));
        b = nnom_vaddw(b, nnom_vmovlt(sum.even));
        c = nnom_vaddw(c, nnom_vmovlb(sum.odd));
        d = nnom_vaddw(d, nnom_vmovlt(sum.odd));
    }
    a = nnom_mve_requantize(a, finish + 4, g->ties);
    b = nnom_mve_requantize(b, finish + NNOM_MVE_FINISH + 4, g->ties);
    c = nnom_mve_requantize(c, finish + 2 * NNOM_MVE_FINISH + 4, g->ties);
    d = nnom_mve_requantize(d, finish + 3 * NNOM_MVE_FINISH + 4, g->ties);
    const nnom_s16x8_t zero_point = nnom_vduph(g->zero_point);
    const nnom_s16x8_t even = nnom_vqaddh(nnom_vqmovn32(a, b), zero_point),
                       odd = nnom_vqaddh(nnom_vqmovn32(c, d), zero_point);
    nnom_vstrb_p(out, nnom_vqmovn16(even, odd), n);
}

#endif
