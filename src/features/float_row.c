/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A row of the float front end, from samples to what the network reads. Sums in ascending order. */
#include <math.h>

#include "fft_float.h"
#include "ln.h"
#include "nnom_audio.h"

/* Windowed samples as the input of nnom_fft_float(). */
static void float_window(const nnom_audio_t *audio, const int16_t *samples, float before, nnom_complex_t *x)
{
    const nnom_audio_float_t *f = audio->tables;
    const uint32_t n = (uint32_t)1 << (f->fft_bits - 1), window = audio->window;
    uint32_t place = 0;
    for (uint32_t i = 0; i < 2 * n; i += 2, place = nnom_fft_next(place, n)) {
        float pair[2] = {0.0f, 0.0f};
        for (uint32_t j = i; j < i + 2 && j < window; j++) {
            const float sample = samples[j];
            pair[j - i] = (sample - f->pre_emphasis * before) * f->window[j];
            before = sample;
        }
        x[place] = (nnom_complex_t){pair[0], pair[1]};
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
