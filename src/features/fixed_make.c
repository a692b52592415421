/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Tables of the fixed-point front end from its settings; floats round where those of the reference do. */
#include <math.h>
#include <string.h>

#include "bits.h"
#include "fixed.h"
#include "tables.h"

void nnom_audio_fixed_defaults(nnom_audio_fixed_settings_t *s)
{
    *s = (nnom_audio_fixed_settings_t){.frame = {16000, 480, 320, 40, 125.0f, 7500.0f},
                                       .noise_reduction = true,
                                       .smoothing_bits = 10,
                                       .smoothing_even = 0.025f,
                                       .smoothing_odd = 0.06f,
                                       .least_signal = 0.05f,
                                       .pcan = true,
                                       .strength = 0.95f,
                                       .offset = 80.0f,
                                       .gain_bits = 21,
                                       .log = true,
                                       .log_shift = 6,
                                       .type = NNOM_TYPE_S16,
                                       .multiplier = 1,
                                       .divisor = 1};
}

static const char *fixed_stage_fault(const nnom_audio_fixed_settings_t *s)
{
    const nnom_audio_rule_t rules[] = {
        {s->smoothing_bits >= 0 && s->smoothing_bits <= 16, "smoothing_bits: 0 to 16"},
        {nnom_audio_within(s->smoothing_even, 0.0f, 1.0f), "smoothing_even: 0 to 1"},
        {nnom_audio_within(s->smoothing_odd, 0.0f, 1.0f), "smoothing_odd: 0 to 1"},
        {nnom_audio_within(s->least_signal, 0.0f, 1.0f), "least_signal: 0 to 1"},
        {!s->pcan || s->noise_reduction, "pcan: needs noise_reduction, by whose estimate it divides"},
        {nnom_audio_within(s->strength, 0.0f, 1.0f), "strength: 0 to 1"},
        {nnom_audio_within(s->offset, 1.0f, 65536.0f), "offset: 1 to 65536"},
        {s->gain_bits >= 18 && s->gain_bits <= 30, "gain_bits: 18 to 30"},
        {s->log_shift >= 0 && s->log_shift <= 10, "log_shift: 0 to 10"},
        {s->cepstra >= 0 && s->cepstra <= s->frame.channels, "cepstra: 0 to channels"},
        {s->type == NNOM_TYPE_S8 || s->type == NNOM_TYPE_S16, "type: int8 or int16"},
        {s->multiplier >= 1 && s->multiplier <= 8192, "multiplier: 1 to 8192"},
        {s->divisor >= 1 && s->divisor <= 65535, "divisor: 1 to 65535"},
        {nnom_audio_holds_zero(s->type, s->zero_point), "zero_point: within the type"},
    };
    return nnom_audio_broken(rules, sizeof rules / sizeof *rules);
}

/* ---- The tables ---- */

static void fixed_make_bank(const nnom_audio_fixed_settings_t *s, uint16_t *widths, int16_t *weights)
{
    const nnom_mel_t mel = nnom_mel(&s->frame);
    int32_t bin = mel.first_bin;
    for (int32_t i = 0; i <= s->frame.channels; i++) {
        const float centre = nnom_mel_centre(&mel, i), before = nnom_mel_centre(&mel, i - 1);
        const int32_t end = nnom_mel_beyond(&mel, i, bin);
        widths[i] = (uint16_t)(end - bin);
        for (; bin < end; bin++, weights += 2) {
            const float weight = (centre - nnom_mel_of_bin(&mel, bin)) / (centre - before);
            weights[0] = (int16_t)floorf(weight * (1 << NNOM_BANK_BITS) + 0.5f);
            weights[1] = (int16_t)floorf((1.0f - weight) * (1 << NNOM_BANK_BITS) + 0.5f);
        }
    }
}

static void fixed_make_window(const nnom_audio_fixed_settings_t *s, int16_t *window)
{
    const float turn = (float)NNOM_PI * 2.0f / (float)s->frame.window;
    for (int32_t i = 0; i < s->frame.window; i++) {
        const float angle = turn * ((float)i + 0.5f), half = 0.5f * (float)cos((double)angle);
        window[i] = (int16_t)floorf((0.5f - half) * (1 << NNOM_WINDOW_BITS) + 0.5f);
    }
}

