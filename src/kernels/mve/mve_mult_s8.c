/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Mult on cores with Helium: sixteen elements at a time, even ones and odd ones. Products of differences, |x| <= 255, have 32 bits; requantised as in
 * mve_loops.h.
 */
#include "helium.h"

#include "../../build/kernel.h"
#include "../../layers/binary.h"

/* An input from element i on: n <= 16 elements; a repeated one is n times the same. */
static inline nnom_s8x16_t mve_mult_side(const int8_t *x, int32_t step, int32_t i, int32_t n)
{
    return step == 0 ? nnom_vdup8(*x) : nnom_vldrb_z(x + i, n);
}

static inline nnom_s32x4_t mve_mult_scale(nnom_s32x4_t product, int32_t multiplier, int32_t shift)
{
    const nnom_s32x4_t q = nnom_vqrdmulh_n(product, multiplier);
    return nnom_vrshl_n(nnom_vaddw(q, nnom_vsign(q)), shift);
}

/* Eight products, with the output's zero point. */
static inline nnom_s16x8_t mve_mult_eight(const nnom_binary_run_t *run, const nnom_binary_param_t *p, nnom_s16x8_t a,
                                          nnom_s16x8_t b)
{
    const nnom_s16x8_t x = nnom_vaddh_n(a, -run->zero.a), y = nnom_vaddh_n(b, -run->zero.b);
    const nnom_s32x4_t even = mve_mult_scale(nnom_vmullbh(x, y), p->multiplier, p->shift),
                       odd = mve_mult_scale(nnom_vmullth(x, y), p->multiplier, p->shift);
    return nnom_vqaddh_n(nnom_vqmovn32(even, odd), run->zero.out);
}

static inline nnom_s8x16_t mve_mult_sixteen(const nnom_binary_run_t *run, const nnom_binary_param_t *p, nnom_s8x16_t a,
                                            nnom_s8x16_t b)
{
    const nnom_s16x8_t even = mve_mult_eight(run, p, nnom_vmovlb8(a), nnom_vmovlb8(b)),
                       odd = mve_mult_eight(run, p, nnom_vmovlt8(a), nnom_vmovlt8(b));
    return nnom_vqmovn16(even, odd);
}

static void mve_mult_run(const nnom_binary_run_t *parts)
{
    const nnom_binary_run_t run = *parts; /* copies: what is written cannot change them */
    const nnom_binary_param_t p = *(const nnom_binary_param_t *)run.param;
    const int8_t *a = run.a, *b = run.b;
    int8_t *to = run.out;
    int32_t i = 0;
    for (; run.step_a == 1 && run.step_b == 1 && i + 16 <= run.count; i += 16) {
        nnom_vstrb(to + i, mve_mult_sixteen(&run, &p, nnom_vldrb(a + i), nnom_vldrb(b + i)));
    }
    for (; i < run.count; i += 16) {
        const int32_t n = run.count - i;
        const nnom_s8x16_t x = mve_mult_side(a, run.step_a, i, n), y = mve_mult_side(b, run.step_b, i, n);
        nnom_vstrb_p(to + i, mve_mult_sixteen(&run, &p, x, y), n);
    }
    nnom_mve_limits(to, run.count, p.act_min, p.act_max);
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
