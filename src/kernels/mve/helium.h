/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The instructions of Helium that the kernels use, by their names: vectors of 16 int8, 8 int16 or 4 int32. Without Helium they are C
 * with the same results, so that a computer runs the program that the board will run. Numbers of lanes that are loaded or stored may be
 * anything from 0 on: nothing beyond them is touched.
 */
#ifndef NNOM_MVE_HELIUM_H
#define NNOM_MVE_HELIUM_H

#include <stdbool.h>
#include <stdint.h>

#include "../fixed.h"

#ifdef __ARM_FEATURE_MVE

#include <arm_mve.h>

typedef int8x16_t nnom_s8x16_t;
typedef int16x8_t nnom_s16x8_t;
typedef int32x4_t nnom_s32x4_t;

#define nnom_vldrb(x) vldrbq_s8(x)
#define nnom_vldrb_z(x, n) vldrbq_z_s8((x), vctp8q((uint32_t)(n)))
#define nnom_vldrw(x) vldrwq_s32((const int32_t *)(x))
#define nnom_vstrw(to, v) vstrwq_s32((to), (v))
#define nnom_vstrb(to, v) vstrbq_s8((to), (v))
/* Byte i to to + offsets i, for i < n. */
#define nnom_vstrb_scatter(to, offsets, v, n)                                                                          \
    vstrbq_scatter_offset_p_s8((to), vreinterpretq_u8_s8(offsets), (v), vctp8q((uint32_t)(n)))
#define nnom_vstrb_p(to, v, n) vstrbq_p_s8((to), (v), vctp8q((uint32_t)(n)))
#define nnom_vaddw(a, b) vaddq_s32((a), (b))
#define nnom_vdupw(x) vdupq_n_s32(x)
#define nnom_vqrdmulh(a, b) vqrdmulhq_s32((a), (b))
#define nnom_vrshl(a, b) vrshlq_s32((a), (b))
/* -1 in lanes that are negative, else 0. */
#define nnom_vsign(a) vshrq_n_s32((a), 31)
/* int8 values, saturated. */
#define nnom_vsat8(a) vmaxq_s32(vminq_s32((a), vdupq_n_s32(127)), vdupq_n_s32(-128))
/* n of the lowest bytes of the lanes, n <= 4. */
#define nnom_vstrb_w(to, v, n) vstrbq_p_s32((to), (v), vctp32q((uint32_t)(n)))
#define nnom_vstrb_w4(to, v) vstrbq_s32((to), (v))
/* Four int8 widened; lanes from n on are 0. */
#define nnom_vldrb_w(x) vldrbq_s32(x)
#define nnom_vldrb_wz(x, n) vldrbq_z_s32((x), vctp32q((uint32_t)(n)))
/* acc + a * factor, modulo 2^32. */
#define nnom_vmlaw(acc, a, factor) vmlaq_n_s32((acc), (a), (factor))
/* Lowest bytes: a >> 21, saturated to int8. */
#define nnom_vsat_shift(a) mve_sat_shift(a)
#define nnom_vmladav(a, b) vmladavq_s8((a), (b))
/* Byte o of the offsets, from x on; lanes from n on are 0. */
#define nnom_vldrb_gather(x, offsets, n)                                                                               \
    vldrbq_gather_offset_z_s8((x), vreinterpretq_u8_s8(offsets), vctp8q((uint32_t)(n)))
/* 16-bit products of even lanes, of odd lanes. */
#define nnom_vmullb(a, b) vmullbq_int_s8((a), (b))
#define nnom_vmullt(a, b) vmulltq_int_s8((a), (b))
/* Eight int8 widened; lanes from n on are 0. */
#define nnom_vldrb_h(x) vldrbq_s16(x)
#define nnom_vldrb_hz(x, n) vldrbq_z_s16((x), vctp16q((uint32_t)(n)))
/* Eight int16; lanes from n on are 0. */
#define nnom_vldrh(x) vldrhq_s16(x)
#define nnom_vldrh_z(x, n) vldrhq_z_s16((x), vctp16q((uint32_t)(n)))
#define nnom_vmladavh(a, b) vmladavq_s16((a), (b))
#define nnom_vstrh(to, v) vstrhq_s16((to), (v))
#define nnom_vaddh(a, b) vaddq_s16((a), (b))
#define nnom_vqaddh(a, b) vqaddq_s16((a), (b))
#define nnom_vduph(x) vdupq_n_s16((int16_t)(x))
#define nnom_vaddh_n(a, x) vaddq_n_s16((a), (int16_t)(x))
#define nnom_vqaddh_n(a, x) vqaddq_n_s16((a), (int16_t)(x))
#define nnom_vqrdmulh_n(a, x) vqrdmulhq_n_s32((a), (x))
#define nnom_vrshl_n(a, x) vrshlq_n_s32((a), (x))
/* 32-bit products of even lanes, of odd lanes. */
#define nnom_vmullbh(a, b) vmullbq_int_s16((a), (b))
#define nnom_vmullth(a, b) vmulltq_int_s16((a), (b))
/* Even lanes widened, odd lanes widened. */
#define nnom_vmovlb(a) vmovlbq_s16(a)
#define nnom_vmovlt(a) vmovltq_s16(a)
#define nnom_vmovlb8(a) vmovlbq_s8(a)
#define nnom_vmovlt8(a) vmovltq_s8(a)
/* Saturated; even lanes from a, odd ones from b. */
#define nnom_vqmovn32(a, b) vqmovntq_s32(vqmovnbq_s32(vuninitializedq_s16(), (a)), (b))
#define nnom_vqmovn16(a, b) vqmovntq_s16(vqmovnbq_s16(vuninitializedq_s8(), (a)), (b))
#define nnom_vdup8(x) vdupq_n_s8((int8_t)(x))
#define nnom_vmax8(a, b) vmaxq_s8((a), (b))
#define nnom_vmin8(a, b) vminq_s8((a), (b))

