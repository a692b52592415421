/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Complex numbers of 2 x 16 bits, Q15, with the roundings of SPEC.md. With the DSP extension a number is one register, real part below;
 * elsewhere it is a struct, of the same bytes where the low byte comes first.
 */
#ifndef NNOM_COMPLEX16_H
#define NNOM_COMPLEX16_H

#include <stdint.h>
#include <string.h>

/* x modulo 2^16, as every sum here: after a halving or quartering of its terms only sounds at the edges of the range come so far. */
static inline int16_t nnom_wrap16(int32_t x)
{
    return (int16_t)(uint16_t)(uint32_t)x;
}

enum { NNOM_Q15_HALF = 1 << 14 };

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_BIG_ENDIAN)

#include <arm_acle.h>

typedef uint32_t nnom_complex16_t;

static inline nnom_complex16_t nnom_c16(int32_t re, int32_t im)
{
    return (uint16_t)re | (uint32_t)im << 16;
}

static inline int16_t nnom_c16_re(nnom_complex16_t a)
{
    return (int16_t)(uint16_t)a;
}

static inline int16_t nnom_c16_im(nnom_complex16_t a)
{
    return (int16_t)(uint16_t)(a >> 16);
}

static inline nnom_complex16_t nnom_c16_load(const int16_t *pair)
{
    nnom_complex16_t a;
    memcpy(&a, pair, sizeof a);
    return a;
}

/* The lower half of one, the upper half of the other: PKHTB, which compilers do not find. */
static inline nnom_complex16_t nnom_c16_halves(uint32_t re, uint32_t im)
{
    nnom_complex16_t a;
    __asm__("pkhtb %0, %1, %2" : "=r"(a) : "r"(im), "r"(re));
    return a;
}

/* Bits 15 to 30 of both. */
static inline nnom_complex16_t nnom_c16_upper(int32_t re, int32_t im)
{
    nnom_complex16_t a;
    __asm__("pkhtb %0, %1, %2, asr #15" : "=r"(a) : "r"((uint32_t)im << 1), "r"(re));
    return a;
}

static inline nnom_complex16_t nnom_c16_taper(nnom_complex16_t a, nnom_complex16_t w)
{
    nnom_complex16_t y;
    const int32_t re = nnom_c16_re(a) * nnom_c16_re(w), im = nnom_c16_im(a) * nnom_c16_im(w); /* SMULBB, SMULTT */
    __asm__("pkhtb %0, %1, %2, asr #12" : "=r"(y) : "r"((uint32_t)im << 4), "r"(re));
    return y;
}

static inline uint32_t nnom_c16_magnitudes(nnom_complex16_t a, uint32_t bits)
{
    const int16x2_t less = __ssub16(0, (int16x2_t)a); /* GE where a <= 0 */
    return bits | (uint32_t)__sel((uint8x4_t)less, (uint8x4_t)a);
}

static inline uint32_t nnom_c16_bits(uint32_t bits)
{
    return (bits | bits >> 16) & 0xffffu;
}

static inline nnom_complex16_t nnom_c16_add(nnom_complex16_t a, nnom_complex16_t b)
{
    return (uint32_t)__sadd16((int16x2_t)a, (int16x2_t)b);
}

static inline nnom_complex16_t nnom_c16_sub(nnom_complex16_t a, nnom_complex16_t b)
{
    return (uint32_t)__ssub16((int16x2_t)a, (int16x2_t)b);
}

static inline nnom_complex16_t nnom_c16_sub_i(nnom_complex16_t a, nnom_complex16_t b)
{
    return (uint32_t)__ssax((int16x2_t)a, (int16x2_t)b);
}

static inline nnom_complex16_t nnom_c16_add_i(nnom_complex16_t a, nnom_complex16_t b)
{
    return (uint32_t)__sasx((int16x2_t)a, (int16x2_t)b);
}

static inline nnom_complex16_t nnom_c16_mul(nnom_complex16_t a, nnom_complex16_t w)
{
    return nnom_c16_upper(__smlsd((int16x2_t)a, (int16x2_t)w, NNOM_Q15_HALF),
                          __smladx((int16x2_t)a, (int16x2_t)w, NNOM_Q15_HALF));
}

static inline nnom_complex16_t nnom_c16_part(nnom_complex16_t a, int32_t parts)
{
    return nnom_c16_upper(__smlabb((int32_t)a, 32767 / parts, NNOM_Q15_HALF),
                          __smlatb((int32_t)a, 32767 / parts, NNOM_Q15_HALF));
}

static inline nnom_complex16_t nnom_c16_conj(nnom_complex16_t a)
{
    return nnom_c16_halves(a, (uint32_t)__ssub16(0, (int16x2_t)a));
}

static inline nnom_complex16_t nnom_c16_mean(nnom_complex16_t a, nnom_complex16_t b)
{
    return (uint32_t)__shadd16((int16x2_t)a, (int16x2_t)b);
}

