/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Conv2D of AVX-512 VNNI: tiles of up to four pixels by four times 16 channels. */
#include "../fixed.h"
#include "x86_pack.h"
#include "x86_vnni.h"

/* Of a row of output. */
typedef struct vnni_conv {
    const nnom_conv_param_t *p;
    const nnom_x86_rows_t *rows;
    int32_t zero_point;
    int32_t w, channels; /* of the output */
    int32_t quads;       /* of a run */
    int32_t block;       /* bytes of 16 lanes' weights */
} vnni_conv_t;

/* ---- C ---- */

static int32_t vnni_conv_sum(const vnni_conv_t *c, const uint8_t *x, int32_t lane)
{
    const nnom_x86_rows_t *rows = c->rows;
    const int8_t *w = (const int8_t *)c->p->weights + lane / NNOM_VNNI_LANES * c->block + lane % NNOM_VNNI_LANES * 4;
    uint32_t acc = (uint32_t)((const int32_t *)c->p->bias)[lane];
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++, x += rows->length) {
        for (int32_t run = 0; run < rows->runs; run++) {
            const uint8_t *at = x + run * rows->run_step;
            for (int32_t k = 0; k < c->quads; k++, at += 4, w += NNOM_VNNI_QUAD) {
                acc += (uint32_t)(at[0] * w[0] + at[1] * w[1] + at[2] * w[2] + at[3] * w[3]);
            }
        }
    }
    return (int32_t)acc;
}

static void vnni_conv_row(const vnni_conv_t *c, int8_t *to)
{
    const uint8_t *x = c->rows->to;
    for (int32_t i = 0; i < c->w; i++, x += c->rows->step, to += c->channels) {
        for (int32_t o = 0; o < c->channels; o++) {
            const int32_t acc = vnni_conv_sum(c, x, o);
            nnom_x86_finish_s8(c->p, c->zero_point, o, 1, &acc, to + o);
        }
    }
}

/* ---- VNNI ---- */

#if NNOM_X86
/* Of up to 32 channels eight pixels at a time, so that there are enough sums to add to one after the other. */
enum { NARROW_PIXELS = 8 };

/* Sums: of each pixel of up to four blocks. */
typedef struct vnni_tile {
    __m512i p[NARROW_PIXELS][4];
} vnni_tile_t;

/* The sums of a pixel; the number of blocks is known when this is compiled. */
NNOM_VNNI_INLINE void vnni_tile_pixel(__m512i *s, const uint8_t *x, const __m512i *w, int32_t blocks)
{
    const __m512i taps = nnom_vnni_taps(x);
    s[0] = _mm512_dpbusd_epi32(s[0], taps, w[0]);
    if (blocks > 1) {
        s[1] = _mm512_dpbusd_epi32(s[1], taps, w[1]);
    }
    if (blocks > 2) {
        s[2] = _mm512_dpbusd_epi32(s[2], taps, w[2]);
        s[3] = _mm512_dpbusd_epi32(s[3], taps, w[3]);
    }
}

NNOM_VNNI_INLINE void vnni_tile_quad(vnni_tile_t *t, const uint8_t *const *x, const int8_t *from, int32_t block,
                                     int32_t pixels, int32_t blocks)
{
    __m512i w[4];
    w[0] = _mm512_loadu_si512(from);
    w[1] = blocks > 1 ? _mm512_loadu_si512(from + block) : w[0];
    w[2] = blocks > 2 ? _mm512_loadu_si512(from + 2 * block) : w[0];
    w[3] = blocks > 2 ? _mm512_loadu_si512(from + 3 * block) : w[0];
    vnni_tile_pixel(t->p[0], x[0], w, blocks);
    if (pixels > 1) {
        vnni_tile_pixel(t->p[1], x[1], w, blocks);
    }
    if (pixels > 2) {
        vnni_tile_pixel(t->p[2], x[2], w, blocks);
    }
    if (pixels > 3) {
        vnni_tile_pixel(t->p[3], x[3], w, blocks);
    }
    if (pixels > 4) {
        vnni_tile_pixel(t->p[4], x[4], w, blocks);
        vnni_tile_pixel(t->p[5], x[5], w, blocks);
        vnni_tile_pixel(t->p[6], x[6], w, blocks);
        vnni_tile_pixel(t->p[7], x[7], w, blocks);
    }
}

NNOM_VNNI_INLINE void vnni_tile_begin(vnni_tile_t *t, const int32_t *bias, int32_t blocks)
{
    t->p[0][0] = _mm512_loadu_si512(bias);
    t->p[0][1] = blocks > 1 ? _mm512_loadu_si512(bias + NNOM_VNNI_LANES) : t->p[0][0];
    t->p[0][2] = blocks > 2 ? _mm512_loadu_si512(bias + 2 * NNOM_VNNI_LANES) : t->p[0][0];
    t->p[0][3] = blocks > 2 ? _mm512_loadu_si512(bias + 3 * NNOM_VNNI_LANES) : t->p[0][0];
    for (int32_t k = 0; k < 4; k++) {
        t->p[1][k] = t->p[2][k] = t->p[3][k] = t->p[4][k] = t->p[5][k] = t->p[6][k] = t->p[7][k] = t->p[0][k];
    }
}

