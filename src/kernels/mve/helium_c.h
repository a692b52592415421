/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The instructions of Helium in C: included by helium.h where there are none. */
#ifndef NNOM_MVE_HELIUM_C_H
#define NNOM_MVE_HELIUM_C_H

#include <stdbool.h>
#include <stdint.h>

#include "../fixed.h"

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

static inline void nnom_vstrb(int8_t *to, nnom_s8x16_t v)
{
    nnom_vstrb_p(to, v, 16);
}

/* Byte i to to + offsets i, for i < n. */
static inline void nnom_vstrb_scatter(int8_t *to, nnom_s8x16_t offsets, nnom_s8x16_t v, int32_t n)
{
    for (int32_t i = 0; i < n && i < 16; i++) {
        to[(uint8_t)offsets.at[i]] = v.at[i];
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

static inline void nnom_vstrb_w4(int8_t *to, nnom_s32x4_t v)
{
    nnom_vstrb_w(to, v, 4);
}

/* Four int8 widened; lanes from n on are 0. */
static inline nnom_s32x4_t nnom_vldrb_wz(const int8_t *x, int32_t n)
{
    nnom_s32x4_t v = {{0}};
    for (int32_t i = 0; i < n && i < 4; i++) {
        v.at[i] = x[i];
    }
    return v;
}

static inline nnom_s32x4_t nnom_vldrb_w(const int8_t *x)
{
    return nnom_vldrb_wz(x, 4);
}

/* acc + a * factor, modulo 2^32. */
static inline nnom_s32x4_t nnom_vmlaw(nnom_s32x4_t acc, nnom_s32x4_t a, int32_t factor)
{
    for (int32_t i = 0; i < 4; i++) {
        acc.at[i] = (int32_t)((uint32_t)acc.at[i] + (uint32_t)a.at[i] * (uint32_t)factor);
    }
    return acc;
}

/* Lowest bytes: a >> 21, saturated to int8. */
static inline nnom_s32x4_t nnom_vsat_shift(nnom_s32x4_t a)
{
    for (int32_t i = 0; i < 4; i++) {
        a.at[i] = nnom_clamp_i32(a.at[i] >> 21, -128, 127);
    }
    return a;
}

static inline int32_t nnom_vmladav(nnom_s8x16_t a, nnom_s8x16_t b)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < 16; i++) {
        sum += a.at[i] * b.at[i];
    }
    return sum;
}

/* Byte o of the offsets, from x on; lanes from n on are 0. */
static inline nnom_s8x16_t nnom_vldrb_gather(const int8_t *x, nnom_s8x16_t offsets, int32_t n)
{
    nnom_s8x16_t v = {{0}};
    for (int32_t i = 0; i < n && i < 16; i++) {
        v.at[i] = x[(uint8_t)offsets.at[i]];
    }
    return v;
}

/* 16-bit products of even lanes, of odd lanes. */
static inline nnom_s16x8_t nnom_vmullb(nnom_s8x16_t a, nnom_s8x16_t b)
{
    nnom_s16x8_t v;
    for (int32_t i = 0; i < 8; i++) {
        v.at[i] = (int16_t)(a.at[2 * i] * b.at[2 * i]);
    }
    return v;
}

static inline nnom_s16x8_t nnom_vmullt(nnom_s8x16_t a, nnom_s8x16_t b)
{
    nnom_s16x8_t v;
    for (int32_t i = 0; i < 8; i++) {
        v.at[i] = (int16_t)(a.at[2 * i + 1] * b.at[2 * i + 1]);
    }
    return v;
}

/* Eight int8 widened; lanes from n on are 0. */
static inline nnom_s16x8_t nnom_vldrb_hz(const int8_t *x, int32_t n)
{
    nnom_s16x8_t v = {{0}};
    for (int32_t i = 0; i < n && i < 8; i++) {
        v.at[i] = x[i];
    }
    return v;
}

static inline nnom_s16x8_t nnom_vldrb_h(const int8_t *x)
{
    return nnom_vldrb_hz(x, 8);
}

static inline nnom_s16x8_t nnom_vldrh_z(const int16_t *x, int32_t n)
{
    nnom_s16x8_t v = {{0}};
    for (int32_t i = 0; i < n && i < 8; i++) {
        v.at[i] = x[i];
    }
    return v;
}

static inline nnom_s16x8_t nnom_vldrh(const int16_t *x)
{
    return nnom_vldrh_z(x, 8);
}

/* Modulo 2^32. */
static inline int32_t nnom_vmladavh(nnom_s16x8_t a, nnom_s16x8_t b)
{
    uint32_t sum = 0;
    for (int32_t i = 0; i < 8; i++) {
        sum += (uint32_t)(a.at[i] * b.at[i]);
    }
    return (int32_t)sum;
}

