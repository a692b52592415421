/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the AVX2 forms share. Included where NNOM_X86 may be set. */
#ifndef NNOM_X86_AVX2_H
#define NNOM_X86_AVX2_H

#include "x86.h"

#if NNOM_X86
#include <string.h>

NNOM_AVX2_INLINE __m256i nnom_avx2_load(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

/* 16 weights as int16. */
NNOM_AVX2_INLINE __m256i nnom_avx2_weights(const int8_t *from)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
}

/* A pair of taps in every lane. */
NNOM_AVX2_INLINE __m256i nnom_avx2_pair(const int16_t *x)
{
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    return _mm256_set1_epi32(pair);
}

/* acc + x0 * w0 + x1 * w1 in every lane. */
NNOM_AVX2_INLINE __m256i nnom_avx2_add(__m256i acc, __m256i x, __m256i w)
{
    return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w));
}

/* Of 8 lanes: what requantises them. */
typedef struct nnom_avx2_scale {
    __m256i multiplier;
    __m256i odd; /* the odd lanes' multipliers, in the even ones */
    __m256i right;
    __m256i mask; /* of the bits shifted out */
    __m256i half; /* the largest remainder that is rounded down, for numbers >= 0 */
    __m256i zero_point;
} nnom_avx2_scale_t;

NNOM_AVX2_INLINE nnom_avx2_scale_t nnom_avx2_scale(const nnom_conv_param_t *p, int32_t lane, int32_t zero_point)
{
    nnom_avx2_scale_t s;
    const __m256i shift = nnom_avx2_load((const int32_t *)p->shift + lane);
    s.multiplier = nnom_avx2_load((const int32_t *)p->multiplier + lane);
    s.odd = _mm256_srli_epi64(s.multiplier, 32);
    s.right = _mm256_sub_epi32(_mm256_setzero_si256(), shift);
    s.mask = _mm256_sub_epi32(_mm256_sllv_epi32(_mm256_set1_epi32(1), s.right), _mm256_set1_epi32(1));
    s.half = _mm256_srli_epi32(s.mask, 1);
    s.zero_point = _mm256_set1_epi32(zero_point);
    return s;
}

/* True if a lane is shifted to the left: nnom_avx2_requantize() is not for these. */
NNOM_AVX2_INLINE bool nnom_avx2_left(const nnom_avx2_scale_t *s)
{
    return _mm256_movemask_ps(_mm256_castsi256_ps(s->right)) != 0;
}

/*
 * nnom_requantize() plus the zero point, for multipliers >= 0 and shifts <= 0: nnom_high_mul() is floor((a * b + 2^30) / 2^31) then,
 * whatever the sign of a; of the even lanes' 64 bits it is bits 31 to 62.
 */
NNOM_AVX2_INLINE __m256i nnom_avx2_requantize(const nnom_avx2_scale_t *s, __m256i acc)
{
    const __m256i nudge = _mm256_set1_epi64x((int64_t)1 << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(acc, s->multiplier), nudge);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(acc, 32), s->odd), nudge);
    const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
    const __m256i least = _mm256_sub_epi32(s->half, _mm256_srai_epi32(high, 31));
    const __m256i up = _mm256_cmpgt_epi32(_mm256_and_si256(high, s->mask), least); /* -1: round up */
    const __m256i y = _mm256_sub_epi32(_mm256_srav_epi32(high, s->right), up);
    return _mm256_add_epi32(y, s->zero_point);
}

/* 16 numbers saturated to int8. */
NNOM_AVX2_INLINE __m128i nnom_avx2_saturate(__m256i a, __m256i b)
{
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
    return _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

/* The same within the limits. */
NNOM_AVX2_INLINE __m128i nnom_avx2_bytes(const nnom_conv_param_t *p, __m256i a, __m256i b)
{
    const __m128i bytes = nnom_avx2_saturate(a, b);
    const __m128i least = _mm_set1_epi8((char)p->act_min), most = _mm_set1_epi8((char)p->act_max);
    return _mm_min_epi8(_mm_max_epi8(bytes, least), most);
}

/* n <= 16 of the bytes. */
NNOM_AVX2_INLINE void nnom_avx2_store(int8_t *to, __m128i bytes, int32_t n)
{
    if (n >= 16) {
        _mm_storeu_si128((__m128i *)(void *)to, bytes);
        return;
    }
    if (n >= 8) {
        _mm_storel_epi64((__m128i *)(void *)to, bytes);
        bytes = _mm_srli_si128(bytes, 8);
        to += 8;
        n -= 8;
    }
    int8_t rest[16];
    _mm_storeu_si128((__m128i *)(void *)rest, bytes);
    for (int32_t i = 0; i < n; i++) {
        to[i] = rest[i];
    }
}

/* Lanes [lane, lane + 16), of which n <= 16 are outputs. a, b: the accumulators. */
NNOM_AVX2_INLINE void nnom_avx2_finish(const nnom_conv_param_t *p, const nnom_avx2_scale_t *s, int32_t lane, int32_t n,
                                       __m256i a, __m256i b, int32_t zero_point, int8_t *to)
{
    if (nnom_avx2_left(&s[0]) || nnom_avx2_left(&s[1])) {
        int32_t acc[16];
        _mm256_storeu_si256((__m256i *)(void *)acc, a);
        _mm256_storeu_si256((__m256i *)(void *)(acc + 8), b);
        nnom_x86_finish_s8(p, zero_point, lane, n < 16 ? n : 16, acc, to);
        return;
    }
    const __m256i y = nnom_avx2_requantize(&s[0], a), z = nnom_avx2_requantize(&s[1], b);
    nnom_avx2_store(to, nnom_avx2_bytes(p, y, z), n);
}

/* The same of one pixel: lanes below `channels` go to their places behind `to`. */
NNOM_AVX2_INLINE void nnom_avx2_outputs(const nnom_conv_param_t *p, int32_t lane, int32_t channels, __m256i a,
                                        __m256i b, int32_t zero_point, int8_t *to)
{
    const nnom_avx2_scale_t s[2] = {nnom_avx2_scale(p, lane, zero_point),
                                    nnom_avx2_scale(p, lane + NNOM_X86_LANES, zero_point)};
    nnom_avx2_finish(p, s, lane, channels - lane, a, b, zero_point, to + lane);
}

/* Lanes [first, first + 8) of n: all ones where they are below n, for masked loads and stores. */
NNOM_AVX2_INLINE __m256i nnom_avx2_mask(int32_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* n of 8 floats, finished: + bias, within the limits as nnom_clamp_f32() has them for NaN, too. */
NNOM_AVX2_INLINE void nnom_avx2_finish_f32(const nnom_conv_param_t *p, int32_t n, __m256 acc, __m256 bias, float *to)
{
    const __m256 y = _mm256_add_ps(acc, bias);
    const __m256 least = _mm256_set1_ps(p->act_min_f), most = _mm256_set1_ps(p->act_max_f);
    const __m256 up = _mm256_blendv_ps(y, least, _mm256_cmp_ps(y, least, _CMP_LT_OQ));
    const __m256 result = _mm256_blendv_ps(up, most, _mm256_cmp_ps(y, most, _CMP_GT_OQ));
    if (n >= 8) {
        _mm256_storeu_ps(to, result);
    } else {
        _mm256_maskstore_ps(to, nnom_avx2_mask(n), result);
    }
}
#endif

#endif
