/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Windows of pixels as int16 words in the scratch (dsp_conv.h). */
#include "dsp_conv.h"
#include "dsp_loops.h"
#include "expand.h"

#include "../fixed.h"

/* nnom_dsp_expand_any() and nnom_dsp_fill(), once in the program. */
static NNOM_DSP_APART uint32_t *dsp_conv_bytes(uint32_t *to, const int8_t *from, int32_t n, uint32_t step)
{
    return nnom_dsp_expand_any(to, from, n, step);
}

static NNOM_DSP_APART uint32_t *dsp_conv_zeros(const nnom_dsp_conv_t *c, uint32_t *to, int32_t n, uint32_t step)
{
    return nnom_dsp_fill(to, c->zero_point, n, step);
}

/* A run of each of n pixels, `distance` bytes apart: short runs, and single pixels. */
static NNOM_DSP_APART uint32_t *dsp_conv_short(const nnom_dsp_conv_t *c, uint32_t *to, const int8_t *from, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        (void)dsp_conv_bytes(to + i, from + i * c->distance, c->run, (uint32_t)n);
    }
    return to + n * c->filled / 2;
}

static uint32_t *dsp_conv_expand(const nnom_dsp_conv_t *c, uint32_t *to, const int8_t *from, int32_t n)
{
    if (c->run < 4 || n == 1) {
        return dsp_conv_short(c, to, from, n);
    }
    return n == 3 ? nnom_dsp_expand_3(to, from, (uint32_t)c->distance, (uint32_t)c->run)
                  : nnom_dsp_expand_2(to, from, (uint32_t)c->distance, (uint32_t)c->run);
}

/* The windows of n pixels from column x on, as far as they have rows: all columns are inside the input. */
static NNOM_DSP_APART uint32_t *dsp_conv_inside(const nnom_dsp_conv_t *c, int32_t x, int32_t n, uint32_t *to)
{
    const int32_t left = x * c->distance - c->left;
    nnom_walk_t walk = c->window.walk;
    for (int32_t rows = c->window.rows.hi - c->window.rows.lo; rows > 0; rows--, nnom_walk_down(&walk)) {
        const int8_t *from = (const int8_t *)nnom_walk_row(&walk) + left;
        for (int32_t k = c->runs; k > 0; k--, from += c->hop) {
            to = dsp_conv_expand(c, to, from, n);
        }
    }
    return to;
}

/* The one run of a row of the window that begins or ends in the padding: words, or through the patch, byte by byte. */
static uint32_t *dsp_conv_border(const nnom_dsp_conv_t *c, const int8_t *row, uint32_t *to, uint32_t step)
{
    const nnom_range_t k = c->window.columns;
    const int32_t lo = k.lo * c->channels, hi = k.hi * c->channels;
    const int8_t *from = row + (c->window.left + k.lo) * c->channels;
    if (c->channels % 4 == 0) {
        to = dsp_conv_zeros(c, to, lo, step);
        to = dsp_conv_bytes(to, from, hi - lo, step);
        return dsp_conv_zeros(c, to, c->run - hi, step);
    }
    for (int32_t i = 0; i < c->filled; i++) {
        c->patch[i] = (int8_t)(i >= lo && i < hi ? *from++ : c->zero_point);
    }
    return dsp_conv_bytes(to, c->patch, c->filled, step);
}

/* A row of the window of one pixel, some of its columns outside the input. */
static uint32_t *dsp_conv_outside(const nnom_dsp_conv_t *c, const int8_t *row, uint32_t *to, uint32_t step)
{
    const nnom_window_t *window = &c->window;
    if (window->columns.lo == window->columns.hi) {
        return dsp_conv_zeros(c, to, c->runs * c->filled, step);
    }
    if (c->runs == 1) {
        return dsp_conv_border(c, row, to, step);
    }
    for (int32_t k = 0; k < c->runs; k++) {
        const bool inside = k >= window->columns.lo && k < window->columns.hi;
        const int8_t *from = row + (window->left + k * window->g->dilation_w) * c->channels;
        to = inside ? dsp_conv_bytes(to, from, c->run, step) : dsp_conv_zeros(c, to, c->filled, step);
    }
    return to;
}

