/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Add and Sub as a linear form (linear.h) on cores with Helium: sixteen elements at a time. */
#include "helium.h"

#include "../../build/kernel.h"
#include "../../layers/binary.h"
#include "../linear.h"

/* An input from element i on: n <= 4 elements; a repeated one is n times the same. */
static inline nnom_s32x4_t mve_linear_side(const int8_t *x, int32_t step, int32_t i, int32_t n)
{
    return step == 0 ? nnom_vdupw(*x) : nnom_vldrb_wz(x + i, n);
}

static inline nnom_s32x4_t mve_linear_form(const nnom_linear_param_t *p, nnom_s32x4_t a, nnom_s32x4_t b)
{
    const nnom_s32x4_t sum = nnom_vmlaw(nnom_vmlaw(nnom_vdupw(p->start), a, p->factor_a), b, p->factor_b);
    return nnom_vsat_shift(sum);
}

/* Four elements. */
static inline void mve_linear_four(const nnom_linear_param_t *p, const int8_t *a, const int8_t *b, int8_t *to)
{
    nnom_vstrb_w4(to, mve_linear_form(p, nnom_vldrb_w(a), nnom_vldrb_w(b)));
}

static void mve_linear_run(const nnom_binary_run_t *run)
{
    const nnom_linear_param_t p = *(const nnom_linear_param_t *)run->param;
    const int8_t *a = run->a, *b = run->b;
    int8_t *to = run->out;
    int32_t i = 0;
    if (run->step_a == 1 && run->step_b == 1) {
        for (; i + 16 <= run->count; i += 16) {
            mve_linear_four(&p, a + i, b + i, to + i);
            mve_linear_four(&p, a + i + 4, b + i + 4, to + i + 4);
            mve_linear_four(&p, a + i + 8, b + i + 8, to + i + 8);
            mve_linear_four(&p, a + i + 12, b + i + 12, to + i + 12);
        }
    }
    for (; i < run->count; i += 4) {
        const int32_t n = nnom_min_i32(run->count - i, 4);
        const nnom_s32x4_t y =
            mve_linear_form(&p, mve_linear_side(a, run->step_a, i, n), mve_linear_side(b, run->step_b, i, n));
        nnom_vstrb_w(to + i, y, n);
    }
    nnom_mve_limits(to, run->count, p.act_min, p.act_max);
}

void nnom_add_s8_mve(const nnom_call_t *call)
{
    nnom_binary_runs(call, mve_linear_run);
}

void nnom_sub_s8_mve(const nnom_call_t *call)
{
    nnom_binary_runs(call, mve_linear_run);
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_linear_param, NNOM_LINEAR_PARAM)

static nnom_status_t mve_linear_add(nnom_layer_t *layer)
{
    return nnom_linear_pack(layer, 1);
}

static nnom_status_t mve_linear_sub(nnom_layer_t *layer)
{
    return nnom_linear_pack(layer, -1);
}

NNOM_FORM(add_s8_mve, nnom_binary_window, 0, nnom_linear_param, mve_linear_add)
NNOM_FORM(sub_s8_mve, nnom_binary_window, 0, nnom_linear_param, mve_linear_sub)
