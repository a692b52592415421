/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "pool_f32.h"

/*
 * Block by block of channels: sums of a call over all rows live on the stack, else in the scratch. The output may lie
 * on the input: a block is written after it was read everywhere, and covers the same channels of the first pixel.
 */
static void global_pool_cells_f32(const nnom_call_t *call, nnom_pool_kind_t kind)
{
    const nnom_shape_t in = nnom_call_input(call, 0)->shape;
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const nnom_rows_t to = nnom_call_output_rows(call);
    const nnom_pool_param_t *p = call->node->param;
    const nnom_cells_t cells = {nnom_walk(&from, call->y.lo, 1), call->y.hi - call->y.lo, in.w, 0, in.c};
    const bool first = call->y.lo == 0;
    const bool last = call->y.hi == in.h;
    float local[NNOM_BLOCK];
    for (int32_t o = 0; o < in.c; o += NNOM_BLOCK) {
        const int32_t n = in.c - o < NNOM_BLOCK ? in.c - o : NNOM_BLOCK;
        float *acc = first && last ? local : (float *)nnom_call_scratch(call) + o;
        if (first) {
            nnom_cells_begin_f32(kind, n, acc);
        }
        nnom_cells_take_f32(&cells, kind, o, n, acc);
        for (int32_t i = 0; last && i < n; i++) {
            ((float *)(void *)to.data)[o + i] = nnom_pool_give_f32(p, kind, in.h * in.w, acc[i]);
        }
    }
}

void nnom_global_max_pool_f32_ref(const nnom_call_t *call)
{
    global_pool_cells_f32(call, NNOM_POOL_MAX);
}

void nnom_global_avg_pool_f32_ref(const nnom_call_t *call)
{
    global_pool_cells_f32(call, NNOM_POOL_AVG);
}

void nnom_global_sum_pool_f32_ref(const nnom_call_t *call)
{
    global_pool_cells_f32(call, NNOM_POOL_SUM);
}
