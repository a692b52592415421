/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "pool_s8.h"

static void pool_pixel(const nnom_cells_t *cells, nnom_pool_kind_t kind, nnom_cells_take_t *take,
                       const nnom_pool_giver_t *giver, uint8_t *to)
{
    int32_t acc[NNOM_BLOCK];
    for (int32_t o = 0; o < cells->c; o += NNOM_BLOCK) {
        const int32_t n = nnom_min_i32(NNOM_BLOCK, cells->c - o);
        nnom_cells_begin(kind, giver->wide ? INT16_MIN : INT8_MIN, n, acc);
        take(cells, kind, o, n, acc);
        nnom_pool_give_block(giver, acc, o, n, to);
    }
}

void nnom_pool_windows(const nnom_call_t *call, nnom_pool_kind_t kind, nnom_cells_take_t *take)
{
    const nnom_pool_param_t *p = call->node->param;
    const nnom_tensor_t *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    nnom_window_t window = nnom_window(call, &p->geometry);
    int32_t count = p->geometry.kernel_h * p->geometry.kernel_w;
    nnom_pool_giver_t giver = nnom_pool_giver(call, kind, count);
    for (int32_t y = call->y.lo; y < call->y.hi; y++) {
        uint8_t *row = nnom_row(&to, y);
        nnom_window_row(&window, &from, y);
        nnom_cells_t cells = nnom_window_cells(&window);
        for (int32_t x = 0; x < out->shape.w; x++, row += nnom_pixel_bytes(out)) {
            nnom_cells_column(&cells, &window, x);
            if (cells.rows * cells.columns != count) {
                count = cells.rows * cells.columns;
                giver = nnom_pool_giver(call, kind, count);
            }
            pool_pixel(&cells, kind, take, &giver, row);
        }
    }
}

void nnom_max_pool_s8_ref(const nnom_call_t *call)
{
    nnom_pool_windows(call, NNOM_POOL_MAX, nnom_cells_take_s8);
}

void nnom_avg_pool_s8_ref(const nnom_call_t *call)
{
    nnom_pool_windows(call, NNOM_POOL_AVG, nnom_cells_take_s8);
}

void nnom_sum_pool_s8_ref(const nnom_call_t *call)
{
    nnom_pool_windows(call, NNOM_POOL_SUM, nnom_cells_take_s8);
}
