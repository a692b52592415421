/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What making tables takes: places in the caller's memory, rules for settings, and the mel scale. */
#ifndef NNOM_FEATURES_TABLES_H
#define NNOM_FEATURES_TABLES_H

#include "nnom_audio.h"

#define NNOM_PI 3.14159265358979323846

/* ---- Places one after another; at NULL: only counted ---- */

typedef struct nnom_audio_places {
    uint8_t *base;
    uint32_t used;
} nnom_audio_places_t;

/* The next bytes, at a multiple of 8; NULL while counting. */
void *nnom_audio_place(nnom_audio_places_t *places, size_t bytes);

/* ---- Rules ---- */

typedef struct nnom_audio_rule {
    bool holds;
    const char *text; /* "step: 1 to window samples" */
} nnom_audio_rule_t;

/* The text of the first that does not hold, or NULL. */
const char *nnom_audio_broken(const nnom_audio_rule_t *rules, uint32_t count);
/* false also for NaN */
static inline bool nnom_audio_within(float x, float least, float most)
{
    return x >= least && x <= most;
}
const char *nnom_audio_frame_fault(const nnom_audio_frame_t *frame);
/* Whether an output type has the zero point; float32: any. */
bool nnom_audio_holds_zero(nnom_type_t type, int32_t zero_point);

/* A front end but for its arithmetic: window, step, columns, their type and bytes. cepstra 0: as many columns as channels. */
nnom_audio_t nnom_audio_made(const nnom_audio_frame_t *frame, int32_t cepstra, nnom_type_t type);

/* ---- Transforms ---- */

/* b: the transform's length is 2^b, which covers a window. */
uint32_t nnom_audio_fft_bits(const nnom_audio_frame_t *frame);
/* Numbers of pairs: half the length. */
uint32_t nnom_audio_pairs(const nnom_audio_frame_t *frame);

/* ---- The bank: triangles of the same width on the mel scale of HTK, 1127 ln(1 + f / 700), in float ---- */

typedef struct nnom_mel {
    float low;
    float spacing;
    float hertz_per_bin;
    int32_t first_bin;
} nnom_mel_t;

/* first_bin is 1.5 + where `lower` lies, cut, as TFLM has it: the first above it that does not lie next to it. */
nnom_mel_t nnom_mel(const nnom_audio_frame_t *frame);
/* Of triangle `channel`, or of the low end for -1. */
float nnom_mel_centre(const nnom_mel_t *mel, int32_t channel);
float nnom_mel_of_bin(const nnom_mel_t *mel, int32_t bin);
/* The first bin above the centre of a triangle, from `bin` on. */
int32_t nnom_mel_beyond(const nnom_mel_t *mel, int32_t channel, int32_t bin);

#endif