/* `pixels` pixels at x, `step` bytes apart, lanes [lane, lane + 16 * blocks). */
NNOM_VNNI_INLINE void vnni_tile_of(const vnni_conv_t *c, const uint8_t *x, int32_t lane, int32_t pixels, int32_t blocks,
                                   int8_t *to)
{
    const nnom_x86_rows_t *rows = c->rows;
    const int8_t *w = (const int8_t *)c->p->weights + lane / NNOM_VNNI_LANES * c->block;
    vnni_tile_t t;
    vnni_tile_begin(&t, (const int32_t *)c->p->bias + lane, blocks);
    for (int32_t ky = 0; ky < rows->g.kernel_h; ky++) {
        for (int32_t run = 0; run < rows->runs; run++) {
            const uint8_t *at = x + ky * rows->length + run * rows->run_step;
            for (int32_t k = 0; k < c->quads; k++, at += 4, w += NNOM_VNNI_QUAD) {
                const uint8_t *const far = at + 4 * rows->step;
                const uint8_t *const pixel[] = {at,  at + rows->step,  at + 2 * rows->step,  at + 3 * rows->step,
                                                far, far + rows->step, far + 2 * rows->step, far + 3 * rows->step};
                vnni_tile_quad(&t, pixel, w, c->block, pixels, blocks);
            }
        }
    }
    for (int32_t k = 0; k < blocks; k++, lane += NNOM_VNNI_LANES) {
        const nnom_vnni_scale_t s = nnom_vnni_scale(c->p, lane);
        for (int32_t i = 0; i < pixels; i++) {
            nnom_vnni_finish(c->p, &s, lane, c->channels - lane, t.p[i][k], c->zero_point, to + i * c->channels + lane);
        }
    }
}

/* Registers are given out when this is compiled, for every number of pixels. */
#define VNNI_TILES(pixels)                                                                                             \
    NNOM_VNNI static void vnni_conv_tiles_##pixels(const vnni_conv_t *c, const uint8_t *x, int8_t *to)                 \
    {                                                                                                                  \
        const int32_t lanes = (c->channels + NNOM_VNNI_LANES - 1) / NNOM_VNNI_LANES * NNOM_VNNI_LANES;                 \
        int32_t lane = 0;                                                                                              \
        for (; lane + 4 * NNOM_VNNI_LANES <= lanes; lane += 4 * NNOM_VNNI_LANES) {                                     \
            vnni_tile_of(c, x, lane, pixels, 4, to);                                                                   \
        }                                                                                                              \
        if (lane + 2 * NNOM_VNNI_LANES <= lanes) {                                                                     \
            vnni_tile_of(c, x, lane, pixels, 2, to);                                                                   \
            lane += 2 * NNOM_VNNI_LANES;                                                                               \
        }                                                                                                              \
        if (lane < lanes) {                                                                                            \
            vnni_tile_of(c, x, lane, pixels, 1, to);                                                                   \
        }                                                                                                              \
    }
VNNI_TILES(4)
VNNI_TILES(3)
VNNI_TILES(2)
VNNI_TILES(1)

NNOM_VNNI static void vnni_conv_narrow(const vnni_conv_t *c, const uint8_t *x, int8_t *to)
{
    if (c->channels > NNOM_VNNI_LANES) {
        vnni_tile_of(c, x, 0, NARROW_PIXELS, 2, to);
    } else {
        vnni_tile_of(c, x, 0, NARROW_PIXELS, 1, to);
    }
}

static void vnni_conv_row_vnni(const vnni_conv_t *c, int8_t *to)
{
    static void (*const tiles[])(const vnni_conv_t *, const uint8_t *, int8_t *) = {
        vnni_conv_tiles_1, vnni_conv_tiles_2, vnni_conv_tiles_3, vnni_conv_tiles_4};
    const uint8_t *x = c->rows->to;
    int32_t i = 0;
    for (; c->channels <= 2 * NNOM_VNNI_LANES && i + NARROW_PIXELS <= c->w; i += NARROW_PIXELS) {
        vnni_conv_narrow(c, x + i * c->rows->step, to + i * c->channels);
    }
    for (; i < c->w; i += NNOM_X86_PIXELS) {
        tiles[nnom_min_i32(NNOM_X86_PIXELS, c->w - i) - 1](c, x + i * c->rows->step, to + i * c->channels);
    }
}
#endif

/* ---- Both ---- */

void nnom_conv2d_s8_x86_vnni(const nnom_call_t *call)
{
    const nnom_conv_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_x86_rows_t rows = nnom_x86_rows(call, 1);
    const int32_t quads = (rows.run + 3) / 4;
    const vnni_conv_t c = {p,
                           &rows,
                           out->zero_point,
                           out->shape.w,
                           out->shape.c,
                           quads,
                           p->geometry.kernel_h * rows.runs * quads * NNOM_VNNI_QUAD};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        nnom_x86_rows_u8(&rows, y);
#if NNOM_X86
        if (nnom_has_vnni()) {
            vnni_conv_row_vnni(&c, (int8_t *)nnom_row(&to, y));
            continue;
        }
#endif
        vnni_conv_row(&c, (int8_t *)nnom_row(&to, y));
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_conv_param, NNOM_CONV_PARAM)

static nnom_status_t vnni_conv_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_geometry_t *g = layer->geometry;
    const int32_t c = nnom_layer_in(layer, 0)->shape.c;
    const bool joined = g->dilation_w == 1 || g->kernel_w == 1;
    return nnom_x86_pack_quads(conv, joined ? g->kernel_w * c : c, nnom_x86_row_elements(g, c, layer->out->shape.w));
}

NNOM_FORM(conv2d_s8_x86_vnni, nnom_conv_window, 0, nnom_conv_param, vnni_conv_pack)