static void fixed_turn(int16_t *to, double phase)
{
    to[0] = (int16_t)floor(32767.0 * cos(phase) + 0.5);
    to[1] = (int16_t)floor(32767.0 * sin(phase) + 0.5);
}

static void fixed_make_turns(uint32_t n, int16_t *twiddles, int16_t *split)
{
    for (uint32_t i = 0; i < 3 * n / 4; i++) {
        fixed_turn(twiddles + 2 * i, -2.0 * NNOM_PI * i / n);
    }
    for (uint32_t i = 0; i < n / 2; i++) {
        fixed_turn(split + 2 * i, -NNOM_PI * ((i + 1.0) / n + 0.5));
    }
}

/* The gain of a noise estimate x: 2^gain_bits / (x + offset)^strength. */
static int32_t fixed_gain_at(const nnom_audio_fixed_settings_t *s, int32_t input_bits, uint32_t x)
{
    const float real = ldexpf((float)x, -input_bits);
    const float gain = ldexpf(powf(real + s->offset, -s->strength), s->gain_bits);
    return gain > 32767.0f ? 32767 : (int32_t)(gain + 0.5f);
}

/* For each power of 2 a parabola through its ends and its middle. */
static void fixed_make_gains(const nnom_audio_fixed_settings_t *s, int32_t input_bits, int16_t *gains)
{
    gains[0] = (int16_t)fixed_gain_at(s, input_bits, 0);
    gains[1] = (int16_t)fixed_gain_at(s, input_bits, 1);
    for (uint32_t bits = 2; bits <= 32; bits++) {
        const uint32_t x0 = (uint32_t)1 << (bits - 1), x2 = bits == 32 ? UINT32_MAX : 2 * x0;
        const int32_t y0 = fixed_gain_at(s, input_bits, x0), y1 = fixed_gain_at(s, input_bits, x0 + x0 / 2);
        const int32_t half = y1 - y0, whole = fixed_gain_at(s, input_bits, x2) - y0;
        int16_t *line = gains + 4 * bits - 6;
        line[0] = (int16_t)y0;
        line[1] = nnom_wrap16(4 * half - whole);
        line[2] = nnom_wrap16(whole - (4 * half - whole));
    }
}

/* DCT-II, orthogonal but for the first: sqrt(2 / channels) cos(pi k (2 i + 1) / (2 channels)), at most 2^14 sqrt(2) in Q14. */
static void fixed_make_cosines(const nnom_audio_fixed_settings_t *s, int16_t *cosines)
{
    for (int32_t k = 0; k < s->cepstra; k++) {
        for (int32_t i = 0; i < s->frame.channels; i++) {
            const double c = cos(NNOM_PI * k * (2 * i + 1) / (2.0 * s->frame.channels)) * sqrt(2.0 / s->frame.channels);
            cosines[k * s->frame.channels + i] = (int16_t)floor(c * (1 << 14) + 0.5);
        }
    }
}

/* ---- All of it ---- */

/* The tables' places in memory, or their bytes. */
typedef struct fixed_layout {
    nnom_audio_fixed_t *head;
    int16_t *window, *twiddles, *split, *weights, *gains, *cosines;
    uint16_t *widths;
} fixed_layout_t;

static fixed_layout_t fixed_layout(const nnom_audio_fixed_settings_t *s, nnom_audio_places_t *places)
{
    const size_t n = nnom_audio_pairs(&s->frame), item = sizeof(int16_t);
    const size_t channels = (size_t)s->frame.channels, cepstra = (size_t)s->cepstra;
    const nnom_mel_t mel = nnom_mel(&s->frame);
    const size_t bins = (size_t)(nnom_mel_beyond(&mel, s->frame.channels, mel.first_bin) - mel.first_bin);
    fixed_layout_t l;
    l.head = nnom_audio_place(places, sizeof *l.head);
    l.window = nnom_audio_place(places, (size_t)s->frame.window * item);
    l.twiddles = nnom_audio_place(places, 3 * n / 4 * 2 * item);
    l.split = nnom_audio_place(places, n / 2 * 2 * item);
    l.widths = nnom_audio_place(places, (channels + 1) * item);
    l.weights = nnom_audio_place(places, bins * 2 * item);
    l.gains = s->pcan ? nnom_audio_place(places, NNOM_AUDIO_GAINS * item) : NULL;
    l.cosines = cepstra > 0 ? nnom_audio_place(places, cepstra * channels * item) : NULL;
    return l;
}

