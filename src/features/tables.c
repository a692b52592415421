/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include "tables.h"

#include "ln.h"

void *nnom_audio_place(nnom_audio_places_t *places, size_t bytes)
{
    void *place = places->base == NULL ? NULL : places->base + places->used;
    places->used += ((uint32_t)bytes + 7u) & ~7u;
    return place;
}

const char *nnom_audio_broken(const nnom_audio_rule_t *rules, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!rules[i].holds) {
            return rules[i].text;
        }
    }
    return NULL;
}

const char *nnom_audio_frame_fault(const nnom_audio_frame_t *s)
{
    const nnom_audio_rule_t rules[] = {
        {s->rate >= 1000 && s->rate <= 192000, "rate: 1000 to 192000 samples a second"},
        {s->window >= 16 && s->window <= 4096, "window: 16 to 4096 samples"},
        {s->step >= 1 && s->step <= s->window, "step: 1 to window samples"},
        {s->channels >= 1 && s->channels <= NNOM_AUDIO_CHANNELS, "channels: 1 to 128"},
        {nnom_audio_within(s->lower, 0.0f, s->upper) && s->lower < s->upper, "lower: 0 Hz to less than upper"},
        {s->upper <= 0.5f * (float)s->rate, "upper: up to half the rate"},
    };
    return nnom_audio_broken(rules, sizeof rules / sizeof *rules);
}

bool nnom_audio_holds_zero(nnom_type_t type, int32_t zero_point)
{
    const int32_t least = type == NNOM_TYPE_S8 ? INT8_MIN : INT16_MIN;
    return type == NNOM_TYPE_F32 || (zero_point >= least && zero_point <= -1 - least);
}

nnom_audio_t nnom_audio_made(const nnom_audio_frame_t *frame, int32_t cepstra, nnom_type_t type)
{
    const uint32_t columns = (uint32_t)(cepstra > 0 ? cepstra : frame->channels);
    const uint32_t item = type == NNOM_TYPE_S8 ? 1u : (type == NNOM_TYPE_S16 ? 2u : 4u);
    return (nnom_audio_t){.row_bytes = (columns * item + 3u) & ~3u,
                          .window = (uint16_t)frame->window,
                          .step = (uint16_t)frame->step,
                          .columns = (uint16_t)columns,
                          .type = type};
}

uint32_t nnom_audio_fft_bits(const nnom_audio_frame_t *frame)
{
    uint32_t bits = 4;
    while (((int32_t)1 << bits) < frame->window) {
        bits++;
    }
    return bits;
}

uint32_t nnom_audio_pairs(const nnom_audio_frame_t *frame)
{
    return (uint32_t)1 << (nnom_audio_fft_bits(frame) - 1);
}

static float mel_of(float hertz)
{
    return 1127.0f * nnom_ln1(hertz / 700.0f);
}

nnom_mel_t nnom_mel(const nnom_audio_frame_t *frame)
{
    const float low = mel_of(frame->lower), span = mel_of(frame->upper) - low;
    const float hertz = (float)(0.5 * frame->rate / (double)nnom_audio_pairs(frame));
    const int32_t first = (int32_t)(1.5 + (double)(frame->lower / hertz));
    return (nnom_mel_t){low, span / (float)(frame->channels + 1), hertz, first};
}

float nnom_mel_centre(const nnom_mel_t *mel, int32_t channel)
{
    const float above = mel->spacing * (float)(channel + 1);
    return channel < 0 ? mel->low : mel->low + above;
}

float nnom_mel_of_bin(const nnom_mel_t *mel, int32_t bin)
{
    return mel_of((float)bin * mel->hertz_per_bin);
}

int32_t nnom_mel_beyond(const nnom_mel_t *mel, int32_t channel, int32_t bin)
{
    while (nnom_mel_of_bin(mel, bin) <= nnom_mel_centre(mel, channel)) {
        bin++;
    }
    return bin;
}
