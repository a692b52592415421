/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * DW_Conv2D: 16 channels of two pixels at a time, taps in pairs. Of few channels and stride 1 the row is taken as one long vector:
 * where their number divides 16, its weights repeat every 16 elements.
 */
#include "../fixed.h"
#include "x86_avx2.h"
#include "x86_pack.h"

enum { WIDE = 2 * NNOM_X86_LANES };

/* Of a row of output. */
typedef struct x86_dw {
    const nnom_conv_param_t *p;
    const nnom_x86_rows_t *rows;
    int32_t *taps; /* [2 pairs] where each tap lies behind a window's begin */
    int32_t pairs;
    int32_t zero_point;
    int32_t w, channels; /* of the output; or one long vector as pixels of 16 */
    int32_t step;        /* from pixel to pixel */
    int32_t elements;    /* of the row of output */
} x86_dw_t;

/* ---- C ---- */

static int32_t x86_dw_sum(const x86_dw_t *d, const int16_t *x, int32_t lane)
{
    const int8_t *w =
        (const int8_t *)d->p->weights + lane / WIDE * WIDE * 2 * d->pairs + 2 * nnom_x86_unpacked(lane % WIDE);
    int32_t acc = ((const int32_t *)d->p->bias)[lane];
    for (int32_t t = 0; t < 2 * d->pairs; t += 2, w += 2 * WIDE) {
        acc += x[d->taps[t]] * w[0] + x[d->taps[t + 1]] * w[1];
    }
    return acc;
}

static void x86_dw_row(const x86_dw_t *d, int8_t *to)
{
    const int16_t *x = d->rows->to;
    for (int32_t i = 0; i < d->w; i++, x += d->step) {
        const int32_t first = i * d->channels, n = nnom_min_i32(d->channels, d->elements - first);
        for (int32_t lane = 0; lane < n; lane++) {
            const int32_t acc = x86_dw_sum(d, x + lane, lane);
            nnom_x86_finish_s8(d->p, d->zero_point, lane, 1, &acc, to + first + lane);
        }
    }
}

/* ---- AVX2 ---- */

#if NNOM_X86
/* Adds two taps of 16 channels. */
NNOM_AVX2_INLINE void x86_dw_add(__m256i *acc, const int16_t *x, const int32_t *taps, __m256i low, __m256i high)
{
    const __m256i a = nnom_avx2_load(x + taps[0]), b = nnom_avx2_load(x + taps[1]);
    acc[0] = nnom_avx2_add(acc[0], _mm256_unpacklo_epi16(a, b), low);
    acc[1] = nnom_avx2_add(acc[1], _mm256_unpackhi_epi16(a, b), high);
}

/* Puts 16 sums in order and finishes n of them. */
NNOM_AVX2_INLINE void x86_dw_finish(const x86_dw_t *d, const nnom_avx2_scale_t *s, int32_t lane, int32_t n,
                                    const __m256i *acc, int8_t *to)
{
    const __m256i a = _mm256_permute2x128_si256(acc[0], acc[1], 0x20);
    const __m256i b = _mm256_permute2x128_si256(acc[0], acc[1], 0x31);
    nnom_avx2_finish(d->p, s, lane, n, a, b, d->zero_point, to);
}

