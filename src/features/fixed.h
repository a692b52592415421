/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The stages of the fixed-point front end, in their order. Arrays of channels are [audio's channels]. */
#ifndef NNOM_FEATURES_FIXED_H
#define NNOM_FEATURES_FIXED_H

#include "complex16.h"
#include "nnom_audio.h"

enum { NNOM_WINDOW_BITS = 12, NNOM_BANK_BITS = 12, NNOM_SMOOTH_BITS = 14, NNOM_SNR_BITS = 12, NNOM_GAINED_BITS = 6 };

/* Windowed samples [window] as the input of nnom_fft_fixed(), as large as they can be: the left shift that made them so, 0 to 15. */
int32_t nnom_fixed_window(const nnom_audio_fixed_t *f, uint32_t window, const int16_t *samples, nnom_complex16_t *x);
/* Bins of nnom_fft_fixed() -> the root of each channel's energy, with the shift taken back. */
void nnom_fixed_bank(const nnom_audio_fixed_t *f, const nnom_complex16_t *x, int32_t shift, uint32_t *signal);
/* noise: the estimates, kept from row to row. */
void nnom_fixed_reduce_noise(const nnom_audio_fixed_t *f, uint32_t *noise, uint32_t *signal);
void nnom_fixed_gain(const nnom_audio_fixed_t *f, const uint32_t *noise, uint32_t *signal);
/* ln(x * 2^correction_bits) * 2^log_shift of each channel, in place. */
void nnom_fixed_log(const nnom_audio_fixed_t *f, uint32_t *signal);

#endif
