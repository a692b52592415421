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
#define nnom_vmladav(a, b) vmladavq_s8((a), (b))
#define nnom_vdup8(x) vdupq_n_s8((int8_t)(x))
#define nnom_vmax8(a, b) vmaxq_s8((a), (b))
#define nnom_vmin8(a, b) vminq_s8((a), (b))

#else

typedef struct nnom_s8x16 {
    int8_t at[16];
} nnom_s8x16_t;
typedef struct nnom_s16x8 {
    int16_t at[8];
} nnom_s16x8_t;
typedef struct nnom_s32x4 {
    int32_t at[4];
} nnom_s32x4_t;

/* Lanes from n on are 0. */
static inline nnom_s8x16_t nnom_vldrb_z(const int8_t *x, int32_t n)
{
    nnom_s8x16_t v = {{0}};
    for (int32_t i = 0; i < n && i < 16; i++) {
        v.at[i] = x[i];
    }
    return v;
}

static inline nnom_s8x16_t nnom_vldrb(const int8_t *x)
{
    return nnom_vldrb_z(x, 16);
}

static inline void nnom_vstrb_p(int8_t *to, nnom_s8x16_t v, int32_t n)
{
    for (int32_t i = 0; i < n && i < 16; i++) {
        to[i] = v.at[i];
    }
}

static inline nnom_s32x4_t nnom_vldrw(const void *x)
{
    const int32_t *from = x;
    const nnom_s32x4_t v = {{from[0], from[1], from[2], from[3]}};
    return v;
}

static inline void nnom_vstrw(int32_t *to, nnom_s32x4_t v)
{
    for (int32_t i = 0; i < 4; i++) {
        to[i] = v.at[i];
    }
}

static inline nnom_s32x4_t nnom_vaddw(nnom_s32x4_t a, nnom_s32x4_t b)
{
    for (int32_t i = 0; i < 4; i++) {
        a.at[i] = (int32_t)((uint32_t)a.at[i] + (uint32_t)b.at[i]);
    }
    return a;
}

static inline nnom_s32x4_t nnom_vdupw(int32_t x)
{
    const nnom_s32x4_t v = {{x, x, x, x}};
    return v;
}

static inline nnom_s32x4_t nnom_vqrdmulh(nnom_s32x4_t a, nnom_s32x4_t b)
{
    for (int32_t i = 0; i < 4; i++) {
        a.at[i] = nnom_high_mul(a.at[i], b.at[i]);
    }
    return a;
}

/* Shifts to the right, -31 <= b <= 0, ties upwards. */
static inline nnom_s32x4_t nnom_vrshl(nnom_s32x4_t a, nnom_s32x4_t b)
{
    for (int32_t i = 0; i < 4; i++) {
        const int64_t half = b.at[i] < 0 ? (int64_t)1 << (-b.at[i] - 1) : 0;
        a.at[i] = (int32_t)((a.at[i] + half) >> -b.at[i]);
    }
    return a;
}

/* -1 in lanes that are negative, else 0. */
static inline nnom_s32x4_t nnom_vsign(nnom_s32x4_t a)
{
    for (int32_t i = 0; i < 4; i++) {
        a.at[i] = a.at[i] < 0 ? -1 : 0;
    }
    return a;
}

/* int8 values, saturated. */
static inline nnom_s32x4_t nnom_vsat8(nnom_s32x4_t a)
{
    for (int32_t i = 0; i < 4; i++) {
        a.at[i] = nnom_clamp_i32(a.at[i], -128, 127);
    }
    return a;
}

/* n of the lowest bytes of the lanes, n <= 4. */
static inline void nnom_vstrb_w(int8_t *to, nnom_s32x4_t v, int32_t n)
{
    for (int32_t i = 0; i < n && i < 4; i++) {
        to[i] = (int8_t)v.at[i];
    }
}

static inline int32_t nnom_vmladav(nnom_s8x16_t a, nnom_s8x16_t b)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < 16; i++) {
        sum += a.at[i] * b.at[i];
    }
    return sum;
}

static inline nnom_s8x16_t nnom_vdup8(int32_t x)
{
    nnom_s8x16_t v;
    for (int32_t i = 0; i < 16; i++) {
        v.at[i] = (int8_t)x;
    }
    return v;
}

static inline nnom_s8x16_t nnom_vmax8(nnom_s8x16_t a, nnom_s8x16_t b)
{
    for (int32_t i = 0; i < 16; i++) {
        a.at[i] = a.at[i] > b.at[i] ? a.at[i] : b.at[i];
    }
    return a;
}

static inline nnom_s8x16_t nnom_vmin8(nnom_s8x16_t a, nnom_s8x16_t b)
{
    for (int32_t i = 0; i < 16; i++) {
        a.at[i] = a.at[i] < b.at[i] ? a.at[i] : b.at[i];
    }
    return a;
}

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
    for (; n > 0; n -= 16, to += 16) {
        nnom_vstrb_p(to, v, n);
    }
}

/* n outputs clamped, where the limits are narrower than int8. */
static inline void nnom_mve_limits(int8_t *row, int32_t n, int32_t least, int32_t most)
{
    if (least == -128 && most == 127) {
        return;
    }
    const nnom_s8x16_t lo = nnom_vdup8(least), hi = nnom_vdup8(most);
    for (; n > 0; n -= 16, row += 16) {
        nnom_vstrb_p(row, nnom_vmin8(nnom_vmax8(nnom_vldrb_z(row, n), lo), hi), n);
    }
}

#endif
