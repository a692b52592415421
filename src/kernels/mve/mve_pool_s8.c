/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Pools on cores with Helium: sixteen channels of a cell at a time, sums in 16 bits for as many cells as fit. */
#include "helium.h"

#include "../../layers/window_layer.h"
#include "../ref/pool_s8.h"

enum { MVE_POOL_CELLS = 255, MVE_POOL_HALF = 8, MVE_POOL_BOTH = 16 }; /* 255 * 128 < 2^15 */

/* Of channels side by side, the first eight and the others. */
typedef struct mve_pool_sums {
    nnom_s16x8_t low, high;
} mve_pool_sums_t;

/* Adds n <= 16 channels of `cells` cells, c bytes apart. */
static inline mve_pool_sums_t mve_pool_add(mve_pool_sums_t s, const int8_t *x, int32_t cells, int32_t c, int32_t n)
{
    if (n == MVE_POOL_BOTH) {
        for (; cells > 0; cells--, x += c) {
            s.low = nnom_vaddh(s.low, nnom_vldrb_h(x));
            s.high = nnom_vaddh(s.high, nnom_vldrb_h(x + MVE_POOL_HALF));
        }
        return s;
    }
    const int32_t low = nnom_min_i32(n, MVE_POOL_HALF), high = n - low;
    for (; cells > 0; cells--, x += c) {
        s.low = nnom_vaddh(s.low, nnom_vldrb_hz(x, low));
        s.high = nnom_vaddh(s.high, nnom_vldrb_hz(x + low, high));
    }
    return s;
}

static mve_pool_sums_t mve_pool_none(void)
{
    const mve_pool_sums_t none = {nnom_vduph(0), nnom_vduph(0)};
    return none;
}

static void mve_pool_flush(const mve_pool_sums_t *s, int32_t n, int32_t *acc)
{
    int16_t sums[MVE_POOL_BOTH];
    nnom_vstrh(sums, s->low);
    nnom_vstrh(sums + MVE_POOL_HALF, s->high);
    for (int32_t i = 0; i < n; i++) {
        acc[i] += sums[i];
    }
}

static void mve_pool_sum(const nnom_cells_t *cells, int32_t o, int32_t n, int32_t *acc)
{
    mve_pool_sums_t sums = mve_pool_none();
    nnom_walk_t walk = cells->walk;
    int32_t room = MVE_POOL_CELLS;
    for (int32_t y = 0; y < cells->rows; y++, nnom_walk_down(&walk)) {
        const int8_t *x = (const int8_t *)nnom_walk_row(&walk) + cells->first * cells->c + o;
        for (int32_t left = cells->columns, now; left > 0; left -= now, x += now * cells->c) {
            now = nnom_min_i32(left, room);
            sums = mve_pool_add(sums, x, now, cells->c, n);
            room -= now;
            if (room == 0) {
                mve_pool_flush(&sums, n, acc);
                sums = mve_pool_none();
                room = MVE_POOL_CELLS;
            }
        }
    }
    mve_pool_flush(&sums, n, acc);
}

static void mve_pool_max(const nnom_cells_t *cells, int32_t o, int32_t n, int32_t *acc)
{
    int8_t most[MVE_POOL_BOTH];
    nnom_s8x16_t v = nnom_vdup8(INT8_MIN);
    nnom_walk_t walk = cells->walk;
    for (int32_t y = 0; y < cells->rows; y++, nnom_walk_down(&walk)) {
        const int8_t *x = (const int8_t *)nnom_walk_row(&walk) + cells->first * cells->c + o;
        for (int32_t k = 0; k < cells->columns; k++, x += cells->c) {
            v = nnom_vmax8(v, n == MVE_POOL_BOTH ? nnom_vldrb(x) : nnom_vldrb_z(x, n));
        }
    }
    nnom_vstrb(most, v);
    for (int32_t i = 0; i < n; i++) {
        acc[i] = nnom_max_i32(acc[i], most[i]);
    }
}

static void mve_pool_take(const nnom_cells_t *cells, nnom_pool_kind_t kind, int32_t o, int32_t n, int32_t *acc)
{
    if (kind == NNOM_POOL_MAX) {
        mve_pool_max(cells, o, n, acc);
    } else {
        mve_pool_sum(cells, o, n, acc);
    }
}

/* ---- Kernels ---- */

void nnom_max_pool_s8_mve(const nnom_call_t *call)
{
    nnom_pool_windows(call, NNOM_POOL_MAX, mve_pool_take);
}

void nnom_avg_pool_s8_mve(const nnom_call_t *call)
{
    nnom_pool_windows(call, NNOM_POOL_AVG, mve_pool_take);
}

void nnom_sum_pool_s8_mve(const nnom_call_t *call)
{
    nnom_pool_windows(call, NNOM_POOL_SUM, mve_pool_take);
}

void nnom_global_max_pool_s8_mve(const nnom_call_t *call)
{
    nnom_pool_rows(call, NNOM_POOL_MAX, mve_pool_take);
}

void nnom_global_avg_pool_s8_mve(const nnom_call_t *call)
{
    nnom_pool_rows(call, NNOM_POOL_AVG, mve_pool_take);
}

void nnom_global_sum_pool_s8_mve(const nnom_call_t *call)
{
    nnom_pool_rows(call, NNOM_POOL_SUM, mve_pool_take);
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_pool_param, NNOM_POOL_PARAM)

NNOM_FORM(max_pool_s8_mve, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(avg_pool_s8_mve, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(sum_pool_s8_mve, nnom_conv_window, 0, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(global_max_pool_s8_mve, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(global_avg_pool_s8_mve, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)
NNOM_FORM(global_sum_pool_s8_mve, nnom_window_all, NNOM_OP_REDUCES, nnom_pool_param, nnom_pool_plain)
