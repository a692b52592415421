/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Tables of the fixed-point front end from its settings; floats round where those of the reference do. */
#include <math.h>
#include <string.h>

#include "bits.h"
#include "fixed.h"
#include "tables.h"

static const double fixed_pi = 3.14159265358979323846;

void nnom_audio_fixed_defaults(nnom_audio_fixed_settings_t *s)
{
    *s = (nnom_audio_fixed_settings_t){.rate = 16000,
                                       .window = 480,
                                       .step = 320,
                                       .channels = 40,
                                       .lower = 125.0f,
                                       .upper = 7500.0f,
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

typedef struct fixed_rule {
    bool holds;
    const char *text;
} fixed_rule_t;

static const char *fixed_broken(const fixed_rule_t *rules, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!rules[i].holds) {
            return rules[i].text;
        }
    }
    return NULL;
}

static bool fixed_within(float x, float least, float most)
{
    return x >= least && x <= most; /* NaN is not */
}

static const char *fixed_frame_fault(const nnom_audio_fixed_settings_t *s)
{
    const fixed_rule_t rules[] = {
        {s->rate >= 1000 && s->rate <= 192000, "rate: 1000 to 192000 samples a second"},
        {s->window >= 16 && s->window <= 4096, "window: 16 to 4096 samples"},
        {s->step >= 1 && s->step <= s->window, "step: 1 to window samples"},
        {s->channels >= 1 && s->channels <= NNOM_AUDIO_CHANNELS, "channels: 1 to 128"},
        {fixed_within(s->lower, 0.0f, s->upper) && s->lower < s->upper, "lower: 0 Hz to less than upper"},
        {s->upper < 0.5f * (float)s->rate, "upper: less than half the rate"},
    };
    return fixed_broken(rules, sizeof rules / sizeof *rules);
}

static const char *fixed_stage_fault(const nnom_audio_fixed_settings_t *s)
{
    const int32_t least = s->type == NNOM_TYPE_S8 ? INT8_MIN : INT16_MIN;
    const fixed_rule_t rules[] = {
        {s->smoothing_bits >= 0 && s->smoothing_bits <= 16, "smoothing_bits: 0 to 16"},
        {fixed_within(s->smoothing_even, 0.0f, 1.0f), "smoothing_even: 0 to 1"},
        {fixed_within(s->smoothing_odd, 0.0f, 1.0f), "smoothing_odd: 0 to 1"},
        {fixed_within(s->least_signal, 0.0f, 1.0f), "least_signal: 0 to 1"},
        {!s->pcan || s->noise_reduction, "pcan: needs noise_reduction, by whose estimate it divides"},
        {fixed_within(s->strength, 0.0f, 1.0f), "strength: 0 to 1"},
        {fixed_within(s->offset, 1.0f, 65536.0f), "offset: 1 to 65536"},
        {s->gain_bits >= 18 && s->gain_bits <= 30, "gain_bits: 18 to 30"},
        {s->log_shift >= 0 && s->log_shift <= 10, "log_shift: 0 to 10"},
        {s->cepstra >= 0 && s->cepstra <= s->channels, "cepstra: 0 to channels"},
        {s->type == NNOM_TYPE_S8 || s->type == NNOM_TYPE_S16, "type: int8 or int16"},
        {s->multiplier >= 1 && s->multiplier <= 8192, "multiplier: 1 to 8192"},
        {s->divisor >= 1 && s->divisor <= 65535, "divisor: 1 to 65535"},
        {s->zero_point >= least && s->zero_point <= -1 - least, "zero_point: within the type"},
    };
    return fixed_broken(rules, sizeof rules / sizeof *rules);
}

/* ---- The bank: bins from the first above `lower` to the centre of the last but one triangle ---- */

typedef struct fixed_mel {
    float low;
    float spacing;
    float hertz_per_bin;
    int32_t first_bin;
} fixed_mel_t;

static fixed_mel_t fixed_mel(const nnom_audio_fixed_settings_t *s)
{
    const uint32_t bins = ((uint32_t)1 << (nnom_fft_bits((uint32_t)s->window) - 1)) + 1;
    const float low = nnom_mel(s->lower), high = nnom_mel(s->upper), span = high - low;
    const float hertz = (float)(0.5 * s->rate / ((float)bins - 1.0f));
    return (fixed_mel_t){low, span / (float)(s->channels + 1), hertz, (int32_t)(1.5 + (double)(s->lower / hertz))};
}

