/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Kernels for 64-bit Arm computers. Four taps of four outputs are a vector of weights; SDOT adds them at once, where the core has it,
 * which is asked when a kernel runs; elsewhere they are multiplied to 16 bits and added in pairs.
 */
#ifndef NNOM_NEON_H
#define NNOM_NEON_H

#include "../kernels.h"

#if defined(__aarch64__) && defined(__ARM_NEON) && defined(__GNUC__)
#define NNOM_NEON 1
#include <arm_neon.h>

enum { NNOM_NEON_LANES = 16, NNOM_NEON_RUN = 16, NNOM_NEON_PIXELS = 4 };

/*
 * bias, multiplier, shift: int32 by channel, up to whole blocks of 16, those beyond the last of channel 0; of DW_Conv2D weights are as
 * plain. Conv2D and Dense: weights [16 outputs][tap / 4][output][4], `run` taps that lie side by side filled up to a multiple of 16 with 0.
 */
#define NNOM_NEON_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                     \
    GEOMETRY(geometry) I32(act_min) I32(act_max) I32(taps) ARRAY(weights) ARRAY(bias) ARRAY(multiplier) ARRAY(shift)
NNOM_PARAM_STRUCT(nnom_neon_param, NNOM_NEON_PARAM)

static inline int32_t nnom_neon_filled(int32_t n)
{
    return (n + NNOM_NEON_RUN - 1) & -NNOM_NEON_RUN;
}

bool nnom_neon_has_dot(void);

/* 16 outputs of up to four pixels: sums[pixel][16] of `taps` filled taps at x, `distance` bytes from pixel to pixel, added to what is there. */
void nnom_neon_sums(const int8_t *weights, const int8_t *x, int32_t taps, int32_t distance, int32_t pixels,
                    int32_t (*sums)[NNOM_NEON_LANES]);
/* Outputs [o, o + n), n <= 16, of their sums. */
void nnom_neon_finish(const nnom_neon_param_t *p, int32_t zero_point, int32_t o, int32_t n, const int32_t *sums,
                      int8_t *to);
#endif
#endif
