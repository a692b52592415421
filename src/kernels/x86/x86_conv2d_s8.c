/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Conv2D: eight sums at a time: four pixels by two blocks of channels, or two by four at the end of a row. */
#include "../fixed.h"
#include "x86_avx2.h"
#include "x86_pack.h"

/* Of a row of output. */
typedef struct x86_conv {
    const nnom_conv_param_t *p;
    const nnom_x86_rows_t *rows;
    int32_t zero_point;
    int32_t w, channels; /* of the output */
    int32_t pairs;       /* of a run */
    int32_t block;       /* bytes of a block's weights */
} x86_conv_t;

/* ---- C ---- */

static int32_t x86_conv2d_sum_s8(const x86_conv_t *c, const int16_t *x, int32_t lane)
{
    const nnom_x86_rows_t *rows = c->rows;
    const int8_t *w = (const int8_t *)c->p->weights + lane / NNOM_X86_LANES * c->block + 2 * (lane % NNOM_X86_LANES);
    int32_t acc = ((const int32_t *)c->p->bias)[lane];
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++, x += rows->length) {
        for (int32_t run = 0; run < rows->runs; run++) {
            const int16_t *at = x + run * rows->run_step;
            for (int32_t k = 0; k < c->pairs; k++, at += 2, w += 2 * NNOM_X86_LANES) {
                acc += at[0] * w[0] + at[1] * w[1];
            }
        }
    }
    return acc;
}

static void x86_conv2d_row_s8(const x86_conv_t *c, int8_t *to)
{
    const int16_t *x = c->rows->to;
    for (int32_t i = 0; i < c->w; i++, x += c->rows->step, to += c->channels) {
        for (int32_t o = 0; o < c->channels; o++) {
            const int32_t acc = x86_conv2d_sum_s8(c, x, o);
            nnom_x86_finish_s8(c->p, c->zero_point, o, 1, &acc, to + o);
        }
    }
}

/* ---- AVX2 ---- */

#if NNOM_X86
/* The sums of four pixels, x apart, in two blocks: eight registers. */
typedef struct x86_tile {
    __m256i a[NNOM_X86_PIXELS], b[NNOM_X86_PIXELS];
} x86_tile_t;

NNOM_AVX2_INLINE void x86_tile_add(x86_tile_t *t, int32_t i, const int16_t *x, __m256i wa, __m256i wb)
{
    const __m256i pair = nnom_avx2_pair(x);
    t->a[i] = nnom_avx2_add(t->a[i], pair, wa);
    t->b[i] = nnom_avx2_add(t->b[i], pair, wb);
}

/* A run of `pairs` pairs, of the first n pixels (2 to 4; known when compiled). */
NNOM_AVX2_INLINE void x86_tile_run(x86_tile_t *t, const int16_t *const *x, int32_t at, const int8_t *w, int32_t block,
                                   int32_t pairs, int32_t n)
{
    const int16_t *x0 = x[0] + at, *x1 = x[1] + at, *x2 = x[2] + at, *x3 = x[3] + at;
    for (int32_t k = 0; k < 2 * pairs; k += 2, w += 2 * NNOM_X86_LANES) {
        const __m256i wa = nnom_avx2_weights(w), wb = nnom_avx2_weights(w + block);
        x86_tile_add(t, 0, x0 + k, wa, wb);
        x86_tile_add(t, 1, x1 + k, wa, wb);
        if (n > 2) {
            x86_tile_add(t, 2, x2 + k, wa, wb);
        }
        if (n > 3) {
            x86_tile_add(t, 3, x3 + k, wa, wb);
        }
    }
}

NNOM_AVX2_INLINE x86_tile_t x86_tile_begin(const nnom_conv_param_t *p, int32_t lane)
{
    const __m256i a = nnom_avx2_load((const int32_t *)p->bias + lane);
    const __m256i b = nnom_avx2_load((const int32_t *)p->bias + lane + NNOM_X86_LANES);
    const x86_tile_t t = {{a, a, a, a}, {b, b, b, b}};
    return t;
}

NNOM_AVX2_INLINE void x86_tile_finish(const x86_conv_t *c, const x86_tile_t *t, int32_t n, int32_t lane, int8_t *to)
{
    const nnom_avx2_scale_t s[2] = {nnom_avx2_scale(c->p, lane, c->zero_point),
                                    nnom_avx2_scale(c->p, lane + NNOM_X86_LANES, c->zero_point)};
    for (int32_t i = 0; i < n; i++, to += c->channels) {
        nnom_avx2_finish(c->p, s, lane, c->channels - lane, t->a[i], t->b[i], c->zero_point, to + lane);
    }
}