/* Not with VQSHRN: GNU as (2.40) encodes it as VQRSHRN, which rounds. */
static inline nnom_s32x4_t mve_sat_shift(nnom_s32x4_t a)
{
    const nnom_s32x4_t word = vshrq_n_s32(a, 21);
    const nnom_s16x8_t half = vqmovnbq_s32(vreinterpretq_s16_s32(word), word);
    return vreinterpretq_s32_s8(vqmovnbq_s16(vreinterpretq_s8_s16(half), half));
}

#else
#include "helium_c.h"
#endif

/* ---- Moves: newlib's memcpy and memset go byte by byte ---- */

static inline void nnom_mve_copy(int8_t *to, const int8_t *from, int32_t n)
{
#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)
    __asm__ volatile("wlstp.8 lr, %2, 2f\n"
                     "1:\n"
                     "vldrb.8 q0, [%1], #16\n"
                     "vstrb.8 q0, [%0], #16\n"
                     "letp lr, 1b\n"
                     "2:\n"
                     : "+l"(to), "+l"(from)
                     : "r"(n)
                     : "lr", "q0", "memory");
#else
    for (; n > 0; n -= 16, to += 16, from += 16) {
        nnom_vstrb_p(to, nnom_vldrb_z(from, n), n);
    }
#endif
}

static inline void nnom_mve_fill(int8_t *to, int32_t value, int32_t n)
{
    const nnom_s8x16_t v = nnom_vdup8(value);
#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)
    __asm__ volatile("wlstp.8 lr, %1, 2f\n"
                     "1:\n"
                     "vstrb.8 %q2, [%0], #16\n"
                     "letp lr, 1b\n"
                     "2:\n"
                     : "+l"(to)
                     : "r"(n), "w"(v)
                     : "lr", "memory");
#else
    for (; n > 0; n -= 16, to += 16) {
        nnom_vstrb_p(to, v, n);
    }
#endif
}

/* `vectors` times `bytes` bytes, 1 to 16, each to `to` + its offset; `step` bytes from one vector's to the next one's. */
static inline void nnom_mve_spread(int8_t *to, const int8_t *from, int32_t vectors, int32_t bytes, int32_t step,
                                   nnom_s8x16_t offsets)
{
#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)
    __asm__ volatile("vctp.8 %3\n"
                     "wls lr, %2, 2f\n"
                     "1:\n"
                     "vpstt\n"
                     "vldrbt.8 q0, [%1]\n"
                     "vstrbt.8 q0, [%0, %q5]\n"
                     "add %1, %1, %3\n"
                     "add %0, %0, %4\n"
                     "le lr, 1b\n"
                     "2:\n"
                     : "+l"(to), "+l"(from)
                     : "r"(vectors), "r"(bytes), "r"(step), "w"(offsets)
                     : "lr", "q0", "p0", "memory");
#else
    for (int32_t i = 0; i < vectors; i++, from += bytes, to += step) {
        nnom_vstrb_scatter(to, offsets, nnom_vldrb_z(from, bytes), bytes);
    }
#endif
}

/* Each of n bytes by a table [256], indexed by the byte + 128. `to` may be `from`, or begin below it. */
static inline void nnom_mve_look_up(int8_t *to, const int8_t *from, int32_t n, const int8_t *table)
{
#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)
    const nnom_s8x16_t middle = nnom_vdup8(-128);
    __asm__ volatile("wlstp.8 lr, %2, 2f\n"
                     "1:\n"
                     "vldrb.8 q0, [%1], #16\n"
                     "vadd.i8 q0, q0, %q4\n"
                     "vldrb.u8 q2, [%3, q0]\n"
                     "vstrb.8 q2, [%0], #16\n"
                     "letp lr, 1b\n"
                     "2:\n"
                     : "+l"(to), "+l"(from)
                     : "r"(n), "r"(table), "w"(middle)
                     : "lr", "q0", "q2", "memory");
#else
    for (; n > 0; n -= 16, to += 16, from += 16) {
        nnom_s8x16_t at = nnom_vldrb_z(from, n);
        for (int32_t i = 0; i < 16; i++) {
            at.at[i] = (int8_t)(at.at[i] < 0 ? at.at[i] + 128 : at.at[i] - 128);
        }
        nnom_vstrb_p(to, nnom_vldrb_gather(table, at, n), n);
    }
#endif
}

/* n outputs clamped, where the limits are narrower than int8. */
static inline void nnom_mve_limits(int8_t *row, int32_t n, int32_t least, int32_t most)
{
    if (least == -128 && most == 127) {
        return;
    }
    const nnom_s8x16_t lo = nnom_vdup8(least), hi = nnom_vdup8(most);
#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)
    __asm__ volatile("wlstp.8 lr, %1, 2f\n"
                     "1:\n"
                     "vldrb.8 q0, [%0]\n"
                     "vmax.s8 q0, q0, %q2\n"
                     "vmin.s8 q0, q0, %q3\n"
                     "vstrb.8 q0, [%0], #16\n"
                     "letp lr, 1b\n"
                     "2:\n"
                     : "+l"(row)
                     : "r"(n), "w"(lo), "w"(hi)
                     : "lr", "q0", "memory");
#else
    for (; n > 0; n -= 16, row += 16) {
        nnom_vstrb_p(row, nnom_vmin8(nnom_vmax8(nnom_vldrb_z(row, n), lo), hi), n);
    }
#endif
}

#endif
