/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Conv2D in float: lanes are channels, so that each output adds its taps in the order of ref. No fused additions. */
#include "../fixed.h"
#include "x86_avx2.h"
#include "x86_pack.h"

/* Of a row of output. */
typedef struct x86_conv {
    const nnom_conv_param_t *p;
    const nnom_x86_rows_t *rows;
    int32_t w, channels; /* of the output */
    int32_t taps;
} x86_conv_t;

static const float *x86_conv2d_weights_f32(const x86_conv_t *c, int32_t lane)
{
    return (const float *)c->p->weights + lane / NNOM_X86_LANES * NNOM_X86_LANES * c->taps + lane % NNOM_X86_LANES;
}

/* ---- C ---- */

static float x86_conv2d_sum_f32(const x86_conv_t *c, const float *x, int32_t lane)
{
    const nnom_x86_rows_t *rows = c->rows;
    const float *w = x86_conv2d_weights_f32(c, lane);
    float acc = 0.0f;
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++, x += rows->length) {
        for (int32_t run = 0; run < rows->runs; run++) {
            for (int32_t k = 0; k < rows->run; k++, w += NNOM_X86_LANES) {
                acc += x[run * rows->run_step + k] * *w;
            }
        }
    }
    return acc;
}

static void x86_conv2d_row_f32(const x86_conv_t *c, float *to)
{
    const float *x = c->rows->to;
    for (int32_t i = 0; i < c->w; i++, x += c->rows->step, to += c->channels) {
        for (int32_t o = 0; o < c->channels; o++) {
            const float acc = x86_conv2d_sum_f32(c, x, o);
            nnom_x86_finish_f32(c->p, o, 1, &acc, to + o);
        }
    }
}

/* ---- AVX2 ---- */

#if NNOM_X86
typedef struct x86_tile {
    __m256 a[NNOM_X86_PIXELS], b[NNOM_X86_PIXELS];
} x86_tile_t;

NNOM_AVX2_INLINE void x86_tile_add_f32(x86_tile_t *t, int32_t i, const float *x, __m256 wa, __m256 wb)
{
    const __m256 tap = _mm256_broadcast_ss(x);
    t->a[i] = _mm256_add_ps(t->a[i], _mm256_mul_ps(tap, wa));
    t->b[i] = _mm256_add_ps(t->b[i], _mm256_mul_ps(tap, wb));
}

NNOM_AVX2_INLINE void x86_tile_run_f32(x86_tile_t *t, const float *const *x, int32_t at, const float *w, int32_t block,
                                       int32_t n)
{
    const float *x0 = x[0] + at, *x1 = x[1] + at, *x2 = x[2] + at, *x3 = x[3] + at;
    for (int32_t k = 0; k < n; k++, w += NNOM_X86_LANES) {
        const __m256 wa = _mm256_loadu_ps(w), wb = _mm256_loadu_ps(w + block);
        x86_tile_add_f32(t, 0, x0 + k, wa, wb);
        x86_tile_add_f32(t, 1, x1 + k, wa, wb);
        x86_tile_add_f32(t, 2, x2 + k, wa, wb);
        x86_tile_add_f32(t, 3, x3 + k, wa, wb);
    }
}

/* Four pixels at x, of which n are outputs: lanes [lane, lane + 16). */
NNOM_AVX2 static void x86_conv2d_tile_f32(const x86_conv_t *c, const float *const *x, int32_t n, int32_t lane,
                                          float *to)
{
    const nnom_x86_rows_t *rows = c->rows;
    const int32_t block = NNOM_X86_LANES * c->taps, left = c->channels - lane;
    const float *w = x86_conv2d_weights_f32(c, lane), *bias = (const float *)c->p->bias + lane;
    const __m256 zero = _mm256_setzero_ps();
    x86_tile_t t = {{zero, zero, zero, zero}, {zero, zero, zero, zero}};
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++) {
        for (int32_t run = 0; run < rows->runs; run++, w += NNOM_X86_LANES * rows->run) {
            x86_tile_run_f32(&t, x, ky * rows->length + run * rows->run_step, w, block, rows->run);
        }
    }
    for (int32_t i = 0; i < n; i++, to += c->channels) {
        nnom_avx2_finish_f32(c->p, left, t.a[i], _mm256_loadu_ps(bias), to + lane);
        if (left > NNOM_X86_LANES) {
            nnom_avx2_finish_f32(c->p, left - NNOM_X86_LANES, t.b[i], _mm256_loadu_ps(bias + NNOM_X86_LANES),
                                 to + lane + NNOM_X86_LANES);
        }
    }
}

static void x86_conv2d_row_avx2_f32(const x86_conv_t *c, float *to)
{
    const int32_t step = c->rows->step;
    for (int32_t i = 0; i < c->w; i += NNOM_X86_PIXELS, to += NNOM_X86_PIXELS * c->channels) {
        const int32_t n = nnom_min_i32(NNOM_X86_PIXELS, c->w - i);
        const float *x = (const float *)c->rows->to + i * step;
        const float *const pixels[NNOM_X86_PIXELS] = {x, x + (n > 1 ? step : 0), x + (n > 2 ? 2 * step : 0),
                                                      x + (n > 3 ? 3 * step : 0)};
        for (int32_t lane = 0; lane < c->channels; lane += 2 * NNOM_X86_LANES) {
            x86_conv2d_tile_f32(c, pixels, n, lane, to);
        }
    }
}
#endif

/* ---- Both ---- */

void nnom_conv2d_f32_x86(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_x86_rows_t rows = nnom_x86_rows(call, 1);
    const x86_conv_t c = {p, &rows, out->shape.w, out->shape.c, p->geometry.kernel_h * rows.runs * rows.run};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        float *row = (float *)(void *)nnom_row(&to, y);
        nnom_x86_rows_f32(&rows, y);
#if NNOM_X86
        if (nnom_has_avx2()) {
            x86_conv2d_row_avx2_f32(&c, row);
            continue;
        }
#endif
        x86_conv2d_row_f32(&c, row);
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

static nnom_status_t x86_conv2d_pack_f32(nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    const int64_t elements = nnom_x86_row_elements(g, nnom_layer_in(layer, 0)->shape.c, layer->out->shape.w);
    return nnom_x86_pack_f32((nnom_conv_layer_t *)layer, elements * (int64_t)sizeof(float));
}

NNOM_FORM(conv2d_f32_x86, nnom_conv_window, 0, nnom_conv_param, x86_conv2d_pack_f32)
