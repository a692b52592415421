/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <string.h>

#include "../fixed.h"
#include "pairs.h"

nnom_range_t nnom_pairs_inner(const nnom_window_t *window, int32_t out_w)
{
    const nnom_geometry_t *g = window->g;
    const int32_t last = window->in.w - 1 - (g->kernel_w - 1) * g->dilation_w + g->pad_left;
    const nnom_range_t inner = {(g->pad_left + g->stride_w - 1) / g->stride_w,
                                last < 0 ? 0 : nnom_min_i32(last / g->stride_w + 1, out_w)};
    return inner;
}

/* One or two windows, of which the second lies `step` bytes behind the first: bytes, or words. */
typedef struct pairs_at {
    const nnom_pairs_param_t *p;
    const void *x;
    int32_t step;
    bool in_words;
    int32_t pixels;
} pairs_at_t;

static void pairs_blocks(const pairs_at_t *at, const uint32_t *stream, int8_t *out, int32_t n, int32_t distance)
{
    const int32_t taps = at->p->taps;
#ifdef NNOM_PAIRS_C
    if (at->pixels == 2) {
        nnom_pairs_bytes_2(stream, at->x, at->step, taps, out, out + n, distance);
        return;
    }
#else
    (void)distance;
    if (at->in_words) {
        nnom_pairs_words(stream, at->x, taps, out, out + n);
        return;
    }
#endif
    nnom_pairs_bytes(stream, at->x, taps, out, out + n);
}

/* All outputs; fewer than a block go through a buffer. */
static void pairs_outputs(const pairs_at_t *at, int8_t *out, int32_t n)
{
    const uint32_t *stream = at->p->stream;
    const int32_t whole = n & ~(NNOM_PAIRS_WIDTH - 1);
    if (whole == 0) {
        int8_t block[2 * NNOM_PAIRS_WIDTH] = {0};
        pairs_blocks(at, stream, block, NNOM_PAIRS_WIDTH, NNOM_PAIRS_WIDTH);
        for (int32_t i = 0; i < at->pixels; i++) {
            memcpy(out + i * n, block + i * NNOM_PAIRS_WIDTH, (size_t)n);
        }
        return;
    }
    pairs_blocks(at, stream, out, whole, n);
    if (whole != n) {
        stream += whole / NNOM_PAIRS_WIDTH * nnom_pairs_block_words(at->p->taps);
        pairs_blocks(at, stream, out + n - NNOM_PAIRS_WIDTH, NNOM_PAIRS_WIDTH, n);
    }
}

#ifndef NNOM_PAIRS_V7M
nnom_pairs_x_t *nnom_pairs_expand(nnom_pairs_x_t *to, const int8_t *from, int32_t n)
{
    for (const nnom_pairs_x_t *end = to + (n & ~3); to != end; to += 4, from += 4) {
        const nnom_pairs_x_t a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
    for (const nnom_pairs_x_t *end = to + (n & 3); to != end;) {
        *to++ = *from++;
    }
    return to;
}
#endif

void nnom_pairs_pixels(const nnom_pairs_param_t *p, const int8_t *x, int32_t step, nnom_pairs_x_t *scratch, int8_t *out,
                       int32_t n, int32_t pixels)
{
    pairs_at_t at = {p, scratch, step, NNOM_PAIRS_MOST == 1 && scratch != NULL, 1};
    for (; pixels > 0; pixels -= at.pixels, x += at.pixels * step, out += at.pixels * n) {
        if (at.in_words) {
            (void)nnom_pairs_expand(scratch, x, p->taps);
        } else {
            at.x = x;
        }
        at.pixels = nnom_min_i32(pixels, NNOM_PAIRS_MOST);
        pairs_outputs(&at, out, n);
    }
}

void nnom_pairs_windows(const nnom_pairs_param_t *p, const nnom_pairs_x_t *x, int8_t *out, int32_t n, int32_t pixels)
{
    const pairs_at_t at = {p, x, p->taps, true, pixels};
    pairs_outputs(&at, out, n);
}

void nnom_pairs_limits(const nnom_pairs_param_t *p, int8_t *out, int32_t n)
{
#ifndef NNOM_PAIRS_V6M
    const int32_t least = p->act_min, most = p->act_max;
    for (const int8_t *end = out + n; (least > -128 || most < 127) && out != end; out++) {
        *out = (int8_t)nnom_clamp_i32(*out, least, most);
    }
#else
    (void)p;
    (void)out;
    (void)n;
#endif
}
