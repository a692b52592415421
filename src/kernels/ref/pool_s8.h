/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What the reference kernels of integer pools and global pools share: taking cells in and giving a value out. */
#ifndef NNOM_POOL_S8_H
#define NNOM_POOL_S8_H

#include "../fixed.h"
#include "cells.h"

/* n channels of the cells of a row from x on, four of them in registers. |sum| <= 128 * cells < 2^31: build checked it. */
static inline void nnom_cells_sum_row_s8(const nnom_cells_t *cells, const int8_t *x, int32_t n, int32_t *acc)
{
    int32_t i = 0;
    for (; i + 4 <= n; i += 4, acc += 4) {
        int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
        const int8_t *from = x + i;
        for (int32_t k = cells->columns; k > 0; k--, from += cells->c) {
            a += from[0];
            b += from[1];
            c += from[2];
            d += from[3];
        }
        acc[0] = a;
        acc[1] = b;
        acc[2] = c;
        acc[3] = d;
    }
    for (; i < n; i++, acc++) {
        for (int32_t k = 0; k < cells->columns; k++) {
            *acc += x[i + k * cells->c];
        }
    }
}

static inline void nnom_cells_max_row_s8(const nnom_cells_t *cells, const int8_t *x, int32_t n, int32_t *acc)
{
    int32_t i = 0;
    for (; i + 4 <= n; i += 4, acc += 4) {
        int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
        const int8_t *from = x + i;
        for (int32_t k = cells->columns; k > 0; k--, from += cells->c) {
            a = nnom_max_i32(a, from[0]);
            b = nnom_max_i32(b, from[1]);
            c = nnom_max_i32(c, from[2]);
            d = nnom_max_i32(d, from[3]);
        }
        acc[0] = a;
        acc[1] = b;
        acc[2] = c;
        acc[3] = d;
    }
    for (; i < n; i++, acc++) {
        for (int32_t k = 0; k < cells->columns; k++) {
            *acc = nnom_max_i32(*acc, x[i + k * cells->c]);
        }
    }
}

/* Channels [o, o + n) of each cell into acc[n]. */
static inline void nnom_cells_take_s8(const nnom_cells_t *cells, nnom_pool_kind_t kind, int32_t o, int32_t n,
                                      int32_t *acc)
{
    nnom_walk_t walk = cells->walk;
    for (int32_t y = 0; y < cells->rows; y++, nnom_walk_down(&walk)) {
        const int8_t *x = (const int8_t *)nnom_walk_row(&walk) + cells->first * cells->c + o;
        if (kind == NNOM_POOL_MAX) {
            nnom_cells_max_row_s8(cells, x, n, acc);
        } else {
            nnom_cells_sum_row_s8(cells, x, n, acc);
        }
    }
}

/* least: the smallest number of the type. */
static inline void nnom_cells_begin(nnom_pool_kind_t kind, int32_t least, int32_t n, int32_t *acc)
{
    for (int32_t i = 0; i < n; i++) {
        acc[i] = kind == NNOM_POOL_MAX ? least : 0;
    }
}

/* Takes n <= NNOM_BLOCK channels from o on of all cells into acc[n], which was begun. */
typedef void nnom_cells_take_t(const nnom_cells_t *cells, nnom_pool_kind_t kind, int32_t o, int32_t n, int32_t *acc);

/* Bodies of pools and of pools over the whole input. */
void nnom_pool_windows(const nnom_call_t *call, nnom_pool_kind_t kind, nnom_cells_take_t *take);
void nnom_pool_rows(const nnom_call_t *call, nnom_pool_kind_t kind, nnom_cells_take_t *take);

/* How an accumulator becomes an output value; the same for windows of the same number of cells. */
typedef struct nnom_pool_giver {
    const nnom_pool_param_t *p;
    int32_t multiplier;
    int32_t shift;
    int32_t offset; /* what the input's zero point makes in the accumulator */
    int32_t divisor;
    int32_t zero_point;
    bool plain; /* the value stands, without limits but those of int8 */
    bool wide;  /* values are int16 */
} nnom_pool_giver_t;

static inline nnom_pool_giver_t nnom_pool_giver(const nnom_call_t *call, nnom_pool_kind_t kind, int32_t cells)
{
    const nnom_pool_param_t *p = call->node->param;
    const int32_t zero_point = nnom_call_input(call, 0)->zero_point;
    const bool plain = kind == NNOM_POOL_MAX && p->multiplier == 0 && p->act_min == INT8_MIN && p->act_max == INT8_MAX;
    nnom_pool_giver_t giver = {p,        p->multiplier,
                               p->shift, zero_point,
                               1,        nnom_call_output(call)->zero_point,
                               plain,    nnom_call_output(call)->type == NNOM_TYPE_S16};
    if (kind != NNOM_POOL_MAX) {
        giver.offset = zero_point * cells;
    }
    if (kind == NNOM_POOL_AVG) {
        giver.divisor = cells;
        nnom_mean_multiplier(cells, &giver.multiplier, &giver.shift);
    }
    return giver;
}

/* The value of an accumulator, within the limits. */
static inline int32_t nnom_pool_give(const nnom_pool_giver_t *giver, int32_t acc)
{
    const nnom_pool_param_t *p = giver->p;
    if (p->multiplier != 0) {
        acc = nnom_requantize(acc - giver->offset, giver->multiplier, giver->shift) + giver->zero_point;
    } else if (giver->divisor > 1) {
        const int32_t half = giver->divisor / 2;
        acc = (acc > 0 ? acc + half : acc - half) / giver->divisor;
    }
    return nnom_clamp_i32(acc, p->act_min, p->act_max);
}

/* Channels [o, o + n) of a pixel from their accumulators. */
static inline void nnom_pool_give_block(const nnom_pool_giver_t *giver, const int32_t *acc, int32_t o, int32_t n,
                                        uint8_t *to)
{
    for (int32_t i = 0; i < n; i++) {
        const int32_t y = nnom_pool_give(giver, acc[i]);
        if (giver->wide) {
            ((int16_t *)(void *)to)[o + i] = (int16_t)y;
        } else {
            ((int8_t *)to)[o + i] = (int8_t)y;
        }
    }
}

#endif
