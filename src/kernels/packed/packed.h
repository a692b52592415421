/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Kernels in portable C for cores that multiply 32 bits and nothing more: Cortex-M0, M3, RISC-V. They compute several outputs at
 * a time, so that what was loaded serves more than one multiplication, and two pixels with one multiplication (lanes.h).
 */
#ifndef NNOM_PACKED_H
#define NNOM_PACKED_H

#include "../kernels.h"

/*
 * Convolutions and dense layers. bias, multiplier, shift: [out c], as plain, but see conv2d_s8.c for bias.
 * lanes: output pixels computed at a time, at most.
 * parts: of conv2d with lanes, in which its taps are taken: 1, or kernel h, a kernel row each.
 * weights: as plain in conv2d with more than one lane, part by part; else in blocks of channels (block.h).
 * runs: uint8, see lanes.h; NULL: none.
 */
#define NNOM_PACKED_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                   \
    GEOMETRY(geometry)                                                                                                 \
    I32(act_min)                                                                                                       \
    I32(act_max) I32(lanes) I32(parts) ARRAY(weights) ARRAY(bias) ARRAY(multiplier) ARRAY(shift) ARRAY(runs)
NNOM_PARAM_STRUCT(nnom_packed_param, NNOM_PACKED_PARAM)

/*
 * From sums to int8, |acc| < 2^30 (nnom_packed_fits()): n pixels of one channel, `step` bytes apart; n channels side by side.
 * zero_point: of the output.
 */
void nnom_packed_pixels(const nnom_packed_param_t *p, int32_t channel, int32_t zero_point, const int32_t *acc,
                        int32_t n, int8_t *to, int32_t step);
void nnom_packed_channels(const nnom_packed_param_t *p, int32_t channel, int32_t zero_point, const int32_t *acc,
                          int32_t n, int8_t *to);

#endif
