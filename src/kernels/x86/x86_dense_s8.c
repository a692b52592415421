/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Dense: four blocks of units at a time, of a pair of taps each. Sums between rows are kept by lane. */
#include <string.h>

#include "../fixed.h"
#include "../ref/window.h"
#include "x86_avx2.h"
#include "x86_pack.h"

/* The rows of the input that a call brings: each is a run. */
typedef struct x86_dense {
    const nnom_conv_param_t *p;
    nnom_walk_t walk;
    int32_t rows, length, first; /* rows; elements of one; the first's number */
    int32_t block;               /* bytes of a block's weights */
} x86_dense_t;

/* ---- C ---- */

static void x86_dense_sums_s8(const x86_dense_t *d, int32_t lane, int32_t n, int32_t *acc)
{
    const int32_t pairs = (d->length + 1) / 2;
    for (int32_t i = lane; i < lane + n; i++) {
        const int8_t *w = (const int8_t *)d->p->weights + i / NNOM_X86_LANES * d->block + 2 * (i % NNOM_X86_LANES) +
                          d->first * pairs * 2 * NNOM_X86_LANES;
        nnom_walk_t walk = d->walk;
        for (int32_t row = 0; row < d->rows; row++, nnom_walk_down(&walk)) {
            const int8_t *x = (const int8_t *)nnom_walk_row(&walk);
            for (int32_t t = 0; t < d->length; t++) {
                acc[i - lane] += x[t] * w[2 * NNOM_X86_LANES * (t / 2) + t % 2];
            }
            w += 2 * NNOM_X86_LANES * pairs;
        }
    }
}

/* ---- AVX2 ---- */

#if NNOM_X86
/* n <= 16 values as int16, those beyond are 0. */
NNOM_AVX2_INLINE __m256i x86_dense_taps(const int8_t *x, int32_t n)
{
    if (n >= 16) {
        return nnom_avx2_weights(x);
    }
    int8_t part[16] = {0};
    memcpy(part, x, (size_t)n);
    return nnom_avx2_weights(part);
}

/* Sums of four blocks: acc [32]. */
NNOM_AVX2 static void x86_dense_sums_avx2_s8(const x86_dense_t *d, int32_t lane, int32_t blocks, int32_t *acc)
{
    const int32_t pairs = (d->length + 1) / 2, far = blocks > 2 ? 2 * d->block : 0;
    const int8_t *w = (const int8_t *)d->p->weights + lane / NNOM_X86_LANES * d->block + d->first * pairs * 16;
    nnom_walk_t walk = d->walk;
    __m256i a0 = nnom_avx2_load(acc), a1 = nnom_avx2_load(acc + 8);
    __m256i a2 = nnom_avx2_load(acc + 16), a3 = nnom_avx2_load(acc + 24);
    for (int32_t row = 0; row < d->rows; row++, nnom_walk_down(&walk)) {
        const int8_t *x = (const int8_t *)nnom_walk_row(&walk);
        for (int32_t t = 0; t < d->length; t += 16) {
            const __m256i taps = x86_dense_taps(x + t, d->length - t);
            const int32_t n = nnom_min_i32(8, pairs - t / 2);
            for (int32_t k = 0; k < n; k++, w += 16) {
                const __m256i pair = _mm256_permutevar8x32_epi32(taps, _mm256_set1_epi32(k));
                a0 = nnom_avx2_add(a0, pair, nnom_avx2_weights(w));
                a1 = nnom_avx2_add(a1, pair, nnom_avx2_weights(w + d->block));
                a2 = nnom_avx2_add(a2, pair, nnom_avx2_weights(w + far));
                a3 = nnom_avx2_add(a3, pair, nnom_avx2_weights(w + far + d->block));
            }
        }
    }
    const __m256i sums[4] = {a0, a1, a2, a3};
    memcpy(acc, sums, (size_t)blocks * sizeof sums[0]);
}

NNOM_AVX2 static void x86_dense_outputs_avx2(const nnom_conv_param_t *p, int32_t zero_point, int32_t lane,
                                             int32_t channels, const int32_t *acc, int8_t *to)
{
    for (int32_t i = lane; i < nnom_min_i32(channels, lane + 32); i += 16, acc += 16) {
        nnom_avx2_outputs(p, i, channels, nnom_avx2_load(acc), nnom_avx2_load(acc + 8), zero_point, to);
    }
}
#endif

/* ---- Both ---- */

/* Sums and outputs of lanes [lane, lane + 32), or as many as there are. */
static void x86_dense_block(const x86_dense_t *d, const nnom_tensor_t *out, int32_t lane, int32_t *kept, bool ends,
                            int8_t *to)
{
    int32_t acc[4 * NNOM_X86_LANES] = {0};
    const int32_t n = nnom_min_i32(4 * NNOM_X86_LANES, nnom_x86_lanes(out->shape.c) - lane);
    memcpy(acc, d->first == 0 ? (const int32_t *)d->p->bias + lane : kept + lane, (size_t)n * sizeof *acc);
#if NNOM_X86
    if (nnom_has_avx2()) {
        x86_dense_sums_avx2_s8(d, lane, n / NNOM_X86_LANES, acc);
        if (ends) {
            x86_dense_outputs_avx2(d->p, out->zero_point, lane, out->shape.c, acc, to);
        } else {
            memcpy(kept + lane, acc, (size_t)n * sizeof *acc);
        }
        return;
    }
#endif
    x86_dense_sums_s8(d, lane, n, acc);
    if (ends) {
        nnom_x86_finish_s8(d->p, out->zero_point, lane, nnom_min_i32(n, out->shape.c - lane), acc, to + lane);
    } else {
        memcpy(kept + lane, acc, (size_t)n * sizeof *acc);
    }
}

void nnom_dense_s8_x86(const nnom_call_t *call)
{
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const int32_t length = in->shape.w * in->shape.c;
    const x86_dense_t d = {call->node->param,
                           nnom_walk(&from, call->y.lo, 1),
                           call->y.hi - call->y.lo,
                           length,
                           call->y.lo,
                           in->shape.h * ((length + 1) / 2) * 2 * NNOM_X86_LANES};
    int8_t *to = (int8_t *)nnom_call_output_rows(call).data;
    for (int32_t lane = 0; lane < out->shape.c; lane += 4 * NNOM_X86_LANES) {
        x86_dense_block(&d, out, lane, nnom_call_scratch(call), call->y.hi == in->shape.h, to);
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

static nnom_status_t x86_dense_pack_s8(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    return nnom_x86_pack_s8(conv, in.w * in.c, in.h > 1 ? 4 * (int64_t)nnom_x86_lanes(conv->channels) : 0);
}

NNOM_FORM(dense_s8_x86, nnom_window_all, NNOM_OP_REDUCES, nnom_conv_param, x86_dense_pack_s8)
