/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Pools and global pools of int16: the cells that their int8 relatives take otherwise. */
#include "pool_s8.h"

/* |sum| <= 2^15 * cells < 2^31: build checked it. */
static void pool_take_s16(const nnom_cells_t *cells, nnom_pool_kind_t kind, int32_t o, int32_t n, int32_t *acc)
{
    nnom_walk_t walk = cells->walk;
    for (int32_t y = 0; y < cells->rows; y++, nnom_walk_down(&walk)) {
        const int16_t *x = (const int16_t *)(const void *)nnom_walk_row(&walk) + cells->first * cells->c + o;
        for (int32_t k = 0; k < cells->columns; k++, x += cells->c) {
            for (int32_t i = 0; i < n; i++) {
                acc[i] = kind == NNOM_POOL_MAX ? nnom_max_i32(acc[i], x[i]) : acc[i] + x[i];
            }
        }
    }
}

void nnom_max_pool_s16_ref(const nnom_call_t *call)
{
    nnom_pool_windows(call, NNOM_POOL_MAX, pool_take_s16);
}

void nnom_avg_pool_s16_ref(const nnom_call_t *call)
{
    nnom_pool_windows(call, NNOM_POOL_AVG, pool_take_s16);
}

void nnom_sum_pool_s16_ref(const nnom_call_t *call)
{
    nnom_pool_windows(call, NNOM_POOL_SUM, pool_take_s16);
}

void nnom_global_max_pool_s16_ref(const nnom_call_t *call)
{
    nnom_pool_rows(call, NNOM_POOL_MAX, pool_take_s16);
}

void nnom_global_avg_pool_s16_ref(const nnom_call_t *call)
{
    nnom_pool_rows(call, NNOM_POOL_AVG, pool_take_s16);
}

void nnom_global_sum_pool_s16_ref(const nnom_call_t *call)
{
    nnom_pool_rows(call, NNOM_POOL_SUM, pool_take_s16);
}
