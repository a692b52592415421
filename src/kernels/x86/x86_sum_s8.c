/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Add and Sub as a linear form (linear.h): sixteen elements at a time. */
#include "../../build/kernel.h"
#include "../../layers/binary.h"
#include "../binary.h"
#include "../linear.h"
#include "x86_avx2.h"

/* ---- C ---- */

/* Elements from i on. */
static void x86_sum_run(const nnom_binary_run_t *run, int32_t i)
{
    const nnom_linear_param_t p = *(const nnom_linear_param_t *)run->param;
    const int8_t *a = run->a, *b = run->b;
    int8_t *to = run->out;
    for (; i < run->count; i++) {
        const int32_t y = p.start + a[i * run->step_a] * p.factor_a + b[i * run->step_b] * p.factor_b;
        to[i] = (int8_t)nnom_clamp_i32(y >> NNOM_LINEAR_SHIFT, p.act_min, p.act_max);
    }
}

/* ---- AVX2 ---- */

#if NNOM_X86
/* Sixteen elements of an input from element i on; a repeated one sixteen times. */
NNOM_AVX2_INLINE __m128i x86_sum_side(const int8_t *x, int32_t step, int32_t i)
{
    return step == 0 ? _mm_set1_epi8(*x) : _mm_loadu_si128((const __m128i *)(const void *)(x + i));
}

/* Of the first eight bytes, before the limits. */
NNOM_AVX2_INLINE __m256i x86_sum_form(const nnom_linear_param_t *p, __m128i a, __m128i b)
{
    const __m256i from_a = _mm256_mullo_epi32(_mm256_cvtepi8_epi32(a), _mm256_set1_epi32(p->factor_a));
    const __m256i from_b = _mm256_mullo_epi32(_mm256_cvtepi8_epi32(b), _mm256_set1_epi32(p->factor_b));
    const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(_mm256_set1_epi32(p->start), from_a), from_b);
    return _mm256_srai_epi32(sum, NNOM_LINEAR_SHIFT);
}

/* Returns where it stopped. What is left is not taken with what was before: the output may lie on an input. */
NNOM_AVX2 static int32_t x86_sum_run_avx2(const nnom_binary_run_t *run)
{
    const nnom_linear_param_t p = *(const nnom_linear_param_t *)run->param;
    const __m128i least = _mm_set1_epi8((char)p.act_min), most = _mm_set1_epi8((char)p.act_max);
    int8_t *to = run->out;
    int32_t i = 0;
    for (; i + 16 <= run->count; i += 16) {
        const __m128i a = x86_sum_side(run->a, run->step_a, i), b = x86_sum_side(run->b, run->step_b, i);
        const __m256i low = x86_sum_form(&p, a, b);
        const __m256i high = x86_sum_form(&p, _mm_srli_si128(a, 8), _mm_srli_si128(b, 8));
        const __m128i y = _mm_max_epi8(nnom_avx2_saturate(low, high), least);
        _mm_storeu_si128((__m128i *)(void *)(to + i), _mm_min_epi8(y, most));
    }
    return i;
}
#endif

/* ---- Both ---- */

static void x86_sum(const nnom_binary_run_t *run)
{
    int32_t done = 0;
#if NNOM_X86
    if (nnom_has_avx2()) {
        done = x86_sum_run_avx2(run);
    }
#endif
    x86_sum_run(run, done);
}

void nnom_add_s8_x86(const nnom_call_t *call)
{
    nnom_binary_runs(call, x86_sum);
}

void nnom_sub_s8_x86(const nnom_call_t *call)
{
    nnom_binary_runs(call, x86_sum);
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_linear_param, NNOM_LINEAR_PARAM)

static nnom_status_t x86_sum_pack_add(nnom_layer_t *layer)
{
    return nnom_linear_pack(layer, 1);
}

static nnom_status_t x86_sum_pack_sub(nnom_layer_t *layer)
{
    return nnom_linear_pack(layer, -1);
}

NNOM_FORM(add_s8_x86, nnom_binary_window, 0, nnom_linear_param, x86_sum_pack_add)
NNOM_FORM(sub_s8_x86, nnom_binary_window, 0, nnom_linear_param, x86_sum_pack_sub)
