/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Tables of the float front end from its settings: in double, stored in float. */
#include <math.h>

#include "fft_float.h"
#include "tables.h"

void nnom_audio_float_defaults(nnom_audio_float_settings_t *s)
{
    *s = (nnom_audio_float_settings_t){.frame = {16000, 480, 320, 40, 20.0f, 8000.0f},
                                       .taper = NNOM_AUDIO_HANN,
                                       .gain = 0x1p-15f,
                                       .power = 2,
                                       .epsilon = 1e-6f,
                                       .log_scale = 1.0f,
                                       .type = NNOM_TYPE_F32,
                                       .scale = 1.0f};
}

static bool float_finite(float x)
{
    return nnom_audio_within(x, -1e30f, 1e30f);
}

static const char *float_stage_fault(const nnom_audio_float_settings_t *s)
{
    const nnom_audio_rule_t rules[] = {
        {nnom_audio_within(s->pre_emphasis, 0.0f, 1.0f), "pre_emphasis: 0 to 1"},
        {s->taper == NNOM_AUDIO_HANN || s->taper == NNOM_AUDIO_HAMMING, "taper: Hann or Hamming"},
        {nnom_audio_within(s->gain, 0x1p-40f, 1.0f), "gain: 2^-40 to 1"},
        {s->power == 1 || s->power == 2, "power: 1 or 2"},
        {nnom_audio_within(s->epsilon, 1e-30f, 1.0f), "epsilon: 1e-30 to 1"},
        {float_finite(s->log_scale), "log_scale: a finite number, up to 1e30"},
        {float_finite(s->log_offset), "log_offset: a finite number, up to 1e30"},
        {s->cepstra >= 0 && s->cepstra <= s->frame.channels, "cepstra: 0 to channels"},
        {s->type == NNOM_TYPE_S8 || s->type == NNOM_TYPE_S16 || s->type == NNOM_TYPE_F32,
         "type: int8, int16 or float32"},
        {nnom_audio_within(s->scale, 1e-30f, 1e30f), "scale: above 0"},
        {nnom_audio_holds_zero(s->type, s->zero_point), "zero_point: within the type"},
    };
    return nnom_audio_broken(rules, sizeof rules / sizeof *rules);
}

const char *nnom_audio_float_fault(const nnom_audio_float_settings_t *s)
{
    if (s == NULL) {
        return "settings: NULL";
    }
    const char *fault = nnom_audio_frame_fault(&s->frame);
    return fault == NULL ? float_stage_fault(s) : fault;
}

/* ---- The tables ---- */

static void float_make_window(const nnom_audio_float_settings_t *s, float *window)
{
    const double mean = s->taper == NNOM_AUDIO_HANN ? 0.5 : 0.54;
    const double turn = 2.0 * NNOM_PI / (s->frame.window - (s->symmetric ? 1 : 0));
    for (int32_t i = 0; i < s->frame.window; i++) {
        window[i] = (float)((mean - (1.0 - mean) * cos(turn * i)) * (double)s->gain);
    }
}

static void float_turn(float *to, double phase)
{
    to[0] = (float)cos(phase);
    to[1] = (float)sin(phase);
}

static void float_make_turns(uint32_t n, float *twiddles, float *split)
{
    for (uint32_t i = 0; i < 3 * n / 4; i++) {
        float_turn(twiddles + 2 * i, -2.0 * NNOM_PI * i / n);
    }
    for (uint32_t i = 0; i < n / 2; i++) {
        float_turn(split + 2 * i, -NNOM_PI * ((i + 1.0) / n + 0.5));
    }
}

/* Every bin above the low end has its place, the first one, too. */
static nnom_mel_t float_mel(const nnom_audio_float_settings_t *s)
{
    nnom_mel_t mel = nnom_mel(&s->frame);
    mel.first_bin = (int32_t)(s->frame.lower / mel.hertz_per_bin) + 1;
    return mel;
}

/* The end of the bins below a triangle's centre: below half the rate in any case. */
static int32_t float_beyond(const nnom_audio_float_settings_t *s, const nnom_mel_t *mel, int32_t channel, int32_t bin)
{
    const int32_t end = nnom_mel_beyond(mel, channel, bin), most = (int32_t)nnom_audio_pairs(&s->frame);
    return end < most ? end : (bin > most ? bin : most);
}

static void float_make_bank(const nnom_audio_float_settings_t *s, uint16_t *widths, float *weights)
{
    const nnom_mel_t mel = float_mel(s);
    int32_t bin = mel.first_bin;
    for (int32_t i = 0; i <= s->frame.channels; i++) {
        const float centre = nnom_mel_centre(&mel, i), before = nnom_mel_centre(&mel, i - 1);
        const int32_t end = float_beyond(s, &mel, i, bin);
        widths[i] = (uint16_t)(end - bin);
        for (; bin < end; bin++) {
            *weights++ = (centre - nnom_mel_of_bin(&mel, bin)) / (centre - before);
        }
    }
}

