/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Dense on 64-bit Arm: one pixel, a row of the input after the other; the end of a row goes through a buffer. */
#include "neon.h"
#include "neon_pack.h"

#ifdef NNOM_NEON

#include <string.h>

#include "../fixed.h"
#include "../ref/window.h"

/* Adds a row of `length` inputs. */
static void neon_dense_row(const int8_t *weights, const int8_t *x, int32_t length, int32_t (*sums)[NNOM_NEON_LANES])
{
    const int32_t whole = length & -NNOM_NEON_RUN;
    nnom_neon_sums(weights, x, whole, 0, 1, sums);
    if (whole < length) {
        int8_t rest[NNOM_NEON_RUN] = {0};
        memcpy(rest, x + whole, (size_t)(length - whole));
        nnom_neon_sums(weights + whole * NNOM_NEON_LANES, rest, NNOM_NEON_RUN, 0, 1, sums);
    }
}

void nnom_dense_s8_neon(const nnom_call_t *call)
{
    const nnom_neon_param_t *p = call->node->param;
    const nnom_tensor_t *in = nnom_call_input(call, 0), *out = nnom_call_output(call);
    const nnom_rows_t from = nnom_call_input_rows(call, 0);
    const int32_t length = in->shape.w * in->shape.c, row = nnom_neon_filled(length) * NNOM_NEON_LANES;
    const int8_t *block = (const int8_t *)p->weights + call->y.lo * row;
    int32_t *kept = nnom_call_scratch(call);
    int8_t *to = (int8_t *)nnom_call_output_rows(call).data;
    for (int32_t o = 0; o < out->shape.c; o += NNOM_NEON_LANES, block += in->shape.h * row) {
        int32_t sums[1][NNOM_NEON_LANES] = {{0}};
        const int32_t n = nnom_min_i32(NNOM_NEON_LANES, out->shape.c - o);
        memcpy(sums[0], call->y.lo == 0 ? (const int32_t *)p->bias + o : kept + o, (size_t)n * sizeof sums[0][0]);
        for (int32_t y = call->y.lo; y < call->y.hi; y++) {
            neon_dense_row(block + (y - call->y.lo) * row, (const int8_t *)nnom_row(&from, y), length, sums);
        }
        if (call->y.hi == in->shape.h) {
            nnom_neon_finish(p, out->zero_point, o, n, sums[0], to + o);
        } else {
            memcpy(kept + o, sums[0], (size_t)n * sizeof sums[0][0]);
        }
    }
}

/* ---- Build ---- */

NNOM_PARAM_FIELDS(nnom_neon_param, NNOM_NEON_PARAM)

static nnom_status_t neon_dense_pack(nnom_layer_t *layer)
{
    nnom_conv_layer_t *conv = (nnom_conv_layer_t *)layer;
    const nnom_shape_t in = nnom_layer_in(layer, 0)->shape;
    return nnom_neon_pack(conv, in.w * in.c, in.h > 1 ? 4 * (int64_t)conv->channels : 0);
}

NNOM_FORM(dense_s8_neon, nnom_window_all, NNOM_OP_REDUCES, nnom_neon_param, neon_dense_pack)

#endif