/*
 * The window of one pixel, whose rows are runs of up to four bytes, as far as it has rows: a word of each row, shifted to its place, and zero points
 * where it lies outside. The input's rows have at least four bytes.
 */
static NNOM_DSP_APART void dsp_conv_small(const nnom_dsp_conv_t *c, int32_t x, uint32_t *to, uint32_t step)
{
    const int32_t left = x * c->distance - c->left, last = c->bytes - 4;
    const int32_t at = left < 0 ? 0 : nnom_min_i32(left, last), over = 8 * (left - at);
    const nnom_range_t k = nnom_clip(left, 1, c->run, c->bytes);
    const uint32_t bytes = k.lo < k.hi ? UINT32_MAX >> (32 - 8 * (k.hi - k.lo)) << (8 * k.lo) : 0;
    const uint32_t zeros = ((uint32_t)c->zero_point & 0xffu) * 0x1010101u & ~bytes;
    const uint32_t up = bytes != 0 && over < 0 ? (uint32_t)-over : 0,
                   down = bytes != 0 && over > 0 ? (uint32_t)over : 0;
    nnom_walk_t walk = c->window.walk;
    for (int32_t rows = c->window.rows.hi - c->window.rows.lo; rows > 0; rows--, nnom_walk_down(&walk)) {
        const uint32_t word = nnom_dsp_load((const int8_t *)nnom_walk_row(&walk) + at) << up >> down;
        const uint32_t run = (word & bytes) | zeros;
        to[0] = nnom_sxtb16(run);
        to[step] = nnom_sxtb16_odd(run);
        to += 2 * step;
    }
}

/* The window of one pixel, as far as it has rows; its words are `step` apart. */
static NNOM_SMALL void dsp_conv_pixel(nnom_dsp_conv_t *c, int32_t x, uint32_t *to, uint32_t step)
{
    nnom_window_column(&c->window, x);
    const bool inside = x >= c->inner.lo && x < c->inner.hi;
    nnom_walk_t walk = c->window.walk;
    for (int32_t rows = c->window.rows.hi - c->window.rows.lo; rows > 0; rows--, nnom_walk_down(&walk)) {
        const int8_t *row = (const int8_t *)nnom_walk_row(&walk);
        if (!inside) {
            to = dsp_conv_outside(c, row, to, step);
            continue;
        }
        const int8_t *from = row + c->window.left * c->channels;
        for (int32_t k = c->runs; k > 0; k--, from += c->hop) {
            to = dsp_conv_bytes(to, from, c->run, step);
        }
    }
}

/* The windows of n pixels from column x on; words of a pixel are n apart. */
NNOM_SMALL void nnom_dsp_conv_windows(nnom_dsp_conv_t *c, int32_t x, int32_t n)
{
    const nnom_range_t rows = c->window.rows;
    const int32_t row = c->runs * c->filled * n; /* int16 values */
    uint32_t *to = dsp_conv_zeros(c, c->words, rows.lo * row, 1);
    const bool small = c->run <= 4 && c->runs == 1 && c->bytes >= 4;
    if (!small && x >= c->inner.lo && x + n <= c->inner.hi) {
        to = dsp_conv_inside(c, x, n, to);
    } else {
        for (int32_t i = 0; i < n; i++) {
            if (small) {
                dsp_conv_small(c, x + i, to + i, (uint32_t)n);
            } else {
                dsp_conv_pixel(c, x + i, to + i, (uint32_t)n);
            }
        }
        to += (rows.hi - rows.lo) * row / 2;
    }
    (void)dsp_conv_zeros(c, to, (nnom_dsp_geometry(c->p)->kernel_h - rows.hi) * row, 1);
}
