/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A row of the fixed-point front end, from samples to what the network reads. */
#include "../kernels/fixed.h"
#include "bits.h"
#include "fft_fixed.h"
#include "fixed.h"

/* Pair i of the samples, windowed; beyond the window's end 0. */
static nnom_complex16_t fixed_last_pair(const nnom_audio_fixed_t *f, uint32_t window, const int16_t *samples,
                                        uint32_t i)
{
    int16_t pair[2] = {0, 0}, taper[2] = {0, 0};
    for (uint32_t j = 2 * i; j < 2 * i + 2 && j < window; j++) {
        pair[j - 2 * i] = samples[j];
        taper[j - 2 * i] = f->window[j];
    }
    return nnom_c16_taper(nnom_c16_load(pair), nnom_c16_load(taper));
}

/* Windowed samples to their places: four pairs at a time, which are n / 4 apart. What their magnitudes set, for nnom_c16_bits(). */
static uint32_t fixed_place_samples(const nnom_audio_fixed_t *f, uint32_t window, const int16_t *samples,
                                    nnom_complex16_t *x)
{
    const uint32_t n = (uint32_t)1 << (f->fft_bits - 1), apart = n / 4;
    uint32_t bits = 0, place = 0, i = 0;
    for (; 2 * i + 8 <= window; i += 4, place = nnom_fft_next(place + 3 * apart, n)) {
        for (uint32_t j = 0; j < 4; j++) {
            const uint32_t at = 2 * (i + j);
            x[place + j * apart] = nnom_c16_taper(nnom_c16_load(samples + at), nnom_c16_load(f->window + at));
            bits = nnom_c16_magnitudes(x[place + j * apart], bits);
        }
    }
    for (; i < n; i++, place = nnom_fft_next(place, n)) {
        x[place] = fixed_last_pair(f, window, samples, i);
        bits = nnom_c16_magnitudes(x[place], bits);
    }
    return bits;
}

int32_t nnom_fixed_window(const nnom_audio_fixed_t *f, uint32_t window, const int16_t *samples, nnom_complex16_t *x)
{
    const uint32_t n = (uint32_t)1 << (f->fft_bits - 1);
    const uint32_t bits = nnom_bit_length(nnom_c16_bits(fixed_place_samples(f, window, samples, x)));
    /* Of -32768, where the window is 1: 16 bits. The reference holds that magnitude as int16, and then shifts by too much. */
    const uint32_t shift = bits < 15 ? 15 - bits : 0;
    for (uint32_t i = 0; i < n && shift > 0; i++) {
        x[i] = nnom_c16_shift(x[i], shift);
    }
    return (int32_t)shift;
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
    nnom_fft_fixed(x, (uint32_t)1 << (f->fft_bits - 1), f->twiddles, f->split);
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