const char *nnom_audio_fixed_fault(const nnom_audio_fixed_settings_t *s)
{
    if (s == NULL) {
        return "settings: NULL";
    }
    const char *fault = nnom_audio_frame_fault(&s->frame);
    fault = fault == NULL ? fixed_stage_fault(s) : fault;
    if (fault != NULL) {
        return fault;
    }
    /* The bins below half the rate; at it the transform's last one lies elsewhere. */
    const nnom_mel_t mel = nnom_mel(&s->frame);
    const int32_t end = nnom_mel_beyond(&mel, s->frame.channels, mel.first_bin);
    return end <= (int32_t)nnom_audio_pairs(&s->frame) ? NULL : "upper: less than half the rate";
}

uint32_t nnom_audio_fixed_bytes(const nnom_audio_fixed_settings_t *settings)
{
    nnom_audio_places_t places = {NULL, 0};
    if (nnom_audio_fixed_fault(settings) != NULL) {
        return 0;
    }
    (void)fixed_layout(settings, &places);
    return places.used;
}

static uint16_t fixed_q14(float x)
{
    return (uint16_t)(x * (1 << NNOM_SMOOTH_BITS));
}

static nnom_audio_fixed_t fixed_head(const nnom_audio_fixed_settings_t *s, const fixed_layout_t *l)
{
    const uint32_t fft_bits = nnom_audio_fft_bits(&s->frame);
    const int32_t correction = (int32_t)fft_bits - NNOM_BANK_BITS / 2;
    return (nnom_audio_fixed_t){.window = l->window,
                                .twiddles = l->twiddles,
                                .split = l->split,
                                .widths = l->widths,
                                .weights = l->weights,
                                .gains = l->gains,
                                .cosines = l->cosines,
                                .channels = (uint16_t)s->frame.channels,
                                .first_bin = (uint16_t)nnom_mel(&s->frame).first_bin,
                                .smoothing = {fixed_q14(s->smoothing_even), fixed_q14(s->smoothing_odd)},
                                .least_signal = fixed_q14(s->least_signal),
                                .fft_bits = (uint8_t)fft_bits,
                                .smoothing_bits = (uint8_t)s->smoothing_bits,
                                .correction_bits = (int8_t)correction,
                                .snr_shift = (uint8_t)(s->gain_bits - correction - NNOM_SNR_BITS),
                                .log_shift = (uint8_t)s->log_shift,
                                .noise_reduction = s->noise_reduction,
                                .log = s->log,
                                .multiplier = s->multiplier,
                                .divisor = s->divisor,
                                .zero_point = s->zero_point};
}

nnom_status_t nnom_audio_fixed_make(nnom_audio_t *audio, const nnom_audio_fixed_settings_t *settings, void *memory,
                                    uint32_t bytes)
{
    const nnom_audio_fixed_settings_t *s = settings;
    nnom_audio_places_t places = {memory, 0};
    if (audio == NULL || s == NULL || memory == NULL) {
        return NNOM_NULL;
    }
    if (nnom_audio_fixed_fault(s) != NULL || (uintptr_t)memory % sizeof(void *) != 0) {
        return NNOM_BAD_ARGUMENT;
    }
    if (bytes < nnom_audio_fixed_bytes(s)) {
        return NNOM_TOO_SMALL;
    }
    const fixed_layout_t l = fixed_layout(s, &places);
    *l.head = fixed_head(s, &l);
    const uint32_t n = (uint32_t)1 << (l.head->fft_bits - 1);
    fixed_make_window(s, l.window);
    fixed_make_turns(n, l.twiddles, l.split);
    fixed_make_bank(s, l.widths, l.weights);
    if (s->pcan) {
        fixed_make_gains(s, s->smoothing_bits - l.head->correction_bits, l.gains);
    }
    if (s->cepstra > 0) {
        fixed_make_cosines(s, l.cosines);
    }
    *audio = nnom_audio_made(&s->frame, s->cepstra, s->type);
    audio->arithmetic = &nnom_audio_fixed_arithmetic;
    audio->tables = l.head;
    audio->work_bytes = (2 * (uint32_t)s->frame.channels + n) * 4;
    return NNOM_OK;
}
