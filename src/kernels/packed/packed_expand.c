/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "expand.h"

static uint32_t word(int32_t first, int32_t second)
{
    return (uint32_t)first + ((uint32_t)second << 16);
}

/* n taps of pixels that lie `far` bytes apart. */
static uint32_t *run2(uint32_t *to, const int8_t *a, int32_t far, int32_t n)
{
    const int8_t *b = a + far;
    for (const uint32_t *end = to + n; to != end; to++) {
        *to = word(*a++, *b++);
    }
    return to;
}

static uint32_t *run4(uint32_t *to, const int8_t *a, int32_t far, int32_t n)
{
    const int8_t *b = a + far, *c = b + far, *d = c + far;
    for (const uint32_t *end = to + 2 * n; to != end; to += 2) {
        to[0] = word(*a++, *b++);
        to[1] = word(*c++, *d++);
    }
    return to;
}

/* A cell of two pixels, channel by channel; step 0: that pixel's cell is all padding. */
typedef struct cell {
    const int8_t *at[2];
    int32_t step[2];
} cell_t;

static void write_cell(uint32_t *to, int32_t far, cell_t cell, int32_t n)
{
    for (; n > 0; n--, to += far) {
        *to = word(*cell.at[0], *cell.at[1]);
        cell.at[0] += cell.step[0];
        cell.at[1] += cell.step[1];
    }
}

/* Pixels [first, first + 2) of a group of `pixels` whose kernel column lies at input column `column` in pixel 0. row NULL: outside. */
static cell_t cell_of(const nnom_expand_t *e, const int8_t *row, int32_t column, int32_t first, int32_t pixels)
{
    const nnom_window_t *window = &e->window;
    cell_t cell;
    for (int32_t i = 0; i < 2; i++) {
        const int32_t at = column + (first + i) * window->g->stride_w;
        const bool inside = row != NULL && first + i < pixels && at >= 0 && at < window->in.w;
        cell.at[i] = inside ? row + at * window->in.c : &e->padding;
        cell.step[i] = inside;
    }
    return cell;
}

/* One kernel row, some cells of which are padding. */
static uint32_t *edge(const nnom_expand_t *e, const int8_t *row, int32_t pixels, uint32_t *to)
{
    const nnom_window_t *window = &e->window;
    const int32_t words = e->lanes / 2;
    for (int32_t kx = 0; kx < window->g->kernel_w; kx++, to += words * window->in.c) {
        const int32_t column = window->left + kx * window->g->dilation_w;
        for (int32_t i = 0; i < words; i++) {
            write_cell(to + i, words, cell_of(e, row, column, 2 * i, pixels), window->in.c);
        }
    }
    return to;
}

/* One kernel row that lies in the input for all lanes. */
static uint32_t *packed_expand_inside(const nnom_expand_t *e, const int8_t *row, uint32_t *to)
{
    const nnom_geometry_t *g = e->window.g;
    const int32_t c = e->window.in.c, far = g->stride_w * c;
    const bool joined = g->dilation_w == 1 || g->kernel_w == 1;
    const int32_t runs = joined ? 1 : g->kernel_w, n = joined ? g->kernel_w * c : c;
    row += e->window.left * c;
    for (int32_t i = 0; i < runs; i++, row += g->dilation_w * c) {
        to = e->lanes == 2 ? run2(to, row, far, n) : run4(to, row, far, n);
    }
    return to;
}

void nnom_expand_begin(nnom_expand_t *e, int32_t x, int32_t pixels)
{
    nnom_window_t *window = &e->window;
    const nnom_geometry_t *g = window->g;
    window->left = x * g->stride_w - g->pad_left;
    const int32_t last = window->left + (pixels - 1) * g->stride_w + (g->kernel_w - 1) * g->dilation_w;
    e->full = pixels == e->lanes && window->left >= 0 && last < window->in.w;
    e->pixels = pixels;
    e->walk = window->walk;
    e->ky = 0;
}

void nnom_expand(nnom_expand_t *e, int32_t rows, uint32_t *to)
{
    const nnom_range_t in_rows = e->window.rows;
    for (const int32_t end = e->ky + rows; e->ky < end; e->ky++) {
        if (e->ky < in_rows.lo || e->ky >= in_rows.hi) {
            to = edge(e, NULL, e->pixels, to);
            continue;
        }
        const int8_t *row = (const int8_t *)nnom_walk_row(&e->walk);
        to = e->full ? packed_expand_inside(e, row, to) : edge(e, row, e->pixels, to);
        nnom_walk_down(&e->walk);
    }
}
