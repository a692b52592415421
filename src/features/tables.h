/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* What making tables takes: places in the caller's memory, and the mel scale. */
#ifndef NNOM_FEATURES_TABLES_H
#define NNOM_FEATURES_TABLES_H

#include <stddef.h>
#include <stdint.h>

/* Places one after another; at NULL: only counted. */
typedef struct nnom_audio_places {
    uint8_t *base;
    uint32_t used;
} nnom_audio_places_t;

/* The next bytes, at a multiple of 8; NULL while counting. */
void *nnom_audio_place(nnom_audio_places_t *places, size_t bytes);

/* The power of 2 from which a transform covers a window. */
uint32_t nnom_fft_bits(uint32_t window);

/* The mel scale of HTK, in float: 1127 ln(1 + f / 700). */
float nnom_mel(float hertz);

#endif