static float fixed_centre(const fixed_mel_t *mel, int32_t channel)
{
    const float above = mel->spacing * (float)(channel + 1);
    return channel < 0 ? mel->low : mel->low + above;
}

static float fixed_bin_mel(const fixed_mel_t *mel, int32_t bin)
{
    return nnom_mel((float)bin * mel->hertz_per_bin);
}

/* The first bin above the centre of a triangle, from `bin` on. */
static int32_t fixed_beyond(const fixed_mel_t *mel, int32_t channel, int32_t bin)
{
    while (fixed_bin_mel(mel, bin) <= fixed_centre(mel, channel)) {
        bin++;
    }
    return bin;
}

static void fixed_make_bank(const nnom_audio_fixed_settings_t *s, uint16_t *widths, int16_t *weights)
{
    const fixed_mel_t mel = fixed_mel(s);
    int32_t bin = mel.first_bin;
    for (int32_t i = 0; i <= s->channels; i++) {
        const float centre = fixed_centre(&mel, i), before = fixed_centre(&mel, i - 1);
        const int32_t end = fixed_beyond(&mel, i, bin);
        widths[i] = (uint16_t)(end - bin);
        for (; bin < end; bin++, weights += 2) {
            const float weight = (centre - fixed_bin_mel(&mel, bin)) / (centre - before);
            weights[0] = (int16_t)floorf(weight * (1 << NNOM_BANK_BITS) + 0.5f);
            weights[1] = (int16_t)floorf((1.0f - weight) * (1 << NNOM_BANK_BITS) + 0.5f);
        }
    }
}

/* ---- The other tables ---- */

static void fixed_make_window(const nnom_audio_fixed_settings_t *s, int16_t *window)
{
    const float turn = (float)fixed_pi * 2.0f / (float)s->window;
    for (int32_t i = 0; i < s->window; i++) {
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
        fixed_turn(twiddles + 2 * i, -2.0 * fixed_pi * i / n);
    }
    for (uint32_t i = 0; i < n / 2; i++) {
        fixed_turn(split + 2 * i, -fixed_pi * ((i + 1.0) / n + 0.5));
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
        for (int32_t i = 0; i < s->channels; i++) {
            const double c = cos(fixed_pi * k * (2 * i + 1) / (2.0 * s->channels)) * sqrt(2.0 / s->channels);
            cosines[k * s->channels + i] = (int16_t)floor(c * (1 << 14) + 0.5);
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
    const size_t n = (size_t)1 << (nnom_fft_bits((uint32_t)s->window) - 1), item = sizeof(int16_t);
    const size_t channels = (size_t)s->channels, cepstra = (size_t)s->cepstra;
    const fixed_mel_t mel = fixed_mel(s);
    const size_t bins = (size_t)(fixed_beyond(&mel, s->channels, mel.first_bin) - mel.first_bin);
    fixed_layout_t l;
    l.head = nnom_audio_place(places, sizeof *l.head);
    l.window = nnom_audio_place(places, (size_t)s->window * item);
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
    const char *fault = fixed_frame_fault(s);
    fault = fault == NULL ? fixed_stage_fault(s) : fault;
    if (fault != NULL) {
        return fault;
    }
    const fixed_mel_t mel = fixed_mel(s);
    const int32_t bins = (1 << (nnom_fft_bits((uint32_t)s->window) - 1)) + 1;
    if (fixed_beyond(&mel, s->channels, mel.first_bin) >= bins) {
        return "upper: its triangle reaches beyond the last bin below half the rate";
    }
    return NULL;
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
    const uint32_t fft_bits = nnom_fft_bits((uint32_t)s->window);
    const int32_t correction = (int32_t)fft_bits - NNOM_BANK_BITS / 2;
    return (nnom_audio_fixed_t){.window = l->window,
                                .twiddles = l->twiddles,
                                .split = l->split,
                                .widths = l->widths,
                                .weights = l->weights,
                                .gains = l->gains,
                                .cosines = l->cosines,
                                .channels = (uint16_t)s->channels,
                                .first_bin = (uint16_t)fixed_mel(s).first_bin,
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
    const uint32_t columns = (uint32_t)(s->cepstra > 0 ? s->cepstra : s->channels);
    *audio = (nnom_audio_t){.arithmetic = &nnom_audio_fixed_arithmetic,
                            .tables = l.head,
                            .work_bytes = 2 * 4 * (uint32_t)s->channels + 4 * n,
                            .window = (uint16_t)s->window,
                            .step = (uint16_t)s->step,
                            .columns = (uint16_t)columns,
                            .type = s->type};
    return NNOM_OK;
}
