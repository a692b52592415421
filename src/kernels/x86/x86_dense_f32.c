/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Dense in float: lanes are units, so that each adds its taps in the order of ref. Sums between rows are kept by lane. */
#include <string.h>

#include "../fixed.h"
#include "../ref/window.h"
#include "x86_avx2.h"
#include "x86_pack.h"

/* The rows of the input that a call brings. */
typedef struct x86_dense {
    const nnom_conv_param_t *p;
    nnom_walk_t walk;
    int32_t rows, length, first; /* rows; elements of one; the first's number */
    int32_t taps;
} x86_dense_t;

/* ---- C ---- */

static void x86_dense_sums_f32(const x86_dense_t *d, int32_t lane, int32_t n, float *acc)
{
    for (int32_t i = lane; i < lane + n; i++) {
        const float *w = (const float *)d->p->weights + i / NNOM_X86_LANES * NNOM_X86_LANES * d->taps +
                         i % NNOM_X86_LANES + NNOM_X86_LANES * d->first * d->length;
        nnom_walk_t walk = d->walk;
        for (int32_t row = 0; row < d->rows; row++, nnom_walk_down(&walk)) {
            const float *x = (const float *)(const void *)nnom_walk_row(&walk);
            for (int32_t t = 0; t < d->length; t++, w += NNOM_X86_LANES) {
                acc[i - lane] += x[t] * *w;
            }
        }
    }
}

/* ---- AVX2 ---- */

#if NNOM_X86
/* Four blocks: acc [32], weights `block` floats apart; those beyond `blocks` repeat the first ones and are thrown away. */
NNOM_AVX2 static void x86_dense_sums_avx2_f32(const x86_dense_t *d, int32_t lane, int32_t blocks, float *acc)
{
    const int32_t block = NNOM_X86_LANES * d->taps, far = blocks > 2 ? 2 * block : 0;
    const float *w = (const float *)d->p->weights + lane * d->taps + NNOM_X86_LANES * d->first * d->length;
    nnom_walk_t walk = d->walk;
    __m256 a0 = _mm256_loadu_ps(acc), a1 = _mm256_loadu_ps(acc + 8);
    __m256 a2 = _mm256_loadu_ps(acc + 16), a3 = _mm256_loadu_ps(acc + 24);
    for (int32_t row = 0; row < d->rows; row++, nnom_walk_down(&walk)) {
        const float *x = (const float *)(const void *)nnom_walk_row(&walk);
        for (int32_t t = 0; t < d->length; t++, w += NNOM_X86_LANES) {
            const __m256 tap = _mm256_broadcast_ss(x + t);
            a0 = _mm256_add_ps(a0, _mm256_mul_ps(tap, _mm256_loadu_ps(w)));
            a1 = _mm256_add_ps(a1, _mm256_mul_ps(tap, _mm256_loadu_ps(w + block)));
            a2 = _mm256_add_ps(a2, _mm256_mul_ps(tap, _mm256_loadu_ps(w + far)));
            a3 = _mm256_add_ps(a3, _mm256_mul_ps(tap, _mm256_loadu_ps(w + far + block)));
        }
    }
    const __m256 sums[4] = {a0, a1, a2, a3};
    memcpy(acc, sums, (size_t)blocks * sizeof sums[0]);
}
#endif

/* ---- Both ---- */

static void x86_dense_sums(const x86_dense_t *d, int32_t lane, int32_t n, float *acc)
{
#if NNOM_X86
    if (nnom_has_avx2()) {
        x86_dense_sums_avx2_f32(d, lane, n / NNOM_X86_LANES, acc);
        return;
    }
#endif
    x86_dense_sums_f32(d, lane, n, acc);
}

void nnom_dense_f32_x86(const nnom_call_t *call)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const int32_t length = in->shape.w * in->shape.c, lanes = nnom_x86_lanes(out->shape.c);
    const x86_dense_t d = {
        call->node->param,   nnom_walk(&from, call->y.lo, 1), call->y.hi - call->y.lo, length, call->y.lo,
        in->shape.h * length};
    float *kept = nnom_call_scratch(call), *to = (float *)(void *)nnom_call_output_rows(call).data;
    for (int32_t lane = 0; lane < out->shape.c; lane += 4 * NNOM_X86_LANES) {
        float acc[4 * NNOM_X86_LANES] = {0.0f};
        const int32_t n = nnom_min_i32(4 * NNOM_X86_LANES, lanes - lane);
        if (d.first > 0) {
            memcpy(acc, kept + lane, (size_t)n * sizeof *acc);
        }
        x86_dense_sums(&d, lane, n, acc);
        if (call->y.hi == in->shape.h) {
            nnom_x86_finish_f32(d.p, lane, nnom_min_i32(n, out->shape.c - lane), acc, to + lane);
        } else {
            memcpy(kept + lane, acc, (size_t)n * sizeof *acc);
        }
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

static nnom_status_t x86_dense_pack_f32(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const int64_t sums = nnom_layer_in(layer, 0)->shape.h > 1 ? nnom_x86_lanes(conv->channels) : 0;
    return nnom_x86_pack_f32(conv, sums * (int64_t)sizeof(float));
}

NNOM_FORM(dense_f32_x86, nnom_window_all, NNOM_OP_REDUCES, nnom_conv_param, x86_dense_pack_f32)