/* DCT-II, orthogonal but for the first: sqrt(2 / channels) cos(pi k (2 i + 1) / (2 channels)). */
static void float_make_cosines(const nnom_audio_float_settings_t *s, float *cosines)
{
    const int32_t channels = s->frame.channels;
    for (int32_t k = 0; k < s->cepstra; k++) {
        for (int32_t i = 0; i < channels; i++) {
            cosines[k * channels + i] =
                (float)(cos(NNOM_PI * k * (2 * i + 1) / (2.0 * channels)) * sqrt(2.0 / channels));
        }
    }
}

/* ---- All of it ---- */

/* The tables' places in memory, or their bytes. */
typedef struct float_layout {
    nnom_audio_float_t *head;
    float *window, *twiddles, *split, *weights, *cosines;
    uint16_t *widths;
} float_layout_t;

static float_layout_t float_layout(const nnom_audio_float_settings_t *s, nnom_audio_places_t *places)
{
    const size_t n = nnom_audio_pairs(&s->frame), item = sizeof(float);
    const size_t channels = (size_t)s->frame.channels, cepstra = (size_t)s->cepstra;
    const nnom_mel_t mel = float_mel(s);
    const size_t bins = (size_t)(float_beyond(s, &mel, s->frame.channels, mel.first_bin) - mel.first_bin);
    float_layout_t l;
    l.head = nnom_audio_place(places, sizeof *l.head);
    l.window = nnom_audio_place(places, (size_t)s->frame.window * item);
    l.twiddles = nnom_audio_place(places, 3 * n / 4 * 2 * item);
    l.split = nnom_audio_place(places, n / 2 * 2 * item);
    l.widths = nnom_audio_place(places, (channels + 1) * sizeof(uint16_t));
    l.weights = nnom_audio_place(places, bins * item);
    l.cosines = cepstra > 0 ? nnom_audio_place(places, cepstra * channels * item) : NULL;
    return l;
}

uint32_t nnom_audio_float_bytes(const nnom_audio_float_settings_t *settings)
{
    nnom_audio_places_t places = {NULL, 0};
    if (nnom_audio_float_fault(settings) != NULL) {
        return 0;
    }
    (void)float_layout(settings, &places);
    return places.used;
}

static nnom_audio_float_t float_head(const nnom_audio_float_settings_t *s, const float_layout_t *l)
{
    return (nnom_audio_float_t){.window = l->window,
                                .twiddles = l->twiddles,
                                .split = l->split,
                                .widths = l->widths,
                                .weights = l->weights,
                                .cosines = l->cosines,
                                .channels = (uint16_t)s->frame.channels,
                                .first_bin = (uint16_t)float_mel(s).first_bin,
                                .fft_bits = (uint8_t)nnom_audio_fft_bits(&s->frame),
                                .power = (uint8_t)s->power,
                                .pre_emphasis = s->pre_emphasis,
                                .epsilon = s->epsilon,
                                .log_scale = s->log_scale,
                                .log_offset = s->log_offset,
                                .scale = s->scale,
                                .zero_point = s->zero_point};
}

nnom_status_t nnom_audio_float_make(nnom_audio_t *audio, const nnom_audio_float_settings_t *settings, void *memory,
                                    uint32_t bytes)
{
    const nnom_audio_float_settings_t *s = settings;
    nnom_audio_places_t places = {memory, 0};
    if (audio == NULL || s == NULL || memory == NULL) {
        return NNOM_NULL;
    }
    if (nnom_audio_float_fault(s) != NULL || (uintptr_t)memory % sizeof(void *) != 0) {
        return NNOM_BAD_ARGUMENT;
    }
    if (bytes < nnom_audio_float_bytes(s)) {
        return NNOM_TOO_SMALL;
    }
    const float_layout_t l = float_layout(s, &places);
    const uint32_t n = nnom_audio_pairs(&s->frame);
    *l.head = float_head(s, &l);
    float_make_window(s, l.window);
    float_make_turns(n, l.twiddles, l.split);
    float_make_bank(s, l.widths, l.weights);
    if (s->cepstra > 0) {
        float_make_cosines(s, l.cosines);
    }
    *audio = nnom_audio_made(&s->frame, s->cepstra, s->type);
    audio->arithmetic = &nnom_audio_float_arithmetic;
    audio->tables = l.head;
    audio->work_bytes = (1 + (uint32_t)s->frame.channels + 2 * n) * (uint32_t)sizeof(float);
    return NNOM_OK;
}
