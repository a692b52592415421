/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The inner loops of int8 layers with weights on cores with Helium, and the numbers that they read.
 *
 * A sum is made of dot products of 16 taps, chunks. The first one may be shorter, so that nothing beyond the taps is read and
 * their weights take no room: its inputs are loaded under a predicate, which makes the others 0.
 *
 * Requantising (SPEC.md) is VQRDMULH, which is high_mul, then VRSHL, which rounds ties upwards: 1 is taken off negative numbers before, for
 * shift_round rounds them away from zero. That does not matter where what is below the zero point becomes the zero point (ReLU).
 */
#ifndef NNOM_MVE_LOOPS_H
#define NNOM_MVE_LOOPS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Words of a block of four outputs, bytes in them from the lowest on:
 *   taps    of the first chunk, as long as it is or, where weights may grow, filled up to 16, for each output; then 16 of each output for
 *           each chunk
 *   finish  biases [4], multipliers [4], shifts, int8 [4]
 */
enum { NNOM_MVE_CHUNK = 16, NNOM_MVE_FINISH = 9 };

/* Pixels of the input and of the output, for the loops. Their order is known to the assembly. */
typedef struct nnom_mve_run {
    const uint32_t *stream; /* blocks */
    const uint32_t *end;    /* behind the last one */
    const int8_t *x0;       /* windows of two pixels */
    const int8_t *x1;
    int8_t *out;      /* the lower one's output; its blocks lie side by side */
    uint32_t offsets; /* from out to the first's, and 2^16 times that to the second's */
    int32_t first;    /* taps of the first chunk, 1 to 16 */
    int32_t chunks;
    int32_t pitch;      /* bytes of an output in the first chunk: first, or 16 */
    int32_t zero_point; /* of the output */
    int32_t pairs;      /* of pixels, >= 1 */
    int32_t x_step;     /* from a pair's windows to the next one's */
    int32_t out_step;   /* from behind the last block's outputs to the next pair's */
} nnom_mve_run_t;

/* All blocks of `pairs` pairs of pixels. All of a block's windows are read before its outputs are written. */
typedef void nnom_mve_pairs_t(const nnom_mve_run_t *run);
/* The one for runs of this first, pitch and number of chunks. ties: shift_round() as it is, else for outputs that end at their zero point. */
nnom_mve_pairs_t *nnom_mve_pairs(bool ties, int32_t first, int32_t pitch, int32_t chunks);
/* All blocks of the pixel x0, to out. */
void nnom_mve_single(const nnom_mve_run_t *run);

#endif