/* Lanes [lane, lane + 16) of all pixels. */
NNOM_AVX2 static void x86_dw_lanes_avx2(const x86_dw_t *d, int32_t lane, int8_t *to)
{
    const int32_t *bias = (const int32_t *)d->p->bias + lane;
    const __m256i a = nnom_avx2_load(bias), b = nnom_avx2_load(bias + NNOM_X86_LANES);
    const __m256i start[2] = {_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31)};
    const nnom_avx2_scale_t s[2] = {nnom_avx2_scale(d->p, lane, d->zero_point),
                                    nnom_avx2_scale(d->p, lane + NNOM_X86_LANES, d->zero_point)};
    const int16_t *x = (const int16_t *)d->rows->to + lane;
    for (int32_t i = 0; i < d->w; i += 2, x += 2 * d->step) {
        const bool two = i + 1 < d->w;
        const int16_t *next = two ? x + d->step : x;
        const int8_t *w = (const int8_t *)d->p->weights + lane * 2 * d->pairs;
        __m256i acc[2] = {start[0], start[1]}, more[2] = {start[0], start[1]};
        for (int32_t t = 0; t < 2 * d->pairs; t += 2, w += 2 * WIDE) {
            const __m256i low = nnom_avx2_weights(w), high = nnom_avx2_weights(w + WIDE);
            x86_dw_add(acc, x, d->taps + t, low, high);
            x86_dw_add(more, next, d->taps + t, low, high);
        }
        const int32_t first = i * d->channels + lane, end = nnom_min_i32(d->elements, (i + 1) * d->channels);
        x86_dw_finish(d, s, lane, end - first, acc, to + first);
        if (two) {
            const int32_t second = first + d->channels;
            x86_dw_finish(d, s, lane, nnom_min_i32(d->elements, (i + 2) * d->channels) - second, more, to + second);
        }
    }
}
#endif

/* ---- Both ---- */

/* Where the taps of output row y lie: [2 pairs], the one that fills up the last pair at 0. */
static void x86_dw_taps(const nnom_x86_rows_t *rows, int32_t y, int32_t *taps)
{
    const nnom_geometry_t *g = &rows->g;
    for (int32_t ky = 0; ky < g->kernel_h; ky++) {
        const int32_t row = nnom_x86_place(rows, y, ky) * rows->length;
        for (int32_t kx = 0; kx < g->kernel_w; kx++) {
            *taps++ = row + kx * g->dilation_w * rows->in.c * rows->copies;
        }
    }
    if (g->kernel_h * g->kernel_w % 2 != 0) {
        *taps = 0;
    }
}

static x86_dw_t x86_dw(const nnom_call_t *call, const nnom_x86_rows_t *rows)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const int32_t w = out->shape.w, c = out->shape.c;
    const bool flat = p->geometry.stride_w == 1 && WIDE % c == 0;
    int32_t *taps = (int32_t *)rows->to + (p->geometry.kernel_h * rows->length + 1) / 2;
    const x86_dw_t d = {.p = p,
                        .rows = rows,
                        .taps = taps,
                        .pairs = (p->geometry.kernel_h * p->geometry.kernel_w + 1) / 2,
                        .zero_point = out->zero_point,
                        .w = flat ? (w * c + WIDE - 1) / WIDE : w,
                        .channels = flat ? WIDE : c,
                        .step = flat ? WIDE : rows->step,
                        .elements = w * c};
    return d;
}

void nnom_dw_conv2d_s8_x86(const nnom_call_t *call)
{
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_x86_rows_t rows =
        nnom_x86_rows(call, nnom_call_output(call)->shape.c / nnom_call_input(call, 0)->shape.c);
    const x86_dw_t d = x86_dw(call, &rows);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *row = (int8_t *)nnom_row(&to, y);
        nnom_x86_rows_more_s8(&rows, y, call->y.lo);
        x86_dw_taps(&rows, y, d.taps);
#if NNOM_X86
        if (nnom_has_avx2()) {
            for (int32_t lane = 0; lane < d.channels; lane += WIDE) {
                x86_dw_lanes_avx2(&d, lane, row);
            }
            continue;
        }
#endif
        x86_dw_row(&d, row);
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

static nnom_status_t x86_dw_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const int64_t elements = nnom_x86_row_elements(layer->geometry, conv->channels, layer->out->shape.w);
    return nnom_x86_pack_taps(conv, ((elements + 1) / 2 + (conv->taps + 1) / 2 * 2) * (int64_t)sizeof(int32_t));
}

NNOM_FORM(dw_conv2d_s8_x86, nnom_conv_window, 0, nnom_conv_param, x86_dw_pack)
