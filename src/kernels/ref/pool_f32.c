/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "pool_f32.h"

static void pool_pixel_f32(const nnom_cells_t *cells, nnom_pool_kind_t kind, const nnom_pool_param_t *p, float *to)
{
    float acc[NNOM_BLOCK];
    for (int32_t o = 0; o < cells->c; o += NNOM_BLOCK) {
        const int32_t n = cells->c - o < NNOM_BLOCK ? cells->c - o : NNOM_BLOCK;
        nnom_cells_begin_f32(kind, n, acc);
        nnom_cells_take_f32(cells, kind, o, n, acc);
        for (int32_t i = 0; i < n; i++) {
            to[o + i] = nnom_pool_give_f32(p, kind, cells->rows * cells->columns, acc[i]);
        }
    }
}

static void pool_cells_f32(const nnom_call_t *call, nnom_pool_kind_t kind)
{
    const nnom_pool_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    nnom_window_t window = nnom_window(call, &p->geometry);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        float *row = (float *)(void *)nnom_row(&to, y);
        nnom_window_row(&window, &from, y);
        for (int32_t x = 0; x < out->shape.w; x++, row += out->shape.c) {
            nnom_window_column(&window, x);
            const nnom_cells_t cells = nnom_window_cells(&window);
            pool_pixel_f32(&cells, kind, p, row);
        }
    }
}

void nnom_max_pool_f32_ref(const nnom_call_t *call)
{
    pool_cells_f32(call, NNOM_POOL_MAX);
}

void nnom_avg_pool_f32_ref(const nnom_call_t *call)
{
    pool_cells_f32(call, NNOM_POOL_AVG);
}

void nnom_sum_pool_f32_ref(const nnom_call_t *call)
{
    pool_cells_f32(call, NNOM_POOL_SUM);
}
