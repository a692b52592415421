/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Contracts of the kernels that have variants, and their parameters. A kernel is an operation's `run`: it computes
 * output rows [call->y.lo, call->y.hi) from rings of rows and never assumes that a whole tensor is present. All
 * variants give the same bytes as `ref`. The list is kernels.def.
 *
 * Output and input 0 may share memory. Convolutions: row y of the output is written when all rows before it are, and
 * may overwrite rows of the input below the window of row y, so within a row any order will do. Pools: see
 * NNOM_POOL_PARAM.
 */
#ifndef NNOM_KERNELS_H
#define NNOM_KERNELS_H

#include "param.h"

/*
 * Convolutions and dense layers of int8 and float. act_min, act_max: int8 limits; act_min_f, act_max_f: float limits.
 * weights, int8 or float: conv2d, transposed: [out c][kernel h][kernel w][in c]; depthwise: [kernel h][kernel w][out
 * c], out c = in c * multiplier; dense: [out c][h * w * in c]. multiplier int32, shift int8: [out c]; NULL in float.
 * bias: float [out c], may be NULL, or int32 [out c] with the input zero point folded in over all taps: a cell of the
 * padding counts as a cell that holds the zero point. Transposed: the bias as it was given, and every tap that an
 * output cell has adds weight * (x - zero point), because few cells have all taps.
 *
 * Operations _s4: weights of 4 bits, two in a byte (nibble.h).
 *
 * Scratch of conv2d: one patch, kernel h * kernel w * in c elements, none if !nnom_conv2d_gathers().
 *
 * Dense reduces rows: called with rows [y.lo, y.hi) of the input in ascending order, it keeps its sums in the scratch
 * (int32 or float [out c]) from the first rows to the last. A call over all rows does not touch the scratch.
 */
#define NNOM_CONV_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                     \
    GEOMETRY(geometry)                                                                                                 \
    I32(act_min) I32(act_max) F32(act_min_f) F32(act_max_f) ARRAY(weights) ARRAY(bias) ARRAY(multiplier) ARRAY(shift)
NNOM_PARAM_STRUCT(nnom_conv_param, NNOM_CONV_PARAM)

/*
 * The same of int16 activations, int8 weights. No zero points. A channel's bias is bias + bias_high * 2^32, int32 and int16 [out c];
 * bias_high NULL: all are 0. Sums have 64 bits and are requantised by nnom_requantize_wide(); narrow: they fit 32 bits, and
 * nnom_requantize() makes the output.
 *
 * Dense keeps int64 sums in its scratch, each as two words, the lower first: it begins at a multiple of 4.
 */
/* clang-format off */
#define NNOM_CONV_S16_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                 \
    GEOMETRY(geometry)                                                                                                 \
    I32(act_min) I32(act_max) I32(narrow)                                                                              \
    ARRAY(weights) ARRAY(bias) ARRAY(multiplier) ARRAY(shift) ARRAY(bias_high)
/* clang-format on */
NNOM_PARAM_STRUCT(nnom_conv_s16_param, NNOM_CONV_S16_PARAM)

/*
 * False if every window lies in the input as one run of bytes whatever the ring, so that no scratch is needed: kernels
 * of one row, without padding or dilated columns.
 */
static inline bool nnom_conv2d_gathers(const nnom_geometry_t *g)
{
    return g->kernel_h > 1 || (g->kernel_w > 1 && g->dilation_w > 1) || g->pad_top > 0 || g->pad_bottom > 0 ||
           g->pad_left > 0 || g->pad_right > 0;
}

/* Input rows (or columns) [lo, hi) that reach row `at` of a transposed convolution's uncut output. */
static inline nnom_range_t nnom_transposed_range(int32_t at, int32_t stride, int32_t kernel, int32_t size)
{
    nnom_range_t range = {at < kernel ? 0 : (at - kernel + stride) / stride, at / stride + 1};
    range.hi = range.hi < size ? range.hi : size;
    range.lo = range.lo < range.hi ? range.lo : range.hi;
    return range;
}

/*
 * Pools and global pools, over the n cells of a window that are inside the input (build made sure that n >= 1):
 *   max: the largest x.
 *   sum: acc = sum of (x - zero point of in).
 *   avg: the sum of x / n, rounded half away from zero, if multiplier == 0; else acc as for sum, and the multiplier
 *        is divided by n as nnom_mean_multiplier() does.
 *
 * multiplier == 0: in and out have the same quantisation and the value stands. Else y = requantised(acc, or max - zero
 * point of in) + zero point of out. Then the limits. Float: no rounding, no zero points. int16: as int8.
 *
 * Pools write pixels in order; of a pixel they write a channel, or a block of channels, when they have read it in all
 * cells of the window, lower channels first. The overlap of output and input relies on it (proof in layers/pool.c).
 *
 * Global pools reduce rows, as dense layers do: int32 or float [c] in the scratch, untouched by a call over all rows.
 * The output may lie on the input's first byte: channel i of the output is written when channel i of all cells was
 * read.
 */
#define NNOM_POOL_PARAM(I32, F32, GEOMETRY, ARRAY)                                                                     \
    GEOMETRY(geometry)                                                                                                 \
    I32(act_min) I32(act_max) F32(act_min_f) F32(act_max_f) I32(multiplier) I32(shift)
NNOM_PARAM_STRUCT(nnom_pool_param, NNOM_POOL_PARAM)

/*
 * Turns the multiplier of a sum into that of a mean over n >= 1 values, as TFLM does for MEAN (reference/reduce.h,
 * QuantizedMeanOrSum): with s = min(floor(log2 n), 32, 31 + shift), multiplier' = floor(multiplier * 2^s / n) and
 * shift' = shift - s.
 */
static inline void nnom_mean_multiplier(int32_t n, int32_t *multiplier, int32_t *shift)
{
    int32_t s = 0;
    while (s < 30 && n >> (s + 1) != 0) {
        s++;
    }
    s = s < 31 + *shift ? s : 31 + *shift;
    *multiplier = (int32_t)(((int64_t)*multiplier << s) / n);
    *shift -= s;
}

#include "kernels.def"
#define NNOM_KERNEL_DECLARE(operation, variant, needs, ...) void nnom_##operation##_##variant(const nnom_call_t *call);
NNOM_KERNELS(NNOM_KERNEL_DECLARE)
#undef NNOM_KERNEL_DECLARE

#endif
