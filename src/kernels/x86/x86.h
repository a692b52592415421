/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Kernels for computers: int8 with products of pairs of taps, float without fused additions, so that the bits are those of ref.
 * AVX2 is chosen when a kernel runs (x86 with gcc or clang; no option of the build is needed); elsewhere the C forms run, on the
 * same packed weights.
 */
#ifndef NNOM_X86_H
#define NNOM_X86_H

#include "../kernels.h"

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__)) && !defined(NNOM_PLAIN_C)
#define NNOM_X86 1
#include <immintrin.h>
#define NNOM_AVX2 __attribute__((target("avx2")))
#define NNOM_AVX2_INLINE static inline __attribute__((always_inline, target("avx2")))
static inline bool nnom_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}
#else
#define NNOM_X86 0
#endif

/*
 * Parameters are nnom_conv_param_t with arrays of other orders. Channels come in blocks of NNOM_X86_LANES, filled up to an even
 * number of blocks: block lanes beyond the last channel repeat the first ones (channel i stands for i % channels).
 * bias, multiplier, shift: int32 (bias float in float), by lane. weights:
 *   conv2d int8: [block][run][pair][lane][2], a run being taps that follow each other in a row (nnom_x86_rows_t), its last
 *                pair filled up with a weight of 0; dense the same, a run being a row of the input;
 *   conv2d and dense float: [block][tap][lane];
 *   dw_conv2d int8: [two blocks][pair][16 lanes in the order of unpacking][2], taps in order, the last pair filled up;
 *   dw_conv2d float: as plain.
 */
enum { NNOM_X86_LANES = 8, NNOM_X86_PIXELS = 4, NNOM_X86_SLACK = 16 };

/* Lanes of `channels`: blocks come in twos. */
static inline int32_t nnom_x86_lanes(int32_t channels)
{
    return (channels + 2 * NNOM_X86_LANES - 1) & -(2 * NNOM_X86_LANES);
}

/*
 * The rows of the input that a row of output reads, in the scratch: int16 or float, with the padding, each channel `copies` times,
 * and NNOM_X86_SLACK elements of 0 behind each row. The window of output column x begins at element x * step of each.
 */
typedef struct nnom_x86_rows {
    nnom_geometry_t g;
    nnom_shape_t in;
    nnom_rows_t from;
    void *to;        /* [kernel h][length] */
    int32_t copies;  /* >= 1 */
    int32_t columns; /* that the windows of a row reach */
    int32_t length;
    int32_t step;
    int32_t run;      /* taps that follow each other ... */
    int32_t runs;     /* ... and how many such runs a row has, */
    int32_t run_step; /* elements from one to the next */
    int32_t padding;  /* the input's zero point */
} nnom_x86_rows_t;

/* copies > 1 or not: of int8 only. */
nnom_x86_rows_t nnom_x86_rows(const nnom_call_t *call, int32_t copies);
/* Elements of all rows: what the scratch holds. */
int64_t nnom_x86_row_elements(const nnom_geometry_t *g, int32_t channels, int32_t out_w);
/* Makes the rows of output row y. */
void nnom_x86_rows_s8(const nnom_x86_rows_t *rows, int32_t y);
void nnom_x86_rows_f32(const nnom_x86_rows_t *rows, int32_t y);
/*
 * The same where the rows of y - 1, from `first` on, are still there: row ky of the kernel lies at row nnom_x86_place() of the
 * scratch, and those that both read are left as they are.
 */
void nnom_x86_rows_more_s8(const nnom_x86_rows_t *rows, int32_t y, int32_t first);
int32_t nnom_x86_place(const nnom_x86_rows_t *rows, int32_t y, int32_t ky);
/* As bytes that are 128 higher, copies == 1. */
void nnom_x86_rows_u8(const nnom_x86_rows_t *rows, int32_t y);

/* n outputs from the accumulators of lanes [lane, lane + n): the C form. */
void nnom_x86_finish_s8(const nnom_conv_param_t *p, int32_t zero_point, int32_t lane, int32_t n, const int32_t *acc,
                        int8_t *to);
void nnom_x86_finish_f32(const nnom_conv_param_t *p, int32_t lane, int32_t n, const float *acc, float *to);

#endif
