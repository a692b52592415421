/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#ifndef NNOM_FFT_FIXED_H
#define NNOM_FFT_FIXED_H

#include "complex16.h"
#include "fft_order.h"

/*
 * Transform of 2n real numbers, in place: x [n] holds pairs of them as (re, im), in the order of nnom_fft_next(). Bins 1 to n - 1 come to their places; bin
 * 0 and bin n, both real, to x[0].re and x[0].im. Every bin is divided by 2n. twiddles, split: nnom_audio_fixed_t.
 */
void nnom_fft_fixed(nnom_complex16_t *x, uint32_t n, const int16_t *twiddles, const int16_t *split);

#endif
