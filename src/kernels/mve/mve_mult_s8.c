/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Mult on cores with Helium: eight elements at a time. Products of differences, |x| <= 255, have 32 bits; requantised as in mve_loops.h, then
 * saturated to 16 bits, which the limits are within.
 */
#include "helium.h"

#include "../../build/kernel.h"
#include "../../layers/binary.h"

/* An input from element i on, less its zero point: n <= 8 elements; a repeated one is n times the same. */
static inline nnom_s16x8_t mve_mult_side(const int8_t *x, int32_t step, int32_t i, int32_t n, nnom_s16x8_t zero)
{
    return nnom_vaddh(step == 0 ? nnom_vduph(*x) : nnom_vldrb_hz(x + i, n), zero);
}

static inline nnom_s32x4_t mve_mult_scale(const nnom_binary_param_t *p, nnom_s32x4_t product)
{
    const nnom_s32x4_t q = nnom_vqrdmulh(product, nnom_vdupw(p->multiplier));
    return nnom_vrshl(nnom_vaddw(q, nnom_vsign(q)), nnom_vdupw(p->shift));
}

static void mve_mult_run(const nnom_binary_run_t *run)
{
    const nnom_binary_param_t p = *(const nnom_binary_param_t *)run->param;
    const int8_t *a = run->a, *b = run->b;
    int8_t *to = run->out;
    const int32_t step_a = run->step_a, step_b = run->step_b;
    const nnom_s16x8_t zero_a = nnom_vduph(-run->zero.a), zero_b = nnom_vduph(-run->zero.b),
                       zero = nnom_vduph(run->zero.out), least = nnom_vduph(p.act_min), most = nnom_vduph(p.act_max);
    for (int32_t i = 0; i < run->count; i += 8) {
        const int32_t n = run->count - i;
        const nnom_s16x8_t x = mve_mult_side(a, step_a, i, n, zero_a), y = mve_mult_side(b, step_b, i, n, zero_b);
        const nnom_s16x8_t q =
            nnom_vqmovn32(mve_mult_scale(&p, nnom_vmullbh(x, y)), mve_mult_scale(&p, nnom_vmullth(x, y)));
        nnom_vstrb_hp(to + i, nnom_vminh(nnom_vmaxh(nnom_vqaddh(q, zero), least), most), n);
    }
}

void nnom_mult_s8_mve(const nnom_call_t *call)
{
    nnom_binary_runs(call, mve_mult_run);
}

/* ---- Packing ---- */

NNOM_PARAM_FIELDS(nnom_binary_param, NNOM_BINARY_PARAM)

static nnom_status_t mve_mult_pack(nnom_layer_t *layer)
{
    const nnom_binary_param_t *p = &((const nnom_binary_layer_t *)layer)->param;
    return p->shift < 0 ? nnom_binary_plain(layer) : NNOM_UNSUPPORTED;
}

NNOM_FORM(mult_s8_mve, nnom_binary_window, 0, nnom_binary_param, mve_mult_pack)
