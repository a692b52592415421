/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "pool_s8.h"

/*
 * Block by block of channels: sums of a call over all rows live on the stack, else in the scratch. The output may lie
 * on the input: a block is written after it was read everywhere, and covers the same channels of the first pixel.
 */
NNOM_SMALL void nnom_pool_rows(const nnom_call_t *call, nnom_pool_kind_t kind, nnom_cells_take_t *take)
{
    const nnom_shape_t in = nnom_call_input(call, 0)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_cells_t cells = {nnom_walk(&from, call->y.lo, 1), call->y.hi - call->y.lo, in.w, 0, in.c};
    const bool first = call->y.lo == 0;
    const bool last = call->y.hi == in.h;
    const bool wide = nnom_call_input(call, 0)->type == NNOM_TYPE_S16;
    int32_t local[NNOM_BLOCK];
    for (int32_t o = 0; o < in.c; o += NNOM_BLOCK) {
        const int32_t n = nnom_min_i32(NNOM_BLOCK, in.c - o);
        int32_t *acc = first && last ? local : (int32_t *)nnom_call_scratch(call) + o;
        if (first) {
            nnom_cells_begin(kind, wide ? INT16_MIN : INT8_MIN, n, acc);
        }
        take(&cells, kind, o, n, acc);
        if (last) {
            const nnom_pool_giver_t giver = nnom_pool_giver(call, kind, in.h * in.w);
            nnom_pool_give_block(&giver, acc, o, n, to.data);
        }
    }
}

void nnom_global_max_pool_s8_ref(const nnom_call_t *call)
{
    nnom_pool_rows(call, NNOM_POOL_MAX, nnom_cells_take_s8);
}

void nnom_global_avg_pool_s8_ref(const nnom_call_t *call)
{
    nnom_pool_rows(call, NNOM_POOL_AVG, nnom_cells_take_s8);
}

void nnom_global_sum_pool_s8_ref(const nnom_call_t *call)
{
    nnom_pool_rows(call, NNOM_POOL_SUM, nnom_cells_take_s8);
}
