/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The instructions of Arm's DSP extension that the kernels use, by their names. Without the extension they are C with the
 * same results, so that a computer runs the program that the board will run.
 */
#ifndef NNOM_DSP_ACLE_H
#define NNOM_DSP_ACLE_H

#include <stdint.h>

#ifdef __ARM_FEATURE_DSP
#include <arm_acle.h>
#endif

/* A function that is rare beside the loop that calls it: inline it would take the loop's registers. */
#ifdef __GNUC__
#define NNOM_DSP_APART __attribute__((noinline))
#else
#define NNOM_DSP_APART
#endif

static inline int32_t nnom_dsp_low16(uint32_t x)
{
    return (int16_t)(uint16_t)x;
}

static inline int32_t nnom_dsp_high16(uint32_t x)
{
    return (int16_t)(uint16_t)(x >> 16);
}

/* acc + the products of the low and of the high halves; modulo 2^32. */
static inline uint32_t nnom_smlad(uint32_t a, uint32_t b, uint32_t acc)
{
#ifdef __ARM_FEATURE_DSP
    return (uint32_t)__smlad((int16x2_t)a, (int16x2_t)b, (int32_t)acc);
#else
    return acc + (uint32_t)(nnom_dsp_low16(a) * nnom_dsp_low16(b)) +
           (uint32_t)(nnom_dsp_high16(a) * nnom_dsp_high16(b));
#endif
}

/* Bytes 0 and 2 as 16 bits each. */
static inline uint32_t nnom_sxtb16(uint32_t x)
{
#ifdef __ARM_FEATURE_DSP
    return (uint32_t)__sxtb16((int8x4_t)x);
#else
    return (uint16_t)(int16_t)(int8_t)(uint8_t)x | (uint32_t)(uint16_t)(int16_t)(int8_t)(uint8_t)(x >> 16) << 16;
#endif
}

/* Bytes 1 and 3 as 16 bits each. */
static inline uint32_t nnom_sxtb16_odd(uint32_t x)
{
    return nnom_sxtb16(x >> 8 | x << 24);
}

/* acc + low half of a * low half of b, and of the high halves. */
static inline int32_t nnom_smlabb(uint32_t a, uint32_t b, int32_t acc)
{
#ifdef __ARM_FEATURE_DSP
    return __smlabb((int32_t)a, (int32_t)b, acc);
#else
    return acc + nnom_dsp_low16(a) * nnom_dsp_low16(b);
#endif
}

static inline int32_t nnom_smlatt(uint32_t a, uint32_t b, int32_t acc)
{
#ifdef __ARM_FEATURE_DSP
    return __smlatt((int32_t)a, (int32_t)b, acc);
#else
    return acc + nnom_dsp_high16(a) * nnom_dsp_high16(b);
#endif
}

/* acc + a * b / 2^32, rounded to nearest; |acc| <= 2^30. */
static inline int32_t nnom_smmlar(int32_t a, int32_t b, int32_t acc)
{
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
    int32_t result;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));
    return result;
#else
    const int64_t sum = (int64_t)a * b + (int64_t)acc * ((int64_t)1 << 32) + ((int64_t)1 << 31); /* < 2^63 */
    return (int32_t)(sum >> 32);
#endif
}

/* acc + a * b / 2^32, rounded down; |acc| <= 2^30. */
static inline int32_t nnom_smmla(int32_t a, int32_t b, int32_t acc)
{
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
    int32_t result;
    __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));
    return result;
#else
    return acc + (int32_t)(((int64_t)a * b) >> 32);
#endif
}

/* acc + bytes 0 and 2, in 16 bits each; modulo 2^16. */
static inline uint32_t nnom_sxtab16(uint32_t acc, uint32_t x)
{
#ifdef __ARM_FEATURE_DSP
    return (uint32_t)__sxtab16((int16x2_t)acc, (int8x4_t)x);
#else
    const uint32_t add = nnom_sxtb16(x);
    return ((acc + add) & 0xffffu) | (((acc >> 16) + (add >> 16)) << 16);
#endif
}

/* acc + bytes 1 and 3. */
static inline uint32_t nnom_sxtab16_odd(uint32_t acc, uint32_t x)
{
    return nnom_sxtab16(acc, x >> 8 | x << 24);
}

/* The larger of each of four signed bytes. */
static inline uint32_t nnom_max8(uint32_t a, uint32_t b)
{
#ifdef __ARM_FEATURE_DSP
    (void)__ssub8((int8x4_t)a, (int8x4_t)b); /* tells SEL where a >= b */
    return (uint32_t)__sel((uint8x4_t)a, (uint8x4_t)b);
#else
    uint32_t most = 0;
    for (uint32_t i = 0; i < 32; i += 8) {
        const int8_t x = (int8_t)(uint8_t)(a >> i), y = (int8_t)(uint8_t)(b >> i);
        most |= (uint32_t)(uint8_t)(x > y ? x : y) << i;
    }
    return most;
#endif
}

static inline int32_t nnom_ssat8(int32_t x)
{
#ifdef __ARM_FEATURE_DSP
    return __ssat(x, 8);
#else
    return x < -128 ? -128 : (x > 127 ? 127 : x);
#endif
}

#endif
