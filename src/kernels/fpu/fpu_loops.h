/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The inner loops of float layers on cores with an FPU of 32 single registers. Each output is a sum of its own, to which products
 * are added in the order of ref, rounded one by one: VMLA rounds the product before it adds, unlike VFMA. So a loop computes eight
 * outputs of one or two pixels at a time, and every register holds a sum, a weight or an input.
 *
 * What is NaN in ref is NaN here; which of them is not said.
 */
#ifndef NNOM_FPU_LOOPS_H
#define NNOM_FPU_LOOPS_H

#include <stdint.h>

/* Taps of a window that lie side by side, of convolutions their channels, too; of depthwise ones a row of them, `hop` apart. */
typedef struct nnom_fpu_run {
    uint32_t x; /* bytes from where the window begins */
    uint32_t w; /* 1 + the number of the first tap among the weights */
} nnom_fpu_run_t;

/* What a loop does with a sum. */
enum {
    NNOM_FPU_PLAIN, /* the bias is added */
    NNOM_FPU_RELU,  /* and what is below 0 becomes 0 */
    NNOM_FPU_KEEP   /* none of it: one pixel of a convolution only */
};

/*
 * Blocks of `width` outputs, 8 or 4: of each the bias [width], then the weights of every tap [taps][width]. The loops in assembly know
 * the offsets of the members.
 */
typedef struct nnom_fpu_task {
    const nnom_fpu_run_t *runs, *runs_end; /* of a window, one at least */
    uint32_t block;                        /* bytes of a block */
    const float *stream_end;               /* behind the last block */
    const float *stream;
    const float *start;    /* the sums' first values [2 * width]: zeros, or what NNOM_FPU_KEEP left */
    uint32_t n;            /* taps of a run; may be 0 */
    uint32_t distance;     /* bytes from one pixel's window to the next one's */
    uint32_t hop;          /* of a depthwise run: bytes from one tap to the next */
    uint32_t out_distance; /* bytes from one pixel's outputs to the next one's */
    uint32_t finish;
    uint32_t out_step; /* from behind the first pixel's last block to the next pixels' first */
    uint32_t x_step;   /* depthwise: from behind the first pixel's last block to the next pixels' first, in the input */
} nnom_fpu_task_t;

/* 16 zeros. */
extern const float nnom_fpu_zeros[16];

/*
 * `count` times two pixels or one, blocks of eight outputs or four; x: where the first window begins. Pixels follow each other by
 * `distance`, outputs by `out_distance`. count >= 1.
 */
typedef void (*nnom_fpu_loop_t)(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count);
void nnom_fpu_two_8(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count);
void nnom_fpu_one_8(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count);
void nnom_fpu_two_4(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count);
void nnom_fpu_one_4(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count);

/*
 * Depthwise, one output for each input channel: block k takes channels 8 k to 8 k + 7. ..._any takes any run, ..._three those of three
 * taps, two_slide those where the second pixel's window begins one hop behind the first one's.
 */
void nnom_fpu_dw_two_any(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count);
void nnom_fpu_dw_two_three(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count);
void nnom_fpu_dw_two_slide(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count);
void nnom_fpu_dw_one_any(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count);
void nnom_fpu_dw_one_three(const nnom_fpu_task_t *t, const float *x, float *out, uint32_t count);

#endif