/* n pixels at x, lanes [lane, lane + 16). */
NNOM_AVX2_INLINE void x86_tile_of(const x86_conv_t *c, const int16_t *const *x, int32_t n, int32_t lane, int8_t *to)
{
    const nnom_x86_rows_t *rows = c->rows;
    const int8_t *w = (const int8_t *)c->p->weights + lane / NNOM_X86_LANES * c->block;
    x86_tile_t t = x86_tile_begin(c->p, lane);
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++) {
        for (int32_t run = 0; run < rows->runs; run++, w += 2 * NNOM_X86_LANES * c->pairs) {
            x86_tile_run(&t, x, ky * rows->length + run * rows->run_step, w, c->block, c->pairs, n);
        }
    }
    x86_tile_finish(c, &t, n, lane, to);
}

NNOM_AVX2 static void x86_conv2d_four_s8(const x86_conv_t *c, const int16_t *const *x, int32_t lane, int8_t *to)
{
    x86_tile_of(c, x, 4, lane, to);
}

NNOM_AVX2 static void x86_conv2d_three_s8(const x86_conv_t *c, const int16_t *const *x, int32_t lane, int8_t *to)
{
    x86_tile_of(c, x, 3, lane, to);
}

/* Two pixels, lanes [lane, lane + 32), or 16 if there are no more. */
NNOM_AVX2 static void x86_conv2d_two_s8(const x86_conv_t *c, const int16_t *const *x, int32_t lane, int8_t *to)
{
    const nnom_x86_rows_t *rows = c->rows;
    const int8_t *w = (const int8_t *)c->p->weights + lane / NNOM_X86_LANES * c->block, *v = w + 2 * c->block;
    if (lane + 2 * NNOM_X86_LANES >= nnom_x86_lanes(c->channels)) {
        x86_tile_of(c, x, 2, lane, to);
        return;
    }
    x86_tile_t t = x86_tile_begin(c->p, lane), u = x86_tile_begin(c->p, lane + 2 * NNOM_X86_LANES);
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++) {
        for (int32_t run = 0; run < rows->runs; run++) {
            const int32_t at = ky * rows->length + run * rows->run_step;
            for (int32_t k = at; k < at + 2 * c->pairs; k += 2, w += 2 * NNOM_X86_LANES, v += 2 * NNOM_X86_LANES) {
                const __m256i wa = nnom_avx2_weights(w), wb = nnom_avx2_weights(w + c->block);
                const __m256i va = nnom_avx2_weights(v), vb = nnom_avx2_weights(v + c->block);
                x86_tile_add(&t, 0, x[0] + k, wa, wb);
                x86_tile_add(&u, 0, x[0] + k, va, vb);
                x86_tile_add(&t, 1, x[1] + k, wa, wb);
                x86_tile_add(&u, 1, x[1] + k, va, vb);
            }
        }
    }
    x86_tile_finish(c, &t, 2, lane, to);
    x86_tile_finish(c, &u, 2, lane + 2 * NNOM_X86_LANES, to);
}

/* Four pixels of 8 channels at most. */
NNOM_AVX2 static void x86_conv2d_narrow_s8(const x86_conv_t *c, const int16_t *const *x, int8_t *to)
{
    const nnom_x86_rows_t *rows = c->rows;
    const int8_t *w = c->p->weights;
    x86_tile_t t = x86_tile_begin(c->p, 0);
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++) {
        for (int32_t run = 0; run < rows->runs; run++) {
            const int32_t at = ky * rows->length + run * rows->run_step;
            for (int32_t k = at; k < at + 2 * c->pairs; k += 2, w += 2 * NNOM_X86_LANES) {
                const __m256i wa = nnom_avx2_weights(w);
                t.a[0] = nnom_avx2_add(t.a[0], nnom_avx2_pair(x[0] + k), wa);
                t.a[1] = nnom_avx2_add(t.a[1], nnom_avx2_pair(x[1] + k), wa);
                t.a[2] = nnom_avx2_add(t.a[2], nnom_avx2_pair(x[2] + k), wa);
                t.a[3] = nnom_avx2_add(t.a[3], nnom_avx2_pair(x[3] + k), wa);
            }
        }
    }
    x86_tile_finish(c, &t, NNOM_X86_PIXELS, 0, to);
}

