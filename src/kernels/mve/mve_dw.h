/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Depthwise convolution on cores with Helium: 16 channels at a time. Products of a tap are 16 bits, of even and of odd channels; those of
 * two taps are added so, then widened. Two products fit if the weights are not both -128: 128 * (128 + 127) < 2^15.
 */
#ifndef NNOM_MVE_DW_H
#define NNOM_MVE_DW_H

#include "mve_loops.h"

/*
 * Words of a group of 16 channels:
 *   weights   int8 [taps][16]
 *   finish    for channels 0, 4, 8, 12, then 2, 6, 10, 14, then 1, 5, 9, 13, then 3, 7, 11, 15: biases [4], multipliers [4], shifts,
 *             int8 [4]: the order in which widening leaves them
 *   offsets   with more than one output for an input channel: uint8 [16], of each channel's input from that of the first one
 */
enum { NNOM_MVE_GROUP = 16, NNOM_MVE_GROUP_FINISH = 4 * NNOM_MVE_FINISH, NNOM_MVE_DW_NINE = 9 };

/* Pixels of a row. The order is known to the assembly. */
typedef struct nnom_mve_dw_run {
    const int8_t *const *cells; /* [taps] channel 0 of each tap */
    const uint32_t *stream;
    int8_t *out;
    const int8_t *out_end; /* out + pixels * channels */
    int32_t channels;
    int32_t x_step;   /* from a pixel's cells, advanced by whole groups, to the next one's */
    int32_t out_step; /* likewise */
    int32_t zero_point;
    int32_t taps;
    int32_t first; /* of nnom_mve_dw_any(): bytes from the cells to channel 0 */
} nnom_mve_dw_run_t;

typedef void nnom_mve_dw_pixels_t(const nnom_mve_dw_run_t *run);
/* Pixels of nine taps. ties: see mve_loops.h. part: channels is no multiple of 16. */
nnom_mve_dw_pixels_t *nnom_mve_dw_nine(bool ties, bool part);
/* One pixel of any number of taps. */
void nnom_mve_dw_any(const nnom_mve_dw_run_t *run);

#endif