static inline nnom_complex16_t nnom_c16_mirror(nnom_complex16_t a, nnom_complex16_t b)
{
    return nnom_c16_halves((uint32_t)__shsub16((int16x2_t)a, (int16x2_t)b),
                           (uint32_t)__shsub16((int16x2_t)b, (int16x2_t)a));
}

static inline nnom_complex16_t nnom_c16_shift(nnom_complex16_t a, uint32_t shift)
{
    return nnom_c16_halves(a << shift, (a & 0xffff0000u) << shift);
}

static inline uint32_t nnom_c16_energy(nnom_complex16_t a)
{
    return (uint32_t)__smuad((int16x2_t)a, (int16x2_t)a);
}

#else

typedef struct nnom_complex16 {
    int16_t re;
    int16_t im;
} nnom_complex16_t;

static inline nnom_complex16_t nnom_c16(int32_t re, int32_t im)
{
    return (nnom_complex16_t){nnom_wrap16(re), nnom_wrap16(im)};
}

static inline int16_t nnom_c16_re(nnom_complex16_t a)
{
    return a.re;
}

static inline int16_t nnom_c16_im(nnom_complex16_t a)
{
    return a.im;
}

static inline nnom_complex16_t nnom_c16_load(const int16_t *pair)
{
    return (nnom_complex16_t){pair[0], pair[1]};
}

/* Both parts times those of a window, Q12, rounded down. */
static inline nnom_complex16_t nnom_c16_taper(nnom_complex16_t a, nnom_complex16_t w)
{
    return nnom_c16((a.re * w.re) >> 12, (a.im * w.im) >> 12);
}

/* `bits`, and what |re| and |im| set: for nnom_c16_bits(), of which all that were put together set them in one number. */
static inline uint32_t nnom_c16_magnitudes(nnom_complex16_t a, uint32_t bits)
{
    const int32_t re = a.re < 0 ? -a.re : a.re, im = a.im < 0 ? -a.im : a.im;
    return bits | (uint32_t)re | (uint32_t)im;
}

static inline uint32_t nnom_c16_bits(uint32_t bits)
{
    return bits;
}

static inline nnom_complex16_t nnom_c16_add(nnom_complex16_t a, nnom_complex16_t b)
{
    return nnom_c16(a.re + b.re, a.im + b.im);
}

static inline nnom_complex16_t nnom_c16_sub(nnom_complex16_t a, nnom_complex16_t b)
{
    return nnom_c16(a.re - b.re, a.im - b.im);
}

/* a - i b */
static inline nnom_complex16_t nnom_c16_sub_i(nnom_complex16_t a, nnom_complex16_t b)
{
    return nnom_c16(a.re + b.im, a.im - b.re);
}

/* a + i b */
static inline nnom_complex16_t nnom_c16_add_i(nnom_complex16_t a, nnom_complex16_t b)
{
    return nnom_c16(a.re - b.im, a.im + b.re);
}

/* w: of length 1, so that |re|, |im| of the product <= 46341 * 32768 < 2^31 - 2^14. To nearest, halves up. */
static inline nnom_complex16_t nnom_c16_mul(nnom_complex16_t a, nnom_complex16_t w)
{
    return nnom_c16((a.re * w.re - a.im * w.im + NNOM_Q15_HALF) >> 15,
                    (a.re * w.im + a.im * w.re + NNOM_Q15_HALF) >> 15);
}

/* Times floor(32767 / parts) / 2^15: a half or a quarter, a little less. */
static inline nnom_complex16_t nnom_c16_part(nnom_complex16_t a, int32_t parts)
{
    return nnom_c16((a.re * (32767 / parts) + NNOM_Q15_HALF) >> 15, (a.im * (32767 / parts) + NNOM_Q15_HALF) >> 15);
}

static inline nnom_complex16_t nnom_c16_conj(nnom_complex16_t a)
{
    return nnom_c16(a.re, -a.im);
}

/* (a + b) / 2, rounded down */
static inline nnom_complex16_t nnom_c16_mean(nnom_complex16_t a, nnom_complex16_t b)
{
    return nnom_c16((a.re + b.re) >> 1, (a.im + b.im) >> 1);
}

/* conj(a - b) / 2, rounded down */
static inline nnom_complex16_t nnom_c16_mirror(nnom_complex16_t a, nnom_complex16_t b)
{
    return nnom_c16((a.re - b.re) >> 1, (b.im - a.im) >> 1);
}

/* a * 2^shift, which is still within 16 bits */
static inline nnom_complex16_t nnom_c16_shift(nnom_complex16_t a, uint32_t shift)
{
    return nnom_c16(a.re * (1 << shift), a.im * (1 << shift));
}

/* |re|, |im| <= 2^15, so <= 2^31 */
static inline uint32_t nnom_c16_energy(nnom_complex16_t a)
{
    return (uint32_t)(a.re * a.re) + (uint32_t)(a.im * a.im);
}

#endif

#endif
