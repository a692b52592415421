/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_FFT_FLOAT_H
#define NNOM_FFT_FLOAT_H

#include "fft_order.h"

typedef struct nnom_complex {
    float re;
    float im;
} nnom_complex_t;

/*
 * Transform of 2n real numbers, in place: x [n] holds pairs of them as (re, im), in the order of nnom_fft_next(). Bins 1 to n - 1 come to their
 * places; bin 0 and bin n, both real, to x[0].re and x[0].im. Not divided. twiddles, split: nnom_audio_float_t.
 */
void nnom_fft_float(nnom_complex_t *x, uint32_t n, const nnom_complex_t *twiddles, const nnom_complex_t *split);

#endif
