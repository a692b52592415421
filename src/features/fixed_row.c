/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A row of the fixed-point front end, from samples to what the network reads. */
#include "../kernels/fixed.h"
#include "fft_fixed.h"
#include "fixed.h"

int32_t nnom_fixed_window(const nnom_audio_fixed_t *f, uint32_t window, const int16_t *samples, nnom_complex16_t *x)
{
    const uint32_t n = (uint32_t)1 << (f->fft_bits - 1);
    int32_t bits = 0; /* of all magnitudes together: as many as the largest has */
    uint32_t place = 0;
    for (uint32_t i = 0; i < n; i++, place = nnom_fft_next(place, n)) {
        const uint32_t even = 2 * i, odd = even + 1;
        const int32_t re = even < window ? (samples[even] * f->window[even]) >> NNOM_WINDOW_BITS : 0;
        const int32_t im = odd < window ? (samples[odd] * f->window[odd]) >> NNOM_WINDOW_BITS : 0;
        x[place] = (nnom_complex16_t){nnom_wrap16(re), nnom_wrap16(im)};
        bits |= (re < 0 ? -re : re) | (im < 0 ? -im : im);
    }
    int32_t shift = 15;
    for (; bits > 0; bits >>= 1) {
        shift--;
    }
    /* Of -32768, where the window is 1: 16 bits. The reference holds that magnitude as int16, and then shifts by too much. */
    shift = shift < 0 ? 0 : shift;
    for (uint32_t i = 0; i < n; i++) {
        x[i] = (nnom_complex16_t){(int16_t)(x[i].re * (1 << shift)), (int16_t)(x[i].im * (1 << shift))};
    }
    return shift;
}

/* |sum of cosines * v| <= 131071: so times the multiplier, <= 2^13, and half a divisor more, it is below 2^31. */
static int32_t fixed_cosine(const int16_t *cosines, const uint32_t *v, uint32_t channels)
{
    int64_t sum = (int64_t)1 << 13;
    for (uint32_t i = 0; i < channels; i++) {
        sum += (int64_t)cosines[i] * (int32_t)v[i];
    }
    sum >>= 14;
    return (int32_t)(sum < -131071 ? -131071 : (sum > 131071 ? 131071 : sum));
}

static int32_t fixed_stored(const nnom_audio_fixed_t *f, int32_t v)
{
    const int32_t x = v * f->multiplier + f->divisor / 2;
    const int32_t q = x / f->divisor;
    return q - (x < 0 && q * f->divisor != x ? 1 : 0) + f->zero_point;
}

static void fixed_out(const nnom_audio_t *audio, const uint32_t *signal, void *row)
{
    const nnom_audio_fixed_t *f = audio->tables;
    for (uint32_t i = 0; i < audio->columns; i++) {
        const int32_t v =
            f->cosines == NULL ? (int32_t)signal[i] : fixed_cosine(f->cosines + i * f->channels, signal, f->channels);
        const int32_t y = fixed_stored(f, v);
        if (audio->type == NNOM_TYPE_S8) {
            ((int8_t *)row)[i] = nnom_saturate_s8(y);
        } else {
            ((int16_t *)row)[i] = (int16_t)nnom_clamp_i32(y, INT16_MIN, INT16_MAX);
        }
    }
}

/* Work: the noise, the signal [channels], and the transform's numbers. */
static void fixed_row(const nnom_audio_t *audio, const int16_t *samples, void *work, void *row)
{
    const nnom_audio_fixed_t *f = audio->tables;
    uint32_t *noise = work, *signal = noise + f->channels;
    nnom_complex16_t *x = (nnom_complex16_t *)(void *)(signal + f->channels);
    const int32_t shift = nnom_fixed_window(f, audio->window, samples, x);
    nnom_fft_fixed(x, (uint32_t)1 << (f->fft_bits - 1), (const nnom_complex16_t *)(const void *)f->twiddles,
                   (const nnom_complex16_t *)(const void *)f->split);
    nnom_fixed_bank(f, x, shift, signal);
    if (f->noise_reduction) {
        nnom_fixed_reduce_noise(f, noise, signal);
    }
    if (f->gains != NULL) {
        nnom_fixed_gain(f, noise, signal);
    }
    if (f->log) {
        nnom_fixed_log(f, signal);
    }
    for (uint32_t i = 0; i < f->channels; i++) {
        signal[i] = signal[i] < 0xffffu ? signal[i] : 0xffffu;
    }
    fixed_out(audio, signal, row);
}

const nnom_audio_arithmetic_t nnom_audio_fixed_arithmetic = {fixed_row};