/* One pixel, lanes [lane, lane + 32): where a row has but one left. */
NNOM_AVX2 static void x86_conv2d_pixel_s8(const x86_conv_t *c, const int16_t *x, int32_t lane, int8_t *to)
{
    const nnom_x86_rows_t *rows = c->rows;
    const int32_t *bias = (const int32_t *)c->p->bias + lane;
    const int32_t far =
        lane + 2 * NNOM_X86_LANES < nnom_x86_lanes(c->channels) ? 2 : 0; /* the blocks 2 and 3, if any */
    const int8_t *w = (const int8_t *)c->p->weights + lane / NNOM_X86_LANES * c->block, *v = w + far * c->block;
    __m256i a0 = nnom_avx2_load(bias), a1 = nnom_avx2_load(bias + 8);
    __m256i a2 = nnom_avx2_load(bias + 8 * far), a3 = nnom_avx2_load(bias + 8 * far + 8);
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++) {
        for (int32_t run = 0; run < rows->runs; run++) {
            const int16_t *at = x + ky * rows->length + run * rows->run_step;
            for (int32_t k = 0; k < c->pairs; k++, at += 2, w += 16, v += 16) {
                const __m256i pair = nnom_avx2_pair(at);
                a0 = nnom_avx2_add(a0, pair, nnom_avx2_weights(w));
                a1 = nnom_avx2_add(a1, pair, nnom_avx2_weights(w + c->block));
                a2 = nnom_avx2_add(a2, pair, nnom_avx2_weights(v));
                a3 = nnom_avx2_add(a3, pair, nnom_avx2_weights(v + c->block));
            }
        }
    }
    nnom_avx2_outputs(c->p, lane, c->channels, a0, a1, c->zero_point, to);
    if (far != 0) {
        nnom_avx2_outputs(c->p, lane + 16, c->channels, a2, a3, c->zero_point, to);
    }
}

static void x86_conv2d_pixels_s8(const x86_conv_t *c, int32_t first, int32_t n, int8_t *to)
{
    const int32_t step = c->rows->step;
    const int16_t *x = (const int16_t *)c->rows->to + first * step;
    const int16_t *const pixels[NNOM_X86_PIXELS] = {x, x + (n > 1 ? step : 0), x + (n > 2 ? 2 * step : 0),
                                                    x + (n > 3 ? 3 * step : 0)};
    if (n == 4 && c->channels <= NNOM_X86_LANES) {
        x86_conv2d_narrow_s8(c, pixels, to);
        return;
    }
    for (int32_t lane = 0; lane<c->channels; lane += n> 2 ? 2 * NNOM_X86_LANES : 4 * NNOM_X86_LANES) {
        if (n == 4) {
            x86_conv2d_four_s8(c, pixels, lane, to);
        } else if (n == 3) {
            x86_conv2d_three_s8(c, pixels, lane, to);
        } else if (n == 2) {
            x86_conv2d_two_s8(c, pixels, lane, to);
        } else {
            x86_conv2d_pixel_s8(c, x, lane, to);
        }
    }
}

static void x86_conv2d_row_avx2_s8(const x86_conv_t *c, int8_t *to)
{
    for (int32_t x = 0; x < c->w; x += NNOM_X86_PIXELS, to += NNOM_X86_PIXELS * c->channels) {
        x86_conv2d_pixels_s8(c, x, nnom_min_i32(NNOM_X86_PIXELS, c->w - x), to);
    }
}
#endif

/* ---- Both ---- */

void nnom_conv2d_s8_x86(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_x86_rows_t rows = nnom_x86_rows(call, 1);
    const int32_t pairs = (rows.run + 1) / 2;
    const x86_conv_t c = {p,
                          &rows,
                          out->zero_point,
                          out->shape.w,
                          out->shape.c,
                          pairs,
                          p->geometry.kernel_h * rows.runs * pairs * 2 * NNOM_X86_LANES};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        nnom_x86_rows_s8(&rows, y);
#if NNOM_X86
        if (nnom_has_avx2()) {
            x86_conv2d_row_avx2_s8(&c, (int8_t *)nnom_row(&to, y));
            continue;
        }
#endif
        x86_conv2d_row_s8(&c, (int8_t *)nnom_row(&to, y));
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

static nnom_status_t x86_conv2d_pack_s8(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_geometry_t *g = layer->geometry;
    const int32_t c = nnom_layer_in(layer, 0)->shape.c;
    const bool joined = g->dilation_w == 1 || g->kernel_w == 1;
    const int64_t scratch = 2 * nnom_x86_row_elements(g, c, layer->out->shape.w);
    return nnom_x86_pack_s8(conv, joined ? g->kernel_w * c : c, scratch);
}

NNOM_FORM(conv2d_s8_x86, nnom_conv_window, 0, nnom_conv_param, x86_conv2d_pack_s8)
