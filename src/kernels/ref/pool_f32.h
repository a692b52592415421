/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the reference kernels of float pools and global pools share: taking cells in and giving a value out. */
#ifndef NNOM_POOL_F32_H
#define NNOM_POOL_F32_H

#include "../float_ops.h"
#include "cells.h"

#include <float.h>

/* Channels [o, o + n) of each cell into acc[n]. */
static inline void nnom_cells_sum_f32(const nnom_cells_t *cells, int32_t o, int32_t n, float *acc)
{
    nnom_walk_t walk = cells->walk;
    for (int32_t y = 0; y < cells->rows; y++, nnom_walk_down(&walk)) {
        const float *x = (const float *)(const void *)nnom_walk_row(&walk) + cells->first * cells->c + o;
        for (int32_t k = 0; k < cells->columns; k++, x += cells->c) {
            for (int32_t i = 0; i < n; i++) {
                acc[i] += x[i];
            }
        }
    }
}

static inline void nnom_cells_max_f32(const nnom_cells_t *cells, int32_t o, int32_t n, float *acc)
{
    nnom_walk_t walk = cells->walk;
    for (int32_t y = 0; y < cells->rows; y++, nnom_walk_down(&walk)) {
        const float *x = (const float *)(const void *)nnom_walk_row(&walk) + cells->first * cells->c + o;
        for (int32_t k = 0; k < cells->columns; k++, x += cells->c) {
            for (int32_t i = 0; i < n; i++) {
                acc[i] = x[i] > acc[i] ? x[i] : acc[i];
            }
        }
    }
}

static inline void nnom_cells_take_f32(const nnom_cells_t *cells, nnom_pool_kind_t kind, int32_t o, int32_t n,
                                       float *acc)
{
    if (kind == NNOM_POOL_MAX) {
        nnom_cells_max_f32(cells, o, n, acc);
    } else {
        nnom_cells_sum_f32(cells, o, n, acc);
    }
}

static inline void nnom_cells_begin_f32(nnom_pool_kind_t kind, int32_t n, float *acc)
{
    for (int32_t i = 0; i < n; i++) {
        acc[i] = kind == NNOM_POOL_MAX ? -FLT_MAX : 0.0f;
    }
}

/* n: number of cells. */
static inline float nnom_pool_give_f32(const nnom_pool_param_t *p, nnom_pool_kind_t kind, int32_t n, float acc)
{
    return nnom_clamp_f32(kind == NNOM_POOL_AVG ? acc / (float)n : acc, p->act_min_f, p->act_max_f);
}

#endif
