/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Rows of sensors, int16, made independent of offset and gain: each channel less its mean, over its standard deviation, both of a sliding
 * window. Sums are whole numbers and exact, so that they never drift; a row costs the same for any window. No malloc: the caller gives the
 * memory. Firmware that calls none of it links none of it. Formulas: SPEC.md, "Sliding normalisation".
 *
 *     static const nnom_normaliser_settings_t settings = {.channels = 6, .window = 256, .deviation = true, .least = 8.0f, ...};
 *     nnom_normaliser_start(&normaliser, &settings, memory, sizeof memory);
 *     nnom_feed(model, nnom_normaliser_push(&normaliser, row), 1);
 */
#ifndef NNOM_SENSORS_H
#define NNOM_SENSORS_H

#include "nnom_run.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nnom_normaliser_settings {
    int32_t channels; /* numbers of a row, 1 to 1024 */
    int32_t window;   /* rows that mean and deviation are of, this one included, 1 to 65535; fewer at the start */
    bool deviation;   /* true: over the standard deviation; false: only the mean is taken off */
    float least;      /* the deviation counts as this at least: noise of a sensor at rest shall not become loud; > 0 */

    /* float32 goes out as it is; integers as clamp(round(v / scale) + zero_point), nnom_stored() */
    nnom_type_t type; /* NNOM_TYPE_F32, NNOM_TYPE_S8 or NNOM_TYPE_S16 */
    float scale;      /* > 0 */
    int32_t zero_point;
} nnom_normaliser_settings_t;

/* The members are private. */
typedef struct nnom_normaliser {
    const nnom_normaliser_settings_t *settings;
    uint64_t *squares; /* [channels]: of the window */
    int32_t *sums;     /* [channels] */
    void *out;         /* [channels] */
    int16_t *rows;     /* [window][channels], a ring */
    int32_t held;      /* rows that are here */
    int32_t next;      /* where the next one goes */
} nnom_normaliser_t;

/* Bytes of memory, as a macro for static memory: sums, a row, and the window. */
#define NNOM_NORMALISER_BYTES(channels, window) (16u * (channels) + 2u * (channels) * (window))

/* NULL, or which setting is wrong and what it may be; static text. */
const char *nnom_normaliser_fault(const nnom_normaliser_settings_t *settings);
/* 0 if a setting is wrong. */
uint32_t nnom_normaliser_bytes(const nnom_normaliser_settings_t *settings);
/*
 * Nothing heard yet. settings: the caller's, alive as long as *normaliser, as is memory: `bytes` bytes at a multiple of 8. NNOM_NULL;
 * NNOM_BAD_ARGUMENT (nnom_normaliser_fault() tells, or the address); NNOM_TOO_SMALL. Called again: starts anew.
 */
nnom_status_t nnom_normaliser_start(nnom_normaliser_t *normaliser, const nnom_normaliser_settings_t *settings,
                                    void *memory, uint32_t bytes);
/* Takes a row [channels] and returns it normalised: [channels] of settings->type in the memory, valid until the next call. */
const void *nnom_normaliser_push(nnom_normaliser_t *normaliser, const int16_t *row);

#ifdef __cplusplus
}
#endif

#endif