static inline void nnom_vstrh(int16_t *to, nnom_s16x8_t v)
{
    for (int32_t i = 0; i < 8; i++) {
        to[i] = v.at[i];
    }
}

/* Modulo 2^16. */
static inline nnom_s16x8_t nnom_vaddh(nnom_s16x8_t a, nnom_s16x8_t b)
{
    for (int32_t i = 0; i < 8; i++) {
        a.at[i] = (int16_t)(uint16_t)(a.at[i] + b.at[i]);
    }
    return a;
}

static inline nnom_s16x8_t nnom_vqaddh(nnom_s16x8_t a, nnom_s16x8_t b)
{
    for (int32_t i = 0; i < 8; i++) {
        a.at[i] = (int16_t)nnom_clamp_i32(a.at[i] + b.at[i], INT16_MIN, INT16_MAX);
    }
    return a;
}

static inline nnom_s16x8_t nnom_vduph(int32_t x)
{
    nnom_s16x8_t v;
    for (int32_t i = 0; i < 8; i++) {
        v.at[i] = (int16_t)x;
    }
    return v;
}

static inline nnom_s16x8_t nnom_vaddh_n(nnom_s16x8_t a, int32_t x)
{
    return nnom_vaddh(a, nnom_vduph(x));
}

static inline nnom_s16x8_t nnom_vqaddh_n(nnom_s16x8_t a, int32_t x)
{
    return nnom_vqaddh(a, nnom_vduph(x));
}

static inline nnom_s32x4_t nnom_vqrdmulh_n(nnom_s32x4_t a, int32_t x)
{
    return nnom_vqrdmulh(a, nnom_vdupw(x));
}

static inline nnom_s32x4_t nnom_vrshl_n(nnom_s32x4_t a, int32_t x)
{
    return nnom_vrshl(a, nnom_vdupw(x));
}

static inline nnom_s16x8_t nnom_vmovlb8(nnom_s8x16_t a)
{
    nnom_s16x8_t v;
    for (int32_t i = 0; i < 8; i++) {
        v.at[i] = a.at[2 * i];
    }
    return v;
}

static inline nnom_s16x8_t nnom_vmovlt8(nnom_s8x16_t a)
{
    nnom_s16x8_t v;
    for (int32_t i = 0; i < 8; i++) {
        v.at[i] = a.at[2 * i + 1];
    }
    return v;
}

/* 32-bit products of even lanes, of odd lanes. */
static inline nnom_s32x4_t nnom_vmullbh(nnom_s16x8_t a, nnom_s16x8_t b)
{
    const nnom_s32x4_t v = {{a.at[0] * b.at[0], a.at[2] * b.at[2], a.at[4] * b.at[4], a.at[6] * b.at[6]}};
    return v;
}

static inline nnom_s32x4_t nnom_vmullth(nnom_s16x8_t a, nnom_s16x8_t b)
{
    const nnom_s32x4_t v = {{a.at[1] * b.at[1], a.at[3] * b.at[3], a.at[5] * b.at[5], a.at[7] * b.at[7]}};
    return v;
}

/* Even lanes widened, odd lanes widened. */
static inline nnom_s32x4_t nnom_vmovlb(nnom_s16x8_t a)
{
    const nnom_s32x4_t v = {{a.at[0], a.at[2], a.at[4], a.at[6]}};
    return v;
}

static inline nnom_s32x4_t nnom_vmovlt(nnom_s16x8_t a)
{
    const nnom_s32x4_t v = {{a.at[1], a.at[3], a.at[5], a.at[7]}};
    return v;
}

/* Saturated; even lanes from a, odd ones from b. */
static inline nnom_s16x8_t nnom_vqmovn32(nnom_s32x4_t a, nnom_s32x4_t b)
{
    nnom_s16x8_t v;
    for (int32_t i = 0; i < 4; i++) {
        v.at[2 * i] = (int16_t)nnom_clamp_i32(a.at[i], INT16_MIN, INT16_MAX);
        v.at[2 * i + 1] = (int16_t)nnom_clamp_i32(b.at[i], INT16_MIN, INT16_MAX);
    }
    return v;
}

static inline nnom_s8x16_t nnom_vqmovn16(nnom_s16x8_t a, nnom_s16x8_t b)
{
    nnom_s8x16_t v;
    for (int32_t i = 0; i < 8; i++) {
        v.at[2 * i] = (int8_t)nnom_clamp_i32(a.at[i], INT8_MIN, INT8_MAX);
        v.at[2 * i + 1] = (int8_t)nnom_clamp_i32(b.at[i], INT8_MIN, INT8_MAX);
    }
    return v;
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
