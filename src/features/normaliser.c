/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Sliding normalisation of sensors: sums of a window in whole numbers, which a new row joins and the oldest leaves. */
#include "nnom_sensors.h"

#include <math.h>
#include <string.h>

static bool normaliser_within(float x)
{
    return x >= 1e-30f && x <= 1e30f; /* NaN is not */
}

static bool normaliser_holds_zero(const nnom_normaliser_settings_t *s)
{
    const int32_t least = s->type == NNOM_TYPE_S8 ? INT8_MIN : INT16_MIN;
    return s->type == NNOM_TYPE_F32 || (s->zero_point >= least && s->zero_point <= -1 - least);
}

const char *nnom_normaliser_fault(const nnom_normaliser_settings_t *s)
{
    if (s == NULL) {
        return "settings: NULL";
    }
    if (s->channels < 1 || s->channels > 1024) {
        return "channels: 1 to 1024";
    }
    if (s->window < 1 || s->window > 65535) {
        return "window: 1 to 65535 rows";
    }
    if (!normaliser_within(s->least)) {
        return "least: above 0";
    }
    if (s->type != NNOM_TYPE_S8 && s->type != NNOM_TYPE_S16 && s->type != NNOM_TYPE_F32) {
        return "type: int8, int16 or float32";
    }
    if (!normaliser_within(s->scale)) {
        return "scale: above 0";
    }
    return normaliser_holds_zero(s) ? NULL : "zero_point: within the type";
}

uint32_t nnom_normaliser_bytes(const nnom_normaliser_settings_t *s)
{
    return nnom_normaliser_fault(s) != NULL ? 0 : NNOM_NORMALISER_BYTES((uint32_t)s->channels, (uint32_t)s->window);
}

nnom_status_t nnom_normaliser_start(nnom_normaliser_t *normaliser, const nnom_normaliser_settings_t *settings,
                                    void *memory, uint32_t bytes)
{
    if (normaliser == NULL || settings == NULL || memory == NULL) {
        return NNOM_NULL;
    }
    if (nnom_normaliser_fault(settings) != NULL || (uintptr_t)memory % 8u != 0) {
        return NNOM_BAD_ARGUMENT;
    }
    if (bytes < nnom_normaliser_bytes(settings)) {
        return NNOM_TOO_SMALL;
    }
    const uint32_t channels = (uint32_t)settings->channels;
    uint64_t *squares = memory;
    int32_t *sums = (int32_t *)(void *)(squares + channels);
    *normaliser =
        (nnom_normaliser_t){settings, squares, sums, sums + channels, (int16_t *)(void *)(sums + 2 * channels), 0, 0};
    memset(memory, 0, nnom_normaliser_bytes(settings));
    return NNOM_OK;
}

/* A number comes or goes. |sum| <= 2^15 * 65535 < 2^31, squares <= 2^30 * 65535 < 2^46: wrapping in between is taken back. */
static void normaliser_add(nnom_normaliser_t *n, int32_t c, int32_t x)
{
    n->sums[c] += x;
    n->squares[c] += (uint64_t)(x * x);
}

static void normaliser_remove(nnom_normaliser_t *n, int32_t c, int32_t x)
{
    n->sums[c] -= x;
    n->squares[c] -= (uint64_t)(x * x);
}

/*
 * With k rows: k (x - mean) and k^2 variance are whole numbers, |k x - sum| < 2^32, k squares and sum^2 < 2^62. Their floats are the nearest
 * ones, and so is each result: the same everywhere.
 */
static float normaliser_value(const nnom_normaliser_t *n, int32_t c, int32_t x)
{
    const int64_t k = n->held, sum = n->sums[c];
    const float away = (float)(k * x - sum), count = (float)k;
    if (!n->settings->deviation) {
        return away / count;
    }
    const float deviation = sqrtf((float)(k * (int64_t)n->squares[c] - sum * sum)), least = n->settings->least * count;
    return away / (deviation > least ? deviation : least);
}

static void normaliser_store(const nnom_normaliser_t *n, int32_t c, float v)
{
    const nnom_normaliser_settings_t *s = n->settings;
    if (s->type == NNOM_TYPE_S8) {
        ((int8_t *)n->out)[c] = (int8_t)nnom_stored(v, s->scale, s->zero_point, INT8_MIN, INT8_MAX);
    } else if (s->type == NNOM_TYPE_S16) {
        ((int16_t *)n->out)[c] = (int16_t)nnom_stored(v, s->scale, s->zero_point, INT16_MIN, INT16_MAX);
    } else {
        ((float *)n->out)[c] = v;
    }
}

const void *nnom_normaliser_push(nnom_normaliser_t *normaliser, const int16_t *row)
{
    const nnom_normaliser_settings_t *s = normaliser->settings;
    int16_t *place = normaliser->rows + (size_t)normaliser->next * (size_t)s->channels;
    const bool full = normaliser->held == s->window;
    normaliser->held += full ? 0 : 1;
    normaliser->next = normaliser->next + 1 == s->window ? 0 : normaliser->next + 1;
    for (int32_t c = 0; c < s->channels; c++) {
        if (full) {
            normaliser_remove(normaliser, c, place[c]);
        }
        place[c] = row[c];
        normaliser_add(normaliser, c, row[c]);
        normaliser_store(normaliser, c, normaliser_value(normaliser, c, row[c]));
    }
    return normaliser->out;
}
