/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Pools on cores with the DSP extension: four channels at a time, as bytes where the largest counts, as pairs of 16 bits where they
 * are added up. Channels beyond a multiple of four go one by one.
 */
#include "../../build/kernel.h"
#include "../../layers/window_layer.h"
#include "../ref/pool_s8.h"
#include "expand.h"

enum {
    POOL_HELD = 255, /* bytes that 16 bits hold: 255 * 128 < 2^15 */
    POOL_ROWS = 8    /* of a window of the largest */
};

/* ---- Sums ---- */

/* n channels of a row of `columns` <= POOL_HELD cells, `step` bytes apart. */
static void pool_sum_row(const int8_t *from, int32_t step, int32_t columns, int32_t n, int32_t *acc)
{
    const int32_t *end = acc + n;
    for (; end - acc >= 4; acc += 4, from += 4) {
        const int8_t *x = from;
        uint32_t even = 0, odd = 0;
        for (int32_t k = columns; k > 0; k--, x += step) {
            const uint32_t word = nnom_dsp_load(x);
            even = nnom_sxtab16(even, word);
            odd = nnom_sxtab16_odd(odd, word);
        }
        acc[0] += nnom_dsp_low16(even);
        acc[1] += nnom_dsp_low16(odd);
        acc[2] += nnom_dsp_high16(even);
        acc[3] += nnom_dsp_high16(odd);
    }
    for (; acc != end; acc++, from++) {
        for (int32_t k = 0; k < columns; k++) {
            *acc += from[k * step];
        }
    }
}

/* As many cells as there are, one after the other. */
static NNOM_DSP_APART void pool_sum_cells(const int8_t *x, int32_t step, int32_t count, int32_t n, int32_t *acc)
{
    for (; count > 0; count -= POOL_HELD, x += POOL_HELD * step) {
        pool_sum_row(x, step, nnom_min_i32(count, POOL_HELD), n, acc);
    }
}

/* Rows as wide as the input that do not pass a ring's end, as of a time series: they are one row. */
static bool pool_rows_join(const nnom_cells_t *cells)
{
    const uint32_t bytes = (uint32_t)(cells->columns * cells->c);
    return cells->first == 0 && cells->walk.step == bytes &&
           cells->walk.at + (uint32_t)cells->rows * bytes <= cells->walk.ring;
}

/* Of sums and means: for the largest see below. */
static void pool_take_sum(const nnom_cells_t *cells, nnom_pool_kind_t kind, int32_t o, int32_t n, int32_t *acc)
{
    (void)kind;
    nnom_walk_t walk = cells->walk;
    if (pool_rows_join(cells)) {
        pool_sum_cells((const int8_t *)nnom_walk_row(&walk) + o, cells->c, cells->rows * cells->columns, n, acc);
        return;
    }
    for (int32_t y = 0; y < cells->rows; y++, nnom_walk_down(&walk)) {
        const int8_t *x = (const int8_t *)nnom_walk_row(&walk) + cells->first * cells->c + o;
        pool_sum_cells(x, cells->c, cells->columns, n, acc);
    }
}

void nnom_avg_pool_s8_dsp(const nnom_call_t *call)
{
    nnom_pool_windows(call, NNOM_POOL_AVG, pool_take_sum);
}

void nnom_sum_pool_s8_dsp(const nnom_call_t *call)
{
    nnom_pool_windows(call, NNOM_POOL_SUM, pool_take_sum);
}

void nnom_global_avg_pool_s8_dsp(const nnom_call_t *call)
{
    nnom_pool_rows(call, NNOM_POOL_AVG, pool_take_sum);
}

void nnom_global_sum_pool_s8_dsp(const nnom_call_t *call)
{
    nnom_pool_rows(call, NNOM_POOL_SUM, pool_take_sum);
}

/* ---- The largest ---- */

/* A window's rows in memory: `columns` cells of c channels from byte `at` on. */
typedef struct pool_rows {
    const int8_t *row[POOL_ROWS];
    int32_t rows;
    int32_t columns;
    int32_t at;
    int32_t c;
} pool_rows_t;

static void pool_find_rows(pool_rows_t *w, const nnom_window_t *window)
{
    nnom_walk_t walk = window->walk;
    w->rows = window->rows.hi - window->rows.lo;
    for (int32_t i = 0; i < w->rows; i++, nnom_walk_down(&walk)) {
        w->row[i] = (const int8_t *)nnom_walk_row(&walk);
    }
}

/* Words of a pixel are written when they were read in all rows, lower ones first. */
static void pool_largest(const pool_rows_t *w, int8_t *to)
{
    const int32_t c = w->c;
    int32_t at = w->at;
    const int8_t *end = to + (c & ~3);
    for (; to != end; to += 4, at += 4) {
        uint32_t best = 0x80808080u;
        for (int32_t i = 0; i < w->rows; i++) {
            const int8_t *x = w->row[i] + at;
            for (int32_t k = w->columns; k > 0; k--, x += c) {
                best = nnom_max8(nnom_dsp_load(x), best);
            }
        }
        nnom_dsp_store(to, best);
    }
    for (end += c & 3; to != end; to++, at++) {
        int32_t best = INT8_MIN;
        for (int32_t i = 0; i < w->rows; i++) {
            for (int32_t k = 0; k < w->columns; k++) {
                best = nnom_max_i32(best, w->row[i][at + k * c]);
            }
        }
        *to = (int8_t)best;
    }
}

void nnom_max_pool_s8_dsp(const nnom_call_t *call)
{
    const nnom_pool_param_t *p = call->node->param;
    const nnom_shape_t shape = nnom_call_output(call)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_pool_giver_t giver = nnom_pool_giver(call, NNOM_POOL_MAX, 1);
    nnom_window_t window = nnom_window(call, &p->geometry);
    pool_rows_t w = {.c = shape.c};
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        int8_t *out = (int8_t *)nnom_row(&to, y);
        nnom_window_row(&window, &from, y);
        pool_find_rows(&w, &window);
        for (int32_t x = 0; x < shape.w; x++, out += shape.c) {
            nnom_window_column(&window, x);
            w.columns = window.columns.hi - window.columns.lo;
            w.at = (window.left + window.columns.lo) * shape.c;
            pool_largest(&w, out);
            for (int32_t i = 0; !giver.plain && i < shape.c; i++) {
                out[i] = (int8_t)nnom_pool_give(&giver, out[i]);
            }
        }
    }
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_pool_param, NNOM_POOL_PARAM)

static nnom_status_t pool_pack_sum(nnom_layer_t *layer)
{
    return nnom_layer_in(layer, 0)->shape.c < 4 ? NNOM_UNSUPPORTED : NNOM_OK;
}

static nnom_status_t pool_pack_max(nnom_layer_t *layer)
{
    const nnom_geometry_t *g = layer->geometry;
    return g->kernel_h > POOL_ROWS || g->dilation_w != 1 ? NNOM_UNSUPPORTED : pool_pack_sum(layer);
}

NNOM_FORM(max_pool_s8_dsp, nnom_conv_window, 0, nnom_pool_param, pool_pack_max)
NNOM_FORM(avg_pool_s8_dsp, nnom_conv_window, 0, nnom_pool_param, pool_pack_sum)
NNOM_FORM(sum_pool_s8_dsp, nnom_conv_window, 0, nnom_pool_param, pool_pack_sum)
NNOM_FORM(global_avg_pool_s8_dsp, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, pool_pack_sum)
NNOM_FORM(global_sum_pool_s8_dsp, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, pool_pack_sum)
