/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "neon.h"

#ifdef NNOM_NEON

#include <string.h>

#ifdef __linux__
#include <sys/auxv.h>
#endif

#include "../fixed.h"

#define NEON_DOT __attribute__((target("arch=armv8.2-a+dotprod")))

bool nnom_neon_has_dot(void)
{
#ifdef __ARM_FEATURE_DOTPROD
    return true;
#elif defined(__linux__)
    enum { DOT = 1 << 20 }; /* HWCAP_ASIMDDP */
    return (getauxval(AT_HWCAP) & DOT) != 0;
#else
    return false;
#endif
}

/* Four taps of four outputs. */
static inline int32x4_t neon_quad(int32x4_t acc, int8x16_t w, int32_t taps)
{
    const int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(taps));
    const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(x)));
    const int32x4_t high = vpaddlq_s16(vmull_high_s8(w, x));
    return vaddq_s32(acc, vpaddq_s32(low, high));
}

NEON_DOT static inline int32x4_t neon_quad_dot(int32x4_t acc, int8x16_t w, int32_t taps)
{
    return vdotq_s32(acc, w, vreinterpretq_s8_s32(vdupq_n_s32(taps)));
}

static inline int32_t neon_taps(const int8_t *x)
{
    int32_t taps;
    memcpy(&taps, x, sizeof taps);
    return taps;
}

/* The loops over taps with either way to multiply: of four pixels, and of one. */
#define NEON_SUMS(attribute, name, quad)                                                                               \
    attribute static void name##_four(const int8_t *w, const int8_t *x, int32_t taps, int32_t d, int32_t(*s)[16])      \
    {                                                                                                                  \
        int32x4_t a[4], b[4], c[4], e[4];                                                                              \
        for (int32_t i = 0; i < 4; i++) {                                                                              \
            a[i] = vld1q_s32(s[0] + 4 * i);                                                                            \
            b[i] = vld1q_s32(s[1] + 4 * i);                                                                            \
            c[i] = vld1q_s32(s[2] + 4 * i);                                                                            \
            e[i] = vld1q_s32(s[3] + 4 * i);                                                                            \
        }                                                                                                              \
        for (int32_t t = 0; t < taps; t += 4, x += 4) {                                                                \
            const int32_t x0 = neon_taps(x), x1 = neon_taps(x + d), x2 = neon_taps(x + 2 * d);                         \
            const int32_t x3 = neon_taps(x + 3 * d);                                                                   \
            for (int32_t i = 0; i < 4; i++, w += 16) {                                                                 \
                const int8x16_t v = vld1q_s8(w);                                                                       \
                a[i] = quad(a[i], v, x0);                                                                              \
                b[i] = quad(b[i], v, x1);                                                                              \
                c[i] = quad(c[i], v, x2);                                                                              \
                e[i] = quad(e[i], v, x3);                                                                              \
            }                                                                                                          \
        }                                                                                                              \
        for (int32_t i = 0; i < 4; i++) {                                                                              \
            vst1q_s32(s[0] + 4 * i, a[i]);                                                                             \
            vst1q_s32(s[1] + 4 * i, b[i]);                                                                             \
            vst1q_s32(s[2] + 4 * i, c[i]);                                                                             \
            vst1q_s32(s[3] + 4 * i, e[i]);                                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    attribute static void name##_one(const int8_t *w, const int8_t *x, int32_t taps, int32_t *s)                       \
    {                                                                                                                  \
        int32x4_t a = vld1q_s32(s), b = vld1q_s32(s + 4), c = vld1q_s32(s + 8), e = vld1q_s32(s + 12);                 \
        for (int32_t t = 0; t < taps; t += 4, x += 4, w += 64) {                                                       \
            const int32_t x0 = neon_taps(x);                                                                           \
            a = quad(a, vld1q_s8(w), x0);                                                                              \
            b = quad(b, vld1q_s8(w + 16), x0);                                                                         \
            c = quad(c, vld1q_s8(w + 32), x0);                                                                         \
            e = quad(e, vld1q_s8(w + 48), x0);                                                                         \
        }                                                                                                              \
        vst1q_s32(s, a);                                                                                               \
        vst1q_s32(s + 4, b);                                                                                           \
        vst1q_s32(s + 8, c);                                                                                           \
        vst1q_s32(s + 12, e);                                                                                          \
    }
NEON_SUMS(, neon_plain, neon_quad)
NEON_SUMS(NEON_DOT, neon_dot, neon_quad_dot)

void nnom_neon_sums(const int8_t *weights, const int8_t *x, int32_t taps, int32_t distance, int32_t pixels,
                    int32_t (*sums)[NNOM_NEON_LANES])
{
    const bool dot = nnom_neon_has_dot();
    if (pixels == NNOM_NEON_PIXELS) {
        (dot ? neon_dot_four : neon_plain_four)(weights, x, taps, distance, sums);
        return;
    }
    for (int32_t i = 0; i < pixels; i++) {
        (dot ? neon_dot_one : neon_plain_one)(weights, x + i * distance, taps, sums[i]);
    }
}

/* nnom_requantize() of four, shifts <= 0: SQRDMULH is its multiplication, SRSHL rounds ties up. */
static inline int32x4_t neon_requantize(int32x4_t acc, int32x4_t multiplier, int32x4_t shift)
{
    const int32x4_t high = vqrdmulhq_s32(acc, multiplier);
    const int32x4_t away = vshrq_n_s32(vandq_s32(high, shift), 31); /* -1 for numbers below 0 that are shifted */
    return vrshlq_s32(vqaddq_s32(high, away), shift);
}

void nnom_neon_finish(const nnom_neon_param_t *p, int32_t zero_point, int32_t o, int32_t n, const int32_t *sums,
                      int8_t *to)
{
    int32_t y[NNOM_NEON_LANES];
    for (int32_t i = 0; i < NNOM_NEON_LANES; i += 4) {
        const int32x4_t multiplier = vld1q_s32((const int32_t *)p->multiplier + o + i);
        const int32x4_t shift = vld1q_s32((const int32_t *)p->shift + o + i);
        vst1q_s32(y + i, vaddq_s32(neon_requantize(vld1q_s32(sums + i), multiplier, shift), vdupq_n_s32(zero_point)));
    }
    for (int32_t i = 0; i < n; i++) {
        to[i] = (int8_t)nnom_clamp_i32(y[i], p->act_min, p->act_max);
    }
}

#endif
