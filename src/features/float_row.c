/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A row of the float front end, from samples to what the network reads. Sums in ascending order. */
#include <math.h>

#include "fft_float.h"
#include "ln.h"
#include "nnom_audio.h"

/* Where a pair of samples stands: what came before it. */
typedef struct float_hearing {
    const nnom_audio_float_t *f;
    const int16_t *samples;
    float before;
} float_hearing_t;

static float float_next(float_hearing_t *h, uint32_t i)
{
    const float sample = h->samples[i], y = (sample - h->f->pre_emphasis * h->before) * h->f->window[i];
    h->before = sample;
    return y;
}

/* Windowed samples as the input of nnom_fft_float(): four pairs at a time, which are n / 4 apart, then what is left, and zeros. */
static void float_window(const nnom_audio_t *audio, const int16_t *samples, float before, nnom_complex_t *x)
{
    float_hearing_t h = {audio->tables, samples, before};
    const uint32_t n = (uint32_t)1 << (h.f->fft_bits - 1), apart = n / 4, window = audio->window;
    uint32_t place = 0, i = 0;
    for (; i + 8 <= window; i += 8, place = nnom_fft_next(place + 3 * apart, n)) {
        for (uint32_t j = 0; j < 4; j++) {
            const float re = float_next(&h, i + 2 * j), im = float_next(&h, i + 2 * j + 1);
            x[place + j * apart] = (nnom_complex_t){re, im};
        }
    }
    for (; i < 2 * n; i += 2, place = nnom_fft_next(place, n)) {
        const float re = i < window ? float_next(&h, i) : 0.0f, im = i + 1 < window ? float_next(&h, i + 1) : 0.0f;
        x[place] = (nnom_complex_t){re, im};
    }
}

static float float_strength(nnom_complex_t x, uint32_t power)
{
    const float energy = x.re * x.re + x.im * x.im;
    return power == 2 ? energy : sqrtf(energy);
}

static void float_bank(const nnom_audio_float_t *f, const nnom_complex_t *x, float *signal)
{
    const float *weight = f->weights;
    float falls = 0.0f, rises = 0.0f;
    x += f->first_bin;
    for (uint32_t i = 0; i <= f->channels; i++) {
        for (const nnom_complex_t *end = x + f->widths[i]; x < end; x++, weight++) {
            const float strength = float_strength(*x, f->power), part = strength * *weight;
            falls += part;
            rises += strength - part;
        }
        if (i > 0) {
            signal[i - 1] = falls;
        }
        falls = rises;
        rises = 0.0f;
    }
}

static float float_cosine(const float *cosines, const float *v, uint32_t channels)
{
    float sum = 0.0f;
    for (uint32_t i = 0; i < channels; i++) {
        sum += cosines[i] * v[i];
    }
    return sum;
}

static void float_out(const nnom_audio_t *audio, const float *signal, void *row)
{
    const nnom_audio_float_t *f = audio->tables;
    for (uint32_t i = 0; i < audio->columns; i++) {
        const float v =
            f->cosines == NULL ? signal[i] : float_cosine(f->cosines + i * f->channels, signal, f->channels);
        if (audio->type == NNOM_TYPE_S8) {
            ((int8_t *)row)[i] = (int8_t)nnom_stored(v, f->scale, f->zero_point, INT8_MIN, INT8_MAX);
        } else if (audio->type == NNOM_TYPE_S16) {
            ((int16_t *)row)[i] = (int16_t)nnom_stored(v, f->scale, f->zero_point, INT16_MIN, INT16_MAX);
        } else {
            ((float *)row)[i] = v;
        }
    }
}

/* Work: the sample before the window, the channels, the transform's numbers. */
static void float_row(const nnom_audio_t *audio, const int16_t *samples, void *work, void *row)
{
    const nnom_audio_float_t *f = audio->tables;
    float *before = work, *signal = before + 1;
    nnom_complex_t *x = (nnom_complex_t *)(void *)(signal + f->channels);
    float_window(audio, samples, *before, x);
    *before = samples[audio->step - 1];
    nnom_fft_float(x, (uint32_t)1 << (f->fft_bits - 1), (const nnom_complex_t *)(const void *)f->twiddles,
                   (const nnom_complex_t *)(const void *)f->split);
    float_bank(f, x, signal);
    for (uint32_t i = 0; i < f->channels; i++) {
        signal[i] = nnom_ln(signal[i] + f->epsilon) * f->log_scale + f->log_offset;
    }
    float_out(audio, signal, row);
}

const nnom_audio_arithmetic_t nnom_audio_float_arithmetic = {float_row};
