/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Kernels of AVX-512 VNNI: four products of an unsigned and a signed byte in each of 16 lanes. Inputs are taken 128 higher, and the bias
 * is less by 128 times the sum of the channel's weights; sums are modulo 2^32, and fit in the end as those of ref do. Found when a kernel
 * runs, as AVX2 is; elsewhere the C forms run on the same arrays.
 *
 * Parameters are nnom_conv_param_t, bias, multiplier and shift by lane as in x86.h. weights: [16 lanes][run][quad][lane][4], the last quad
 * of a run filled up with weights of 0. Conv2D: a run as in nnom_x86_rows_t; Dense: a row of the input.
 */
#ifndef NNOM_X86_VNNI_H
#define NNOM_X86_VNNI_H

#include "x86.h"

enum { NNOM_VNNI_LANES = 16, NNOM_VNNI_QUAD = 4 * NNOM_VNNI_LANES };

#if NNOM_X86
#include <string.h>

#define NNOM_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define NNOM_VNNI_INLINE static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512vl,avx512vnni")))
static inline bool nnom_has_vnni(void)
{
    return __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512vl") != 0;
}

/* Four taps, in every lane. */
NNOM_VNNI_INLINE __m512i nnom_vnni_taps(const uint8_t *x)
{
    int32_t taps;
    memcpy(&taps, x, sizeof taps);
    return _mm512_set1_epi32(taps);
}

/* Of 16 lanes: what requantises them. */
typedef struct nnom_vnni_scale {
    __m512i multiplier, odd; /* odd: the odd lanes' multipliers, in the even ones */
    __m512i right;           /* one less than the shift to the right */
    __mmask16 some;          /* lanes that are shifted at all */
    bool left;               /* a lane is shifted to the left: not for nnom_vnni_requantize() */
} nnom_vnni_scale_t;

NNOM_VNNI_INLINE nnom_vnni_scale_t nnom_vnni_scale(const nnom_conv_param_t *p, int32_t lane)
{
    nnom_vnni_scale_t s;
    const __m512i shift = _mm512_loadu_si512((const int32_t *)p->shift + lane);
    s.multiplier = _mm512_loadu_si512((const int32_t *)p->multiplier + lane);
    s.odd = _mm512_srli_epi64(s.multiplier, 32);
    s.right = _mm512_sub_epi32(_mm512_set1_epi32(-1), shift);
    s.some = _mm512_cmpneq_epi32_mask(shift, _mm512_setzero_si512());
    s.left = _mm512_cmpgt_epi32_mask(shift, _mm512_setzero_si512()) != 0;
    return s;
}

/* nnom_requantize() for multipliers >= 0 and shifts <= 0, as nnom_avx2_requantize(). */
NNOM_VNNI_INLINE __m512i nnom_vnni_requantize(const nnom_vnni_scale_t *s, __m512i acc)
{
    const __m512i nudge = _mm512_set1_epi64((int64_t)1 << 30);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(acc, s->multiplier), nudge);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(acc, 32), s->odd), nudge);
    const __m512i high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
    const __m512i away = _mm512_mask_add_epi32(high, s->some, high, _mm512_srai_epi32(high, 31));
    const __m512i twice = _mm512_add_epi32(_mm512_srav_epi32(away, s->right), _mm512_set1_epi32(1));
    return _mm512_mask_srai_epi32(high, s->some, twice, 1);
}

/* Lanes [lane, lane + 16), of which n are outputs: to. */
NNOM_VNNI_INLINE void nnom_vnni_finish(const nnom_conv_param_t *p, const nnom_vnni_scale_t *s, int32_t lane, int32_t n,
                                       __m512i acc, int32_t zero_point, int8_t *to)
{
    n = n < NNOM_VNNI_LANES ? n : NNOM_VNNI_LANES;
    if (s->left) {
        int32_t sums[NNOM_VNNI_LANES];
        _mm512_storeu_si512(sums, acc);
        nnom_x86_finish_s8(p, zero_point, lane, n, sums, to);
        return;
    }
    const __m512i y = _mm512_add_epi32(nnom_vnni_requantize(s, acc), _mm512_set1_epi32(zero_point));
    const __m128i least = _mm_set1_epi8((char)p->act_min), most = _mm_set1_epi8((char)p->act_max);
    const __m128i bytes = _mm_min_epi8(_mm_max_epi8(_mm512_cvtsepi32_epi8(y), least), most);
    if (n == NNOM_VNNI_LANES) {
        _mm_storeu_si128((__m128i *)(void *)to, bytes);
        return;
    }
    _mm_mask_storeu_epi8(to, (__mmask16)(0xffffu >> (NNOM_VNNI_LANES - n)), bytes);
}
#endif

#endif
